"""What every runtime does: the local one with real parts, and the instant one that is for load tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.demo.packages import CUSTOMIZATION_V1, CUSTOMIZATION_V2, PLATFORM
from services.servicing_executor.runtimes.instant import InstantRuntime
from services.servicing_executor.runtimes.port import Runtime, StepFailedError
from tests.support.local_machine import Machine, extension, machine, step

ENVIRONMENT = "contract-test"


@pytest.fixture(scope="module")
def place() -> Iterator[Machine]:
    with machine() as made:
        yield made


@pytest.fixture(params=["instant", "local"])
async def runtime(request: pytest.FixtureRequest, place: Machine, tmp_path: Path) -> AsyncIterator[Runtime]:
    runtime: Runtime = InstantRuntime(tmp_path) if request.param == "instant" else place.runtime()
    await runtime.provision(step(ENVIRONMENT, "register", "provision"))
    yield runtime
    await runtime.destroy(step(ENVIRONMENT, "decommission", "destroy"))
    await runtime.close()


async def twice(runtime: Runtime, operation: str, method: str, *arguments: object) -> object:
    """Run a step, and once more as an executor does that does not know how far the last one came."""
    results = [await getattr(runtime, method)(step(ENVIRONMENT, operation, method), *arguments) for _ in range(2)]
    if method != "migrate_database":
        assert results[0] == results[1]
    return results[0]


async def deploy(runtime: Runtime, image: str) -> None:
    """Bring an image to the environment, without a copy of the database."""
    for method in ("prepare_release", "switch_release", "migrate_database"):
        await getattr(runtime, method)(step(ENVIRONMENT, "deploy", method), image)
    await runtime.start_services(step(ENVIRONMENT, "deploy", "start"))


async def test_an_update_a_rollback_and_what_a_runtime_refuses(runtime: Runtime, place: Machine) -> None:
    first, second = place.images[CUSTOMIZATION_V1.name], place.images[CUSTOMIZATION_V2.name]
    assert await runtime.current_image(ENVIRONMENT) is None
    with pytest.raises(StepFailedError, match="no current image"):
        await runtime.start_services(step(ENVIRONMENT, "apply-1", "start"))
    for method in ("switch_release", "migrate_database"):
        with pytest.raises(StepFailedError, match="was not prepared"):
            await getattr(runtime, method)(step(ENVIRONMENT, "apply-1", method), first)

    snapshots = []
    for operation, image in (("apply-1", first), ("apply-2", second)):
        await twice(runtime, operation, "prepare_release", image)
        await twice(runtime, operation, "stop_services")
        snapshots.append(await twice(runtime, operation, "snapshot_database"))
        await twice(runtime, operation, "switch_release", image)
        await twice(runtime, operation, "migrate_database", image)
        await twice(runtime, operation, "start_services")
        await twice(runtime, operation, "verify", image, ())
        assert await runtime.current_image(ENVIRONMENT) == image
    assert snapshots[0] != snapshots[1]

    with pytest.raises(StepFailedError, match="services run"):
        await runtime.restore_snapshot(step(ENVIRONMENT, "apply-2", "restore"), str(snapshots[1]))
    await twice(runtime, "back", "stop_services")
    await twice(runtime, "back", "restore_snapshot", snapshots[1])
    await twice(runtime, "back", "switch_release", first)
    await twice(runtime, "back", "start_services")
    await twice(runtime, "back", "verify", first, ())
    with pytest.raises(StepFailedError):
        await runtime.verify(step(ENVIRONMENT, "back", "verify-other"), second, ())

    with pytest.raises(StepFailedError, match="is the current one"):
        await runtime.discard_release(step(ENVIRONMENT, "back", "discard"), first)
    await twice(runtime, "back", "discard_release", second)
    await twice(runtime, "back", "restart_service", "AOS")
    await twice(runtime, "back", "drop_snapshot", snapshots[1])
    assert await runtime.database_size(ENVIRONMENT) >= 0


async def test_an_environment_that_was_not_provisioned_is_refused(runtime: Runtime) -> None:
    with pytest.raises(StepFailedError, match="was not provisioned"):
        await runtime.set_maintenance_mode(step("unknown", "on", "maintenance"), enabled=True)


async def test_an_environment_has_exactly_the_extensions_that_were_set_and_says_so(
    runtime: Runtime, place: Machine
) -> None:
    image = place.images[PLATFORM.name]
    await deploy(runtime, image)
    freight, rates = await extension(place, "Freight"), await extension(place, "Rates", needs=("Freight",))
    newer = await extension(place, "Freight", "2.0.0.0")
    sets = [(), (freight,), (freight, rates), (rates, newer), (newer,), (freight, rates), ()]
    for number, wanted in enumerate(sets):
        operation = f"set-{number}"
        await twice(runtime, operation, "fetch_extensions", wanted)
        await twice(runtime, operation, "set_extensions", wanted)
        await twice(runtime, operation, "verify", image, wanted)
        for other in (set_ for set_ in sets if set(set_) != set(wanted)):
            with pytest.raises(StepFailedError):
                await runtime.verify(step(ENVIRONMENT, operation, "verify-other"), image, other)
        await twice(runtime, operation, "discard_extensions")
        await twice(runtime, operation, "verify", image, wanted)


async def test_fetching_alone_changes_no_extension_and_what_was_not_fetched_is_set_nevertheless(
    runtime: Runtime, place: Machine
) -> None:
    image = place.images[PLATFORM.name]
    await deploy(runtime, image)
    freight, rates = await extension(place, "Freight"), await extension(place, "Rates", needs=("Freight",))
    await runtime.fetch_extensions(step(ENVIRONMENT, "cancelled", "fetch"), (freight, rates))
    await runtime.verify(step(ENVIRONMENT, "cancelled", "verify"), image, ())
    await runtime.discard_extensions(step(ENVIRONMENT, "cancelled", "discard"))
    await runtime.set_extensions(step(ENVIRONMENT, "install", "set"), (freight,))
    await runtime.verify(step(ENVIRONMENT, "install", "verify"), image, (freight,))


async def test_extensions_of_an_environment_that_was_not_provisioned_are_refused(
    runtime: Runtime, place: Machine
) -> None:
    freight = await extension(place, "Freight")
    for method in ("fetch_extensions", "set_extensions"):
        with pytest.raises(StepFailedError, match="was not provisioned"):
            await getattr(runtime, method)(step("unknown", "install", method), (freight,))
