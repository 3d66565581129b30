"""The services of an environment as processes of this machine."""

import asyncio
import json
import os
import signal

import pytest

from deploy.demo.packages import (
    CUSTOMIZATION_V1,
    PLATFORM,
)
from services.servicing_executor.runtimes.launcher import process_start
from services.servicing_executor.runtimes.local import LocalRuntime
from services.servicing_executor.runtimes.port import (
    StepFailedError,
)
from tests.integration.local_runtime.support import ENVIRONMENT, apply, eventually, get, processes
from tests.support.local_machine import Machine, step


async def test_a_process_that_got_the_pid_of_a_service_is_neither_adopted_nor_killed(
    runtime: LocalRuntime, place: Machine
) -> None:
    image = place.images[PLATFORM.name]
    await apply(runtime, image, "apply")
    aos = processes(place)["AOS"]
    os.kill(aos, signal.SIGKILL)
    await eventually(lambda: "AOS" not in processes(place))
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
