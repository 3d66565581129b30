"""The HTTP API on real engines: commands go to their topics, what the services tell comes back."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.artifacts.folder import FolderStore
from shared.contracts.common import CommandRejected, RedriveDeadLetter
from shared.contracts.envelope import new_id
from shared.contracts.servicing_executor import ApplyUpdate, EnvironmentStatus, StepStarted
from tests.integration.console.conftest import Console
from tests.support.patience import until_answered
from tests.support.played_services import (
    NOON,
    PlayedServices,
    ended,
    environment,
    log_ref,
    operation,
    promotion,
    steps,
)
from tests.support.services import Client, ServiceProcess

SECONDS = 60


def address(console: ServiceProcess) -> str:
    """Where a console is."""
    return f"http://127.0.0.1:{console.logged('service_started')[-1]['port']}"


def api(console: ServiceProcess) -> httpx.AsyncClient:
    """A client of a console's API; its paths are relative to `/api/v1`."""
    return httpx.AsyncClient(base_url=f"{address(console)}/api/v1/", timeout=None, trust_env=False)


def relative(path: str) -> str:
    """A path that the API has told, for a client that stands on `/api/v1`."""
    assert path.startswith("/api/v1/")
    return path.removeprefix("/api/v1/")


@pytest.fixture
async def http(console: ServiceProcess) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API."""
    async with api(console) as client:
        yield client


async def until(http: httpx.AsyncClient, path: str, wanted: Callable[[Any], bool]) -> Any:
    """Ask until the answer is wanted."""
    found: Any = None

    async def look() -> bool:
        nonlocal found
        answer = await http.get(path)
        found = answer.json()
        return answer.is_success and wanted(found)

    try:
        await until_answered(look)
    except TimeoutError:
        raise AssertionError(f"{path} still says {found}") from None
    return found


async def test_a_command_goes_to_its_topic_and_its_operation_can_be_followed_to_the_end(
    http: httpx.AsyncClient, user: Client, played: PlayedServices, name: str, artifacts: Path
) -> None:
    command = new_id()
    body = {"environment": name, "package": "contoso/contoso-2026.11", "update_name": "November release"}
    headers = {"Idempotency-Key": command, "Drydock-Actor": "mona"}
    answer = await http.post("commands/apply-update", json=body, headers=headers)
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/v1/commands/{command}"
    accepted = answer.json()
    assert accepted == {
        "id": command,
        "type": "servicing-executor.apply-update.v1",
        "command": f"/api/v1/commands/{command}",
        "operation": f"/api/v1/operations/{command}",
    }
    [sent] = await user.wait_for(lambda seen: seen.envelope.id == command)
    assert sent.envelope.data == ApplyUpdate.model_validate_json(ApplyUpdate(**body).model_dump_json())  # type: ignore[arg-type]
    assert sent.envelope.actor == "mona"
    assert (await http.get(relative(accepted["operation"]))).json()["status"] == "pending"

    busy = environment(name, status=EnvironmentStatus.SERVICING, operation=operation(command))
    await played.tell(busy, causation=command)
    running = await until(http, relative(accepted["operation"]), lambda one: one["status"] == "running")
    assert [step["status"] for step in running["steps"]].count("succeeded") == 5
    log = b"2026-11-21T12:00:00Z stopped AOS\n"
    stored = await FolderStore(artifacts).put_bytes(log, "text/plain")
    await played.tell(environment(name), sequence=5)
    await played.tell(ended(name, command, log=log_ref(stored.digest, stored.size)))
    finished = await until(http, relative(accepted["operation"]), lambda one: one["status"] == "finished")
    assert finished["outcome"] == "succeeded"
    assert (await http.get(f"operations/{command}/log")).content == log
    [entry] = (await http.get(f"environments/{name}/history")).json()["items"]
    assert entry["operation"] == command


async def test_a_refused_command_tells_the_reason(http: httpx.AsyncClient, played: PlayedServices, name: str) -> None:
    accepted = (await http.post("commands/restart-service", json={"environment": name, "service": "AOS"})).json()
    assert (await http.get(relative(accepted["command"]))).json()["status"] == "pending"
    refusal = CommandRejected(
        command_key=name,
        command_id=accepted["id"],
        command_type=accepted["type"],
        reason="OPERATION_RUNNING",
        message="apply runs",
        facts={"operation": "7"},
    )
    await played.tell(refusal, causation=accepted["id"], service="servicing-executor")
    told = await until(http, relative(accepted["command"]), lambda one: one["status"] == "refused")
    assert told["refusal"] == {
        "reason": "OPERATION_RUNNING",
        "message": "apply runs",
        "facts": {"operation": "7"},
        "earliest": None,
    }
    assert (await http.get(relative(accepted["operation"]))).json()["status"] == "refused"


async def test_a_command_repeated_under_its_key_has_one_id(http: httpx.AsyncClient, user: Client, name: str) -> None:
    key = new_id()
    for _ in range(2):
        body = {"environment": name}
        answer = await http.post("commands/enable-maintenance-mode", json=body, headers={"Idempotency-Key": key})
        assert answer.json()["id"] == key
    first, second = await user.wait_for(lambda seen: seen.envelope.id == key, 2, copies=True)
    assert first.envelope.data == second.envelope.data


async def test_a_redrive_goes_to_the_service_of_the_dead_letter(http: httpx.AsyncClient, user: Client) -> None:
    letter = f"notifier:drydock.servicing-executor.events:3:{new_id()}"
    accepted = (await http.post("commands/redrive-dead-letter", json={"letter_id": letter, "note": "fixed"})).json()
    [sent] = await user.wait_for(lambda seen: seen.envelope.id == accepted["id"])
    assert sent.topic == "drydock.notifier.commands"
    assert sent.envelope.data == RedriveDeadLetter(letter_id=letter, note="fixed")


async def test_a_fresh_console_rebuilds_every_environment_from_the_compacted_topics(
    http: httpx.AsyncClient, played: PlayedServices, another_console: Console, name: str
) -> None:
    production = name.replace("-test", "-prod")
    await played.tell(environment(name, status=EnvironmentStatus.QUEUED))
    await played.tell(environment(name, status=EnvironmentStatus.SERVICING, operation=operation(new_id())))
    for _ in range(3):
        await played.tell(ended(name, new_id()))
    await played.tell(environment(production))
    await played.tell(promotion(production, new_id()))
    await until(http, f"promotions?environment={production}", lambda page: len(page["items"]) == 1)
    await until(http, f"environments/{name}/history", lambda page: len(page["items"]) == 3)
    fresh = await another_console().ready(60)
    async with api(fresh) as later:
        for path in ("environments", f"environments/{name}/history", "promotions", "packages", "candidates"):
            before, after = (await http.get(path)).json(), (await later.get(path)).json()
            assert after["items"] == before["items"]
            assert after["sequences"] == before["sequences"]
    assert (await http.get(f"environments/{name}")).json()["status"] == "Servicing"
    assert await fresh.stop() == 0


async def test_lists_are_filtered_and_paged(http: httpx.AsyncClient, played: PlayedServices, name: str) -> None:
    project = name.removesuffix("-test")
    names = [f"{project}-{number}" for number in range(5)]
    for one in names:
        await played.tell(environment(one))
    path = f"environments?project={project}"
    await until(http, path, lambda page: len(page["items"]) == 5)
    first = (await http.get(f"{path}&limit=2")).json()
    assert [one["environment"] for one in first["items"]] == names[:2]
    assert first["more"]
    rest = (await http.get(f"{path}&before={names[1]}")).json()
    assert [one["environment"] for one in rest["items"]] == names[2:]
    assert not rest["more"]


async def test_a_log_that_is_gone_is_told_as_gone(http: httpx.AsyncClient, played: PlayedServices, name: str) -> None:
    id_ = new_id()
    await played.tell(ended(name, id_, log=log_ref("sha256:" + "0" * 64, 5)))
    await until(http, f"operations/{id_}", lambda one: one["status"] == "finished")
    answer = await http.get(f"operations/{id_}/log")
    assert answer.status_code == 410
    assert answer.json()["code"] == "LOG_GONE"


async def test_metrics_count_what_was_read(http: httpx.AsyncClient, console: ServiceProcess) -> None:
    assert "drydock_console_messages_total" in console.get("/metrics")


class Stream:
    """A client of the event stream, as a browser is one: it keeps the id of the last event."""

    def __init__(self, base: str, query: str) -> None:
        self._url = f"{base}/api/v1/events?{query}"
        self.last_id: str | None = None
        self.resets: list[str] = []
        self.connected = asyncio.Event()

    async def read(self, count: int) -> list[dict[str, Any]]:
        """Connect, and disconnect after so many events, or after a reset."""
        events: list[dict[str, Any]] = []
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        async with (
            httpx.AsyncClient(timeout=None, trust_env=False) as http,
            http.stream("GET", self._url, headers=headers) as response,
        ):
            assert response.headers["content-type"].startswith("text/event-stream")
            fields: dict[str, str] = {}
            async for line in response.aiter_lines():
                if line:
                    name, _, value = line.partition(":")
                    fields[name] = value.removeprefix(" ")
                    continue
                self.last_id = fields.get("id", self.last_id)
                self.connected.set()
                if fields.get("event") == "reset":
                    self.resets.append(json.loads(fields["data"])["code"])
                    break
                if "data" in fields:
                    events.append(json.loads(fields["data"]))
                if len(events) == count:
                    break
                fields = {}
        return events


def step(name: str, number: int) -> StepStarted:
    """The event with a number."""
    return StepStarted(environment=name, project="contoso", operation=str(number), step="verify", started_at=NOON)


def numbers(events: list[dict[str, Any]]) -> list[int]:
    """The numbers of events."""
    return [int(event["data"]["operation"]) for event in events]


async def test_a_client_resumes_without_loss_even_on_a_console_that_was_started_anew(
    http: httpx.AsyncClient, console: ServiceProcess, played: PlayedServices, another_console: Console, name: str
) -> None:
    stream = Stream(address(console), f"environment={name}")
    await stream.read(0)
    for number in range(20):
        await played.tell(step(name, number))
        await played.tell(step(name.replace("-test", "-other"), 100 + number))
    assert numbers(await stream.read(7)) == list(range(7))
    assert numbers(await stream.read(5)) == list(range(7, 12))
    fresh = await another_console().ready(60)
    elsewhere = Stream(address(fresh), f"environment={name}")
    elsewhere.last_id = stream.last_id
    assert numbers(await elsewhere.read(8)) == list(range(12, 20))
    await played.tell(step(name, 20))
    assert numbers(await elsewhere.read(1)) == [20]
    assert stream.resets == elsewhere.resets == []


async def test_the_position_of_a_list_leads_to_what_changes_after_it(
    http: httpx.AsyncClient, console: ServiceProcess, played: PlayedServices, name: str
) -> None:
    await played.tell(environment(name))
    await until(http, f"environments/{name}", lambda one: True)
    page = (await http.get("environments")).json()
    await played.tell(environment(name, status=EnvironmentStatus.QUEUED, operation=operation("x", steps=steps(0))))
    stream = Stream(address(console), f"environment={name}&kinds=snapshots&position={page['position']}")
    [event] = await stream.read(1)
    assert event["type"] == "servicing-executor.environment-snapshot.v1"
    assert event["sequence"] == page["sequences"][name] + 1
    assert event["data"]["status"] == "Queued"


@pytest.mark.parametrize("position", ["nonsense", "AAAAAAAA"])
async def test_a_position_that_is_none_resets_the_client(console: ServiceProcess, position: str) -> None:
    stream = Stream(address(console), "")
    stream.last_id = position
    await stream.read(1)
    assert stream.resets == ["UNKNOWN_POSITION"]
    assert stream.last_id == ""


async def test_a_console_ends_at_once_though_somebody_listens(another_console: Console) -> None:
    console = await another_console().ready(60)
    stream = Stream(address(console), "")
    reading = asyncio.create_task(stream.read(1))
    await stream.connected.wait()
    assert await console.stop() == 0
    assert await reading == []
