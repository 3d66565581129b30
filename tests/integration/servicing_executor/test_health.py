"""A real service of a real environment dies: it is seen, told, and started again."""

import signal

import psutil
import pytest

from deploy.demo.packages import PLATFORM
from shared.contracts.servicing_executor import EnvironmentHealthChanged, HealthLevel, OperationFinished, OperationKind
from tests.integration.servicing_executor.world import SECONDS, World

pytestmark = pytest.mark.timeout(240)


async def test_a_service_that_is_killed_comes_back_also_where_the_executor_is_killed_with_it(world: World) -> None:
    await world.register(await world.package(PLATFORM))
    _kill(world, "DIXF")
    await _recovers(world, 1)
    world.executor.kill()
    await world.executor.ended()
    _kill(world, "AOS")
    await world.executor.start().ready()
    await _recovers(world, 2)
    restarts = [one for one in world.seen(OperationFinished) if one.operation_kind is OperationKind.RESTART_SERVICE]
    assert len(restarts) == 2
    assert await world.running_extensions() == {}


def _kill(world: World, service: str) -> None:
    folder = world.runtime.data_folder(world.environment).parent / "services"
    psutil.Process(int((folder / f"{service}.ready").read_text())).send_signal(signal.SIGKILL)


async def _recovers(world: World, times: int) -> None:
    """It has been told so many times that a service is down, and that all run again; the view says so."""
    await world.user.wait_for(
        lambda seen: (
            isinstance(seen.envelope.data, EnvironmentHealthChanged)
            and seen.envelope.data.health.level is HealthLevel.HEALTHY
        ),
        count=times,
        seconds=SECONDS,
    )
    told = [one.health.level for one in world.seen(EnvironmentHealthChanged)]
    assert told == [HealthLevel.RECOVERING, HealthLevel.HEALTHY] * times
    health = (await world.view()).health
    assert health is not None
    assert health.level is HealthLevel.HEALTHY
