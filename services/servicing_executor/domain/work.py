"""What the executor's work is given, and what it brings back."""

from shared.contracts.parts import ArtifactRef, Extension
from shared.contracts.servicing_executor import RestartableService
from shared.kernel import State

STEP_ATTEMPTS = 3
"""How often a step is tried that fails by a fault of the machinery; one that fails by its own is not repeated."""


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


class StepDone(State):
    """How a step ended. `log` is the digest of its log."""

    log: str
    failed: str | None = None
    """Why it failed, for a person."""
    snapshot: str | None = None
    """Name of the copy of the database that it made."""
    hold: bool = False
    """The database is so big that a rollback waits for a person."""


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
