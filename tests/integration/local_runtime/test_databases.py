"""The environments' databases in their one server."""

import asyncio
import os
import signal

import psycopg
import pytest

from deploy.demo.packages import (
    PLATFORM,
)
from services.servicing_executor.runtimes.local import LocalRuntime
from services.servicing_executor.runtimes.port import (
    RuntimeUnavailableError,
    StepFailedError,
)
from tests.integration.local_runtime.support import ENVIRONMENT, apply
from tests.support.local_machine import Machine, step


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
