"""What the HTTP API refuses before anything is sent, and what it says of itself."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.console.client import Client
from services.console.noun import Noun
from services.console.web.application import make_web
from services.console.web.commands import commands_of
from services.console.web.feed import Feed
from services.console.web.pages import STATIC
from services.console.web.queries import COLLECTIONS
from shared.artifacts.folder import FolderStore
from shared.contracts.extension_compatibility_checker import CheckCompatibility
from shared.contracts.image_builder import BuildImage
from shared.contracts.message import Command
from shared.contracts.registry import CATALOGUE
from shared.contracts.schemas.examples import envelope_of
from shared.contracts.servicing_executor import ApplyImage, ApplyRelease, ReportServices
from shared.kernel.client import KafkaPublisher, Read

NOWHERE = "127.0.0.1:1"
GOOD = {"environment": "contoso-test", "package": "contoso/contoso-2026.11", "update_name": "November release"}


@pytest.fixture(scope="module")
def feed() -> Feed:
    """What a console that knows nothing has read."""
    return Feed(NOWHERE, CATALOGUE)


@pytest.fixture(scope="module")
def web(feed: Feed, tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """The application of a console that has no broker."""
    client = Client(NOWHERE, "nobody", publisher=KafkaPublisher(NOWHERE, "test"))
    artifacts = FolderStore(tmp_path_factory.mktemp("artifacts"))
    return make_web(feed, client, artifacts, version="1", hosts=frozenset({"console.example"}))


@pytest.fixture
async def http(web: FastAPI, feed: Feed) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a console that is ready."""
    feed.caught_up = True
    transport = httpx.ASGITransport(app=web)
    async with httpx.AsyncClient(transport=transport, base_url="http://console.example") as client:
        yield client


async def refused(http: httpx.AsyncClient, status: int, **request: Any) -> Any:
    """The problem that a command is answered with."""
    answer = await http.post("/api/v1/commands/apply-update", **request)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"environment": "Contoso Test"}, "environment", "string_pattern_mismatch"),
        ({"update_name": None}, "update_name", "string_type"),
        ({"package": "nameless"}, "package", "string_pattern_mismatch"),
        ({"acknowledge_missing_modules": ["has blank"]}, "acknowledge_missing_modules.0", "string_pattern_mismatch"),
        ({"updatename": "typing error"}, "updatename", "extra_forbidden"),
    ],
)
async def test_a_command_that_breaks_a_rule_is_told_the_field_and_the_rule(
    http: httpx.AsyncClient, changes: dict[str, Any], field: str, rule: str
) -> None:
    told = await refused(http, 422, json=GOOD | changes)
    assert told["code"] == "INVALID_COMMAND"
    assert [(one["field"], one["rule"]) for one in told["errors"]] == [(field, rule)]
    assert told["detail"].startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"content": "{", "headers": {"content-type": "application/json"}}, 422, "INVALID_COMMAND"),
        ({"content": json.dumps(GOOD), "headers": {"content-type": "text/plain"}}, 415, "NOT_JSON"),
        ({"json": GOOD | {"update_name": "x" * 300_000}}, 413, "TOO_LARGE"),
        ({"json": GOOD, "headers": {"Idempotency-Key": "two words"}}, 422, "INVALID_REQUEST"),
        ({"json": GOOD, "headers": {"Drydock-Actor": "two words"}}, 422, "INVALID_REQUEST"),
        ({"json": GOOD, "headers": {"Origin": "https://elsewhere.example"}}, 403, "FOREIGN_ORIGIN"),
        ({"json": GOOD, "headers": {"Host": "rebound.example"}}, 421, "UNKNOWN_HOST"),
    ],
)
async def test_what_cannot_be_a_command_is_refused_with_a_code(
    http: httpx.AsyncClient, request_: dict[str, Any], status: int, code: str
) -> None:
    assert (await refused(http, status, **request_))["code"] == code


async def test_a_dead_letter_of_no_service_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/v1/commands/redrive-dead-letter", json={"letter_id": "nobody:topic:0:1"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "letter_id"


async def test_a_command_is_not_accepted_while_no_broker_has_it(http: httpx.AsyncClient) -> None:
    told = await refused(http, 503, json=GOOD)
    assert told["code"] == "BROKER_UNAVAILABLE"


