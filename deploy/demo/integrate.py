"""Publishes a command and follows what comes of it, with nothing but a Kafka client; INTEGRATE.md explains it.

It needs aiokafka and the standard library, nothing of Drydock: copy it, or read it and write it in another language.
"""

import argparse
import asyncio
import hashlib
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

ENDED, USAGE, REFUSED, UNREACHABLE, TIMED_OUT = 0, 2, 4, 8, 124
REJECTED = "drydock.command-rejected.v1"


def store_artifact(store: Path, file: Path) -> dict[str, Any]:
    """Put a file into an artifact store, a folder with the OCI image layout; what a message says of it.

    A blob appears whole, under its digest, by rename: its readers never see a part of it.
    """
    blobs = store / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    draft = store / f".{uuid.uuid4().hex}"
    digest = hashlib.sha256()
    try:
        with file.open("rb") as source, draft.open("xb") as target:
            while chunk := source.read(1 << 20):
                digest.update(chunk)
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
            size = target.tell()
        draft.rename(blobs / digest.hexdigest())
    finally:
        draft.unlink(missing_ok=True)
    return {"digest": f"sha256:{digest.hexdigest()}", "size": size, "media_type": "application/zip"}


@asynccontextmanager
async def events_from_now(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of all services' events that stands behind the last one there is.

    Position it before the command is sent: an answer can come before a consumer that starts after it.
    """
    partitions = await event_partitions(bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(partitions)
        for partition, end in (await consumer.end_offsets(partitions)).items():
            consumer.seek(partition, end)
        yield consumer
    finally:
        await consumer.stop()


async def event_partitions(bootstrap: str) -> list[TopicPartition]:
    """The partitions of all topics of events. Raise LookupError if there are none."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        names = [name for name in await admin.list_topics() if name.startswith("drydock.") and name.endswith(".events")]
        if not names:
            raise LookupError(f"Kafka at {bootstrap} has no topics of Drydock: has it been started?")
        return [
            TopicPartition(described["topic"], partition["partition"])
            for described in await admin.describe_topics(names)
            for partition in described["partitions"]
        ]
    finally:
        await admin.close()


async def publish(bootstrap: str, type_: str, key: str, value: dict[str, Any], id_: str, actor: str) -> None:
    """Send a command: a CloudEvents record in binary mode. Sent again under the same id, it is done once."""
    headers = {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_id": id_,
        "ce_source": "example/integrate",
        "ce_type": type_,
        "ce_time": datetime.now(UTC).isoformat(),
        "ce_actor": actor,
    }
    topic = f"drydock.{type_.partition('.')[0]}.commands"
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        await producer.send_and_wait(
            topic,
            json.dumps(value).encode(),
            key=key.encode(),
            headers=[(name, text.encode()) for name, text in headers.items()],
        )
    finally:
        await producer.stop()


def read_event(record: ConsumerRecord) -> dict[str, Any]:
    """An event as one object: the CloudEvents attributes, and its value as `data`."""
    attributes = {name.removeprefix("ce_"): value.decode() for name, value in record.headers if name.startswith("ce_")}
    return {**attributes, "key": record.key.decode(), "data": json.loads(record.value)}


async def follow(consumer: AIOKafkaConsumer, id_: str) -> AsyncIterator[dict[str, Any]]:
    """Everything that the command with this id has caused, directly or further down. An event may come twice."""
    seen: set[str] = set()
    async for record in consumer:
        event = read_event(record)
        if event.get("correlationid") == id_ and event["id"] not in seen:
            seen.add(event["id"])
            yield event


async def send_and_follow(arguments: argparse.Namespace) -> int:
    """Send the command, print its events as lines of JSON; the exit code."""
    value = dict(arguments.value)
    if arguments.upload:
        value["artifact"] = store_artifact(arguments.artifacts, arguments.upload)
    async with events_from_now(arguments.kafka) as consumer:
        await publish(arguments.kafka, arguments.type, arguments.key, value, arguments.id, arguments.actor)
        async for event in follow(consumer, arguments.id):
            print(json.dumps(event), flush=True)
            if event["type"] == REJECTED and event["causationid"] == arguments.id:
                return REFUSED
            if event["type"] in arguments.until:
                return ENDED
    raise AssertionError("a consumer reads for ever")


def parse_arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        description="Publish a command, and print the events that it causes as lines of JSON.",
        epilog="Exit codes: 0 an event of --until came, 4 refused, 8 Kafka or the store unreachable, 124 timed out.",
    )
    parser.add_argument("type", help="type of the command, such as package-validator.submit-package.v1")
    parser.add_argument("--key", required=True, help="key of the record: the value of the command's key field")
    parser.add_argument("--value", required=True, type=json_object, help="the command, a JSON object")
    parser.add_argument("--until", required=True, action="append", help="type of an event that ends it; repeatable")
    parser.add_argument("--upload", type=Path, metavar="FILE", help="store a file first; it becomes `artifact`")
    parser.add_argument("--kafka", default=os.environ.get("DRYDOCK_KAFKA", "127.0.0.1:9092"))
    parser.add_argument("--artifacts", type=Path, default=os.environ.get("DRYDOCK_ARTIFACTS", ".drydock/artifacts"))
    parser.add_argument("--id", default=str(uuid.uuid4()), help="id of the command (default: a new one)")
    parser.add_argument("--actor", default="integration", help="who is said to have asked for it")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds; what was started goes on (default: 60)")
    return parser.parse_args()


def json_object(text: str) -> dict[str, Any]:
    """A JSON object, or an error that argparse prints."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"no JSON: {error}") from None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError("no JSON object")
    return value


async def main() -> int:
    """Do what the command line says; the exit code."""
    arguments = parse_arguments()
    try:
        async with asyncio.timeout(arguments.timeout):
            return await send_and_follow(arguments)
    except TimeoutError:
        print(f"nothing of --until came within {arguments.timeout:g} s", file=sys.stderr)
        return TIMED_OUT
    except (KafkaError, OSError, LookupError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return UNREACHABLE


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
