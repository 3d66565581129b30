"""What becomes of remediations when the environment changes: its base, its extensions, or its end."""

from datetime import datetime

from services.extension_compatibility_checker.domain.base_ids import version_of
from services.extension_compatibility_checker.domain.remediation_change import (
    RemediationFacts,
    RemediationRules,
    RemediationsChange,
)
from services.extension_compatibility_checker.domain.remediation_clock import conclude
from services.extension_compatibility_checker.domain.state import (
    ExtensionRemediation,
    FinishedOperation,
    Remediations,
)
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import RemediationEnding
from shared.contracts.servicing_executor import (
    EnvironmentRegistered,
    ExtensionSetChanged,
    OperationFinished,
    OperationKind,
    Outcome,
)
from shared.formats.versions import version_numbers
from shared.kernel import UNCHANGED, Decision

_MOST_FINISHED = 20


class Environments(RemediationRules):
    """What is told of environments."""

    def registered(
        self,
        state: Remediations | None,
        message: Envelope[EnvironmentRegistered],
        facts: RemediationFacts,
        now: datetime,
    ) -> Decision[Remediations]:
        """There is a new environment; if an earlier one had its name, that one is no more."""
        event = message.data
        change = self.change(state, event.environment, event.project, facts, now)
        if change.state.heard == 0:
            # Nothing but checks was heard of, on a topic that may be ahead of this one.
            change.replace(country=event.country, heard=message.number)
            return conclude(change)
        for item in change.open_items():
            change.end(item, RemediationEnding.UNINSTALLED)
        fresh = Remediations(
            environment=event.environment,
            project=event.project,
            country=event.country,
            look_at=change.state.look_at or now + self.look_ahead,
            heard=message.number,
        )
        change.replace(**dict(fresh))
        return conclude(change)

    def set_changed(
        self,
        state: Remediations | None,
        message: Envelope[ExtensionSetChanged],
        facts: RemediationFacts,
        now: datetime,
    ) -> Decision[Remediations]:
        """An extension was installed, staged, or taken out."""
        event = message.data
        if state and not message.is_news(state.heard):
            return UNCHANGED
        change = self.change(state, event.environment, event.project, facts, now)
        change.replace(
            heard=message.number,
            set_version=event.set_version,
            extensions=event.extensions,
            staged=event.staged,
        )
        _set_changed(change, event.operation)
        return conclude(change)

    def operation_finished(
        self,
        state: Remediations | None,
        message: Envelope[OperationFinished],
        facts: RemediationFacts,
        now: datetime,
    ) -> Decision[Remediations]:
        """The environment may run another base now, without some extensions."""
        event = message.data
        if state and not message.is_news(state.heard):
            return UNCHANGED
        change = self.change(state, event.environment, event.project, facts, now)
        previous = change.state.running
        contents = event.running.contents if event.running else None
        operation = FinishedOperation(
            operation=event.operation, kind=event.operation_kind, removed=event.removed_extensions
        )
        change.replace(
            heard=message.number,
            running=contents.base_version if contents else None,
            application=contents.application_version if contents else None,
            finished=(*change.state.finished, operation)[-_MOST_FINISHED:],
        )
        _finished(change, operation, event.outcome is Outcome.SUCCEEDED, previous)
        return conclude(change)


def _set_changed(change: RemediationsChange, operation: str) -> None:
    """Extensions that are out of the set are gone, as their operation's end says; the others are judged anew."""
    there = {one.app_id for one in change.state.extensions}
    finished = next((one for one in change.state.finished if one.operation == operation), None)
    for item in change.open_items():
        app_id = item.extension.app_id
        if app_id in there:
            change.put(item.replace(gone_with=None))
        elif finished:
            change.end(item, _gone(finished, app_id))
        else:
            change.put(item.replace(gone_with=item.gone_with or operation))


def _finished(change: RemediationsChange, operation: FinishedOperation, succeeded: bool, previous: str | None) -> None:
    """An operation has ended: what it took out is removed, and what reached its version needs no mending."""
    decommissioned = succeeded and operation.kind is OperationKind.DECOMMISSION
    for item in change.open_items():
        app_id = item.extension.app_id
        if item.gone_with == operation.operation or (succeeded and app_id in operation.removed):
            change.end(item, _gone(operation, app_id))
        elif decommissioned:
            change.end(item, RemediationEnding.UNINSTALLED)
        elif _has_reached(previous, change.state.running, item):
            change.end(item, RemediationEnding.UPDATED)
    if decommissioned:
        change.replace(extensions=(), staged=(), look_at=None)


def _gone(operation: FinishedOperation, app_id: str) -> RemediationEnding:
    """Taken out by an update that was to do so, or by somebody who asked for just that."""
    removed = app_id in operation.removed and operation.kind is not OperationKind.UNINSTALL_EXTENSION
    return RemediationEnding.REMOVED if removed else RemediationEnding.UNINSTALLED


def _has_reached(previous: str | None, running: str | None, item: ExtensionRemediation) -> bool:
    """Whether the environment has come to the target: any build of its major from a lower one, or that very base."""
    if running is None:
        return False
    if version_numbers(running) >= version_numbers(version_of(item.base)):
        return True
    came_from_below = previous is not None and version_numbers(previous)[0] < item.target_major
    return came_from_below and version_numbers(running)[0] == item.target_major
