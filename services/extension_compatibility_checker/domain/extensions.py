"""What an extension is called, and which others need it."""

from collections.abc import Iterable

from shared.contracts.parts import Extension, ExtensionName
from shared.formats.versions import version_numbers


def named(extension: ExtensionName) -> ExtensionName:
    """Who an extension is, without what else is said of it."""
    return ExtensionName(
        app_id=extension.app_id, name=extension.name, publisher=extension.publisher, version=extension.version
    )


def app_version(extension: ExtensionName) -> tuple[str, tuple[int, ...]]:
    """An app in a version: alike for the same version, however it is written."""
    return extension.app_id, version_numbers(extension.version)


def dependents_of(app_id: str, extensions: Iterable[Extension]) -> tuple[ExtensionName, ...]:
    """The extensions that need this one, directly or through others; each stands before those that it needs."""
    by_id = {one.app_id: one for one in extensions}
    found: list[str] = []
    pending = [app_id]
    while pending:
        needed = pending.pop()
        for other in by_id.values():
            if other.app_id not in (app_id, *found) and any(one.app_id == needed for one in other.dependencies):
                found.append(other.app_id)
                pending.append(other.app_id)
    return tuple(named(by_id[one]) for one in _needed_last(found, by_id))


def _needed_last(app_ids: list[str], by_id: dict[str, Extension]) -> list[str]:
    left = list(app_ids)
    placed: list[str] = []
    while left:
        needed = {one.app_id for other in left for one in by_id[other].dependencies if one.app_id != other}
        free = [one for one in left if one not in needed] or left[:1]  # extensions that need each other: in any order
        placed += free
        left = [one for one in left if one not in free]
    return placed
