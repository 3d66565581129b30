"""All services under one seed: whatever befalls them, they keep what `deploy/faults.md` promises.

The checker is checked, too: each fault of `broken` is built in, and must be seen.
"""

import ast
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from tests.chaos.simulation import checker, history, lifecycles
from tests.chaos.simulation.broken import FAULTS, BuiltInFault
from tests.chaos.simulation.checker import check
from tests.chaos.simulation.lifecycles import OUTSIDE, leads, printed_lifecycles
from tests.chaos.simulation.world import Plan, simulate
from tests.support.effort import first_seed, times

COMMANDS = 150
SEEDS = 20
"""After so many a built-in fault must have been seen; the first is enough as a rule."""
AT_ONCE = 500
"""Commands of one run, at most: a long run is many."""


@pytest.mark.effort
@pytest.mark.timeout(7200)
def test_the_services_keep_their_promises_whatever_befalls_them(tmp_path: Path) -> None:
    left = times(COMMANDS)
    for seed in count(first_seed(1)):
        plan = Plan(seed, min(left, AT_ONCE))
        run = simulate(plan, tmp_path / str(seed))
        told = ", ".join(f"{number} {what}" for what, number in run.counts.items())
        print(f"seed {seed}: {told}", flush=True)
        assert check(run.history) == [], plan
        left -= plan.commands
        if left <= 0:
            break


def test_the_same_seed_makes_the_same_history(tmp_path: Path) -> None:
    one, again, other = (
        simulate(Plan(seed, 10), tmp_path / str(number)).digest for number, seed in enumerate((1, 1, 2))
    )
    assert one == again
    assert one != other


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.build_in.__name__)
def test_a_service_that_does_this_is_caught(
    fault: BuiltInFault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fault.build_in(monkeypatch)
    found: list[str] = []
    for seed in range(fault.plan.seed, fault.plan.seed + SEEDS):
        found += check(simulate(replace(fault.plan, seed=seed), tmp_path / str(seed)).history)
        if any(one.startswith(fault.seen_by.__name__) for one in found):
            return
    pytest.fail(f"{fault.seen_by.__name__} sees nothing: {found}")


def test_the_checker_shares_no_code_with_what_it_checks() -> None:
    rooms = (checker, history, lifecycles)
    own = {room.__name__ for room in rooms}
    for room in rooms:
        assert room.__file__
        for node in ast.walk(ast.parse(Path(room.__file__).read_text(encoding="utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [name.name for name in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert name in own or (name or "").partition(".")[0] not in ("shared", "services", "deploy", "tests")


def test_lifecycles_are_read_as_they_are_printed() -> None:
    printed = printed_lifecycles(
        "### ThingStatus\n\nWhere a thing stands:\n\n```mermaid\nstateDiagram-v2\n"
        '    state "not-done" as not_done\n    [*] --> not_done : made\n    not_done --> done\n    done --> [*]\n```\n'
    )
    assert printed == {
        "ThingStatus": {
            OUTSIDE: frozenset({"not-done"}),
            "not-done": frozenset({"done"}),
            "done": frozenset({OUTSIDE}),
        }
    }
    assert leads(printed["ThingStatus"], OUTSIDE, "done")
    assert leads(printed["ThingStatus"], "done", "done")
    assert not leads(printed["ThingStatus"], "done", "made")
