"""Creates topics from the table in the contracts; the broker's own creation of topics is off."""

import asyncio
from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from shared.contracts.topics import Topic

_ALREADY_EXISTS = 36
_PATIENCE_MS = 15_000
REPLICATION = 3


class TopicsNotCreated(Exception):
    """The broker refused a topic; the message says which and why."""


async def missing_topics(bootstrap: str, topics: Iterable[Topic]) -> list[str]:
    """The names of those among `topics` that are not there. Raise KafkaError if no broker answers."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=_PATIENCE_MS)
    try:
        await admin.start()
        existing = set(await admin.list_topics())
    finally:
        await admin.close()
    return sorted({topic.name for topic in topics} - existing)


async def create_topics(bootstrap: str, topics: Iterable[Topic]) -> None:
    """Create what is missing among `topics`, on three brokers each, or on all where there are fewer.

    Raise TopicsNotCreated if the broker refuses one, KafkaError if it does not answer.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=_PATIENCE_MS)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        missing = [topic for topic in topics if topic.name not in existing]
        if not missing:
            return
        replication = min(REPLICATION, len((await admin.describe_cluster())["brokers"]))
        wanted = [_new_topic(topic, replication) for topic in missing]
        answer = await admin.create_topics(wanted, timeout_ms=_PATIENCE_MS)
    finally:
        await admin.close()
    refused = [(name, message) for name, code, message in answer.topic_errors if code not in (0, _ALREADY_EXISTS)]
    if refused:
        raise TopicsNotCreated("; ".join(f"{name}: {message}" for name, message in refused))


async def broker_answers(bootstrap: str) -> bool:
    """Whether a broker answers a request of a new connection, within a few seconds."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5000)
    try:
        async with asyncio.timeout(5):
            await admin.start()
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await admin.close()
    return True


def _new_topic(topic: Topic, replication: int) -> NewTopic:
    configuration = {
        "max.message.bytes": str(topic.max_message_bytes),
        "cleanup.policy": "compact" if topic.compacted else "delete",
        # The broker unpacks what a sender has compressed: every reader can read it without the sender's codec, and
        # a small batch does not become a huge one in a reader's memory.
        "compression.type": "uncompressed",
    }
    if not topic.compacted:
        retention = topic.retention
        configuration["retention.ms"] = str(int(retention.total_seconds() * 1000)) if retention else "-1"
    return NewTopic(topic.name, topic.partitions, replication, topic_configs=configuration)
