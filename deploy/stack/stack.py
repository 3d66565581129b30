"""Starts, supervises and ends everything that `drydock dev` runs, each part a process of its own."""

import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.embedded import Engines, EnginesError
from deploy.embedded.data_folder import FolderInUseError
from deploy.embedded.process import EngineProcess
from deploy.installation.forms import changes, claim
from deploy.installation.overdue import look_up_overdue
from deploy.installation.record import told
from deploy.stack.environments import resume_environments, stop_environments
from deploy.stack.logs import LogWatch
from shared.attestations.errors import KeyFileError
from shared.attestations.keyring import ensure_keys
from shared.contracts.topics import SERVICES
from shared.ports import free_port

SESSION_TIMEOUT = "PT6S"
RECORD = "stack.json"
# A service ends when Kafka or the store keep it waiting: under load they may, all of them start at once.
_AGAIN = 2


class StackError(Exception):
    """Something could not be started; the message says what, and where its log is."""


@dataclass(frozen=True)
class StackPart:
    """A part of the stack: `module` is run with `environment` and asked for `health` until it is ready."""

    name: str
    module: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    port: int
    health: str


@dataclass(frozen=True)
class StackRecord:
    """What other programs need to know of a stack that runs; kept in its folder as `stack.json`."""

    pid: int
    kafka: str
    mongo: str
    artifacts: str
    mail: str
    console: str
    parts: dict[str, int]
    """Health port by name."""


