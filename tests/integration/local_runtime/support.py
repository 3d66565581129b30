"""What the tests of the local runtime do to an environment, and see of it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg

from services.servicing_executor.runtimes.local import LocalRuntime
from services.servicing_executor.runtimes.processes import ServiceProcesses
from tests.support.local_machine import Machine, step

SERVICES = ("AOS", "DIXF", "MR")
ENVIRONMENT = "contoso-test"


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


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # other processes write what is waited for
            await asyncio.sleep(0.02)


async def import_csv(runtime: LocalRuntime, name: str, content: str) -> None:
    data = runtime.data_folder(ENVIRONMENT)
    (data / "draft").write_text(content)
    (data / "draft").rename(data / "inbox" / name)
    await eventually((data / "imported" / name).exists)


async def get(runtime: LocalRuntime, path: str, token: str | None = None) -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(runtime.address(ENVIRONMENT) + path, headers=headers)


def rows(runtime: LocalRuntime, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(runtime.conninfo(ENVIRONMENT)) as connection:
        return connection.execute(query.encode()).fetchall()


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
