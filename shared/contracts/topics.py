"""The one table of topics. Topics are created from it, never by accident."""

from dataclasses import dataclass
from datetime import timedelta

from shared.contracts.message import MessageKind

SERVICES = (
    "package-validator",
    "image-builder",
    "servicing-executor",
    "promotion-scheduler",
    "extension-compatibility-checker",
    "notifier",
)

MESSAGE_LIMIT = 256 * 1024
"""Largest value of a message, in bytes. Big things are artifacts; messages carry their digests."""

_MIB = 1024 * 1024

DEAD_LETTER_LIMIT = 3 * _MIB - 64 * 1024
"""Largest value of a dead letter, in bytes: it holds a record of any size that a topic takes, in base64."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic with what Kafka is told of it. `partitions` is fixed at birth: adding any breaks the order of keys."""

    service: str
    kind: MessageKind
    partitions: int
    retention: timedelta | None
    """None: kept for ever, or compacted."""
    max_message_bytes: int = _MIB
    compacted: bool = False

    @property
    def name(self) -> str:
        """`drydock.<service>.<kind>`."""
        return topic_name(self.service, self.kind)


def topic_name(service: str, kind: MessageKind) -> str:
    """Name of the topic of a service for a kind of message."""
    return f"drydock.{service}.{kind.value}"


def topics_of(service: str) -> tuple[Topic, ...]:
    """The five topics that a service owns."""
    return (
        Topic(service, MessageKind.COMMAND, 12, timedelta(days=14)),
        Topic(service, MessageKind.EVENT, 12, timedelta(days=14)),
        Topic(service, MessageKind.DEAD_LETTER, 1, None, max_message_bytes=3 * _MIB),
        Topic(service, MessageKind.SNAPSHOT, 6, None, compacted=True),
        Topic(service, MessageKind.PROGRESS, 6, timedelta(hours=6)),
    )


TOPICS: dict[str, Topic] = {topic.name: topic for service in SERVICES for topic in topics_of(service)}
