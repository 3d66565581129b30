"""Whatever happens to a package on its way: the answer is a verdict or a refusal in words."""

import os
import random

from services.extension_compatibility_checker.al.checking import Target, check_packages
from services.extension_compatibility_checker.al.container import PackageError, open_package
from services.extension_compatibility_checker.al.finding import Verdict
from services.extension_compatibility_checker.al.index import AppIndex, index_package
from tests.support.al_packages import (
    Json,
    base_app,
    codeunit,
    container,
    control,
    enum,
    event,
    field,
    method,
    package_entries,
    page,
    symbol_file,
    table,
    zipped,
)

ROUNDS = int(os.environ.get("DRYDOCK_MUTATIONS", "200"))
OBJECTS = (
    table(
        18,
        "Customer",
        field(1, "No.", "Code[20]"),
        field(2, "Kind", "Option A,B"),
        methods=[method("Go", "var A: Text")],
    ),
    codeunit(80, "Sales-Post", event("OnBeforePost", "var R: Record 18 Customer", sender=True)),
    page(31, "Item List", controls=[control("Content", 0, control("Item", 3))], SourceTable="Customer"),
    enum(5, "Colour", "Red", "Green"),
)
SOURCE = """
#if not OLD
tableextension 50000 X extends Customer { fields { field(50000; "Mine"; Code[20])
    { TableRelation = if (Kind = const(A)) Customer."No." where(Kind = filter(A | B)); } }
    keys { key(K; Mine) { } } }
#endif
pageextension 50001 Y extends "Item List" {
    layout { addlast(Item) { field(F; Rec."No.") { } } modify(Item) { } } }
codeunit 50002 Z { TableNo = Customer;
    [EventSubscriber(ObjectType::Codeunit, Codeunit::"Sales-Post", 'OnBeforePost', '', true, true)]
    local procedure H(var R: Record Customer; sender: Codeunit "Sales-Post") var A: array[2] of Text; begin
        with R do if "No." in ['a'..'b'] then Go(A[1]) else repeat Next(); until Kind = Kind::B;
        case R.Kind of R.Kind::A: exit; else Error('x'); end; // done
    end; }
enumextension 50003 E extends Colour { value(7; Pink) { Caption = 'P'; } }
"""


def _bytes(data: bytes, rng: random.Random) -> bytes:
    mutated = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(mutated))
        way = rng.randrange(4)
        if way == 0:
            mutated[at] ^= 1 << rng.randrange(8)
        elif way == 1:
            del mutated[at : at + rng.randint(1, 20)]
        elif way == 2:
            mutated[at:at] = mutated[at : at + rng.randint(1, 40)]
        else:
            mutated[at : at + 1] = rng.choice(
                [b"(", b'"', b"'", b"{", b"}", b"[", b"\0", b"null", b"-1", b"1e999", b"/*"]
            )
        if not mutated:
            return b""
    return bytes(mutated)


OWN = (codeunit(50009, "Helper", method("Help", "N: Record 18 Customer", returns="List")),)


def _mutant(rng: random.Random, *objects: Json) -> bytes:
    """The whole file, or one entry inside an intact container."""
    entries = package_entries(symbol_file(*objects), {"A.al": SOURCE}, application="25.0.0.0")
    if rng.random() < 0.25:
        return _bytes(container(zipped(entries)), rng)
    name = rng.choice(list(entries))
    return container(zipped(entries | {name: _bytes(entries[name], rng)}))


def test_mutated_packages_end_in_a_verdict_or_a_refusal() -> None:
    base = index_package(open_package(base_app(*OBJECTS)))
    sound = [open_package(container(zipped(package_entries(symbol_file(*OWN), {"A.al": SOURCE}))))]
    seen = set()
    for seed in range(ROUNDS):
        rng = random.Random(seed)
        try:
            reports = check_packages([open_package(_mutant(rng, *OWN), "mutant.app")], Target([base]))
            seen |= {r.verdict for r in reports}
            assert all(r.verdict is not Verdict.UNVERIFIABLE or r.undecided for r in reports)
            check_packages(sound, Target([_as_base(_mutant(rng, *OBJECTS), base)]))
        except Exception as error:
            raise AssertionError(f"seed {seed} ended in {error!r}") from error
    assert {Verdict.COMPATIBLE, Verdict.UNVERIFIABLE, Verdict.INCOMPATIBLE} <= seen


def _as_base(data: bytes, otherwise: AppIndex) -> AppIndex:
    try:
        return index_package(open_package(data, "mutant.app"))
    except PackageError:
        return otherwise
