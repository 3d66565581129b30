"""Two processes of each service share the work; what happens to an environment keeps its order.

A dashboard that starts from nothing sees what the events have told.
"""

import asyncio
import re
import urllib.request
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from deploy.embedded import Endpoints
from deploy.stack import Stack
from services.console.client import Client
from shared.contracts.extension_compatibility_checker import CheckCompatibility, CompatibilityChecked
from shared.contracts.message import MessageKind
from shared.contracts.servicing_executor import (
    EnvironmentSnapshot,
    EnvironmentStatus,
    EnvironmentStatusChanged,
    OperationFinished,
    OperationSnapshot,
    UpdateSignedOff,
)
from shared.contracts.topics import SERVICES, topic_name
from tests.end_to_end.installation import SETTINGS
from tests.end_to_end.world import World, reader, world
from tests.support.services import ServiceProcess

pytestmark = pytest.mark.timeout(300)

PROJECTS = 4
CHECKS = 12


@asynccontextmanager
async def second_processes(stack: Stack) -> AsyncIterator[dict[str, ServiceProcess]]:
    """One more process of each service, by service."""
    given = {name.removeprefix("DRYDOCK_").lower(): value for name, value in SETTINGS.items()}
    settings = {
        **given,
        "runtime": "instant",
        "artifacts": str(stack.data / "artifacts"),
        "environments": str(stack.data / "environments"),
        "bases": str(stack.data / "bases"),
        "smtp_port": str(stack.record.parts["mail-catcher"]),
    }
    endpoints = Endpoints(stack.record.kafka, stack.record.mongo)
    made = {
        service: ServiceProcess(f"services.{service.replace('-', '_')}.app", endpoints, stack.data, **settings)
        for service in SERVICES
    }
    try:
        for process in made.values():
            process.start()
        await asyncio.gather(*(process.ready(90) for process in made.values()))
        yield made
    finally:
        await asyncio.gather(*(process.stop() for process in made.values() if process.started))


async def test_two_processes_of_each_service_share_the_work_and_keep_the_order_of_an_environment(
    instant: Stack,
) -> None:
    async with second_processes(instant) as second, _worlds(instant) as places:
        before = {service: await _processed(instant, service, second[service]) for service in SERVICES}
        for number in range(CHECKS):
            await places[0].user.send(
                CheckCompatibility(
                    environment=f"{places[0].project}-{number}",
                    project=places[0].project,
                    set_version=0,
                    extensions=(),
                    base="25.0.0.0/W1",
                ),
                source="drydock/servicing-executor",
            )
        async with asyncio.TaskGroup() as all_:
            for place in places:
                all_.create_task(place.main_job())
        await places[0].wait(CompatibilityChecked, count=CHECKS)
        for service in SERVICES:
            after = await _processed(instant, service, second[service])
            assert all(now > then for now, then in zip(after, before[service], strict=True)), (service, before, after)
        for place in places:
            await place.user.caught_up()
            _check_order(place)


@asynccontextmanager
async def _worlds(stack: Stack) -> AsyncIterator[list[World]]:
    """Some projects, each with a reader of its own."""
    async with reader(stack) as one, reader(stack) as two, reader(stack) as three, reader(stack) as four:
        yield [World(stack, someone) for someone in (one, two, three, four)]


async def _processed(stack: Stack, service: str, second: ServiceProcess) -> tuple[float, float]:
    """How many messages each of the two processes of a service has dealt with."""
    first = f"http://127.0.0.1:{stack.record.parts[service]}/metrics"

    def ask() -> str:
        with urllib.request.urlopen(first, timeout=10) as answer:
            return str(answer.read().decode())

    texts = [await asyncio.to_thread(ask), await asyncio.to_thread(second.get, "/metrics")]
    counts = [sum(map(float, re.findall(r"^drydock_messages_total\{.*\} (\S+)$", text, re.M))) for text in texts]
    return counts[0], counts[1]


def _check_order(place: World) -> None:
    """The events of an environment are told in the order in which they happened, none left out."""
    told: dict[bytes | None, list[int]] = defaultdict(list)
    known = set()
    topic = topic_name("servicing-executor", MessageKind.EVENT)
    for seen in place.user.seen:
        if seen.topic == topic and seen.envelope.id not in known:
            known.add(seen.envelope.id)
            assert seen.envelope.sequence
            told[seen.key].append(seen.envelope.sequence)
    for environment in (place.sandbox, place.production):
        sequences = told[environment.encode()]
        assert sequences
        assert sequences == list(range(1, len(sequences) + 1)), environment


async def test_a_dashboard_that_starts_from_nothing_sees_what_the_events_have_told(instant: Stack) -> None:
    async with world(instant) as place:
        await place.main_job()
        await place.user.caught_up()
        views = await Client(instant.record.kafka, "ada").read(EnvironmentSnapshot, OperationSnapshot)
        finished = [one.data for one in place.seen(OperationFinished)]
        assert len(finished) == 4
        for environment in (place.sandbox, place.production):
            view = views.get(EnvironmentSnapshot, environment)
            assert view
            changes = place.seen(EnvironmentStatusChanged, lambda told, name=environment: told.environment == name)  # type: ignore[misc]  # bound in the loop
            last = [one for one in finished if one.environment == environment][-1]
            assert view.status is changes[-1].data.status is EnvironmentStatus.DEPLOYED
            assert (view.running, view.operation) == (last.running, None)
        history = {one.operation: one for one in views.all(OperationSnapshot)}
        [signed] = place.seen(UpdateSignedOff)
        for one in finished:
            entry = history[one.operation]
            assert entry.model_dump(include={"outcome", "steps", "running", "log", "update_name"}) == one.model_dump(
                include={"outcome", "steps", "running", "log", "update_name"}
            )
            assert entry.sign_off == (signed.data.sign_off if one.operation == signed.data.operation else None)