@pytest.mark.parametrize(
    "path",
    [
        "environments/nowhere",
        "environments/nowhere/history",
        "operations/nothing",
        "operations/nothing/log",
        "commands/nothing",
        "commands/no-such-command",
        "packages/contoso/nothing",
        "dead-letters/none",
        "nothing-of-ours",
    ],
)
async def test_what_is_not_there_is_answered_with_a_problem(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(f"/api/v1/{path}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "NOT_FOUND"


async def test_bad_questions_name_the_field(http: httpx.AsyncClient) -> None:
    for path, field in (("environments?limit=0", "limit"), ("events?kinds=gossip", "kinds")):
        answer = await http.get(f"/api/v1/{path}")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == field


async def test_openapi_lists_every_public_command_with_its_schema(http: httpx.AsyncClient) -> None:
    document = (await http.get("/api/v1/openapi.json")).json()
    commands = {message for message in CATALOGUE.messages.values() if issubclass(message, Command)}
    internal = {ApplyImage, ApplyRelease, BuildImage, CheckCompatibility, ReportServices}
    assert set(commands_of(CATALOGUE).values()) == commands - internal
    paths = {path for path in document["paths"] if path.startswith("/api/v1/commands/") and "{" not in path}
    assert paths == {f"/api/v1/commands/{name}" for name in commands_of(CATALOGUE)}
    assert not {one.__name__ for one in internal} & set(document["components"]["schemas"])
    for name, command in commands_of(CATALOGUE).items():
        body = document["paths"][f"/api/v1/commands/{name}"]["post"]["requestBody"]
        assert body["content"]["application/json"]["schema"]["$ref"].endswith(f"/{command.__name__}")
        properties = document["components"]["schemas"][command.__name__]["properties"]
        assert set(properties) == set(command.model_fields)


async def test_every_reference_in_openapi_leads_somewhere(http: httpx.AsyncClient) -> None:
    document = (await http.get("/api/v1/openapi.json")).json()
    names = set(document["components"]["schemas"])

    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"].rpartition("/")[2]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*(references(one) for one in value.values()))
        return set().union(*(references(one) for one in value)) if isinstance(value, list) else set()

    assert references(document) <= names


async def test_nothing_is_told_before_the_topics_were_read(http: httpx.AsyncClient, feed: Feed) -> None:
    feed.caught_up = False
    for path in ("/api/v1/environments", "/api/v1/events", "/readyz"):
        assert (await http.get(path)).status_code == 503
    assert (await http.get("/livez")).status_code == 200


async def test_pages_run_no_script_but_ours(http: httpx.AsyncClient) -> None:
    for path in ("/", "/environments/contoso-test", "/promotions", "/packages", "/dead-letters"):
        answer = await http.get(path)
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def know(feed: Feed, noun: Noun[Any]) -> Any:
    """Have one of a noun told; it, as JSON."""
    envelope = envelope_of(noun.view)
    topic = CATALOGUE.topic_of(noun.view, "notifier")
    feed.projection.apply(Read(topic=topic, partition=0, offset=0, key=envelope.data.key, envelope=envelope))
    return json.loads(envelope.data.model_dump_json())


def key_of(noun: Noun[Any]) -> str:
    return envelope_of(noun.view).data.key


@pytest.mark.parametrize("noun", COLLECTIONS, ids=lambda noun: noun.name)
async def test_every_kind_of_view_is_listed_filtered_and_shown(
    http: httpx.AsyncClient, feed: Feed, noun: Noun[Any]
) -> None:
    shown, path, key = know(feed, noun), f"/api/v1/{noun.name}", key_of(noun)
    # By its project, and by its environment where that is not its key.
    named = {
        name
        for name in ("project", "environment")
        if shown.get(name) and (name, shown[name]) != ("environment", envelope_of(noun.view).data.key)
    }
    assert named <= set(noun.filters)
    [listed] = (await http.get(path)).json()["items"]
    assert {name: listed[name] for name in listed if name in shown} == {
        name: shown[name] for name in listed if name in shown
    }
    assert (await http.get(f"{path}/{key}")).json() == shown
    for name in noun.filters:
        for values, count in (([shown[name]], 1), (["another", shown[name]], 1), (["another"], 0)):
            assert len((await http.get(path, params={name: values})).json()["items"]) == count
    assert (await http.get(f"{path}/nothing")).status_code == 404


async def test_the_dashboard_reads_what_there_is_from_the_table_of_nouns(http: httpx.AsyncClient) -> None:
    nouns = {noun["name"]: noun for noun in (await http.get("/api/v1/nouns")).json()}
    store = (STATIC / "store.js").read_text(encoding="utf-8")
    read = re.findall(r'"([a-z-]+)"', store.partition("const COLLECTIONS = [")[2].partition("]")[0])
    assert read
    assert set(read) <= set(nouns)
    for noun in COLLECTIONS:
        told = nouns[noun.name]
        assert (told["type"], told["key"]) == (noun.view.type, noun.view.key_field)
        assert tuple(told["filters"]) == noun.filters
