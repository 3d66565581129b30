"""Rollouts of a release: planned, with the extensions that cannot come along, and skipped. Their start and end are an
update's."""

from datetime import datetime

from services.notifier.domain.letters import Letter, moment, rows, subject
from services.notifier.domain.notifications import EnvironmentFacts, tell
from services.notifier.domain.state import KnownEnvironment, Notification
from shared.contracts.envelope import Envelope
from shared.contracts.notifier import Occasion
from shared.contracts.promotion_scheduler import Reason, RolloutPlanned, RolloutSkipped
from shared.kernel.decision import Decision

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
    told = message.data
    if state is not None:
        return Decision(state)
    removed = _names(told.remove_extensions, facts.environment)
    count = len(removed)
    words = (
        f" {count} extension{'s' if count != 1 else ''} that cannot come along will be removed; their data is kept."
        if count
        else " No extension is removed."
    )
    letter = Letter(
        subject=subject(
            told.project, told.environment, f"update planned for {moment(told.start)}", f"release {told.release}"
        ),
        headline=f"{told.environment} will be updated to release {told.release} between {moment(told.start)} and "
        f"{moment(told.end)}. It cannot be used for a part of that time.{words}",
        facts=rows(
            (
                ("Project", told.project),
                ("Environment", told.environment),
                ("Release", told.release),
                ("Package", told.package),
                *(("Removed", name) for name in removed),
            )
        ),
        dates=rows((("Window opens", moment(told.start)), ("Window closes", moment(told.end)))),
        next_steps=(
            "Tell everybody who works in the environment to have saved their work by then.",
            *(
                (
                    (
                        "A version that works, staged before the window opens, stops the removal of an extension: "
                        f"drydock extension stage {told.environment} NEW.app"
                    ),
                )
                if removed
                else ()
            ),
            f"To see or change the window: drydock environment window {told.environment}",
        ),
    )
    return tell(message, Occasion.ROLLOUT_PLANNED, letter, facts, now)


def skipped(
    state: Notification | None, message: Envelope[RolloutSkipped], facts: EnvironmentFacts, now: datetime
) -> Decision[Notification]:
    """A rollout does not take place, or not now."""
    told = message.data
    if state is not None:
        return Decision(state)
    again = told.next_start
    what, headline, step = _SKIPS.get(told.problem.reason, _SKIPPED)
    if again:
        step = "Nothing needs to be done. Another mail says what becomes of the next try."
    words = {"environment": told.environment, "release": told.release}
    window = f"To see or change the window: drydock environment window {told.environment}"
    letter = Letter(
        subject=subject(told.project, told.environment, what, f"release {told.release}"),
        headline=headline.format(**words),
        facts=rows((("Project", told.project), ("Environment", told.environment), ("Release", told.release))),
        reason=told.problem.message,
        dates=rows((("Next try", moment(again) if again else "not by itself"),)),
        next_steps=(step.format(**words), *((window,) if again else ())),
    )
    return tell(message, Occasion.ROLLOUT_SKIPPED, letter, facts, now)


def _names(app_ids: tuple[str, ...], environment: KnownEnvironment | None) -> tuple[str, ...]:
    """The extensions by name where they are known, else by their id."""
    known = {
        one.app_id: f"{one.name} {one.version} by {one.publisher}"
        for remediation in (environment.remediations if environment else ())
        for one in (*remediation.dependents, remediation.extension)
    }
    return tuple(f"{known[app_id]} ({app_id})" if app_id in known else app_id for app_id in app_ids)
