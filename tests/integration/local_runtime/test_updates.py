"""Updates, their migrations, and what verification finds, with the reference application's real processes."""

from dataclasses import replace
from pathlib import Path

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
from services.servicing_executor.runtimes.local import LocalRuntime
from services.servicing_executor.runtimes.port import (
    StepFailedError,
    StepTimedOutError,
)
from shared.artifacts.folder import FolderStore
from tests.integration.local_runtime.support import (
    ENVIRONMENT,
    SERVICES,
    apply,
    eventually,
    get,
    import_csv,
    processes,
    rows,
    service_pids,
)
from tests.support.demo_images import built
from tests.support.local_machine import Machine, step

# An "operational error" to the driver, though only the migration is to blame.
OVERSIZED_INDEX_ROW = """\
create table t (x text); create index on t (x);
insert into t select string_agg(md5(n::text), '') from generate_series(1, 9999) n;
"""


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
    await eventually(lambda: "customers\t2\n" in report.read_text())


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


async def test_a_platform_that_brings_no_tables_runs_and_a_refusing_application_says_why(
    runtime: LocalRuntime, place: Machine
) -> None:
    bare = replace(PLATFORM, name="bare", modules=tuple(replace(module, migrations={}) for module in PLATFORM.modules))
    image = (await built(FolderStore(place.root / "artifacts"), bare, place.root)).image.digest
    await apply(runtime, image, "apply")
    await runtime.set_maintenance_mode(step(ENVIRONMENT, "maintenance", "on"), enabled=True)
    assert rows(runtime, "select count(*) from import_history") == [(0,)]
    with psycopg.connect(runtime.conninfo(ENVIRONMENT)) as connection:
        connection.execute("drop table system_settings")
    log: list[str] = []
    with pytest.raises(StepFailedError, match=r"GET /health with 503 .*system_settings.* does not exist"):
        await runtime.verify(step(ENVIRONMENT, "apply", "verify", log), image, ())
    assert any(line.startswith("AOS said: ") for line in log)


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


async def test_an_environment_that_was_destroyed_leaves_nothing(runtime: LocalRuntime, place: Machine) -> None:
    await apply(runtime, place.images[PLATFORM.name], "apply")
    for _ in range(2):
        await runtime.destroy(step(ENVIRONMENT, "decommission", "destroy"))
    assert service_pids(place) == []
    assert not (place.root / "environments" / ENVIRONMENT).exists()
    with pytest.raises(StepFailedError, match="was not provisioned"):
        runtime.conninfo(ENVIRONMENT)
