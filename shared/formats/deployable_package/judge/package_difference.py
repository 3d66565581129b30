"""What differs between two packages."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.formats.deployable_package.judge.verdict import JudgedModule, PackageVerdict
from shared.formats.difference import ChangedModule, ModuleDifference, compare_modules


@dataclass(frozen=True)
class NamedChanges:
    """A difference of modules as people and programs are told: names in lower case, sorted.

    `upgraded` and `downgraded` are (name, old version, new version).
    """

    added: tuple[str, ...]
    missing: tuple[str, ...]
    removed: tuple[str, ...]
    upgraded: tuple[tuple[str, str, str], ...]
    downgraded: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class PackageDifference:
    """The modules' changes, and for each property that differs its two values.

    `changed_content` are modules of the same version whose files differ: rebuilt without a new number.
    """

    modules: NamedChanges
    changed_content: tuple[str, ...]
    properties: dict[str, tuple[str, str]]

    @property
    def is_empty(self) -> bool:
        changes = self.modules
        return not (
            changes.added
            or changes.missing
            or changes.removed
            or changes.upgraded
            or changes.downgraded
            or self.changed_content
            or self.properties
        )


def compare_packages(before: PackageVerdict, after: PackageVerdict) -> PackageDifference:
    """Compare two packages by their verdicts; a module that `after` removes by file counts as removed."""
    old = {module.name.lower(): module for module in before.modules}
    new = {module.name.lower(): module for module in after.modules}
    changes = compare_modules(before.modules, after.modules, after.removed_modules)
    changed = [
        name
        for name in sorted(old.keys() & new.keys())
        if old[name].version == new[name].version and _contents_differ(old[name], new[name])
    ]
    stated = {
        "kind": (before.kind or "", after.kind or ""),
        "publisher": (before.publisher, after.publisher),
        "platform version": (before.platform_version, after.platform_version),
        "application version": (before.application_version, after.application_version),
    }
    properties = {key: pair for key, pair in stated.items() if pair[0] != pair[1]}
    return PackageDifference(_named(changes), tuple(changed), properties)


def _named(changes: ModuleDifference[JudgedModule]) -> NamedChanges:
    return NamedChanges(
        added=_names(changes.added),
        missing=_names(changes.missing),
        removed=_names(changes.removed),
        upgraded=_versions(changes.upgraded),
        downgraded=_versions(changes.downgraded),
    )


def _names(modules: Iterable[JudgedModule]) -> tuple[str, ...]:
    return tuple(sorted(module.name.lower() for module in modules))


def _versions(changes: Iterable[ChangedModule[JudgedModule]]) -> tuple[tuple[str, str, str], ...]:
    return tuple(sorted((one.after.name.lower(), one.before.version, one.after.version) for one in changes))


def _contents_differ(old: JudgedModule, new: JudgedModule) -> bool:
    known = bool(old.content_sha256 and new.content_sha256)
    return known and old.content_sha256 != new.content_sha256
