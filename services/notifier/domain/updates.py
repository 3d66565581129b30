"""Updates of an environment: queued, started, held, ended. Other operations are not told by mail.

Restarts, maintenance mode, extensions and provisioning are for whoever asked, who sees them in the history.
"""

from dataclasses import dataclass
from datetime import datetime

from services.notifier.domain.mail_content import MailContent, Row, rows
from services.notifier.domain.notifications import Recipients, notify
from services.notifier.domain.projections import OperationProjection
from services.notifier.domain.state import Notification
from services.notifier.domain.wording import duration, moment, subject
from shared.contracts.envelope import Envelope
from shared.contracts.notifier import Occasion
from shared.contracts.servicing_executor import (
    EnvironmentStatus,
    EnvironmentStatusChanged,
    OperationAccepted,
    OperationFinished,
    OperationHeld,
    OperationKind,
    Outcome,
)
from shared.kernel import UNCHANGED, Decision, NotYet

TOLD = frozenset({OperationKind.APPLY, OperationKind.PROMOTE, OperationKind.ROLL_OUT, OperationKind.RETURN})

_ENDS: dict[Outcome, tuple[Occasion, str, str]] = {
    Outcome.SUCCEEDED: (Occasion.UPDATE_SUCCEEDED, "update succeeded", "The update {name} of {environment} succeeded."),
    Outcome.FAILED: (Occasion.UPDATE_FAILED, "update failed", "The update {name} of {environment} failed."),
    Outcome.ROLLED_BACK: (
        Occasion.UPDATE_ROLLED_BACK,
        "update rolled back",
        "The update {name} failed, and {environment} was rolled back to the image and the database that it had.",
    ),
    Outcome.CANCELLED: (
        Occasion.UPDATE_CANCELLED,
        "update cancelled",
        "The update {name} of {environment} was cancelled before its services were stopped. Nothing has changed.",
    ),
}


@dataclass(frozen=True)
class StatusFacts(Recipients):
    """Who is to be told, and which operation changed the status."""

    operation: OperationProjection | None


def accepted(
    state: Notification | None, message: Envelope[OperationAccepted], facts: Recipients, now: datetime
) -> Decision[Notification]:
    """An update waits for its image; the services still run."""
    accepted = message.data
    if state is not None or accepted.operation_kind not in TOLD:
        return UNCHANGED
    name = accepted.update_name or ""
    content = MailContent(
        subject=subject(accepted.project, accepted.environment, "update queued", name),
        headline=f"The update {_quoted(name)} of {accepted.environment} was accepted. Its services still run.",
        facts=_facts(
            accepted, ("Package", accepted.package), ("Accepted", moment(message.time)), name=accepted.update_name
        ),
        next_steps=(
            "Nothing needs to be done. Another mail comes when the services are stopped.",
            f"Until then it can be cancelled: drydock operation cancel {accepted.operation}",
        ),
    )
    return notify(message, Occasion.UPDATE_QUEUED, content, facts, now, promotion=accepted.promotion)


def status_changed(
    state: Notification | None, message: Envelope[EnvironmentStatusChanged], facts: StatusFacts, now: datetime
) -> Decision[Notification]:
    """An update stops the services: the way from Queued to Servicing, which an operation goes once.

    Raise NotYet if the operation's own event has not been dealt with.
    """
    changed = message.data
    begins = (changed.previous, changed.status) == (EnvironmentStatus.QUEUED, EnvironmentStatus.SERVICING)
    if state is not None or not begins or changed.operation is None:
        return UNCHANGED
    if facts.operation is None:
        raise NotYet(f"operation {changed.operation} is not known", waits_for=changed.operation)
    if facts.operation.kind not in TOLD:
        return UNCHANGED
    name = facts.operation.update_name or ""
    content = MailContent(
        subject=subject(changed.project, changed.environment, "update started", name),
        headline=f"The services of {changed.environment} are being stopped for the update {_quoted(name)}. "
        "The environment cannot be used until the update has ended.",
        facts=_facts(changed, ("Started", moment(message.time)), name=facts.operation.update_name),
        next_steps=(
            "Nothing needs to be done. Another mail says how it ended.",
            f"To follow it: drydock operation wait {changed.operation}",
        ),
    )
    return notify(message, Occasion.UPDATE_STARTED, content, facts, now)


