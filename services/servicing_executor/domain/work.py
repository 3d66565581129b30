"""What the executor's work is given, and what it brings back."""

from datetime import timedelta

from services.servicing_executor.domain.plans import AT_REST
from shared.contracts.parts import ArtifactRef, Extension
from shared.contracts.servicing_executor import RestartableService
from shared.kernel import State

STEP_ATTEMPTS = 8
"""How often a step is begun that ends its process, or ends in an error that nobody has foreseen."""


class StepInput(State):
    """A step to do. `seconds` bounds one attempt."""

    environment: str
    operation: str
    step: str
    seconds: float
    image: str | None
    snapshot: str | None
    service: RestartableService | None
    extensions: tuple[Extension, ...] = ()
    """For steps about extensions: those that the environment is to have."""


class StepReached(State):
    """A step has ended, and only its log could not be kept yet: nothing is done again for that."""

    done: "StepDone"
    log: str
    """The text of the log, or the end of it."""


class StepDone(State):
    """How a step ended."""

    log: str | None
    """The digest of its log; None: it could not be kept."""
    failed: str | None = None
    """Why it failed, for a person."""
    snapshot: str | None = None
    """Name of the copy of the database that it made."""
    hold: bool = False
    """The database is so big that a rollback waits for a person."""


def step_retried_for(given: StepInput) -> timedelta | None:
    """How long an outage of the machinery is waited for.

    Where nothing was changed a failure costs nobody anything. Where the environment is half changed there is no way
    but on, and going back needs the same machinery. On the way back there is no other way at all.
    """
    if given.step in AT_REST:
        return timedelta(minutes=5)
    return None if given.step.startswith("rollback-") else timedelta(hours=1)


def closing_retried_for(given: "ClosingInput") -> timedelta | None:
    """Without end: what is left behind would stay for ever."""
    return None


class ClosingInput(State):
    """What an operation leaves behind: a log to be put together, things to be removed."""

    environment: str
    operation: str
    logs: tuple[str, ...]
    snapshot: str | None
    discard: str | None
    """Image whose release is not needed any more."""
    tidy_extensions: bool = False
    """Files of extensions may be left that are not installed."""


class ClosingDone(State):
    """The whole log; None if no step had begun."""

    log: ArtifactRef | None
