"""The local runtime on a real PostgreSQL with the reference application's real processes."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg
import pytest

from deploy.demo.packages import (
    CUSTOMIZATION_V1,
    CUSTOMIZATION_V2,
    FAILING,
    PLATFORM,
    DemoModule,
    DemoPackage,
)
from services.servicing_executor.runtimes.extensions import Extensions
from services.servicing_executor.runtimes.launcher import process_start
from services.servicing_executor.runtimes.local import LocalRuntime
from services.servicing_executor.runtimes.port import (
    RuntimeUnavailableError,
    StepFailedError,
    StepTimedOutError,
)
from services.servicing_executor.runtimes.processes import ServiceProcesses
from shared.artifacts.folder import FolderStore
from tests.support.demo_images import built
from tests.support.local_machine import Machine, extension, killed_executor, machine, step
from tests.support.patience import until

SERVICES = ("AOS", "DIXF", "MR")
ENVIRONMENT = "contoso-test"
# An "operational error" to the driver, though only the migration is to blame.
OVERSIZED_INDEX_ROW = """\
create table t (x text); create index on t (x);
insert into t select string_agg(md5(n::text), '') from generate_series(1, 9999) n;
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Machine]:
    with machine() as made:
        yield made


@pytest.fixture
async def runtime(place: Machine) -> AsyncIterator[LocalRuntime]:
    runtime = place.runtime()
    await runtime.provision(step(ENVIRONMENT, "register", "provision"))
    yield runtime
    await runtime.destroy(step(ENVIRONMENT, "decommission", "destroy"))


async def apply(runtime: LocalRuntime, image: str, operation: str) -> str:
    """The steps of an update, each one in its place; returns the snapshot taken before."""

    def named(name: str) -> tuple[str, str, str]:
        return ENVIRONMENT, operation, name

    await runtime.prepare_release(step(*named("prepare")), image)
    await runtime.stop_services(step(*named("stop")))
    snapshot = await runtime.snapshot_database(step(*named("snapshot")))
    await runtime.switch_release(step(*named("switch")), image)
    await runtime.migrate_database(step(*named("migrate")), image)
    await runtime.start_services(step(*named("start")))
    await runtime.verify(step(*named("verify")), image, ())
    return snapshot


def processes(place: Machine) -> dict[str, int]:
    running = ServiceProcesses(place.root / "environments" / ENVIRONMENT / "services")
    found = {name: running.running(name) for name in SERVICES}
    return {name: process.pid for name, process in found.items() if process is not None}


async def import_csv(runtime: LocalRuntime, name: str, content: str) -> None:
    data = runtime.data_folder(ENVIRONMENT)
    (data / "draft").write_text(content)
    (data / "draft").rename(data / "inbox" / name)
    await until((data / "imported" / name).exists)


async def get(runtime: LocalRuntime, path: str, token: str | None = None) -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(runtime.address(ENVIRONMENT) + path, headers=headers)


