"""Whatever happens to a package on its way: the answer is a verdict or a refusal in words.

A failure names the seed that it can be repeated with. The long run is part of `make fuzz`.
"""

import copy
import json
import random
import time
from typing import Any

import pytest

from shared.formats.al.check.extension import TargetSet
from shared.formats.al.check.extension_set import check_packages
from shared.formats.al.compare.versions import ComparisonSettings, compare_versions
from shared.formats.al.finding import Compatibility
from shared.formats.al.package.container import AppFileKind, PackageError, open_package
from shared.formats.al.symbols.index import AppIndex, index_package
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
from tests.support.effort import first_seed, times

pytestmark = pytest.mark.effort

ROUNDS = times(150)
SEED = first_seed(0)
SECONDS = 20.0
"""No package takes longer, by far: more is a hang."""
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
_ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 3.5, 1e300, 10**30, "", " ", "x", "1", "9" * 30, "#" * 40, "\U0001f6a2", "\0"),
    *([], {}, [None], [[]], [{}], {"Name": None}, {"Id": "x"}, [5], "Removed", "1=2,3", '"', "''", "a.b.c"),
)


def _odd(symbols: Json, rng: random.Random) -> Json:
    """Values, lists or keys somewhere in the symbols replaced by what no compiler should write."""
    root = copy.deepcopy(symbols)
    for _ in range(rng.randint(1, 6)):
        node: Any = root
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = rng.choice(keys)
            if isinstance(node[key], dict | list) and node[key] and rng.random() < 0.8:
                node = node[key]
                continue
            way = rng.randrange(4)
            if way == 0:
                del node[key]
            elif way == 1 and isinstance(node, list):
                node.append(copy.deepcopy(node[key]))
            elif way == 2 and isinstance(node, dict):
                node[str(key).upper() + "s"] = node.pop(key)
            else:
                node[key] = copy.deepcopy(rng.choice(_ODD))
            break
    return root


def _wrapped(data: bytes, rng: random.Random) -> bytes:
    """Sometimes as a ready-to-run package, or signed."""
    way = rng.randrange(8)
    if way == 0:
        named = json.dumps({"EmbeddedAppFileName": "x.app"}).encode()
        return container(zipped({"readytorunappmanifest.json": named, "x.app": data}))
    return data + b"NXSB" + bytes(30) + b"NXSB" if way == 1 else data


def _mutant(rng: random.Random, *objects: Json) -> bytes:
    """The whole file, one entry inside an intact container, or a value of the symbols."""
    symbols = symbol_file(*objects)
    way = rng.random()
    if way < 0.4:
        symbols = _odd(symbols, rng)
    entries = package_entries(symbols, {"A.al": SOURCE}, application="25.0.0.0")
    if way >= 0.6:
        name = rng.choice(list(entries))
        entries[name] = _bytes(entries[name], rng)
    data = _wrapped(container(zipped(entries)), rng)
    return _bytes(data, rng) if 0.4 <= way < 0.6 else data


def test_mutated_packages_end_in_a_verdict_or_a_refusal() -> None:
    base = index_package(open_package(base_app(*OBJECTS)))
    sound = [open_package(container(zipped(package_entries(symbol_file(*OWN), {"A.al": SOURCE}))))]
    seen = set()
    kinds = set()
    for seed in range(SEED, SEED + ROUNDS):
        rng = random.Random(seed)
        start = time.process_time()
        try:
            mutant = open_package(_mutant(rng, *OWN), "mutant.app")
            kinds.add(mutant.kind)
            assert (mutant.manifest is None) == bool(mutant.problem)
            reports = check_packages([mutant], TargetSet([base]))
            seen |= {r.verdict for r in reports}
            assert all(r.verdict is not Compatibility.UNVERIFIABLE or r.undecided for r in reports)
            other = _as_base(_mutant(rng, *OBJECTS), base)
            check_packages(sound, TargetSet([other], [base]))
            _compare(base, other)
        except Exception as error:
            raise AssertionError(f"DRYDOCK_TEST_SEED={seed} ended in {error!r}") from error
        assert time.process_time() - start < SECONDS, f"DRYDOCK_TEST_SEED={seed} took too long"
    assert {Compatibility.COMPATIBLE, Compatibility.UNVERIFIABLE, Compatibility.INCOMPATIBLE} <= seen
    assert {AppFileKind.PLAIN, AppFileKind.SIGNED, AppFileKind.READY_TO_RUN, AppFileKind.DAMAGED} <= kinds


def _compare(base: AppIndex, other: AppIndex) -> None:
    stored = AppIndex.from_bytes(other.to_bytes())
    everything = ComparisonSettings(internal=True, obsolete=True, onprem=True, hidden=True, obsolete_tag="1.0")
    for old, new in ((base, stored), (stored, base)):
        found = compare_versions(old, new, everything, [stored, base])
        assert all(f.code and f.message for f in found.findings)


def _as_base(data: bytes, otherwise: AppIndex) -> AppIndex:
    try:
        return index_package(open_package(data, "mutant.app"))
    except PackageError:
        return otherwise
