"""Commands that change the extensions of an environment. They change under its lock only.

Installing and uninstalling change the environment; staging changes only what the next update will install, so that
its operation ends with the decision that began it.
"""

from datetime import datetime

from services.servicing_executor.domain.environment_change import EnvironmentChange
from services.servicing_executor.domain.extension_sets import (
    names,
    staged_without,
    unmet,
    unmet_staged,
    without,
)
from services.servicing_executor.domain.guards import running_update
from services.servicing_executor.domain.operations import new_operation, start_operation
from services.servicing_executor.domain.state import Environment, ExtensionChange
from shared.contracts.envelope import Envelope
from shared.contracts.parts import MOST_EXTENSIONS, Extension
from shared.contracts.scalars import sentence
from shared.contracts.servicing_executor import (
    InstallExtension,
    OperationKind,
    Reason,
    StagedExtension,
    StageExtension,
    UninstallExtension,
    UnstageExtension,
)
from shared.contracts.topics import MESSAGE_LIMIT
from shared.formats.versions import version_numbers
from shared.kernel import Decision, Rejected

SET_LIMIT = MESSAGE_LIMIT * 3 // 4
"""Bytes of all extensions and staged versions of an environment, as JSON; the rest of a message is for what else an
environment's view has. That is 200 extensions with some dependencies each, and more than a hundred staged versions.
"""


def install_extension(
    state: Environment, message: Envelope[InstallExtension], facts: None, now: datetime
) -> Decision[Environment]:
    """An extension, or a higher version of one, joins the set. A staged version that is not above it is dropped."""
    extension = message.data.extension
    running_update(state)
    old = _installed(state, extension.app_id)
    if old:
        _check_newer(old, extension)
    elif len(state.extensions) >= MOST_EXTENSIONS:
        raise Rejected(Reason.TOO_MANY_EXTENSIONS, f"{state.id} holds {MOST_EXTENSIONS} extensions, the most it may")
    if lacking := unmet(extension, state.extensions):
        raise _dependency_missing(extension, lacking, "not installed, or too old")
    overtaken = {
        one.extension.app_id
        for one in state.staged
        if one.extension.app_id == extension.app_id and not _is_newer(one.extension, extension)
    }
    set_change = ExtensionChange(
        extensions=(*without({extension.app_id}, state.extensions), extension),
        staged=staged_without(overtaken, state.staged),
    )
    _check_size(state, set_change)
    wanted = new_operation(message, OperationKind.INSTALL_EXTENSION, now).replace(extension_change=set_change)
    return start_operation(EnvironmentChange(state, now), wanted)


def uninstall_extension(
    state: Environment, message: Envelope[UninstallExtension], facts: None, now: datetime
) -> Decision[Environment]:
    """An extension leaves the set, and its staged version with it; none may depend on it."""
    app_id = message.data.app_id
    running_update(state)
    if _installed(state, app_id) is None:
        raise Rejected(Reason.EXTENSION_NOT_INSTALLED, f"{state.id} has no extension {app_id}")
    set_change = ExtensionChange(
        extensions=without({app_id}, state.extensions),
        staged=staged_without({app_id}, state.staged),
        removed=(app_id,),
    )
    needing = [one.name for one in set_change.extensions if app_id in {need.app_id for need in one.dependencies}]
    needing += _broken_staged(set_change)
    if needing:
        raise Rejected(
            Reason.EXTENSION_NEEDED,
            sentence(f"uninstall first what depends on it: {', '.join(needing)}"),
            facts={"dependents": needing},
        )
    wanted = new_operation(message, OperationKind.UNINSTALL_EXTENSION, now).replace(extension_change=set_change)
    return start_operation(EnvironmentChange(state, now), wanted)


def stage_extension(
    state: Environment, message: Envelope[StageExtension], facts: None, now: datetime
) -> Decision[Environment]:
    """A higher version of an installed extension is kept ready, in the place of one that was."""
    extension = message.data.extension
    running_update(state)
    old = _installed(state, extension.app_id)
    if old is None:
        raise Rejected(
            Reason.EXTENSION_NOT_INSTALLED,
            f"{state.id} has no extension {extension.name} ({extension.app_id}); only higher versions of installed "
            "extensions can be staged",
        )
    _check_newer(old, extension)
    coming = StagedExtension(extension=extension, stage_for=message.data.stage_for)
    set_change = ExtensionChange(
        extensions=state.extensions, staged=(*staged_without({extension.app_id}, state.staged), coming)
    )
    if lacking := unmet_staged(set_change.extensions, set_change.staged).get(extension.app_id):
        raise _dependency_missing(extension, lacking, f"neither installed nor staged to come by {coming.stage_for}")
    _check_size(state, set_change)
    _check_staged_whole(set_change, "this version would leave them without what they need")
    wanted = new_operation(message, OperationKind.STAGE_EXTENSION, now).replace(extension_change=set_change)
    return start_operation(EnvironmentChange(state, now), wanted)


def unstage_extension(
    state: Environment, message: Envelope[UnstageExtension], facts: None, now: datetime
) -> Decision[Environment]:
    """A staged version is kept ready no longer."""
    app_id = message.data.app_id
    running_update(state)
    set_change = ExtensionChange(extensions=state.extensions, staged=staged_without({app_id}, state.staged))
    if set_change.staged == state.staged:
        raise Rejected(Reason.EXTENSION_NOT_INSTALLED, f"no version of extension {app_id} is staged in {state.id}")
    _check_staged_whole(set_change, "unstage them first")
    wanted = new_operation(message, OperationKind.UNSTAGE_EXTENSION, now).replace(extension_change=set_change)
    return start_operation(EnvironmentChange(state, now), wanted)


def _installed(state: Environment, app_id: str) -> Extension | None:
    return next((one for one in state.extensions if one.app_id == app_id), None)


def _is_newer(extension: Extension, than: Extension) -> bool:
    return version_numbers(extension.version) > version_numbers(than.version)


def _check_newer(old: Extension, extension: Extension) -> None:
    if not _is_newer(extension, old):
        raise Rejected(Reason.EXTENSION_NOT_NEWER, f"{old.name} is installed in version {old.version}")


def _check_size(state: Environment, set_change: ExtensionChange) -> None:
    """Refuse what would not fit into a message: each change of the set is told as a whole."""
    all_ = (*set_change.extensions, *(one.extension for one in set_change.staged))
    size = sum(len(one.model_dump_json()) for one in all_)
    if size > SET_LIMIT:
        raise Rejected(
            Reason.TOO_MANY_EXTENSIONS,
            f"the extensions of {state.id}, staged ones included, would take {size} bytes to describe; {SET_LIMIT} are "
            "the most. Uninstall or unstage some first",
        )


def _dependency_missing(extension: Extension, lacking: list[str], how: str) -> Rejected:
    return Rejected(
        Reason.EXTENSION_DEPENDENCY_MISSING,
        sentence(f"{extension.name} needs extensions that are {how}: {', '.join(lacking)}"),
        facts={"missing": lacking},
    )


def _broken_staged(set_change: ExtensionChange) -> list[str]:
    """Staged versions that would not find what they need, for a person."""
    broken = unmet_staged(set_change.extensions, set_change.staged)
    return [f"{names([one.extension])} (staged)" for one in set_change.staged if one.extension.app_id in broken]


def _check_staged_whole(set_change: ExtensionChange, way_out: str) -> None:
    if broken := _broken_staged(set_change):
        raise Rejected(
            Reason.EXTENSION_NEEDED,
            sentence(f"other staged versions depend on it, {way_out}: {', '.join(broken)}"),
            facts={"dependents": broken},
        )
