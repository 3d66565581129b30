"""One PostgreSQL cluster in a folder of this machine, from the wheel's binaries or those on the PATH.

The server is started through pg_ctl, so it outlives this process; whoever comes next adopts it. PostgreSQL
refuses to run as root: then it runs as an unprivileged user, who gets at the data and nothing beside it (see
accounts.py). It listens on loopback only, below the ephemeral ports, with a password for everybody.
"""

import asyncio
import fcntl
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg.conninfo import make_conninfo

from services.servicing_executor.runtimes.accounts import account_for, entrance, run
from services.servicing_executor.runtimes.files import write_private
from services.servicing_executor.runtimes.launcher import process_start
from services.servicing_executor.runtimes.port import RuntimeUnavailableError
from services.servicing_executor.runtimes.postgres_binaries import (
    PostgresBinaries,
    PostgresUnusableError,
    find_binaries,
)
from shared.ports import free_port, is_free

_SUPERUSER = "drydock"
# Seconds, for a machine that does much else: pg_ctl tells at once of a server that ended.
_PATIENCE = "600"
_REAPING_POLLS = 400  # of 0.05 s
_SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "shared_buffers": "32MB",
    # A statement whose client was killed ends soon, instead of holding locks against the next executor.
    "client_connection_check_interval": "1s",
}


def _has_pid(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class PostgresCluster:
    """The cluster in `folder`: made when it is first started, adopted when it runs already."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._settings = {**_SETTINGS, **(settings or {})}
        self._account = account_for(self._data)
        self._port = 0

    async def start(self) -> None:
        """Have the server running and answering; several processes may call this at once."""
        async with self._locked():
            self._port = self._recorded_port()
            if await self._answers():
                return
            major = self._made_by()
            binaries = await find_binaries(major, self._account)
            if major is None:
                await self._make(binaries)
            await self._launch(binaries)

    async def stop(self) -> None:
        """End the server and with it all sessions; nothing committed is lost."""
        async with self._locked():
            if (major := self._made_by()) is None or not (self._data / "postmaster.pid").exists():
                return
            binaries = await find_binaries(major, self._account)
            status, output = await self._control(binaries, "stop", "-m", "fast", "-t", _PATIENCE)
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
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
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
        password = secrets.token_urlsafe(32)
        write_private(self._folder / "superuser-password", password)
        for_initdb = self._folder / "password.new"
        write_private(for_initdb, password)
        try:
            if self._account is not None:
                self._account.give(draft)
                self._account.give(for_initdb)
            await self._initialise(binaries, draft, for_initdb)
        finally:
            for_initdb.unlink()
        settings = dict(self._settings)
        if binaries.major >= 18:
            settings.setdefault("io_method", "sync")
        with (draft / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())
        draft.rename(self._data)

    async def _initialise(self, binaries: PostgresBinaries, draft: Path, password: Path) -> None:
        with entrance(self._account, draft) as (data, one), entrance(self._account, password) as (file, other):
            status, _ = await run(self._account, "test", "-w", data, inherit=(one,))
            if status != 0 and self._account is not None:
                raise PostgresUnusableError(
                    f"PostgreSQL would run as user {self._account.name}, who cannot enter {draft}: let others search "
                    "each folder above it (chmod o+x), choose another data folder, or do not run as root"
                )
            status, output = await run(
                self._account,
                binaries.folder / "initdb",
                *("-D", data, "-U", _SUPERUSER, "-A", "scram-sha-256", "--pwfile", file),
                *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
                inherit=(one, other),
            )
        if status != 0:
            raise PostgresUnusableError(f"PostgreSQL could not make {self._data}: {output.strip()}")

    async def _answers(self) -> bool:
        if self._port == 0 or not (self._data / "postmaster.pid").exists():
            return False
        try:
            async with await psycopg.AsyncConnection.connect(self.conninfo("postgres")) as connection:
                return await self._is_ours(connection)
        except psycopg.OperationalError:
            return False

    async def _is_ours(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> bool:
        # The server's own word for its folder may be a descriptor of its own, and a copied folder has the
        # same passwords: only a server that works on this folder sees what appears in it.
        mark = self._data / f"asked-{uuid4().hex}"
        mark.touch(0o600)
        try:
            row = await (await connection.execute("select pg_stat_file(%s, true) is null", (mark.name,))).fetchone()
        finally:
            mark.unlink()
        return row == (False,)

    async def _launch(self, binaries: PostgresBinaries) -> None:
        await self._predecessor_gone()
        self._folder.chmod(0o700)  # earlier releases opened it to the server's user
        output = ""
        for attempt in range(3):
            if attempt > 0 or self._port == 0 or not is_free(self._port):
                self._port = free_port()
            status, output = await self._control(binaries, "start", "-t", _PATIENCE, "-o", f"-p {self._port}")
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

    async def _control(self, binaries: PostgresBinaries, *words: str) -> tuple[int, str]:
        with entrance(self._account, self._data) as (data, descriptor):
            log = data / "server.log"
            pg_ctl = binaries.folder / "pg_ctl"
            return await run(self._account, pg_ctl, "-D", data, "-l", log, "-w", *words, inherit=(descriptor,))
