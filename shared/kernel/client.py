"""The kernel's face for programs that are no service: they publish records and read topics, and decide nothing."""

from shared.kernel.kafka.errors import KafkaError
from shared.kernel.kafka.publisher import KafkaPublisher
from shared.kernel.kafka.reader import Place, Read, TopicReader
from shared.kernel.kafka.topics import TopicsNotCreated, create_topics
from shared.kernel.logs import configure_logs, get_logger
from shared.kernel.records import OutgoingRecord
from shared.kernel.settings import Settings

__all__ = [
    "KafkaError",
    "KafkaPublisher",
    "OutgoingRecord",
    "Place",
    "Read",
    "Settings",
    "TopicReader",
    "TopicsNotCreated",
    "configure_logs",
    "create_topics",
    "get_logger",
]
