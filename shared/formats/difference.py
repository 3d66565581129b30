"""The one comparison of module lists: of two packages, of two images, or of a package and the image that runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from shared.formats.versions import is_lower


class VersionedModule(Protocol):
    """A module as any format or message has it."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...


M = TypeVar("M", bound=VersionedModule)


@dataclass(frozen=True)
class ChangedModule(Generic[M]):
    """A module of both lists whose version is written differently."""

    before: M
    after: M


@dataclass(frozen=True)
class ModuleDifference(Generic[M]):
    """What becomes of modules: added and changed ones in the order of the later list, the others of the earlier."""

    added: tuple[M, ...]
    changed: tuple[ChangedModule[M], ...]
    missing: tuple[M, ...]
    """Those that the later list lacks although no removal file names them."""
    removed: tuple[M, ...]
    """Those that the later list lacks because a removal file names them."""

    @property
    def upgraded(self) -> tuple[ChangedModule[M], ...]:
        """The changed modules whose version is higher than before."""
        return tuple(one for one in self.changed if is_lower(one.before.version, one.after.version))

    @property
    def downgraded(self) -> tuple[ChangedModule[M], ...]:
        """The changed modules whose version goes back."""
        return tuple(one for one in self.changed if is_lower(one.after.version, one.before.version))


def compare_modules(before: Iterable[M], after: Iterable[M], removed: Iterable[str] = ()) -> ModuleDifference[M]:
    """Compare two lists of modules; `removed` are the names in the removal file. Names are equal in any case."""
    old = {module.name.casefold(): module for module in before}
    new = {module.name.casefold(): module for module in after}
    cut = {name.casefold() for name in removed}
    both = [ChangedModule(old[name], module) for name, module in new.items() if name in old]
    return ModuleDifference(
        added=tuple(module for name, module in new.items() if name not in old),
        changed=tuple(one for one in both if one.before.version != one.after.version),
        missing=tuple(module for name, module in old.items() if name not in new and name not in cut),
        removed=tuple(module for name, module in old.items() if name not in new and name in cut),
    )
