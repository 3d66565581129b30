"""Kafka and the state server of one data folder, started and ended together."""

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.embedded import jars, state
from deploy.embedded.data_folder import DataFolder, EngineRecord
from deploy.embedded.errors import EnginesError
from deploy.embedded.kafka import Kafka, brokers
from deploy.embedded.ports import free_port, is_free
from deploy.embedded.process import EngineProcess

log = logging.getLogger("drydock.engines")

_START = 60.0
_EXTERNAL = 10.0


@dataclass(frozen=True)
class Endpoints:
    """Where clients connect: `kafka` is host:port pairs, separated by commas; `mongo` a mongodb:// URL."""

    kafka: str
    mongo: str


class Engines:
    """The engines of the folder `data`; used by `with`, or by `start` and `stop`, from any thread.

    `kafka` and `mongo` (or the environment's DRYDOCK_KAFKA and DRYDOCK_MONGO) name servers that run
    elsewhere; they replace the embedded half and are never started or ended here. Ports that are not given
    are those of the folder's last run where they are free. `say` gets one readable line for each thing a
    person would want to know.
    """

    def __init__(
        self,
        data: Path,
        *,
        kafka: str | None = None,
        mongo: str | None = None,
        kafka_port: int | None = None,
        mongo_port: int | None = None,
        supervise: bool = True,
        say: Callable[[str], None] = log.info,
    ) -> None:
        self.folder = DataFolder(data)
        self._external_kafka = kafka or os.environ.get("DRYDOCK_KAFKA") or None
        self._external_mongo = mongo or os.environ.get("DRYDOCK_MONGO") or None
        self._wanted_ports = (kafka_port, mongo_port)
        self._supervise = supervise
        self._say = say
        self._kafka: EngineProcess | None = None
        self._state: EngineProcess | None = None
        self._records: dict[str, EngineRecord] = {}
        self._controller_port: int | None = None
        self._recording = threading.Lock()

    @property
    def kafka(self) -> EngineProcess:
        """The broker's process. Raises EnginesError when it is not started here."""
        if self._kafka is None:
            raise EnginesError("Kafka is not started, or it is a server that runs elsewhere")
        return self._kafka

    @property
    def state(self) -> EngineProcess:
        """The state server's process. Raises EnginesError when it is not started here."""
        if self._state is None:
            raise EnginesError("the state server is not started, or it is one that runs elsewhere")
        return self._state

    @property
    def endpoints(self) -> Endpoints:
        """The addresses of the started engines."""
        return Endpoints(self._records["kafka"].url, self._records["mongo"].url)

    def start(self) -> Endpoints:
        """Start what is not running and return when both answer requests.

        Raises EnginesError when an engine cannot be fetched, does not start or does not answer, or when
        another program runs engines on the folder; nothing is left running then.
        """
        self.folder.take()
        try:
            cache = jars.cache_folder()
            kafka_port, controller_port, mongo_port = self._choose_ports()
            self._controller_port = controller_port
            with ThreadPoolExecutor(2, thread_name_prefix="start-engine") as pool:
                halves = [
                    pool.submit(self._start_kafka, kafka_port, controller_port, cache),
                    pool.submit(self._start_state, mongo_port, cache),
                ]
            for half in halves:
                half.result()
        except BaseException:
            self.stop()
            raise
        return self.endpoints

    def stop(self) -> None:
        """End what was started here, politely; its data stays. Stopping twice is harmless."""
        running = [process for process in (self._kafka, self._state) if process is not None]
        if running:
            with ThreadPoolExecutor(len(running), thread_name_prefix="stop-engine") as pool:
                list(pool.map(EngineProcess.stop, running))
        self._kafka = self._state = None
        self.folder.lock.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _choose_ports(self) -> tuple[int, int, int]:
        """Ports of Kafka, its controller and the state server: as asked, else the last ones, else new."""
        last = self.folder.read()
        before = {name: entry.port for name, entry in last.engines.items()} if last else {}
        chosen: list[int] = []
        for name, wanted in zip(("kafka", "mongo"), self._wanted_ports, strict=True):
            if wanted is not None and not is_free(wanted):
                raise EnginesError(f"Port {wanted} is in use. Choose another one with --{name}-port.")
            chosen.append(wanted or free_port(before.get(name), taken=frozenset(chosen)))
        controller = free_port(last.controller_port if last else None, taken=frozenset(chosen))
        return chosen[0], controller, chosen[1]

    def _start_kafka(self, port: int, controller_port: int, cache: Path) -> None:
        if self._external_kafka is not None:
            _check_external_kafka(self._external_kafka)
            self._record("kafka", EngineRecord(self._external_kafka))
            return
        kafka = Kafka(self.folder.path / "kafka", port, controller_port)
        command = kafka.prepare(jars.resolve(jars.KAFKA_LOCK, cache, self._say), cache)
        self._kafka = self._process("kafka", kafka.bootstrap, port, command, kafka.answers)

    def _start_state(self, port: int, cache: Path) -> None:
        if self._external_mongo is not None:
            _check_external_mongo(self._external_mongo)
            self._record("mongo", EngineRecord(self._external_mongo))
            return
        engine = state.choose(self.folder.path, port)
        if isinstance(engine, state.StateServer):
            command = engine.prepare(jars.resolve(jars.STATE_LOCK, cache, self._say))
        else:
            command = engine.prepare()
        self._state = self._process("mongo", engine.url, port, command, engine.answers)

    def _process(
        self, name: str, url: str, port: int, command: list[str], answers: Callable[[float], None]
    ) -> EngineProcess:
        def changed(process: EngineProcess) -> None:
            self._record(name, EngineRecord(url, port, process.pid))

        process = EngineProcess(
            name,
            command,
            self.folder.logs / f"{name}.log",
            answers,
            lock_fd=self.folder.lock.fd,
            supervise=self._supervise,
            on_change=changed,
            say=self._say,
        )
        try:
            process.start()
            process.wait_ready(_START)
        except BaseException:
            process.stop()
            raise
        return process

    def _record(self, name: str, entry: EngineRecord) -> None:
        with self._recording:
            self._records[name] = entry
            self.folder.write(self._controller_port, self._records)


def _check_external_kafka(bootstrap: str) -> None:
    """Raises EnginesError unless one of the brokers answers."""
    problem: Exception | None = None
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            if brokers(host.strip("[]"), int(port), _EXTERNAL):
                return
        except (OSError, ValueError) as error:
            problem = error
    raise EnginesError(f"Kafka at {bootstrap} does not answer ({problem or 'no broker is registered'}).")


def _check_external_mongo(url: str) -> None:
    """Raises EnginesError unless the server answers. Nothing is written there."""
    try:
        state.check(url, _EXTERNAL, write=False)
    except OSError as error:
        raise EnginesError(f"MongoDB at {url.rpartition('@')[2]} does not answer ({error}).") from error
