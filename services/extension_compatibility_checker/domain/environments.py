"""What environments, mails and checks mean for remediations: one function for each thing that happens."""

from datetime import datetime, timedelta

from services.extension_compatibility_checker.domain.known import major_of
from services.extension_compatibility_checker.domain.remediation import Around, Draft
from services.extension_compatibility_checker.domain.remediation_state import Finished, Notice, Question, Remediations
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import (
    CompatibilityChecked,
    ExtensionChecked,
    RemediationEnding,
)
from shared.contracts.notifier import NobodyTold, NotificationSent, Occasion
from shared.contracts.parts import Verdict
from shared.contracts.servicing_executor import EnvironmentRegistered, ExtensionSetChanged, OperationFinished, Outcome
from shared.kernel import Decision, TimerDue

_TOLD_BY = (Occasion.EXTENSION_INCOMPATIBLE, Occasion.EXTENSION_REMINDER)


def told_environment(told: NotificationSent | NobodyTold) -> str | None:
    """The environment of a notification about an extension; None: it is about something else."""
    about = told.occasion in _TOLD_BY and told.app_id and told.base
    return told.environment if about else None


class Environments:
    """Environments look ahead every `look_ahead`."""

    def __init__(self, look_ahead: timedelta) -> None:
        self._look_ahead = look_ahead

    def registered(
        self, state: Remediations | None, message: Envelope[EnvironmentRegistered], facts: Around, now: datetime
    ) -> Decision[Remediations]:
        """There is a new environment; if an earlier one had its name, that one is no more."""
        draft = self._draft(state, message.data.environment, message.data.project, facts, now)
        if draft.state.heard == 0:
            # Nothing but checks was heard of, on a topic that may be ahead of this one.
            draft.change(country=message.data.country, heard=message.sequence or 0)
            return draft.settle()
        for item in list(draft.items.values()):
            draft.end(item, RemediationEnding.UNINSTALLED)
        fresh = Remediations(environment=message.data.environment, project=message.data.project)
        kept = {"look_at": draft.state.look_at or now + self._look_ahead, "heard": message.sequence or 0}
        draft.state = fresh.model_copy(update={"country": message.data.country, **kept})
        return draft.settle()

    def set_changed(
        self, state: Remediations | None, message: Envelope[ExtensionSetChanged], facts: Around, now: datetime
    ) -> Decision[Remediations]:
        """An extension was installed, staged, or taken out."""
        told = message.data
        if state and _is_old(state, message.sequence):
            return Decision(state)
        draft = self._draft(state, told.environment, told.project, facts, now)
        draft.change(
            heard=message.sequence or draft.state.heard,
            set_version=told.set_version,
            extensions=told.extensions,
            staged=told.staged,
        )
        draft.set_changed(told.operation)
        return draft.settle()

    def operation_finished(
        self, state: Remediations | None, message: Envelope[OperationFinished], facts: Around, now: datetime
    ) -> Decision[Remediations]:
        """The environment may run another base now, without some extensions."""
        told = message.data
        if state and _is_old(state, message.sequence):
            return Decision(state)
        draft = self._draft(state, told.environment, told.project, facts, now)
        previous = draft.state.running
        contents = told.running.contents if told.running else None
        draft.change(
            heard=message.sequence or draft.state.heard,
            running=contents.base_version if contents else None,
            application=contents.application_version if contents else None,
        )
        operation = Finished(operation=told.operation, kind=told.operation_kind, removed=told.removed_extensions)
        draft.finished(operation, told.outcome is Outcome.SUCCEEDED, previous)
        return draft.settle()

    def extension_checked(
        self, state: Remediations | None, message: Envelope[ExtensionChecked], facts: Around, now: datetime
    ) -> Decision[Remediations]:
        """An extension works with a base, or does not."""
        told = message.data
        draft = self._draft(state, told.environment, told.project, facts, now)
        question = Question(set_version=told.set_version, base=told.base)
        draft.judge(question, told.extension, told.report, told.findings, message.time)
        return draft.settle()

    def compatibility_checked(
        self, state: Remediations | None, message: Envelope[CompatibilityChecked], facts: Around, now: datetime
    ) -> Decision[Remediations]:
        """A check has ended. Where it repeats an earlier answer, its verdicts are all that is said."""
        told = message.data
        draft = self._draft(state, told.environment, told.project, facts, now)
        question = Question(set_version=told.set_version, base=told.base)
        for said in told.extensions:
            draft.judge(question, said, told.report, None, message.time)
        if told.verdict is not Verdict.CHECK_FAILED:
            draft.answered(question, told.extensions)
        return draft.settle()

    def notification_sent(
        self, state: Remediations | None, message: Envelope[NotificationSent], facts: Around, now: datetime
    ) -> Decision[Remediations]:
        """A mail server has accepted a mail about an extension: the first one starts the clock."""
        told = message.data
        return self._notified(state, told, True, told.sent_at, facts, now)

    def nobody_told(
        self, state: Remediations | None, message: Envelope[NobodyTold], facts: Around, now: datetime
    ) -> Decision[Remediations]:
        """There was nobody to tell of an extension."""
        return self._notified(state, message.data, False, message.time, facts, now)

    def _notified(
        self,
        state: Remediations | None,
        told: NotificationSent | NobodyTold,
        accepted: bool,
        at: datetime,
        facts: Around,
        now: datetime,
    ) -> Decision[Remediations]:
        assert told.environment
        assert told.app_id
        assert told.base
        draft = self._draft(state, told.environment, told.project, facts, now)
        major = major_of(told.base)
        draft.notified(Notice(app_id=told.app_id, target_major=major, accepted=accepted, at=at))
        return draft.settle()

    def clock(
        self, state: Remediations | None, timer: TimerDue, facts: Around, now: datetime
    ) -> Decision[Remediations]:
        """It is time to remind of an extension, or its time is over."""
        if state is None:
            return Decision(state)
        return self._draft(state, state.environment, state.project, facts, now).settle()

    def look(self, state: Remediations | None, timer: TimerDue, facts: Around, now: datetime) -> Decision[Remediations]:
        """Is there a newer base to warn of?"""
        if state is None or state.look_at is None:
            return Decision(state)
        draft = self._draft(state, state.environment, state.project, facts, now)
        draft.look()
        return draft.settle()

    def _draft(self, state: Remediations | None, environment: str, project: str, facts: Around, now: datetime) -> Draft:
        known = state or Remediations(environment=environment, project=project, look_at=now + self._look_ahead)
        return Draft(known, facts, now, self._look_ahead)


def _is_old(state: Remediations, sequence: int | None) -> bool:
    """Whether the event is one of servicing-executor's that was taken before, or one before that."""
    return sequence is not None and sequence <= state.heard
