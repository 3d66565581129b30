"""Rollouts of a release: planned, with the extensions that cannot come along, and skipped. Their start and end are an
update's."""

from datetime import datetime

from services.notifier.domain.mail_content import MailContent, rows
from services.notifier.domain.notifications import EnvironmentFacts, notify
from services.notifier.domain.projections import EnvironmentProjection
from services.notifier.domain.state import Notification
from services.notifier.domain.wording import moment, subject
from shared.contracts.envelope import Envelope
from shared.contracts.notifier import Occasion
from shared.contracts.promotion_scheduler import Reason, RolloutPlanned, RolloutSkipped
from shared.kernel import UNCHANGED, Decision

_SKIPPED = (
    "update skipped",
    (
        "The update of {environment} to release {release} did not start. "
        "The environment stays as it is, and nothing was removed."
    ),
    "Nothing needs to be done. If it is planned again, another mail says so.",
)
_SKIPS: dict[str, tuple[str, str, str]] = {
    Reason.NOT_NEEDED: (
        "update called off",
        (
            "The planned update of {environment} to release {release} will not take place. "
            "The environment stays as it is, and nothing was removed."
        ),
        "Nothing needs to be done.",
    ),
    Reason.RELEASE_UNKNOWN: (
        "update waits for a release",
        (
            "{environment} is to be updated to a release with base {release}, without the extensions whose time "
            "is over. There is no such release yet; until there is, the environment stays as it is."
        ),
        "Whoever publishes releases: drydock release publish VERSION --package PACKAGE --base {release}",
    ),
}
"""Subject, what happened, and what to do, by the reason."""


def planned(
    state: Notification | None, message: Envelope[RolloutPlanned], facts: EnvironmentFacts, now: datetime
) -> Decision[Notification]:
    """A release comes in a window. A plan that changes is told again, as it is then."""
    event = message.data
    if state is not None:
        return UNCHANGED
    removed = _names(event.remove_extensions, facts.environment)
    count = len(removed)
    words = (
        f" {count} extension{'s' if count != 1 else ''} that cannot come along will be removed; their data is kept."
        if count
        else " No extension is removed."
    )
    content = MailContent(
        subject=subject(
            event.project, event.environment, f"update planned for {moment(event.start)}", f"release {event.release}"
        ),
        headline=f"{event.environment} will be updated to release {event.release} between {moment(event.start)} and "
        f"{moment(event.end)}. It cannot be used for a part of that time.{words}",
        facts=rows(
            (
                ("Project", event.project),
                ("Environment", event.environment),
                ("Release", event.release),
                ("Package", event.package),
                *(("Removed", name) for name in removed),
            )
        ),
        dates=rows((("Window opens", moment(event.start)), ("Window closes", moment(event.end)))),
        next_steps=(
            "Tell everybody who works in the environment to have saved their work by then.",
            *(
                (
                    (
                        "A version that works, staged before the window opens, stops the removal of an extension: "
                        f"drydock extension stage {event.environment} NEW.app"
                    ),
                )
                if removed
                else ()
            ),
            f"To see or change the window: drydock environment window {event.environment}",
        ),
    )
    return notify(message, Occasion.ROLLOUT_PLANNED, content, facts, now)


def skipped(
    state: Notification | None, message: Envelope[RolloutSkipped], facts: EnvironmentFacts, now: datetime
) -> Decision[Notification]:
    """A rollout does not take place, or not now."""
    event = message.data
    if state is not None:
        return UNCHANGED
    again = event.next_start
    what, headline, step = _SKIPS.get(event.problem.reason, _SKIPPED)
    if again:
        step = "Nothing needs to be done. Another mail says what becomes of the next try."
    words = {"environment": event.environment, "release": event.release}
    window = f"To see or change the window: drydock environment window {event.environment}"
    content = MailContent(
        subject=subject(event.project, event.environment, what, f"release {event.release}"),
        headline=headline.format(**words),
        facts=rows((("Project", event.project), ("Environment", event.environment), ("Release", event.release))),
        reason=event.problem.message,
        dates=rows((("Next try", moment(again) if again else "not by itself"),)),
        next_steps=(step.format(**words), *((window,) if again else ())),
    )
    return notify(message, Occasion.ROLLOUT_SKIPPED, content, facts, now)


def _names(app_ids: tuple[str, ...], environment: EnvironmentProjection | None) -> tuple[str, ...]:
    """The extensions by name where they are known, else by their id."""
    known = {
        one.app_id: f"{one.name} {one.version} by {one.publisher}"
        for remediation in (environment.remediations if environment else ())
        for one in (*remediation.dependents, remediation.extension)
    }
    return tuple(f"{known[app_id]} ({app_id})" if app_id in known else app_id for app_id in app_ids)
