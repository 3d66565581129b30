"""Whenever an executor is killed, the next one adopts what it left."""

import asyncio

import pytest

from deploy.demo.packages import (
    CUSTOMIZATION_V1,
    CUSTOMIZATION_V2,
    PLATFORM,
)
from services.servicing_executor.runtimes.local import LocalRuntime
from tests.integration.local_runtime.support import ENVIRONMENT, processes, rows, service_pids
from tests.support.local_machine import Machine, extension, killed_executor, step


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
