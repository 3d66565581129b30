"""Which rows and codes of the table of rules tests show, so that none is claimed without one."""

from collections.abc import Callable
from typing import TypeVar

_Test = TypeVar("_Test", bound=Callable[..., None])
SHOWN: set[tuple[int, str]] = set()


def shows(*pairs: tuple[int, str]) -> Callable[[_Test], _Test]:
    """Marks a test as the one that triggers these codes of these rows."""
    SHOWN.update(pairs)
    return lambda test: test
