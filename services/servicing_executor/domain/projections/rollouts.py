"""The rollout to each environment that promotion-scheduler told of last."""

from datetime import datetime
from enum import StrEnum

from shared.contracts.envelope import Envelope
from shared.contracts.promotion_scheduler import RolloutFinished, RolloutPlanned, RolloutSkipped, RolloutStarted
from shared.kernel import UNCHANGED, Decision, State


class RolloutStage(StrEnum):
    """Where a rollout stands, as far as it was told."""

    PLANNED = "planned"
    STARTED = "started"
    ENDED = "ended"


class RolloutProjection(State):
    """The rollout of an environment that was told of last. It is open while it is planned."""

    sequence: int
    stage: RolloutStage
    release: str
    package: str | None = None
    """None: it was planned before this service took note of that."""
    start: datetime | None = None
    """When it starts, if it does by itself."""
    remove_extensions: tuple[str, ...] = ()


def rollout_planned(
    state: RolloutProjection | None, message: Envelope[RolloutPlanned], facts: None, now: datetime
) -> Decision[RolloutProjection]:
    """It waits for its window."""
    if state and not message.is_news(state.sequence):
        return UNCHANGED
    told = message.data
    planned = RolloutProjection(
        sequence=message.number,
        stage=RolloutStage.PLANNED,
        release=told.release,
        package=told.package,
        start=told.start,
        remove_extensions=told.remove_extensions,
    )
    return Decision(planned)


def rollout_started(
    state: RolloutProjection | None, message: Envelope[RolloutStarted], facts: None, now: datetime
) -> Decision[RolloutProjection]:
    """Its operation has begun."""
    return _told(state, message, RolloutStage.STARTED, None)


def rollout_finished(
    state: RolloutProjection | None, message: Envelope[RolloutFinished], facts: None, now: datetime
) -> Decision[RolloutProjection]:
    """Its operation has ended; it may be tried again by itself."""
    return _again(state, message, message.data.next_start)


def rollout_skipped(
    state: RolloutProjection | None, message: Envelope[RolloutSkipped], facts: None, now: datetime
) -> Decision[RolloutProjection]:
    """It did not start; it may be tried again by itself."""
    return _again(state, message, message.data.next_start)


def _again(
    state: RolloutProjection | None, message: Envelope[RolloutFinished | RolloutSkipped], start: datetime | None
) -> Decision[RolloutProjection]:
    """A plan whose next start is told goes on as it was; no other word of it comes before that start."""
    return _told(state, message, RolloutStage.PLANNED if start else RolloutStage.ENDED, start)


def _told(
    state: RolloutProjection | None,
    message: Envelope[RolloutStarted | RolloutFinished | RolloutSkipped],
    stage: RolloutStage,
    start: datetime | None,
) -> Decision[RolloutProjection]:
    if state and not message.is_news(state.sequence):
        return UNCHANGED
    sequence, release = message.number, message.data.release
    if state and state.release == release:
        return Decision(state.replace(sequence=sequence, stage=stage, start=start))
    return Decision(RolloutProjection(sequence=sequence, stage=stage, release=release, start=start))
