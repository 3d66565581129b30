"""The engines survive what happens to processes, with everything they acknowledged."""

import asyncio
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy.embedded import Endpoints, Engines, EnginesError
from deploy.embedded.state import check
from deploy.embedded.state_file import record_of, write_record
from tests.support.patience import QuietClock, until_now

pytestmark = pytest.mark.engines

Start = Callable[..., Engines]
Document = dict[str, object]


def client(engines: Engines) -> MongoClient[Document]:
    return MongoClient(engines.endpoints.mongo, serverSelectionTimeoutMS=2000)


async def create_topic(engines: Engines, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=engines.endpoints.kafka)
    await admin.start()
    answer = await admin.create_topics([NewTopic(name, 1, 1)])
    await admin.close()
    assert [error for error in answer.topic_errors if error[1] != 0] == []


async def send(engines: Engines, topic: str, values: range) -> None:
    """Send and return when all are acknowledged."""
    async with AIOKafkaProducer(bootstrap_servers=engines.endpoints.kafka, acks="all") as producer:
        pending = [await producer.send(topic, str(value).encode(), partition=0) for value in values]
        for future in pending:
            await future


async def stored(engines: Engines, topic: str) -> list[int]:
    """All records of the topic's partition."""
    partition = TopicPartition(topic, 0)
    async with AIOKafkaConsumer(bootstrap_servers=engines.endpoints.kafka, auto_offset_reset="earliest") as consumer:
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        return [int((await consumer.getone()).value) for _ in range(end)]


async def test_data_and_addresses_survive_stop_and_start(own_engines: Start, tmp_path: Path) -> None:
    first = own_engines(tmp_path / "data")
    await create_topic(first, "kept")
    await send(first, "kept", range(10))
    with client(first) as mongo:
        mongo["kept"]["kept"].insert_one({"_id": 1})
    endpoints = first.endpoints
    first.stop()

    second = own_engines(tmp_path / "data")
    assert second.endpoints == endpoints
    assert await stored(second, "kept") == list(range(10))
    with client(second) as mongo:
        assert mongo["kept"]["kept"].count_documents({}) == 1


async def test_a_kafka_that_hardly_gets_processor_time_stays_in_its_cluster(
    own_engines: Start, engines: Endpoints
) -> None:
    own = own_engines(mongo=engines.mongo)
    await create_topic(own, "before")
    for number in range(3):
        own.kafka.pause()
        await asyncio.sleep(2.5)
        own.kafka.resume()
        await create_topic(own, f"starved-{number}")
    await send(own, "starved-0", range(10))
    assert await stored(own, "starved-0") == list(range(10))


async def test_a_killed_kafka_comes_back_with_every_acknowledged_record(own_engines: Start, engines: Endpoints) -> None:
    lines: list[str] = []
    own = own_engines(mongo=engines.mongo, say=lines.append)
    await create_topic(own, "acknowledged")
    await send(own, "acknowledged", range(500))
    killed = own.kafka.pid
    clock = QuietClock()
    own.kafka.kill()
    own.kafka.wait_ready()
    # With Kafka's own defaults the old registration alone takes longer to expire.
    assert clock.seconds() < 8
    assert own.kafka.pid != killed
    assert await stored(own, "acknowledged") == list(range(500))
    told = f"kafka (process {killed}) was ended by signal 9; starting it again"
    assert [line for line in lines if line.startswith(told)]


def test_a_killed_state_server_comes_back_with_every_acknowledged_write(own_engines: Start, engines: Endpoints) -> None:
    own = own_engines(kafka=engines.kafka)
    acknowledged: list[int] = []
    enough = threading.Event()

    def write() -> None:
        with client(own) as mongo:
            collection = mongo["acknowledged"]["writes"]
            collection.create_index([("_id", 1), ("version", 1)], unique=True)
            try:
                for number in range(100_000):
                    collection.insert_one({"_id": number, "version": 1})
                    collection.update_one({"_id": number, "version": 1}, {"$set": {"version": 2}})
                    acknowledged.append(number)
                    if number == 100:
                        enough.set()
            except PyMongoError:
                return

    writer = threading.Thread(target=write)
    writer.start()
    until_now(enough.is_set)
    own.state.kill()
    writer.join()
    own.state.wait_ready()
    with client(own) as mongo:
        collection = mongo["acknowledged"]["writes"]
        # By the index of both fields, and by a scan: the file holds the documents and their index entries.
        found = [number for number in acknowledged if collection.find_one({"_id": number, "version": 2})]
        scanned = {document["_id"] for document in collection.find({"version": 2})}
    assert found == acknowledged
    assert scanned >= set(acknowledged)


