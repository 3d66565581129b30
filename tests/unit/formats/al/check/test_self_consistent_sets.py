"""An app works with the very symbols that it was compiled with: no set that was built together may have a break.

Sets are put together from pieces that the compiler takes, and judged whole and with apps left out. Real packages are
judged where `DRYDOCK_CORPUS` names a folder of them.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.formats.al.check.extension import TargetSet
from shared.formats.al.check.extension_set import check_packages
from shared.formats.al.finding import BreakFinding, BreakSeverity, CodePart, Compatibility, Report
from tests.support.al_checks import check_set
from tests.support.al_packages import (
    BASE_ID,
    Json,
    app,
    base_app,
    codeunit,
    control,
    enum,
    event,
    extension,
    field,
    interface,
    method,
    page,
    symbol_file,
    table,
)
from tests.support.al_pairs import real_pairs
from tests.support.effort import times

HOME, LIBRARY, TOOLKIT = (f"99999999-0000-0000-0000-00000000000{n}" for n in (1, 2, 3))
VERSION = "25.1.1.0"


def added(number: int, *fields: Json) -> Json:
    return {
        "Kind_": "tableextension",
        "Id": number,
        "Name": f"E{number}",
        "TargetObject": "Item",
        "Fields": list(fields),
    }


BASE: Sequence[Json] = (
    table(
        18,
        "Customer",
        field(1, "No.", "Code[20]"),
        field(2, "Name", "Text[50]"),
        field(3, "Rank", "Integer", ObsoleteState="Pending", ObsoleteTag="24.0"),
        field(4, "Old Rank", "Integer", ObsoleteState="Removed", ObsoleteReason="Use Rank."),
        methods=[method("Rate", "N: Integer", returns="Decimal")],
    ),
    table(19, "Old Setup", field(1, "Key", "Code[10]"), ObsoleteState="Removed"),
    table(20, "Rank Setup", field(1, "Key", "Code[10]"), ObsoleteState="Moved", MovedTo=HOME),
    table(
        27,
        "Item",
        field(1, "No.", "Code[20]"),
        field(2, "Shelf", "Code[10]", ObsoleteState="Moved", MovedTo=HOME),
        field(3, "Weight", "Decimal", ObsoleteState="PendingMove", MovedTo=HOME),
    ),
    added(70, field(71, "Colour", "Integer", ObsoleteState="Moved", MovedTo=HOME)),
    codeunit(80, "Sales-Post", method("Go", "var C: Record 18 Customer"), event("OnBeforeGo", "Hide: Boolean")),
    page(21, "Customer Card", controls=[control("General", 1, control("No.", 8))], SourceTable="Customer"),
    enum(5, "Colour Kind", "Red", "Blue"),
    interface("Price", method("Get", "N: Integer", returns="Decimal")),
)
HOMES: Sequence[Json] = (
    table(20, "Rank Setup", field(1, "Key", "Code[10]"), MovedFrom=BASE_ID),
    added(72, field(2, "Shelf", "Code[10]", MovedFrom=BASE_ID), field(71, "Colour", "Integer", MovedFrom=BASE_ID)),
)
TESTED: Sequence[Json] = (codeunit(130000, "Assert", method("IsTrue", "B: Boolean")),)
OWNED: Sequence[Json] = (codeunit(60000, "Tools", method("Help", "N: Integer")),)


@dataclass(frozen=True)
class Piece:
    """Source that compiles with all apps given; `{n}` stands for a number of its own. `needs` is what it names."""

    source: str
    needs: str = ""


PIECES = (
    Piece("codeunit {n} W{n} { procedure P(C: Record Customer) begin C.Name := Format(C.Rate(1)); end; }"),
    Piece("codeunit {n} W{n} { procedure P(C: Record Customer) begin C.Rank := 1; end; }"),
    Piece('codeunit {n} W{n} { Subtype = Upgrade; procedure P(C: Record Customer) begin C."Old Rank" := 1; end; }'),
    Piece('codeunit {n} W{n} { Subtype = Install; var S: Record "Old Setup"; procedure P() begin S.Get(S.Key); end; }'),
    Piece('codeunit {n} W{n} { Subtype = Install; procedure P(C: Record Customer) begin C."Old Rank" := 1; end; }'),
    Piece('tableextension {n} W{n} extends Customer { fields { field({n}; "F{n}"; Code[10]) { } } }'),
    Piece(
        'pageextension {n} W{n} extends "Customer Card" { layout { addlast(General) { field("F{n}"; Rec.Name) { } } } }'
    ),
    Piece("enumextension {n} W{n} extends \"Colour Kind\" { value({n}; 'V{n}') { } }"),
    Piece("codeunit {n} W{n} implements Price { procedure Get(N: Integer): Decimal begin exit(1.5); end; }"),
    Piece(
        "codeunit {n} W{n} { [EventSubscriber(ObjectType::Codeunit, Codeunit::\"Sales-Post\", 'OnBeforeGo', '', false, "
        "false)] local procedure H(Hide: Boolean) begin end; }"
    ),
    Piece("codeunit {n} W{n} { procedure P(I: Record Item) begin I.Weight := 1; end; }"),
    Piece("codeunit {n} W{n} { procedure P(I: Record Item) begin I.Shelf := ''; end; }", HOME),
    Piece("codeunit {n} W{n} { procedure P(I: Record Item) begin I.SetRange(Colour); end; }", HOME),
    Piece('codeunit {n} W{n} { var S: Record "Rank Setup"; procedure P() begin S.Get(S.Key); end; }', HOME),
    Piece("codeunit {n} W{n} { var T: Codeunit Tools; procedure P() begin T.Help(1); end; }", LIBRARY),
    Piece(
        "codeunit {n} W{n} { Subtype = Test; var A: Codeunit Assert; procedure P() begin A.IsTrue(true); end; }",
        TOOLKIT,
    ),
    Piece(
        "codeunit {n} H{n} { var A: Codeunit Assert; procedure P() begin A.IsTrue(true); end; } "
        "codeunit 1{n} W{n} { Subtype = Test; var H: Codeunit H{n}; procedure P() begin H.P(); end; }",
        TOOLKIT,
    ),
    Piece("codeunit {n} W{n} { Subtype = TestRunner; procedure P(C: Record Customer) begin C.Name := ''; end; }"),
)


@cache
def given_app(app_id: str) -> bytes:
    name, publisher, objects = {
        HOME: ("Home", "Microsoft", HOMES),
        LIBRARY: ("Library", "Contoso", OWNED),
        TOOLKIT: ("Test", "Microsoft", TESTED),
    }[app_id]
    return app(symbol_file(*objects), app_id=app_id, name=name, publisher=publisher, version=VERSION)


@cache
def base() -> bytes:
    return base_app(*BASE, version=VERSION)


def breaks(report: Report) -> list[BreakFinding]:
    return [f for f in report.findings if f.severity is BreakSeverity.BLOCKS]


@settings(max_examples=times(40), deadline=None)
@given(
    pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=6),
    given_ids=st.permutations([HOME, LIBRARY, TOOLKIT]),
    count=st.integers(0, 3),
)
def test_a_set_that_was_built_together_has_no_break_and_what_is_left_out_of_it_is_unknown(
    pieces: list[Piece], given_ids: list[str], count: int
) -> None:
    source = " ".join(p.source.replace("{n}", str(50000 + at)) for at, p in enumerate(pieces))
    needs = {p.needs for p in pieces} - {""}
    dependencies = [
        (i, n, p, VERSION) for i, n, p in ((HOME, "Home", "Microsoft"), (LIBRARY, "Library", "Contoso")) if i in needs
    ]
    package = extension(source, test=VERSION if TOOLKIT in needs else None, dependencies=dependencies)
    (report,) = check_set([package], base(), *map(given_app, given_ids[:count]))
    assert breaks(report) == []
    absent = needs - set(given_ids[:count])
    assert bool(report.undecided) == bool(absent)
    assert (report.verdict is Compatibility.UNVERIFIABLE) == bool(absent - {TOOLKIT})
    tests = {p.part: p.verdict for p in report.parts}.get(CodePart.TESTS)
    assert (tests is Compatibility.UNVERIFIABLE) == (TOOLKIT in absent)


# -- real packages -----------------------------------------------------------------------------------------------------


def test_real_packages_have_no_break_with_the_apps_that_they_were_built_with() -> None:
    """Each package against the bases of the folder that are new enough for it: with one of them it was built."""
    folder = os.environ.get("DRYDOCK_CORPUS")
    if not folder:
        pytest.skip("DRYDOCK_CORPUS names no folder of real packages")
    judged: dict[str, list[BreakFinding]] = {}
    for package, sets in real_pairs(Path(folder)):
        for apps in sets:
            (report,) = check_packages([package], TargetSet(apps))
            found = breaks(report)
            judged[package.path] = min(judged.get(package.path, found), found, key=len)
            if not found:
                break
    if not judged:
        pytest.skip(f"no package under {folder} has a base there")
    assert {path: found for path, found in judged.items() if found} == {}
