"""Lists of modules are compared by one function, whoever asks."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from shared.formats.difference import ChangedModule, ModuleDifference, compare_modules


@dataclass(frozen=True)
class Module:
    name: str
    version: str = "1.0"


def test_modules_are_compared_in_any_case_and_kept_as_they_are_written() -> None:
    before = [Module("Kept"), Module("Up", "1.9"), Module("Down", "2.0"), Module("Gone"), Module("Cut")]
    after = [Module("New"), Module("KEPT"), Module("down", "1.0"), Module("up", "1.10")]
    down, up = ChangedModule(before[2], after[2]), ChangedModule(before[1], after[3])
    found = compare_modules(before, after, ["CUT", "never"])
    assert found == ModuleDifference(
        added=(Module("New"),), changed=(down, up), missing=(Module("Gone"),), removed=(Module("Cut"),)
    )
    assert (found.downgraded, found.upgraded) == ((down,), (up,))


def test_a_version_that_is_written_differently_is_changed_and_neither_higher_nor_lower() -> None:
    found = compare_modules([Module("A", "1.0"), Module("B", "1")], [Module("A", "1.0.0.0"), Module("B", "main")])
    assert [one.after.version for one in found.changed] == ["1.0.0.0", "main"]
    assert (found.downgraded, found.upgraded) == ((), ())


def test_a_module_that_is_named_for_removal_and_is_there_again_is_not_removed() -> None:
    found = compare_modules([Module("A")], [Module("a", "2.0")], ["A"])
    assert (found.removed, found.missing, len(found.upgraded)) == ((), (), 1)


NAMES = st.sets(st.sampled_from("ABCDEFG")).map(sorted)


@given(before=NAMES, after=NAMES, removed=NAMES)
def test_every_module_is_told_of_once_and_none_is_lost(before: list[str], after: list[str], removed: list[str]) -> None:
    found = compare_modules([Module(one) for one in before], [Module(one.lower()) for one in after], removed)
    gone = [one.name for one in (*found.missing, *found.removed)]
    assert sorted(gone) == sorted(set(before) - set(after))
    assert {one.name for one in found.removed} <= set(removed)
    assert sorted(one.name.upper() for one in found.added) == sorted(set(after) - set(before))
    assert found.changed == ()