def test_an_unsupervised_engine_stays_down_until_it_is_started(own_engines: Start, engines: Endpoints) -> None:
    own = own_engines(kafka=engines.kafka, supervise=False)
    own.state.kill()
    assert not own.state.running
    with pytest.raises(EnginesError, match="mongo ended"):
        own.state.wait_ready(1)
    own.state.start()
    own.state.wait_ready()


def test_a_paused_engine_answers_nothing_until_it_is_resumed(own_engines: Start, engines: Endpoints) -> None:
    own = own_engines(kafka=engines.kafka)
    own.state.pause()
    with pytest.raises(ConnectionError):
        check(own.endpoints.mongo, 0.3, write=False)
    own.state.resume()
    own.state.wait_ready()


def test_the_engines_listen_on_loopback_only_below_the_ephemeral_ports(own_engines: Start) -> None:
    own = own_engines()
    for engine in (own.kafka, own.state):
        assert engine.pid is not None
        listening = [
            connection.laddr
            for connection in psutil.Process(engine.pid).net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert listening
        assert {address.ip.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}
        assert all(address.port < 32768 for address in listening)


def test_an_engine_that_cannot_start_shows_the_end_of_its_log_and_stops_the_other(
    own_engines: Start, tmp_path: Path
) -> None:
    (tmp_path / "data" / "state").mkdir(parents=True)
    (tmp_path / "data" / "state" / "state.mv").write_bytes(b"not a store" * 1000)
    before = set(psutil.Process().children())
    with pytest.raises(EnginesError, match=r"(?s)mongo ended while it was starting.*mongo\.log:.*state\.mv"):
        own_engines(tmp_path / "data")
    assert set(psutil.Process().children()) <= before


def test_a_given_port_that_is_in_use_is_refused(own_engines: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(EnginesError, match=f"Port {port} is in use.*--kafka-port"):
            own_engines(kafka_port=port)


def test_a_server_elsewhere_that_does_not_answer_is_named(own_engines: Start) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(EnginesError, match=f"Kafka at {address} does not answer"):
            own_engines(kafka=address)


def test_an_address_that_cannot_be_read_is_refused_without_its_password(own_engines: Start) -> None:
    with pytest.raises(EnginesError, match=r"Kafka at nowhere does not answer .* is not host:port"):
        own_engines(kafka="nowhere")
    with pytest.raises(EnginesError, match=r"MongoDB at host/.* does not answer") as refused:
        own_engines(mongo="mongodb://me:secret@host/?half")
    assert "secret" not in str(refused.value)


def test_a_data_folder_that_cannot_be_made_is_refused(own_engines: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnginesError, match=r"file/data cannot be the data folder.*--data"):
        own_engines(tmp_path / "file" / "data")


@pytest.mark.skipif(not hasattr(psutil, "RLIMIT_FSIZE"), reason="only Linux limits the files of a running process")
def test_a_state_server_without_space_ends_says_so_and_goes_on_with_every_acknowledged_write(
    own_engines: Start, engines: Endpoints, tmp_path: Path
) -> None:
    lines: list[str] = []
    own = own_engines(tmp_path / "data", kafka=engines.kafka, say=lines.append)
    full = own.state.pid
    assert full is not None
    file = tmp_path / "data" / "state" / "state.mv"
    acknowledged: list[int] = []

    def write(number: int) -> bool:
        try:
            mongo["full"]["writes"].insert_one({"_id": number, "filler": "x" * 3000})
        except PyMongoError:
            return False
        acknowledged.append(number)
        return True

    with client(own) as mongo:
        assert write(0)
        # As a full disk does, and without the rights to fill one: no file of this process gets any longer.
        psutil.Process(full).rlimit(psutil.RLIMIT_FSIZE, (file.stat().st_size, file.stat().st_size))
        refused = next(number for number in range(1, 10_000) if not write(number))
        own.state.wait_ready()
        assert own.state.pid != full
        assert write(refused) or mongo["full"]["writes"].find_one({"_id": refused})
        assert {document["_id"] for document in mongo["full"]["writes"].find()} >= set(acknowledged)
    assert [line for line in lines if f"(process {full})" in line and "there is no space left" in line]

    own.stop()
    write_record(record_of(file), 10**9)
    with pytest.raises(EnginesError, match=r"(?s)older than what it acknowledged.*accept-older-state"):
        own_engines(tmp_path / "data", kafka=engines.kafka)
