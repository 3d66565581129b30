"""Kafka and the state server of one data folder, started and ended together."""

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.embedded import archive, jars, state
from deploy.embedded.data_folder import DataFolder, EngineRecord
from deploy.embedded.kafka import Kafka, any_broker
from deploy.embedded.process import EngineProcess, EnginesError
from shared.ports import free_port, is_free

log = logging.getLogger("drydock.engines")

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
        self._processes: dict[str, EngineProcess] = {}
        self._records: dict[str, EngineRecord] = {}
        self._controller_port: int | None = None
        self._recording = threading.RLock()
        self._ending = threading.Event()
        self._took_folder = False

    @property
    def kafka(self) -> EngineProcess:
        """The broker's process. Raises EnginesError when it is not started here."""
        return self._own("kafka")

    @property
    def state(self) -> EngineProcess:
        """The state server's process. Raises EnginesError when it is not started here."""
        return self._own("mongo")

    @property
    def endpoints(self) -> Endpoints:
        """The addresses of the started engines."""
        return Endpoints(self._records["kafka"].url, self._records["mongo"].url)

    def start(self) -> Endpoints:
        """Start both and return when they answer requests.

        Raises EnginesError when an engine cannot be fetched, does not start or does not answer, or when
        another program runs engines on the folder; nothing is left running then. A folder that the caller has
        taken before stays the caller's.
        """
        self._took_folder = self.folder.take()
        self._ending.clear()
        pool = ThreadPoolExecutor(2, thread_name_prefix="start-engine")
        try:
            cache = jars.cache_folder()
            kafka_port, controller_port, mongo_port = self._choose_ports()
            halves = [
                pool.submit(self._start_kafka, kafka_port, controller_port, cache),
                pool.submit(self._start_state, mongo_port, cache),
            ]
            for half in as_completed(halves):
                half.result()
        except BaseException:
            # Also Ctrl-C: what is being fetched or started in the other half ends with it.
            self.stop()
            raise
        finally:
            pool.shutdown()
        return self.endpoints

    def stop(self) -> None:
        """End what was started here, politely; its data stays. Stopping twice is harmless."""
        with self._recording:
            self._ending.set()
            running = list(self._processes.values())
        if running:
            with ThreadPoolExecutor(len(running), thread_name_prefix="stop-engine") as pool:
                list(pool.map(EngineProcess.stop, running))
        with self._recording:
            if self.folder.lock.held:
                self.folder.write(None, self._controller_port, self._records)
                if self._took_folder:
                    self.folder.lock.release()
        self._processes.clear()

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
        self._controller_port = controller
        self._records = {
            "kafka": EngineRecord(f"127.0.0.1:{chosen[0]}", chosen[0]),
            "mongo": EngineRecord(f"mongodb://127.0.0.1:{chosen[1]}", chosen[1]),
        }
        self.folder.write(os.getpid(), controller, self._records)
        return chosen[0], controller, chosen[1]

    def _start_kafka(self, port: int, controller_port: int, cache: Path) -> None:
        if self._external_kafka is not None:
            _check_external_kafka(self._external_kafka)
            self._record("kafka", EngineRecord(self._external_kafka))
            return
        kafka = Kafka(self.folder.path / "kafka", port, controller_port)
        class_path = jars.resolve(jars.KAFKA_LOCK, cache, self._say, self._ending)
        command = kafka.prepare(class_path, cache, archive.options(class_path, cache))
        self._launch("kafka", EngineRecord(kafka.bootstrap, port), command, kafka.answers)
        archive.make_in_background(class_path, cache)

    def _start_state(self, port: int, cache: Path) -> None:
        if self._external_mongo is not None:
            _check_external_mongo(self._external_mongo)
            self._record("mongo", EngineRecord(self._external_mongo))
            return
        engine = state.choose(self.folder.path, port)
        if isinstance(engine, state.StateServer):
            command = engine.prepare(jars.resolve(jars.STATE_LOCK, cache, self._say, self._ending))
        else:
            command = engine.prepare()
        self._launch("mongo", EngineRecord(engine.url, port), command, engine.answers, engine.why)

    def _own(self, name: str) -> EngineProcess:
        try:
            return self._processes[name]
        except KeyError:
            raise EnginesError(f"{name} is not started, or it is a server that runs elsewhere") from None

    def _launch(
        self,
        name: str,
        record: EngineRecord,
        command: list[str],
        answers: Callable[[float], None],
        why: Callable[[int], str | None] = lambda _: None,
    ) -> None:
        with self._recording:
            if self._ending.is_set():
                raise EnginesError("the engines are being ended")
            process = self._processes[name] = EngineProcess(
                name,
                command,
                self.folder.logs / f"{name}.log",
                answers,
                lock_fd=self.folder.lock.fd,
                supervise=self._supervise,
                why=why,
                on_change=lambda changed: self._record(name, replace(record, pid=changed.pid)),
                say=self._say,
            )
            process.start()
        process.wait_ready()

    def _record(self, name: str, entry: EngineRecord) -> None:
        with self._recording:
            self._records[name] = entry
            # What ends is recorded once, by `stop`: a half that is still starting has nothing to say any more.
            if self.folder.lock.held and not self._ending.is_set():
                self.folder.write(os.getpid(), self._controller_port, self._records)


def _check_external_kafka(bootstrap: str) -> None:
    """Raises EnginesError unless one of the brokers answers."""
    try:
        any_broker(bootstrap, _EXTERNAL)
    except OSError as error:
        raise EnginesError(f"Kafka at {bootstrap} does not answer ({error}).") from error


def _check_external_mongo(url: str) -> None:
    """Raises EnginesError unless the server answers. Nothing is written there."""
    try:
        state.check(url, _EXTERNAL, write=False)
    except OSError as error:
        raise EnginesError(f"MongoDB at {url.rpartition('@')[2]} does not answer ({error}).") from error
