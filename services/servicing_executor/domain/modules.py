"""How the modules of what comes differ from those that run."""

from collections.abc import Sequence

from shared.contracts.parts import ImageContents, Module, ModuleChange, ModuleChanges, PackageContents, PackageKind
from shared.formats import difference


def module_changes(running: ImageContents, package: PackageContents) -> ModuleChanges:
    """How the customization modules of a package differ from those that run; a platform package keeps them."""
    if package.kind is PackageKind.PLATFORM:
        return ModuleChanges(added=(), changed=(), missing=())
    return compare_modules(running.modules, package.modules, package.removed_modules)


def compare_modules(running: Sequence[Module], coming: Sequence[Module], removed: Sequence[str]) -> ModuleChanges:
    """What is added, changed, and missing without being removed."""
    found = difference.compare_modules(running, coming, removed)
    return ModuleChanges(
        added=found.added,
        changed=tuple(
            ModuleChange(name=one.after.name, running=one.before.version, package=one.after.version)
            for one in found.changed
        ),
        missing=found.missing,
    )
