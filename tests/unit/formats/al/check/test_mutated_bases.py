"""What a new base lost blocks at exactly the lines that name it: every name of a base is taken away in turn.

A part of the names is tried in `make test`, all of them in `make chaos`. Real packages are tried the same way where
`DRYDOCK_CORPUS` names a folder of them.
"""

import os
import random
from functools import cache
from pathlib import Path

import pytest

from shared.formats.al.check.extension import TargetSet, check_extension
from shared.formats.al.package.container import open_package
from shared.formats.al.source.opening import OpenedExtension, open_extension
from tests.benchmarks.extension_judgements import mutated, open_pairs
from tests.support.al_mutations import Bases, Line, blocked_lines, named_lines
from tests.support.al_packages import BASE_ID, app
from tests.support.effort import first_seed, times

pytestmark = pytest.mark.effort

HARBOUR = Path(__file__).parent / "harbour"
FILLERS = 40
FILLER = """
table {n} "Depot {n}" {{ fields {{ field(1; "Depot No. {n}"; Code[20]) {{ }} field(2; "Stock {n}"; Decimal) {{ }} }}
    keys {{ key(PK; "Depot No. {n}") {{ }} }} procedure Refill{n}() begin end; }}
codeunit {n} "Depot Mgt. {n}" {{ procedure Count{n}(Depot: Record "Depot {n}"): Decimal begin end; }}
page {n} "Depot Card {n}" {{ SourceTable = "Depot {n}"; layout {{ area(content) {{ group(Stock{n}) {{
    field(StockBox{n}; Rec."Stock {n}") {{ }} }} }} }} actions {{ area(processing) {{ action(Count{n}) {{ }} }} }} }}
enum {n} "Depot Sort {n}" {{ value(0; Near{n}) {{ }} value(1; Far{n}) {{ }} }}
report {n} "Depot Log {n}" {{ dataset {{ dataitem(Item{n}; "Depot {n}") {{ column(Col{n}; "Stock {n}") {{ }} }} }} }}
"""


def opened(sources: dict[str, str], **manifest: str) -> OpenedExtension:
    found = open_extension(open_package(app(None, sources, **manifest)))
    assert found.undecided == []
    return found


@cache
def harbour() -> Bases:
    fillers = "".join(FILLER.format(n=1000 + n) for n in range(FILLERS))
    base = opened(
        {"Base.al": (HARBOUR / "base.al").read_text(), "Fillers.al": fillers},
        app_id=BASE_ID,
        name="Base Application",
        publisher="Microsoft",
        version="25.0.0.0",
        target="OnPrem",
    )
    return Bases([base.index])


@cache
def extension() -> OpenedExtension:
    return opened({"Extension.al": (HARBOUR / "extension.al").read_text()}, application="25.0.0.0")


@cache
def named() -> dict[str, set[Line]]:
    return named_lines(extension(), harbour())


def blocked(*names: str) -> set[Line]:
    return blocked_lines(check_extension(extension(), TargetSet(harbour().without(names), harbour().indexes)))


def shown(lines: set[Line]) -> list[str]:
    text = (HARBOUR / "extension.al").read_text().splitlines()
    return [f"{line}: {text[line - 1].strip()}" for _, line in sorted(lines)]


def test_the_extension_works_with_its_own_base() -> None:
    report = check_extension(extension(), TargetSet(harbour().indexes))
    assert (report.findings, report.undecided) == ((), ())


def test_whatever_a_new_base_has_lost_blocks_the_lines_that_name_it_and_no_others() -> None:
    names = sorted(named())
    assert len(names) > 115
    tried = random.Random(first_seed(0)).sample(names, min(times(25), len(names)))
    found = {name: blocked(name) for name in tried}
    assert {n: shown(lines - named()[n]) for n, lines in found.items() if lines - named()[n]} == {}, "false alarms"
    assert {n: shown(named()[n] - lines) for n, lines in found.items() if named()[n] - lines} == {}, "missed"


@pytest.mark.timeout(600)
def test_what_real_packages_name_of_their_bases_is_found_when_it_is_lost() -> None:
    folder = os.environ.get("DRYDOCK_CORPUS")
    if not folder:
        pytest.skip("DRYDOCK_CORPUS names no folder of real packages")
    draw = random.Random(first_seed(0))
    pairs = [
        (extension, apps) for _, extension, apps, breaks in open_pairs(Path(folder)) if extension.files and not breaks
    ]
    for extension, apps in draw.sample(pairs, min(times(2), len(pairs))):
        judged = mutated(extension, apps, draw)
        assert judged.false == []
        # Some words are also those of what only the server has.
        assert judged.blocked.total() >= 0.9 * judged.named.total()
