"""The engines that the other tests are given."""

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from motor.motor_asyncio import AsyncIOMotorClient

from deploy.embedded import Endpoints

pytestmark = pytest.mark.engines


async def test_a_record_sent_to_kafka_is_read_back(engines: Endpoints) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=engines.kafka)
    await admin.start()
    await admin.create_topics([NewTopic("fixture", 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=engines.kafka, acks="all") as producer:
        await producer.send_and_wait("fixture", b"hello")
    async with AIOKafkaConsumer(
        "fixture", bootstrap_servers=engines.kafka, auto_offset_reset="earliest", group_id="fixture"
    ) as consumer:
        assert (await consumer.getone()).value == b"hello"


async def test_a_document_is_replaced_only_at_the_version_that_was_read(engines: Endpoints) -> None:
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(engines.mongo)
    collection = client["fixture"]["aggregates"]
    await collection.create_index([("_id", 1), ("version", 1)], unique=True)
    await collection.insert_one({"_id": "a", "version": 1})
    first = await collection.update_one({"_id": "a", "version": 1}, {"$set": {"version": 2}})
    second = await collection.update_one({"_id": "a", "version": 1}, {"$set": {"version": 3}})
    assert (first.modified_count, second.modified_count) == (1, 0)
    client.close()
