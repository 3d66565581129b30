"""Sets of extensions: what depends on what, and what an update makes of the set of an environment."""

from collections.abc import Collection, Iterable, Sequence

from services.servicing_executor.domain.state import Environment, ExtensionChange
from shared.contracts.extension_sets import brings, on_base
from shared.contracts.parts import Dependency, Extension, ExtensionName
from shared.contracts.servicing_executor import StagedExtension, StageFor
from shared.formats.versions import version_numbers


def unmet(extension: Extension, others: Iterable[Extension]) -> list[str]:
    """What the extension needs and does not find among the others, as `<app id> <minimum version>`."""
    found: dict[str, list[Extension]] = {}
    for one in others:
        found.setdefault(one.app_id, []).append(one)
    return [
        f"{need.app_id} {need.minimum_version}"
        for need in extension.dependencies
        if not any(_satisfied(need, one) for one in found.get(need.app_id, ()))
    ]


def _satisfied(need: Dependency, found: Extension) -> bool:
    return version_numbers(found.version) >= version_numbers(need.minimum_version)


def unmet_staged(extensions: Sequence[Extension], staged: Sequence[StagedExtension]) -> dict[str, list[str]]:
    """What staged versions need and will not find, by app id.

    One that comes with the next minor version finds what is installed and what comes with it; one that waits for the
    next major version finds everything that is staged.
    """
    early = [one.extension for one in staged if one.stage_for is StageFor.NEXT_MINOR]
    late = [one.extension for one in staged]
    found = {
        one.extension.app_id: unmet(
            one.extension, (*extensions, *(early if one.stage_for is StageFor.NEXT_MINOR else late))
        )
        for one in staged
    }
    return {app_id: lacking for app_id, lacking in found.items() if lacking}


def dependents(app_ids: Collection[str], extensions: Sequence[Extension]) -> tuple[Extension, ...]:
    """Those beside `app_ids` that need one of these, themselves or through others; in the order of the set."""
    gone = set(app_ids)
    while True:
        more = {one.app_id for one in extensions if one.app_id not in gone and _needs(one) & gone}
        if not more:
            return tuple(one for one in extensions if one.app_id in gone - set(app_ids))
        gone |= more


def removal_order(app_ids: Collection[str], extensions: Sequence[Extension]) -> tuple[str, ...]:
    """The extensions to take out, dependents first; those that need each other in the order of the set."""
    left = [one for one in extensions if one.app_id in app_ids]
    order: list[str] = []
    while left:
        free = [one for one in left if not any(one.app_id in _needs(other) for other in left if other is not one)]
        taken = free or left[:1]
        order += (one.app_id for one in taken)
        left = [one for one in left if one not in taken]
    return tuple(order)


def without(app_ids: Collection[str], extensions: Sequence[Extension]) -> tuple[Extension, ...]:
    """The extensions that stay."""
    return tuple(one for one in extensions if one.app_id not in app_ids)


def staged_without(app_ids: Collection[str], staged: Sequence[StagedExtension]) -> tuple[StagedExtension, ...]:
    """The staged versions that stay."""
    return tuple(one for one in staged if one.extension.app_id not in app_ids)


def change_by_update(
    state: Environment, current: str | None, coming: str | None, removed: Collection[str] = ()
) -> ExtensionChange | None:
    """What an update makes of the set: staged versions that its base brings take their places, `removed` ones go.

    None if it leaves the set and the staged versions as they are.
    """
    staged = staged_without(removed, state.staged)
    coming_in = {one.extension.app_id for one in staged if brings(one.stage_for, current, coming)}
    if not coming_in and not removed:
        return None
    return ExtensionChange(
        extensions=on_base(without(removed, state.extensions), staged, current, coming),
        staged=staged_without(coming_in, staged),
        removed=removal_order(removed, state.extensions),
    )


def names(extensions: Iterable[ExtensionName]) -> str:
    """The extensions for a person."""
    return ", ".join(f"{one.name} {one.version}" for one in extensions)


def _needs(extension: Extension) -> set[str]:
    return {need.app_id for need in extension.dependencies}
