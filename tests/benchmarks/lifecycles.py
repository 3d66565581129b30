"""How many complete updates the six services bring through in a second, with a runtime that does nothing.

    python -m tests.benchmarks.lifecycles [--environments 20] [--rounds 5]

An update is: apply accepted, image built, seven steps, finished, mails sent; every step is a message, a commit and a
lease. The bound is what its store writes and its records cost alone: as many compare-and-set writes and as many sends,
on the same engines, in the same run, from as many processes' worth of tasks as there are services.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pymongo import MongoClient

from deploy.demo.packages import CUSTOMIZATION_V1, CUSTOMIZATION_V2, PLATFORM
from deploy.embedded import Endpoints
from deploy.stack import Stack
from services.console.client import Client
from shared.artifacts.folder import FolderStore
from shared.contracts.package_validator import SubmitPackage
from shared.contracts.parts import ArtifactRef, EnvironmentKind
from shared.contracts.registry import CATALOGUE
from shared.contracts.servicing_executor import ApplyUpdate, OperationFinished, Outcome, RegisterEnvironment
from shared.contracts.topics import SERVICES
from shared.kernel.client import TopicReader
from shared.kernel.store.motor import MotorStore
from shared.kernel.store.port import Write
from tests.support.simulation import silence

TASKS = len(SERVICES)
DOCUMENT_BYTES = 4000
RECORD_BYTES = 800


def main() -> None:
    """Measure, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    silence()
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(
            Path(folder), say=print, settings={"DRYDOCK_RUNTIME": "instant", "DRYDOCK_LOG_LEVEL": "WARNING"}
        ) as stack,
    ):
        record = stack.record
        endpoints = Endpoints(record.kafka, record.mongo)
        asyncio.run(_measure(endpoints, Path(record.artifacts), options.environments, options.rounds))
        total = sum(_memory(process.pid) for process in stack.processes.values() if process.pid)
        print(f"memory of services, console and mail catcher together: {total:.0f} MB")


async def _measure(endpoints: Endpoints, artifacts: Path, environments: int, rounds: int) -> None:
    session = Client(endpoints.kafka, "benchmark")
    names = [f"bench-{number}" for number in range(environments)]
    await _prepare(session, FolderStore(artifacts), artifacts.parent, names)
    before = await _counts(endpoints)
    packages = (CUSTOMIZATION_V1.name, CUSTOMIZATION_V2.name)
    began = time.perf_counter()
    async with session.events_of(["servicing-executor"]) as reader:
        for name in names:
            await _apply(session, name, packages[0], 0)
        await _run(session, reader, names, packages, rounds)
    took = time.perf_counter() - began
    await asyncio.sleep(2)  # what follows the last event: mails, trimming
    after = await _counts(endpoints)
    lifecycles = environments * rounds
    writes, sends = after[0] - before[0], after[1] - before[1]
    bound = await _bound(endpoints, writes, sends)
    print(f"{lifecycles} updates of {environments} environments in {took:.1f} s: {lifecycles / took:.1f} a second")
    print(f"each: {writes / lifecycles:.0f} store writes, {sends / lifecycles:.0f} records")
    print(f"these alone: {bound:.1f} s; ratio {bound / took:.2f}")


async def _prepare(session: Client, store: FolderStore, folder: Path, names: list[str]) -> None:
    for package in (PLATFORM, CUSTOMIZATION_V1, CUSTOMIZATION_V2):
        file = package.write(folder)
        stored = await store.put_file(file, "application/zip")
        artifact = ArtifactRef.of(stored)
        await session.publish(SubmitPackage(package=f"bench/{package.name}", artifact=artifact, file_name=file.name))
    async with session.events_of(["servicing-executor"]) as reader:
        for name in names:
            register = RegisterEnvironment(
                environment=name,
                project="bench",
                environment_kind=EnvironmentKind.SANDBOX,
                country="W1",
                package=f"bench/{PLATFORM.name}",
            )
            await session.publish(register)
        await _finished(reader, set(names))


async def _run(session: Client, reader: TopicReader, names: list[str], packages: tuple[str, str], rounds: int) -> None:
    done = dict.fromkeys(names, 0)
    async for read in reader.forever():
        event = read.envelope.data if read.envelope else None
        if not isinstance(event, OperationFinished) or event.environment not in done:
            continue
        if event.outcome is not Outcome.SUCCEEDED:
            raise RuntimeError(f"an update did not succeed: {event.problem}")
        done[event.environment] += 1
        if done[event.environment] < rounds:
            await _apply(session, event.environment, packages[done[event.environment] % 2], done[event.environment])
        elif min(done.values()) == rounds:
            return


async def _apply(session: Client, name: str, package: str, number: int) -> None:
    missing = ("ContosoReports",) if number and package == CUSTOMIZATION_V1.name else ()
    command = ApplyUpdate(
        environment=name,
        package=f"bench/{package}",
        update_name=f"update {number}",
        acknowledge_missing_modules=missing,
    )
    await session.publish(command)


async def _finished(reader: TopicReader, names: set[str]) -> None:
    async for read in reader.forever():
        if read.envelope and isinstance(read.envelope.data, OperationFinished):
            names.discard(read.envelope.data.environment)
        if not names:
            return


async def _counts(endpoints: Endpoints) -> tuple[int, int]:
    """Commits so far, by the versions of all documents, and records so far, by the ends of all topics."""
    client: MongoClient[dict[str, int]] = MongoClient(endpoints.mongo)
    writes = sum(
        document.get("version", 0)
        for database in client.list_database_names()
        if database.startswith("drydock_")
        for collection in client[database].list_collection_names()
        for document in client[database][collection].find({}, {"version": 1})
    )
    client.close()
    consumer = AIOKafkaConsumer(bootstrap_servers=endpoints.kafka)
    await consumer.start()
    partitions = [TopicPartition(topic.name, n) for topic in CATALOGUE.topics.values() for n in range(topic.partitions)]
    ends = await consumer.end_offsets(partitions)
    await consumer.stop()
    return writes, sum(ends.values())


async def _bound(endpoints: Endpoints, writes: int, sends: int) -> float:
    """Seconds that as many single writes and sends take, from `TASKS` tasks at once."""
    store = MotorStore(endpoints.mongo, "drydock_bound")
    await store.ensure(["documents"])
    producer = AIOKafkaProducer(bootstrap_servers=endpoints.kafka, acks="all", enable_idempotence=True)
    await producer.start()

    async def write(task: int) -> None:
        for version in range(writes // TASKS):
            document = {"_id": f"document {task}", "version": version + 1, "due_at": None, "x": b"x" * DOCUMENT_BYTES}
            await store.write_many("documents", [Write(document, version or None)])

    async def send(task: int) -> None:
        for _ in range(sends // TASKS):
            await producer.send_and_wait("drydock.notifier.progress", b"x" * RECORD_BYTES, key=str(task).encode())

    began = time.perf_counter()
    await asyncio.gather(*(work(task) for task in range(TASKS) for work in (write, send)))
    took = time.perf_counter() - began
    await producer.stop()
    await store.close()
    return took


def _memory(guard_or_process: int) -> float:
    process = psutil.Process(guard_or_process)
    every = [process, *process.children(recursive=True)]
    return float(sum(one.memory_info().rss for one in every)) / 1e6


if __name__ == "__main__":
    main()