class Stack:
    """The parts of Drydock on the data folder `data`. A second start on the folder goes on where it stopped.

    `scale` says how many processes a service has, by its name; one where it is not named.
    """

    def __init__(
        self,
        data: Path,
        *,
        say: Callable[[str], None],
        scale: Mapping[str, int] | None = None,
        kafka: str | None = None,
        mongo: str | None = None,
        console_port: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.data = data.absolute()
        self._say = say
        self._scale = dict(scale or {})
        self._console_port = console_port
        self._settings = dict(settings or {})
        self._engines = Engines(self.data, kafka=kafka, mongo=mongo, say=say)
        self._processes: dict[str, EngineProcess] = {}
        self._taken: set[int] = set()
        self._logs = LogWatch(logs=self._engines.folder.logs, environments=self.data / "environments")
        if unknown := sorted(set(self._scale) - set(SERVICES)):
            raise StackError(f"there is no service {', '.join(unknown)}; there are {', '.join(SERVICES)}")

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def record(self) -> StackRecord:
        """The stack as other programs see it."""
        text = (self.data / RECORD).read_text(encoding="utf-8")
        return StackRecord(**json.loads(text))

    @property
    def processes(self) -> Mapping[str, EngineProcess]:
        """The running parts by name; engines are not among them."""
        return self._processes

    def start(self) -> None:
        """Start everything; return when all of it is ready. Raise StackError or EnginesError.

        Where another program runs on the folder, nothing of it is touched.
        """
        began = time.monotonic()
        try:
            self._engines.folder.take()
        except FolderInUseError as error:
            raise StackError(f"{error}{self._dashboard_of(error.supervisor)}") from error
        for sentence in changes(self.data):
            self._say(sentence)
        claim(self.data)
        endpoints = self._engines.start()
        self._say(f"engines ready after {time.monotonic() - began:.1f} s")
        restored = self._restored(endpoints.mongo)
        for sentence in told(self.data):
            self._say(f"{self.data}: {sentence}")
        (self.data / "logs").mkdir(parents=True, exist_ok=True)
        self._make_keys()
        mail_folder = self.data / "mail"
        smtp_port = self._port("mail-catcher")
        common = {
            "DRYDOCK_KAFKA": endpoints.kafka,
            "DRYDOCK_MONGO": endpoints.mongo,
            "DRYDOCK_ARTIFACTS": str(self.data / "artifacts"),
            "DRYDOCK_KEYS": str(self.data / "keys"),
            "DRYDOCK_ENVIRONMENTS": str(self.data / "environments"),
            "DRYDOCK_BASES": str(self.data / "bases"),
            "DRYDOCK_SMTP_PORT": str(smtp_port),
            "DRYDOCK_MAIL_FOLDER": str(mail_folder),
            "DRYDOCK_SESSION_TIMEOUT": SESSION_TIMEOUT,
            **restored,
            **self._settings,
        }
        parts = [
            *(part for service in SERVICES for part in self._service_parts(service, common)),
            *self._other_parts(common, smtp_port, mail_folder),
        ]
        self._logs.start()
        resume_environments(self.data / "environments", self.data / "artifacts", self._say)
        with ThreadPoolExecutor(len(parts)) as pool:
            list(pool.map(self._start_part, parts))
        console = next((part.port for part in parts if part.name == "console"), 0)
        record = StackRecord(
            pid=os.getpid(),
            kafka=endpoints.kafka,
            mongo=endpoints.mongo,
            artifacts=str(self.data / "artifacts"),
            mail=str(mail_folder),
            console=f"http://127.0.0.1:{console}" if console else "",
            parts={part.name: part.port for part in parts},
        )
        (self.data / RECORD).write_text(json.dumps(asdict(record), indent=2), encoding="utf-8")
        self._say(f"everything ready after {time.monotonic() - began:.1f} s")

    def stop(self) -> None:
        """End everything: the parts first, then the environments and the engines. Without the folder, do nothing."""
        folder = self._engines.folder
        if not folder.lock.held:
            return
        (self.data / RECORD).unlink(missing_ok=True)
        self._logs.stop()
        processes = list(self._processes.values())
        if processes:
            with ThreadPoolExecutor(len(processes)) as pool:
                list(pool.map(EngineProcess.stop, processes))
        self._processes.clear()
        stop_environments(self.data / "environments", self.data / "artifacts")
        self._engines.stop()
        folder.lock.release()

    def _make_keys(self) -> None:
        """At the first start: what services state of images is signed with them."""
        try:
            made = ensure_keys(self.data / "keys")
        except (KeyFileError, OSError) as error:
            raise StackError(f"the keys in {self.data / 'keys'} cannot be used: {error}") from error
        if made:
            self._say(f"keys made for {', '.join(made)} in {self.data / 'keys'}")

    def _restored(self, mongo: str) -> dict[str, str]:
        """What services are told of a restore; what it left overdue is kept beside the data."""
        try:
            record = look_up_overdue(self.data, mongo, self._settings)
        except OSError as error:
            raise StackError(f"{self.data} was restored from a backup, but {error}. Start again") from error
        return {"DRYDOCK_RESTORED_AT": record.restored_at.isoformat()} if record and record.restored_at else {}

    def _dashboard_of(self, supervisor: int) -> str:
        try:
            record = self.record
        except (OSError, ValueError, TypeError):
            return ""
        return f" Its dashboard is {record.console}." if record.pid == supervisor and record.console else ""

    def _service_parts(self, service: str, common: Mapping[str, str]) -> Sequence[StackPart]:
        count = self._scale.get(service, 1)
        return [
            self._part(
                service if count == 1 else f"{service}-{number}",
                f"services.{service.replace('-', '_')}.app",
                common,
                health="/readyz",
            )
            for number in range(1, count + 1)
        ]

    def _other_parts(self, common: Mapping[str, str], smtp_port: int, mail_folder: Path) -> Sequence[StackPart]:
        catcher = StackPart(
            "mail-catcher",
            "deploy.mail_catcher",
            ("--port", str(smtp_port), "--folder", str(mail_folder)),
            {},
            smtp_port,
            health="",
        )
        console = self._part("console", "services.console.app", common, health="/readyz", port=self._console_port)
        return [catcher, console]

    def _part(
        self, name: str, module: str, common: Mapping[str, str], *, health: str, port: int | None = None
    ) -> StackPart:
        port = port or self._port(name)
        return StackPart(
            name, module, (), {**common, "DRYDOCK_PORT": str(port), "DRYDOCK_INSTANCE": name}, port, health
        )

    def _port(self, name: str) -> int:
        """A free port; the one of the last run where it is still free, so that addresses stay."""
        ports = self.data / "ports"
        ports.mkdir(parents=True, exist_ok=True)
        file = ports / name
        before = int(file.read_text(encoding="utf-8")) if file.exists() else None
        port = free_port(before, taken=frozenset(self._taken))
        self._taken.add(port)
        file.write_text(str(port), encoding="utf-8")
        return port

    def _start_part(self, part: StackPart) -> None:
        process = EngineProcess(
            part.name,
            [sys.executable, "-m", part.module, *part.arguments],
            self.data / "logs" / f"{part.name}.log",
            _http_probe(part.port, part.health) if part.health else _connect_probe(part.port),
            lock_fd=self._engines.folder.lock.fd,
            supervise=True,
            environment=part.environment,
            say=self._say,
        )
        self._processes[part.name] = process
        process.start()
        try:
            process.wait_ready(again=_AGAIN)
        except EnginesError as error:
            raise StackError(str(error)) from error


def _http_probe(port: int, path: str) -> Callable[[float], None]:
    def probe(timeout: float) -> None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=timeout).close()
        except urllib.error.HTTPError as error:
            with error:
                raise OSError(_missing(error.read()) or f"answers {error.code}") from None

    return probe


def _missing(answer: bytes) -> str:
    """What a service that is not ready says that it lacks."""
    try:
        return "; ".join(json.loads(answer)["missing"].values())
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""


def _connect_probe(port: int) -> Callable[[float], None]:
    def probe(timeout: float) -> None:
        socket.create_connection(("127.0.0.1", port), timeout=timeout).close()

    return probe
