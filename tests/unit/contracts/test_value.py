"""Values are copied with changes that are checked."""

from typing import Any

import pytest

from shared.contracts.message import Part
from shared.contracts.parts import Module, Problem


class Box(Part):
    """Something with parts."""

    label: str
    modules: tuple[Module, ...] = ()
    weight: float | None = None


BOX = Box(label="tools", modules=(Module(name="A", version="1.0"),))


def test_a_copy_has_the_changes_and_shares_the_rest() -> None:
    heavier = BOX.replace(weight=2.5)
    assert (heavier.label, heavier.weight) == ("tools", 2.5)
    assert heavier.modules[0] is BOX.modules[0]
    assert BOX.weight is None


def test_a_field_that_there_is_not_is_refused_with_the_nearest_one() -> None:
    misspelt: dict[str, Any] = {"wieght": 2.5}
    with pytest.raises(TypeError, match="Box has no field 'wieght'; is 'weight' meant"):
        BOX.replace(**misspelt)
    with pytest.raises(TypeError, match="Box has no field 'wieght'"):
        BOX.model_copy(update=misspelt)


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [("label", 3, "Box.label"), ("modules", ("A",), "Box.modules.0"), ("modules", [], "Box.modules")],
)
def test_a_value_of_another_type_is_refused_and_not_converted(field: str, value: object, place: str) -> None:
    changes: dict[str, Any] = {field: value}
    with pytest.raises(TypeError, match=f"^{place} cannot be"):
        BOX.replace(**changes)
    with pytest.raises(TypeError, match=f"^{place} cannot be"):
        BOX.model_copy(update=changes)


def test_a_copy_without_changes_is_the_same_value() -> None:
    assert BOX.model_copy() == BOX
    assert BOX.model_copy(deep=True).modules == BOX.modules


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "no reason given"), (" it runs ", "it runs"), ("x" * 500, "x" * 500), ("x" * 501, "x" * 499 + "…")],
    ids=["empty", "short", "as long as may be", "too long"],
)
def test_a_problem_is_made_of_any_text(text: str, told: str) -> None:
    assert Problem.of("OPERATION_RUNNING", text) == Problem(reason="OPERATION_RUNNING", message=told)