def rows(runtime: LocalRuntime, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(runtime.conninfo(ENVIRONMENT)) as connection:
        return connection.execute(query.encode()).fetchall()


async def test_updates_run_migrations_once_and_the_application_reports_the_images_modules(
    runtime: LocalRuntime, place: Machine
) -> None:
    await apply(runtime, place.images[CUSTOMIZATION_V1.name], "apply-1")
    first = processes(place)
    await apply(runtime, place.images[CUSTOMIZATION_V2.name], "apply-2")

    answer = (await get(runtime, "/modules")).json()
    expected = {
        "ApplicationFoundation": "7.0.7606.108",
        "ApplicationPlatform": "7.0.7606.108",
        "ContosoLoyalty": "1.1.0.0",
        "ContosoReports": "1.0.0.0",
    }
    assert answer == {"database": expected, "release": expected}
    assert rows(runtime, "select module, file_name from schema_migrations order by applied_at") == [
        ("ApplicationPlatform", "001_system_tables.sql"),
        ("ApplicationFoundation", "001_customers.sql"),
        ("ContosoLoyalty", "001_loyalty_cards.sql"),
        ("ContosoLoyalty", "002_tiers.sql"),
    ]
    assert set(processes(place)) == set(SERVICES)
    assert not set(processes(place).values()) & set(first.values())


async def test_the_services_import_files_and_write_reports(runtime: LocalRuntime, place: Machine) -> None:
    await apply(runtime, place.images[CUSTOMIZATION_V1.name], "apply")
    await import_csv(runtime, "customers.csv", "account,name\nC-1,Contoso\nC-2,Fabrikam\n")
    assert (await get(runtime, "/customers")).json() == {
        "customers": [{"account": "C-1", "name": "Contoso"}, {"account": "C-2", "name": "Fabrikam"}]
    }
    report = runtime.data_folder(ENVIRONMENT) / "reports" / "tables.txt"
    await until(lambda: "customers\t2\n" in report.read_text())


async def test_a_failing_migration_is_rolled_back_to_the_release_and_the_data_before_it(
    runtime: LocalRuntime, place: Machine
) -> None:
    before = place.images[CUSTOMIZATION_V1.name]
    await apply(runtime, before, "apply-1")
    await import_csv(runtime, "customers.csv", "account,name\nC-1,Contoso\n")

    with pytest.raises(StepFailedError, match=r"ContosoLoyalty/004_first_customers\.sql failed: duplicate key"):
        await apply(runtime, place.images[FAILING.name], "apply-2")
    assert rows(runtime, "select * from customers") == []  # the migration before it has lost them for real

    def named(name: str) -> tuple[str, str, str]:
        return ENVIRONMENT, "apply-2", name

    snapshot = await runtime.snapshot_database(step(*named("snapshot")))
    await runtime.restore_snapshot(step(*named("restore")), snapshot)
    await runtime.switch_release(step(*named("switch-back")), before)
    await runtime.start_services(step(*named("start-again")))
    await runtime.verify(step(*named("verify-again")), before, ())
    assert (await get(runtime, "/customers")).json() == {"customers": [{"account": "C-1", "name": "Contoso"}]}
    assert (
        rows(runtime, "select file_name from schema_migrations where module = 'ContosoLoyalty'")
        == [
            ("001_loyalty_cards.sql",),
            ("002_tiers.sql",),
        ][:1]
    )

    await import_csv(runtime, "customers.more.csv", "account,name\nC-2,Fabrikam\n")
    await runtime.stop_services(step(*named("stop-later")))
    await runtime.restore_snapshot(step(*named("restore")), snapshot)
    assert len(rows(runtime, "select * from customers")) == 2  # the same step again does not undo later work
    await runtime.drop_snapshot(step(*named("drop")), snapshot)
    await runtime.drop_snapshot(step(*named("drop")), snapshot)
    with pytest.raises(StepFailedError, match="is gone"):
        await runtime.restore_snapshot(step(*named("restore-again")), snapshot)


@pytest.mark.parametrize("line", [1, 2, 3, 4, 5])
async def test_an_executor_killed_at_any_line_of_any_step_is_followed_by_one_that_adopts(
    place: Machine, line: int
) -> None:
    runtime = place.runtime()
    killed: set[str] = set()

    async def run(operation: str, name: str, method: str, *arguments: object) -> object:
        key = (ENVIRONMENT, operation, name)
        was_killed = await asyncio.to_thread(killed_executor, place, line, key, method, *arguments)
        if was_killed:
            killed.add(method)
        return await getattr(runtime, method)(step(*key), *arguments)

    first, second = place.images[CUSTOMIZATION_V1.name], place.images[CUSTOMIZATION_V2.name]
    names = (("Ledger", ()), ("Freight", ("Ledger",)), ("Rates", ("Freight",)))
    had = [await extension(place, f"{name} {line}", needs=needs) for name, needs in names]
    kept = had[:1]
    try:
        await run("register", "provision", "provision")
        await run("apply-1", "prepare", "prepare_release", first)
        await run("apply-1", "switch", "switch_release", first)
        await run("apply-1", "migrate", "migrate_database", first)
        rows(runtime, "insert into customers values ('C-1', 'Contoso') returning account")

        await run("apply-2", "prepare", "prepare_release", second)
        await run("apply-2", "stop", "stop_services")
        snapshot = str(await run("apply-2", "snapshot", "snapshot_database"))
        await run("apply-2", "switch", "switch_release", second)
        await run("apply-2", "migrate", "migrate_database", second)
        await run("apply-2", "fetch-extensions", "fetch_extensions", had)
        await run("apply-2", "extensions", "set_extensions", had)
        await run("apply-2", "start", "start_services")
        await run("apply-2", "verify", "verify", second, had)
        await run("release", "remove", "set_extensions", kept)
        await run("release", "verify", "verify", second, kept)
        await run("release", "back", "set_extensions", had)
        await run("release", "verify-again", "verify", second, had)
        await run("release", "tidy", "set_extensions", kept)
        await run("release", "discard", "discard_extensions")
        assert rows(runtime, "select count(*), count(distinct file_name) from schema_migrations") == [(4, 4)]

        await run("apply-2", "stop-again", "stop_services")
        await run("apply-2", "restore", "restore_snapshot", snapshot)
        await run("apply-2", "switch-back", "switch_release", first)
        await run("apply-2", "start-again", "start_services")
        await run("restart", "restart", "restart_service", "DIXF")
        await run("apply-2", "verify-again", "verify", first, kept)
        assert rows(runtime, "select account from customers") == [("C-1",)]
        await run("apply-2", "drop", "drop_snapshot", snapshot)
    finally:
        await run("decommission", "destroy", "destroy")
    by_line = {
        1: {"provision", "switch_release", "verify", "drop_snapshot", "fetch_extensions", "set_extensions"},
        2: {"provision", "snapshot_database", "switch_release", "fetch_extensions", "set_extensions", "verify"},
        3: {"prepare_release", "stop_services", "migrate_database", "fetch_extensions", "set_extensions"},
        4: {"prepare_release", "stop_services", "restart_service"},
        5: {"restore_snapshot", "start_services", "destroy"},
    }
    assert by_line[line] <= killed


@pytest.mark.parametrize("seconds", [0.06, 0.1, 0.14])
async def test_an_executor_killed_while_it_launches_leaves_no_service_running_twice(
    runtime: LocalRuntime, place: Machine, seconds: float
) -> None:
    image = place.images[PLATFORM.name]
    await runtime.prepare_release(step(ENVIRONMENT, "apply", "prepare"), image)
    await runtime.switch_release(step(ENVIRONMENT, "apply", "switch"), image)
    await runtime.migrate_database(step(ENVIRONMENT, "apply", "migrate"), image)
    key = (ENVIRONMENT, "apply", "start")
    await asyncio.to_thread(killed_executor, place, seconds, key, "start_services")

    await runtime.start_services(step(*key))
    assert sorted(service_pids(place)) == sorted(processes(place).values())
    await runtime.stop_services(step(ENVIRONMENT, "apply", "stop"))
    assert service_pids(place) == []


def service_pids(place: Machine) -> list[int]:
    """Every process of the machine, recorded or not, that was given one of this environment's settings."""
    folder = str(place.root / "environments" / ENVIRONMENT / "services").encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and b"DRYDOCK_SERVICE_SETTINGS=" + folder in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


async def test_a_process_that_got_the_pid_of_a_service_is_neither_adopted_nor_killed(
    runtime: LocalRuntime, place: Machine
) -> None:
    image = place.images[PLATFORM.name]
    await apply(runtime, image, "apply")
    aos = processes(place)["AOS"]
    os.kill(aos, signal.SIGKILL)
    await until(lambda: "AOS" not in processes(place))
    record = place.root / "environments" / ENVIRONMENT / "services" / "AOS.json"
    stranger = await asyncio.create_subprocess_exec("sleep", "60", start_new_session=True)
    try:
        record.write_text(json.dumps({**json.loads(record.read_text()), "pid": stranger.pid}))
        await runtime.stop_services(step(ENVIRONMENT, "later", "stop"))
        assert process_start(stranger.pid) is not None
        await runtime.start_services(step(ENVIRONMENT, "later", "start"))
        assert processes(place)["AOS"] != stranger.pid
        assert process_start(stranger.pid) is not None
    finally:
        stranger.kill()
        await stranger.wait()


async def test_services_outlive_the_executor_and_a_new_one_adopts_those_of_the_current_image(
    runtime: LocalRuntime, place: Machine
) -> None:
    image = place.images[PLATFORM.name]
    await apply(runtime, image, "apply")
    before = processes(place)
    await runtime.close()
    successor = place.runtime()
    await successor.start_services(step(ENVIRONMENT, "apply", "start"))
    await successor.verify(step(ENVIRONMENT, "apply", "verify"), image, ())
    assert processes(place) == before

    other = place.images[CUSTOMIZATION_V1.name]
    await successor.prepare_release(step(ENVIRONMENT, "other", "prepare"), other)
    await successor.switch_release(step(ENVIRONMENT, "other", "switch"), other)
    await successor.migrate_database(step(ENVIRONMENT, "other", "migrate"), other)
    await successor.start_services(step(ENVIRONMENT, "other", "start"))
    await successor.verify(step(ENVIRONMENT, "other", "verify"), other, ())
    assert not set(processes(place).values()) & set(before.values())


async def test_extensions_go_dependents_first_come_dependencies_first_and_leave_their_data(
    runtime: LocalRuntime, place: Machine
) -> None:
    image = place.images[PLATFORM.name]
    await apply(runtime, image, "apply")
    before = processes(place)
    ledger, freight = await extension(place, "Ledger"), await extension(place, "Freight", needs=("Ledger",))
    rates = await extension(place, "Rates", needs=("Freight",))
    lines: list[str] = []
    await runtime.set_extensions(step(ENVIRONMENT, "install", "set", lines), (rates, freight, ledger))
    assert [line.split(" (")[0] for line in lines if line.startswith("putting")] == [
        "putting in Ledger 1.0.0.0",
        "putting in Freight 1.0.0.0",
        "putting in Rates 1.0.0.0",
    ]
    reported = (await get(runtime, "/extensions")).json()["extensions"]
    assert reported == {one.app_id: "1.0.0.0" for one in (ledger, freight, rates)}
    with psycopg.connect(runtime.conninfo(ENVIRONMENT)) as connection:
        connection.execute("create table freight_orders (number text)")
        connection.execute("insert into freight_orders values ('F-1')")

    lines.clear()
    newer = await extension(place, "Ledger", "2.0.0.0")
    await runtime.set_extensions(step(ENVIRONMENT, "release", "set", lines), (newer,))
    assert [line.split(" (")[0] for line in lines if line.startswith(("taking", "putting"))] == [
        "taking out Rates 1.0.0.0",
        "taking out Freight 1.0.0.0",
        "putting in Ledger 2.0.0.0",
    ]
    assert all(line.endswith("; its data stays") for line in lines if line.startswith("taking"))
    assert (await get(runtime, "/extensions")).json() == {"extensions": {newer.app_id: "2.0.0.0"}}
    assert rows(runtime, "select number from freight_orders") == [("F-1",)]
    assert processes(place) == before
    said = list(lines)
    lines.clear()
    await runtime.set_extensions(step(ENVIRONMENT, "release", "set", lines), (newer,))
    assert lines == [*said[-4:-1], "the environment has exactly these 1 extensions already"]
    lines.clear()
    await runtime.set_extensions(step(ENVIRONMENT, "another", "set", lines), (newer,))
    assert lines == ["the environment has exactly these 1 extensions already"]


async def test_verification_fails_when_the_application_runs_other_extensions_than_its_files_say(
    runtime: LocalRuntime, place: Machine
) -> None:
    image = place.images[PLATFORM.name]
    await apply(runtime, image, "apply")
    freight = await extension(place, "Freight")
    lying = replace(freight, version="1.1.0.0")
    await runtime.set_extensions(step(ENVIRONMENT, "install", "set"), (lying,))
    with pytest.raises(StepFailedError, match=rf"{freight.app_id} 1\.1\.0\.0 is 1\.0\.0\.0"):
        await runtime.verify(step(ENVIRONMENT, "install", "verify"), image, (lying,))

    padded = replace(freight, version="1.0")
    await runtime.set_extensions(step(ENVIRONMENT, "install", "padded"), (padded,))
    await runtime.verify(step(ENVIRONMENT, "install", "verify"), image, (padded,))

    stored = await FolderStore(place.root / "artifacts").put_bytes(b"no package", "application/vnd.drydock.app")
    damaged = replace(freight, digest=stored.digest, size=stored.size)
    await runtime.set_extensions(step(ENVIRONMENT, "damaged", "set"), (damaged,))
    with pytest.raises(StepFailedError, match="is not readable: "):
        await runtime.verify(step(ENVIRONMENT, "damaged", "verify"), image, (damaged,))

    folder = place.root / "environments" / ENVIRONMENT / "extensions"
    await runtime.set_extensions(step(ENVIRONMENT, "again", "set"), (freight,))
    (folder / f"{freight.digest.removeprefix('sha256:')}.app").unlink()
    with pytest.raises(StepFailedError, match=r"files of extensions are gone: Freight 1\.0\.0\.0"):
        await runtime.verify(step(ENVIRONMENT, "again", "verify"), image, (freight,))
    await runtime.set_extensions(step(ENVIRONMENT, "mended", "set"), (freight,))
    await runtime.verify(step(ENVIRONMENT, "mended", "verify"), image, (freight,))


async def test_a_file_of_another_size_than_was_named_is_refused_and_leaves_nothing(
    runtime: LocalRuntime, place: Machine
) -> None:
    freight = await extension(place, "Freight")
    with pytest.raises(StepFailedError, match=rf"has {freight.size} bytes, 7 were named"):
        await runtime.fetch_extensions(step(ENVIRONMENT, "install", "fetch"), (replace(freight, size=7),))
    folder = place.root / "environments" / ENVIRONMENT / "extensions"
    assert list(folder.iterdir()) == []
    assert Extensions(folder).installed() == ()


async def test_files_of_extensions_that_are_not_installed_are_discarded(runtime: LocalRuntime, place: Machine) -> None:
    ledger, freight = await extension(place, "Ledger"), await extension(place, "Freight")
    folder = place.root / "environments" / ENVIRONMENT / "extensions"
    (folder / ".fetch-by-one-that-died").write_bytes(b"half")
    await runtime.set_extensions(step(ENVIRONMENT, "install", "set"), (ledger, freight))
    assert not list(folder.glob(".fetch-*"))
    await runtime.set_extensions(step(ENVIRONMENT, "remove", "set"), (ledger,))
    assert len(list(folder.glob("*.app"))) == 2  # a rollback needs no store
    await runtime.discard_extensions(step(ENVIRONMENT, "remove", "discard"))
    assert [path.stem for path in folder.glob("*.app")] == [ledger.digest.removeprefix("sha256:")]


async def test_maintenance_mode_refuses_everybody_but_administrators(runtime: LocalRuntime, place: Machine) -> None:
    image = place.images[PLATFORM.name]
    await apply(runtime, image, "apply")
    for _ in range(2):
        await runtime.set_maintenance_mode(step(ENVIRONMENT, "on", "maintenance"), enabled=True)
    refused = await get(runtime, "/customers")
    assert refused.status_code == 503
    assert "maintenance mode" in refused.json()["error"]
    assert (await get(runtime, "/customers", "wrong")).status_code == 503
    assert (await get(runtime, "/customers", runtime.administrator_token(ENVIRONMENT))).status_code == 200
    assert (await get(runtime, "/health")).json() == {"status": "ok", "maintenance": True}
    await runtime.verify(step(ENVIRONMENT, "on", "verify"), image, ())

    await runtime.set_maintenance_mode(step(ENVIRONMENT, "off", "maintenance"), enabled=False)
    assert (await get(runtime, "/customers")).status_code == 200


async def test_restarting_a_service_replaces_that_process_once_per_step(runtime: LocalRuntime, place: Machine) -> None:
    await apply(runtime, place.images[PLATFORM.name], "apply")
    before = processes(place)
    await runtime.restart_service(step(ENVIRONMENT, "restart-1", "restart"), "MR")
    after = processes(place)
    assert after["MR"] != before["MR"]
    assert {k: v for k, v in after.items() if k != "MR"} == {k: v for k, v in before.items() if k != "MR"}
    await runtime.restart_service(step(ENVIRONMENT, "restart-1", "restart"), "MR")
    assert processes(place) == after
    with pytest.raises(StepFailedError, match="no service 'SSRS': choose one of AOS, DIXF, MR"):
        await runtime.restart_service(step(ENVIRONMENT, "restart-2", "restart"), "SSRS")


async def test_verification_fails_when_the_application_does_not_report_the_images_modules(
    runtime: LocalRuntime, place: Machine
) -> None:
    image = place.images[PLATFORM.name]
    await apply(runtime, image, "apply")
    with psycopg.connect(runtime.conninfo(ENVIRONMENT)) as connection:
        connection.execute("delete from installed_modules where name = 'ApplicationFoundation'")
        connection.execute("insert into installed_modules values ('Stray', '1.0')")
    with pytest.raises(
        StepFailedError,
        match=r"the database .*: ApplicationFoundation [\d.]+ is missing, Stray not expected is 1\.0",
    ):
        await runtime.verify(step(ENVIRONMENT, "apply", "verify"), image, ())


@pytest.mark.parametrize(
    ("statement", "error", "reason"),
    [
        ("select pg_sleep(60);", StepTimedOutError, r"migrate did not end within its 1 seconds"),
        ("create table t (x int); commit; begin;", StepFailedError, "ends its own transaction"),
        ("create role intruder superuser;", StepFailedError, "permission denied"),
        (OVERSIZED_INDEX_ROW, StepFailedError, "index row"),
    ],
)
async def test_a_bad_migration_fails_its_step_with_the_reason(
    runtime: LocalRuntime, place: Machine, tmp_path: Path, statement: str, error: type[Exception], reason: str
) -> None:
    package = DemoPackage("bad", "platform", (DemoModule("Bad", "1.0", (), {"001_bad.sql": statement}),))
    image = (await built(FolderStore(place.root / "artifacts"), package, tmp_path)).image.digest
    await runtime.prepare_release(step(ENVIRONMENT, "apply", "prepare"), image)
    with pytest.raises(error, match=reason):
        await runtime.migrate_database(replace(step(ENVIRONMENT, "apply", "migrate"), timeout=1), image)
    assert rows(runtime, "select * from schema_migrations") == []


async def test_a_migration_that_was_changed_after_it_ran_is_refused(
    runtime: LocalRuntime, place: Machine, tmp_path: Path
) -> None:
    store = FolderStore(place.root / "artifacts")
    for number, statement in enumerate(("create table t (x int);", "create table t (x bigint);")):
        module = DemoModule("Changing", f"1.{number}", (), {"001_t.sql": statement})
        package = DemoPackage(f"changing-{number}", "platform", (module,))
        image = (await built(store, package, tmp_path)).image.digest
        await runtime.prepare_release(step(ENVIRONMENT, f"apply-{number}", "prepare"), image)
        if number == 0:
            assert await runtime.migrate_database(step(ENVIRONMENT, "apply-0", "migrate"), image) == (
                "Changing/001_t.sql",
            )
    with pytest.raises(StepFailedError, match=r"Changing/001_t\.sql was changed after it ran"):
        await runtime.migrate_database(step(ENVIRONMENT, "apply-1", "migrate"), image)


async def test_a_database_server_that_was_killed_is_no_fault_of_the_image_and_is_started_again(
    runtime: LocalRuntime, place: Machine
) -> None:
    image = place.images[PLATFORM.name]
    await runtime.prepare_release(step(ENVIRONMENT, "apply", "prepare"), image)
    server = int((place.root / "postgres/data/postmaster.pid").read_text().splitlines()[0])
    os.kill(server, signal.SIGKILL)
    with pytest.raises(RuntimeUnavailableError):
        await runtime.migrate_database(step(ENVIRONMENT, "apply", "migrate"), image)
    assert await runtime.migrate_database(step(ENVIRONMENT, "apply", "migrate"), image)


async def test_an_environments_role_cannot_enter_another_environments_database(
    runtime: LocalRuntime,
) -> None:
    other = "fabrikam-test"
    await runtime.provision(step(other, "register", "provision"))
    try:
        own = psycopg.conninfo.conninfo_to_dict(runtime.conninfo(ENVIRONMENT))
        assert own["dbname"] == f"env-{ENVIRONMENT}"
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(psycopg.conninfo.make_conninfo(runtime.conninfo(ENVIRONMENT), dbname=f"env-{other}"))
    finally:
        await runtime.destroy(step(other, "decommission", "destroy"))


async def test_a_copy_of_the_database_is_refused_while_services_run(runtime: LocalRuntime, place: Machine) -> None:
    await apply(runtime, place.images[PLATFORM.name], "apply")
    with pytest.raises(StepFailedError, match=r"services run \(AOS, DIXF, MR\)"):
        await runtime.snapshot_database(step(ENVIRONMENT, "other", "snapshot"))
    assert await runtime.database_size(ENVIRONMENT) > 1_000_000


async def test_two_executors_that_take_the_same_snapshot_at_once_agree_on_one(
    runtime: LocalRuntime, place: Machine
) -> None:
    key = (ENVIRONMENT, "apply", "snapshot")
    snapshots = await asyncio.gather(
        *(executor.snapshot_database(step(*key)) for executor in (runtime, place.runtime(), place.runtime()))
    )
    assert len(set(snapshots)) == 1


async def test_an_environment_that_was_destroyed_leaves_nothing(runtime: LocalRuntime, place: Machine) -> None:
    await apply(runtime, place.images[PLATFORM.name], "apply")
    for _ in range(2):
        await runtime.destroy(step(ENVIRONMENT, "decommission", "destroy"))
    assert service_pids(place) == []
    assert not (place.root / "environments" / ENVIRONMENT).exists()
    with pytest.raises(StepFailedError, match="was not provisioned"):
        runtime.conninfo(ENVIRONMENT)


async def test_a_service_that_ends_at_once_fails_the_start_with_its_last_words(
    runtime: LocalRuntime, place: Machine
) -> None:
    image = place.images[PLATFORM.name]
    await runtime.prepare_release(step(ENVIRONMENT, "apply", "prepare"), image)
    await runtime.switch_release(step(ENVIRONMENT, "apply", "switch"), image)
    # Without the migrations MR has tables to count, but AOS and DIXF start; the data folder is MR's undoing.
    (runtime.data_folder(ENVIRONMENT) / "reports").rmdir()
    with pytest.raises(StepFailedError, match=r"service MR ended while it started.*FileNotFoundError"):
        await runtime.start_services(step(ENVIRONMENT, "apply", "start"))