def held(
    state: Notification | None, message: Envelope[OperationHeld], facts: Recipients, now: datetime
) -> Decision[Notification]:
    """An update has failed and waits for a person. One that is resumed and fails again is told again."""
    holding = message.data
    if state is not None or holding.operation_kind not in TOLD:
        return UNCHANGED
    name = holding.update_name or ""
    otherwise = (
        f"Without a decision it is rolled back on {moment(holding.deadline)}."
        if holding.deadline
        else "Nothing more happens by itself."
    )
    content = MailContent(
        subject=subject(holding.project, holding.environment, "update waits for a decision", name),
        headline=f"The update {_quoted(name)} of {holding.environment} failed in the step {holding.step} and waits "
        f"for a person. The environment cannot be used. {otherwise}",
        facts=_facts(
            holding,
            ("Step", holding.step),
            ("Failed", moment(message.time)),
            ("Rolled back unless decided by", moment(holding.deadline) if holding.deadline else None),
            name=holding.update_name,
        ),
        reason=holding.problem.message,
        next_steps=(
            f"To find the cause: drydock operation logs {holding.operation}",
            f"To try the step again once the cause is gone: drydock operation resume {holding.operation}",
            f"To go back to what ran before: drydock operation roll-back {holding.operation}",
        ),
    )
    return notify(message, Occasion.UPDATE_HELD, content, facts, now)


def finished(
    state: Notification | None, message: Envelope[OperationFinished], facts: Recipients, now: datetime
) -> Decision[Notification]:
    """An update has ended, one way or another."""
    ended = message.data
    if state is not None or ended.operation_kind not in TOLD:
        return UNCHANGED
    occasion, what, headline = _ENDS[ended.outcome]
    name = ended.update_name or ""
    downtime = ended.downtime_seconds
    running = ended.running
    content = MailContent(
        subject=subject(ended.project, ended.environment, what, name),
        headline=headline.format(name=_quoted(name), environment=ended.environment),
        facts=_facts(
            ended,
            ("Package", ended.package),
            ("Accepted", moment(ended.accepted_at)),
            ("Ended", moment(ended.finished_at)),
            ("Services were away for", None if downtime is None else duration(downtime)),
            ("Runs now", f"{running.name}, application {running.contents.application_version}" if running else None),
            name=ended.update_name,
        ),
        reason=ended.problem.message if ended.problem else None,
        next_steps=_after(ended),
    )
    return notify(message, occasion, content, facts, now, promotion=ended.promotion)


def _after(ended: OperationFinished) -> tuple[str, ...]:
    """What to do when an update has ended."""
    if ended.outcome is Outcome.SUCCEEDED:
        update = f"{ended.environment}/{_quoted(ended.update_name or '')}"
        return (f"Try the update, then sign it off: drydock update sign-off {update}",)
    again = (
        "schedule the promotion again"
        if ended.operation_kind is OperationKind.PROMOTE
        else "apply the update again; its name is free"
    )
    if ended.outcome is Outcome.CANCELLED:
        return (f"Nothing needs to be done. When it is wanted after all, {again}.",)
    return (
        f"To find the cause: drydock operation logs {ended.operation}",
        f"When the cause is gone, {again}.",
    )


def _quoted(name: str) -> str:
    return f'"{name}"'


def _facts(
    event: OperationAccepted | EnvironmentStatusChanged | OperationHeld | OperationFinished,
    *more: tuple[str, str | None],
    name: str | None,
) -> tuple[Row, ...]:
    return rows(
        (
            ("Project", event.project),
            ("Environment", event.environment),
            ("Update", name),
            *more,
            ("Operation", event.operation),
        )
    )
