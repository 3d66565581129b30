"""What differs between two packages."""

from dataclasses import dataclass

from .manifest import ModuleVersion
from .target import ModuleChanges, compare_modules
from .verdict import JudgedModule, Verdict


@dataclass(frozen=True)
class PackageDifference:
    """The modules' changes, and for each property that differs its two values.

    `changed_content` are modules of the same version whose files differ: rebuilt without a new number.
    """

    modules: ModuleChanges
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


def compare_packages(before: Verdict, after: Verdict) -> PackageDifference:
    """Compare two packages by their verdicts; a module that `after` removes by file counts as removed."""
    old = {module.name.lower(): module for module in before.modules}
    new = {module.name.lower(): module for module in after.modules}
    changes = compare_modules(
        [ModuleVersion(one.name, one.version) for one in before.modules],
        [ModuleVersion(one.name, one.version) for one in after.modules],
        after.removed_modules,
    )
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
    return PackageDifference(changes, tuple(changed), {key: pair for key, pair in stated.items() if pair[0] != pair[1]})


def _contents_differ(old: JudgedModule, new: JudgedModule) -> bool:
    known = bool(old.content_sha256 and new.content_sha256)
    return known and old.content_sha256 != new.content_sha256
