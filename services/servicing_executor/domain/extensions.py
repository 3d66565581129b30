"""Commands that change the extensions of an environment. They change under its lock only.

Installing and uninstalling change the environment; staging changes only what the next update will install, so that
its operation ends with the decision that began it.
"""

from datetime import datetime

from services.servicing_executor.domain.draft import Draft
from services.servicing_executor.domain.extension_sets import (
    names,
    staged_without,
    unmet,
    unmet_staged,
    without,
)
from services.servicing_executor.domain.guards import known, running_update
from services.servicing_executor.domain.operations import start_operation
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
    state: Environment | None, message: Envelope[InstallExtension], facts: None, now: datetime
) -> Decision[Environment]:
    """An extension, or a higher version of one, joins the set. A staged version that is not above it is dropped."""
    extension = message.data.extension
    state = known(state, message.data.environment)
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
    change = ExtensionChange(
        extensions=(*without({extension.app_id}, state.extensions), extension),
        staged=staged_without(overtaken, state.staged),
    )
    _check_size(state, change)
    draft = Draft(state, now)
    start_operation(draft, message, OperationKind.INSTALL_EXTENSION, extension_change=change)
    return draft.decision()


def uninstall_extension(
    state: Environment | None, message: Envelope[UninstallExtension], facts: None, now: datetime
) -> Decision[Environment]:
    """An extension leaves the set, and its staged version with it; none may depend on it."""
    app_id = message.data.app_id
    state = known(state, message.data.environment)
    running_update(state)
    if _installed(state, app_id) is None:
        raise Rejected(Reason.EXTENSION_NOT_INSTALLED, f"{state.id} has no extension {app_id}")
    change = ExtensionChange(
        extensions=without({app_id}, state.extensions),
        staged=staged_without({app_id}, state.staged),
        removed=(app_id,),
    )
    needing = [one.name for one in change.extensions if app_id in {need.app_id for need in one.dependencies}]
    needing += _broken_staged(change)
    if needing:
        raise Rejected(
            Reason.EXTENSION_NEEDED,
            sentence(f"uninstall first what depends on it: {', '.join(needing)}"),
            facts={"dependents": needing},
        )
    draft = Draft(state, now)
    start_operation(draft, message, OperationKind.UNINSTALL_EXTENSION, extension_change=change)
    return draft.decision()


def stage_extension(
    state: Environment | None, message: Envelope[StageExtension], facts: None, now: datetime
) -> Decision[Environment]:
    """A higher version of an installed extension is kept ready, in the place of one that was."""
    extension = message.data.extension
    state = known(state, message.data.environment)
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
    change = ExtensionChange(
        extensions=state.extensions, staged=(*staged_without({extension.app_id}, state.staged), coming)
    )
    if lacking := unmet_staged(change.extensions, change.staged).get(extension.app_id):
        raise _dependency_missing(extension, lacking, f"neither installed nor staged to come by {coming.stage_for}")
    _check_size(state, change)
    _check_staged_whole(change, "this version would leave them without what they need")
    draft = Draft(state, now)
    start_operation(draft, message, OperationKind.STAGE_EXTENSION, extension_change=change)
    return draft.decision()


def unstage_extension(
    state: Environment | None, message: Envelope[UnstageExtension], facts: None, now: datetime
) -> Decision[Environment]:
    """A staged version is kept ready no longer."""
    app_id = message.data.app_id
    state = known(state, message.data.environment)
    running_update(state)
    change = ExtensionChange(extensions=state.extensions, staged=staged_without({app_id}, state.staged))
    if change.staged == state.staged:
        raise Rejected(Reason.EXTENSION_NOT_INSTALLED, f"no version of extension {app_id} is staged in {state.id}")
    _check_staged_whole(change, "unstage them first")
    draft = Draft(state, now)
    start_operation(draft, message, OperationKind.UNSTAGE_EXTENSION, extension_change=change)
    return draft.decision()


def _installed(state: Environment, app_id: str) -> Extension | None:
    return next((one for one in state.extensions if one.app_id == app_id), None)


def _is_newer(extension: Extension, than: Extension) -> bool:
    return version_numbers(extension.version) > version_numbers(than.version)


def _check_newer(old: Extension, extension: Extension) -> None:
    if not _is_newer(extension, old):
        raise Rejected(Reason.EXTENSION_NOT_NEWER, f"{old.name} is installed in version {old.version}")


def _check_size(state: Environment, change: ExtensionChange) -> None:
    """Refuse what would not fit into a message: each change of the set is told as a whole."""
    all_ = (*change.extensions, *(one.extension for one in change.staged))
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


def _broken_staged(change: ExtensionChange) -> list[str]:
    """Staged versions that would not find what they need, for a person."""
    broken = unmet_staged(change.extensions, change.staged)
    return [f"{names([one.extension])} (staged)" for one in change.staged if one.extension.app_id in broken]


def _check_staged_whole(change: ExtensionChange, way_out: str) -> None:
    if broken := _broken_staged(change):
        raise Rejected(
            Reason.EXTENSION_NEEDED,
            sentence(f"other staged versions depend on it, {way_out}: {', '.join(broken)}"),
            facts={"dependents": broken},
        )
