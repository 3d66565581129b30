"""What the tests of the kernel's parts share: simulated time, a store in memory, one replica of the example."""

import asyncio
from collections.abc import Iterator

import pytest
import structlog

from shared.kernel.app import Settings
from shared.kernel.store.memory import MemoryStore
from tests.support.example import app
from tests.support.simulation import Broker, Clock, InstantLoop, silence
from tests.unit.kernel.world import World


@pytest.fixture
def world() -> Iterator[World]:
    silence()
    loop = InstantLoop()
    asyncio.set_event_loop(loop)
    made = World(loop, Clock(loop), MemoryStore(), Broker(), app.make(Settings()))
    yield made
    made.close()
    asyncio.set_event_loop(None)
    structlog.reset_defaults()
