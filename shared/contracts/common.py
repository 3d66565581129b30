"""What every service sends and takes beside its own messages. Their owner is `drydock`."""

from typing import Any, ClassVar

from pydantic import Field

from shared.contracts.message import Command, Count, Event, Identifier, Instant, Message, MessageKind, Progress


class CommandRejected(Event, key="command_key"):
    """The answer to a command that is refused, or that ended as a dead letter. Nothing was changed."""

    command_key: str
    """Kafka key of the command."""
    command_id: Identifier
    command_type: str
    reason: str
    """Reason code: one of the closed list of the service that answers, or of `KernelReason`."""
    message: str
    """One sentence for a person."""
    facts: dict[str, Any] = Field(default_factory=dict)
    earliest: Instant | None = None
    """When the same command would be accepted, where that is known."""


class DeadLetter(Message, key="letter_id"):
    """A record that could not be processed, with everything needed to judge it and to send it again."""

    kind: ClassVar[MessageKind] = MessageKind.DEAD_LETTER

    letter_id: Identifier
    """`<service>:<topic>:<partition>:<offset>:<digest of the record>`; without the digest until 0.1."""
    service: str
    topic: str
    partition: int
    offset: int
    record_time: Instant
    dead_since: Instant
    reason: str
    """Rule that the record broke, or the class of the error that processing it raised."""
    message: str
    attempts: int
    record_key: str | None
    """Base64."""
    record_value: str | None
    """Base64."""
    record_headers: list[tuple[str, str | None]]
    """Names, and values in base64."""
    message_id: str | None
    """`ce_id`, where it could be read."""
    message_type: str | None


class DeadLettered(Event, key="letter_id"):
    """A record was put aside as a dead letter; the service goes on without it."""

    letter_id: Identifier
    topic: str
    reason: str
    message: str
    message_id: str | None
    message_type: str | None


class RedriveDeadLetter(Command, key="letter_id"):
    """Send a dead letter's record to its topic again, under the id it had."""

    letter_id: Identifier
    note: str = ""


class DeadLetterRedriven(Event, key="letter_id"):
    """The audit record of a redrive: who asked for it, why, and how often it was done."""

    letter_id: Identifier
    topic: str
    message_id: str | None
    actor: str | None
    note: str
    times: int


class RepublishSnapshots(Command, key="service"):
    """Send the newest snapshot of everything that a service has once more, for a topic of snapshots that lost some."""

    service: Identifier
    note: str = ""


class SnapshotsRepublished(Event, key="service"):
    """The newest snapshots of everything that a service has stand on their topic."""

    service: Identifier
    count: Count
    """How many were sent."""


class DecisionFailed(Event, key="subject"):
    """A service could not decide, three times, what follows from a timer or from the end of work: a fault of its own.

    Nothing is lost, and the work is not done again. It is tried again from time to time, so that a mended version goes
    on by itself; until then the aggregate stands still at this point.
    """

    subject: str
    """Id of the aggregate."""
    aggregate: str
    """The collection that it is kept in."""
    happening: str
    """`timer` or `work`."""
    name: str
    message: str
    again_at: Instant


class RecordsLost(Event, key="gap"):
    """Records are gone that a service had not read yet: a topic's retention, or whoever deleted them, was faster.

    What the service knows of others may be older than they are, and commands among them were never answered.
    """

    gap: Identifier
    """`<service that had not read them>:<topic>:<partition>:<first offset>`."""
    topic: str
    partition: int
    first_offset: int
    count: int


class WorkLogged(Progress, key="subject"):
    """A line of the log of a piece of work that is running."""

    subject: str
    """Id of the aggregate that the work belongs to."""
    work: str
    at: Instant
    level: str
    text: str


class WorkProgressed(Progress, key="subject"):
    """How far a piece of work has come."""

    subject: str
    work: str
    at: Instant
    done: float = Field(ge=0)
    total: float = Field(ge=0)
    unit: str
