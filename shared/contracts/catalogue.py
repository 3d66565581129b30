"""Which messages there are, and on which topic each travels."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from shared.contracts import common
from shared.contracts.message import Message
from shared.contracts.topics import Topic, topic_name, topics_of

COMMON: tuple[type[Message], ...] = (
    common.CommandRejected,
    common.DeadLetter,
    common.DeadLettered,
    common.DecisionFailed,
    common.RecordsLost,
    common.RedriveDeadLetter,
    common.DeadLetterRedriven,
    common.RepublishSnapshots,
    common.SnapshotsRepublished,
    common.WorkLogged,
    common.WorkProgressed,
)


class Catalogue:
    """The services of an installation, their topics, and the messages that may stand on each."""

    def __init__(self, services: Iterable[str], messages: Iterable[type[Message]]) -> None:
        """Raise ValueError if a message has no key, two share a type, or a service is not there to which one belongs or
        which alone is to send it.
        """
        self.services = tuple(services)
        self.topics: Mapping[str, Topic] = MappingProxyType(
            {topic.name: topic for service in self.services for topic in topics_of(service)}
        )
        self._by_type: dict[str, type[Message]] = {}
        self._on_topic: dict[str, dict[str, type[Message]]] = {name: {} for name in self.topics}
        for message in (*COMMON, *messages):
            self._add(message)

    def _add(self, message: type[Message]) -> None:
        if "type" not in vars(message):
            raise ValueError(f"{message.__name__} names no key: class {message.__name__}(..., key=...)")
        if message.type in self._by_type:
            raise ValueError(f"{message.__name__} and {self._by_type[message.type].__name__} are both {message.type}")
        if message.owner not in (*self.services, "drydock"):
            raise ValueError(f"{message.__name__} belongs to {message.owner}, which is no service of this catalogue")
        if strange := sorted(set(message.senders) - set(self.services)):
            raise ValueError(f"{message.__name__} is to be sent by {', '.join(strange)}, no service of this catalogue")
        self._by_type[message.type] = message
        for service in self.services if message.owner == "drydock" else (message.owner,):
            self._on_topic[topic_name(service, message.kind)][message.type] = message

    @property
    def messages(self) -> Mapping[str, type[Message]]:
        """Every message by its type name."""
        return MappingProxyType(self._by_type)

    def on_topic(self, topic: str) -> Mapping[str, type[Message]]:
        """The messages that may stand on `topic`, by type name; empty for a topic that is not ours."""
        return MappingProxyType(self._on_topic.get(topic, {}))

    def topic_of(self, message: type[Message], service: str) -> str:
        """The topic `message` travels on; `service` sends or takes it where it belongs to all of them.

        Raise KeyError if the message or the topic is not in this catalogue.
        """
        if self._by_type.get(message.type) is not message:
            raise KeyError(f"{message.__name__} is not a message of this catalogue")
        return self.topics[topic_name(service if message.owner == "drydock" else message.owner, message.kind)].name
