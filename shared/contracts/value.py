"""What states, messages and their parts have in common: a value is never changed, another one takes its place."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError


class Value(BaseModel):
    """A frozen model that can be copied with changes, and checks them: names always, values against their types.

    The type checker knows the fields of `replace`, too (`shared.kernel.mypy_plugin`). Only what is changed is looked
    at, and models inside it are taken as they are, so that a copy stays cheap however large the value is.
    """

    model_config = ConfigDict(frozen=True)

    def replace(self, **changes: Any) -> Self:
        """A copy with these fields changed.

        Raise TypeError if there is no such field, or if a value is not of the field's type; nothing is converted.
        """
        return self.model_copy(update=changes)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic's, but with the checks of `replace`."""
        if update:
            cls = type(self)
            for name, value in update.items():
                _check(cls, name, value)
        return super().model_copy(update=update, deep=deep)


_CHECKS: dict[tuple[type[Value], str], Callable[..., Any]] = {}
"""By class and field, made when a field is replaced for the first time."""


def _check(cls: type[Value], name: str, value: Any) -> None:
    validate = _CHECKS.get((cls, name))
    if validate is None:
        validate = _CHECKS[cls, name] = _adapter(cls, name).validator.validate_python
    try:
        validate(value, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in (name, *first["loc"]))
        raise TypeError(f"{cls.__name__}.{place} cannot be {value!r:.80}: {first['msg']}") from None


def _adapter(cls: type[Value], name: str) -> TypeAdapter[Any]:
    fields = cls.model_fields
    if name not in fields:
        nearest = get_close_matches(name, fields, n=1) or get_close_matches(name, fields, n=1, cutoff=0.0)
        hint = f"; is {nearest[0]!r} meant?" if nearest else ""
        raise TypeError(f"{cls.__name__} has no field {name!r}{hint}")
    return TypeAdapter(fields[name].rebuild_annotation())
