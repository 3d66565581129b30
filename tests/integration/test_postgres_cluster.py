"""The PostgreSQL cluster of a data folder: made once, adopted, shared, and clear about what is wrong."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from services.servicing_executor.runtimes import postgres
from services.servicing_executor.runtimes.postgres import (
    PostgresCluster,
    PostgresUnusableError,
    find_binaries,
    port_is_free,
)

QUICK = {"fsync": "off"}


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="drydock-test-"))
    path.chmod(0o711)
    try:
        yield path / "postgres"
        asyncio.run(PostgresCluster(path / "postgres").stop())
    finally:
        shutil.rmtree(path)


def server(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])


async def test_a_cluster_that_runs_is_adopted_one_that_was_killed_is_started_and_nothing_is_lost(
    folder: Path,
) -> None:
    first, second = PostgresCluster(folder, QUICK), PostgresCluster(folder, QUICK)
    await asyncio.gather(first.start(), second.start())
    assert first.conninfo("postgres") == second.conninfo("postgres")
    with psycopg.connect(first.conninfo("postgres")) as connection:
        connection.execute("create table kept (x int)")
    pid = server(folder)
    os.kill(pid, signal.SIGKILL)

    third = PostgresCluster(folder, QUICK)
    await third.start()
    assert server(folder) != pid
    with psycopg.connect(third.conninfo("postgres")) as connection:
        assert connection.execute("select * from kept").fetchall() == []


async def test_the_server_listens_on_loopback_below_ephemeral_ports_and_wants_a_password(
    folder: Path,
) -> None:
    cluster = PostgresCluster(folder, QUICK)
    await cluster.start()
    parameters = psycopg.conninfo.conninfo_to_dict(cluster.conninfo("postgres"))
    assert parameters["host"] == "127.0.0.1"
    port = int(str(parameters["port"]))
    assert port < 32_768
    assert not port_is_free(port)
    with psycopg.connect(cluster.conninfo("postgres")) as connection:
        shown = connection.execute(
            "select current_setting('listen_addresses'), current_setting('unix_socket_directories')"
        ).fetchone()
    assert shown == ("127.0.0.1", "")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(cluster.conninfo("postgres", password="wrong"))
    assert (folder / "superuser-password").stat().st_mode & 0o777 == 0o600

    await cluster.stop()
    await cluster.stop()
    assert port_is_free(port)


async def test_a_port_that_somebody_took_is_replaced(folder: Path) -> None:
    cluster = PostgresCluster(folder, QUICK)
    await cluster.start()
    await cluster.stop()
    port = int((folder / "port").read_text())
    intruder = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", port)
    async with intruder:
        await cluster.start()
        assert int((folder / "port").read_text()) != port


async def test_a_folder_made_by_another_version_is_refused_with_what_was_tried(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(PostgresUnusableError, match=r"no usable PostgreSQL was found.*the data needs 9"):
        await PostgresCluster(folder).start()


async def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PostgresUnusableError, match="cannot be used"):
        await PostgresCluster(tmp_path / "file").start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives PostgreSQL to another user")
async def test_a_folder_that_postgresqls_user_cannot_enter_is_named_with_the_way_out(folder: Path) -> None:
    folder.parent.chmod(0o700)
    with pytest.raises(PostgresUnusableError, match=r"cannot enter .*chmod o\+x"):
        await PostgresCluster(folder).start()
    assert not (folder / "data").exists()


async def test_binaries_that_do_not_run_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "postgres"
    broken.write_text("#!/bin/sh\necho it is broken >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres, "find_spec", lambda _name: None)
    with pytest.raises(PostgresUnusableError, match=rf"{tmp_path}: it is broken"):
        await find_binaries()
    broken.unlink()
    with pytest.raises(PostgresUnusableError, match="neither the package"):
        await find_binaries()
