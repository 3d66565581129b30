"""One machine for all tests of the folder; one environment for each."""

from collections.abc import AsyncIterator, Iterator

import pytest

from services.servicing_executor.runtimes.local import LocalRuntime
from tests.integration.local_runtime.support import ENVIRONMENT
from tests.support.local_machine import Machine, machine, step


@pytest.fixture(scope="package")
def place() -> Iterator[Machine]:
    with machine() as made:
        yield made


@pytest.fixture
async def runtime(place: Machine) -> AsyncIterator[LocalRuntime]:
    runtime = place.runtime()
    await runtime.provision(step(ENVIRONMENT, "register", "provision"))
    yield runtime
    await runtime.destroy(step(ENVIRONMENT, "decommission", "destroy"))
