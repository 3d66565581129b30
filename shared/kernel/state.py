"""What the states of aggregates are made of, and what their work is given and brings."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

from shared.contracts.lifecycle import Lifecycle
from shared.contracts.value import Value
from shared.kernel.outcomes import Permanent


class State(Value):
    """The state of an aggregate, or a value that is kept with it.

    Unknown fields are refused, when it is copied and when it is read.

    One that has a `status` names the table of its moves:

        class Promotion(State):
            lifecycle = PROMOTION
            status: PromotionStatus

    Then `move` alone changes the status; where it is a property, whatever it follows from may change only as the
    table says.
    """

    model_config = ConfigDict(extra="forbid")

    lifecycle: ClassVar[Lifecycle[Any] | None] = None

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if cls.lifecycle is None:
            return
        statuses = _type_of_status(cls)
        if statuses is not cls.lifecycle.statuses:
            raise TypeError(
                f"{cls.__name__} has a lifecycle of {cls.lifecycle.statuses.__name__}, its status is {statuses}"
            )

    def move(self, status: Any, **changes: Any) -> Self:
        """A copy in this status, with these fields changed. Where it stands in it already, that is no move.

        Raise Permanent if the lifecycle has no such move, TypeError if there is no lifecycle or no field `status`.
        """
        _check_has_status(type(self))
        return self.model_copy(update={**changes, "status": status})

    def replace(self, **changes: Any) -> Self:
        """A copy with these fields changed, but for its status, which `move` changes.

        Raise TypeError if there is no such field, or if a value is not of the field's type.
        """
        if "status" in changes and type(self).lifecycle is not None:
            raise TypeError(f"the status of {type(self).__name__} is changed by `move`")
        return self.model_copy(update=changes)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic's, but with the checks of `replace`, and none but allowed moves."""
        copy = super().model_copy(update=update, deep=deep)
        lifecycle = type(self).lifecycle
        if lifecycle is not None:
            before, after = _status_of(self), _status_of(copy)
            if not lifecycle.allows(before, after):
                raise Permanent(_sentence(type(self), lifecycle, before, after))
        return copy


def check_moves(model: type[BaseModel], before: BaseModel | None, after: BaseModel | None) -> None:
    """Raise Permanent if the moves of an aggregate's lifecycle do not lead from its state before to the one after."""
    if not issubclass(model, State) or model.lifecycle is None or before is after:
        return
    status_before = None if before is None else _status_of(before)
    status_after = None if after is None else _status_of(after)
    if not model.lifecycle.reaches(status_before, status_after):
        raise Permanent(_sentence(model, model.lifecycle, status_before, status_after))


def _sentence(model: type[State], lifecycle: Lifecycle[Any], before: StrEnum | None, after: StrEnum | None) -> str:
    was = f"that is {before}" if before else "that is new"
    becomes = f"become {after}" if after else "be forgotten"
    return f"a {model.__name__} {was} cannot {becomes}; the ways on are: {lifecycle.ways_on(before)}"


def _status_of(state: Any) -> StrEnum:
    found: StrEnum = state.status
    return found


def _type_of_status(cls: type[State]) -> Any:
    if "status" in cls.model_fields:
        return cls.model_fields["status"].annotation
    found = getattr(cls, "status", None)
    return found.fget.__annotations__.get("return") if isinstance(found, property) and found.fget else None


def _check_has_status(cls: type[State]) -> None:
    if cls.lifecycle is None or "status" not in cls.model_fields:
        raise TypeError(f"{cls.__name__} has no lifecycle, or its status follows from other fields; use `replace`")
