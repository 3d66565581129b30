"""What may be chosen for an environment, over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from services.console.client import Client
from services.console.web.application import make_web
from services.console.web.feed import Feed
from shared.artifacts.folder import FolderStore
from shared.contracts.envelope import Envelope
from shared.contracts.message import Message
from shared.contracts.package_validator import PackageStatus
from shared.contracts.parts import PackageKind
from shared.contracts.registry import CATALOGUE
from shared.kernel.client import KafkaPublisher, Read
from tests.support.played_services import NOON
from tests.unit.console.test_applicability import package, release, sandbox

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def feed() -> Feed:
    """A console that has read everything there is."""
    feed = Feed(NOWHERE, CATALOGUE)
    feed.caught_up = True
    return feed


@pytest.fixture
async def http(feed: Feed, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    there = Client(NOWHERE, "nobody", publisher=KafkaPublisher(NOWHERE, "test"))
    web = make_web(feed, there, FolderStore(tmp_path), version="1", hosts=frozenset({"console.example"}))
    transport = httpx.ASGITransport(app=web)
    async with httpx.AsyncClient(transport=transport, base_url="http://console.example/api/v1/") as client:
        yield client


def know(feed: Feed, *views: Message) -> None:
    for offset, view in enumerate(views, 1):
        envelope: Envelope[Message] = Envelope(id=f"m{offset}", source="test", time=NOON, data=view, sequence=offset)
        feed.projection.apply(Read(CATALOGUE.topic_of(type(view), ""), 0, offset, view.key, envelope))


async def test_the_packages_that_can_be_applied_are_listed_and_the_others_with_why_not(
    feed: Feed, http: httpx.AsyncClient
) -> None:
    lower = package(PackageKind.PLATFORM, name="p-1/lower", application_version="10.0.1.1")
    know(feed, sandbox(), package(), lower, package(name="p-2/package"))
    applicable = (await http.get("environments/p-1-test/packages")).json()
    assert [(one["package"], one["why_not"]) for one in applicable] == [("p-1/package", None)]
    every = (await http.get("environments/p-1-test/packages", params={"all": True})).json()
    assert [(one["package"], one["why_not"]) for one in every] == [
        ("p-1/lower", "application 10.0.1.1 is lower than 10.0.2177.37"),
        ("p-1/package", None),
    ]


async def test_the_release_that_an_environment_is_behind_is_told_with_what_the_project_has(
    feed: Feed, http: httpx.AsyncClient
) -> None:
    vendors = package(PackageKind.PLATFORM, name="contoso/vendor-10.0.45")
    know(
        feed,
        sandbox(),
        release("10.0.45", "10.0.2345.9"),
        release("10.0.44", "10.0.2263.1"),
        vendors,
        package(PackageKind.PLATFORM, name="p-1/saved"),
        package(PackageKind.PLATFORM, name="p-1/retired", status=PackageStatus.RETIRED),
        package(name="p-1/other").model_copy(
            update={"artifact": vendors.artifact.model_copy(update={"digest": f"sha256:{'b' * 64}"})}
        ),
    )
    told = (await http.get("environments/p-1-test/available-release")).json()
    assert (told["current"], told["release"]["version"], told["packages"]) == (False, "10.0.45", ["p-1/saved"])
    assert (told["application_version"], told["project"]) == ("10.0.2177.37", "p-1")


async def test_an_environment_that_is_behind_nothing_is_current(feed: Feed, http: httpx.AsyncClient) -> None:
    know(feed, sandbox(), release("10.0.44", "10.0.1.1"))
    told = (await http.get("environments/p-1-test/available-release")).json()
    assert (told["current"], told["release"], told["packages"]) == (True, None, [])


async def test_what_is_not_there_or_runs_nothing_is_a_problem(feed: Feed, http: httpx.AsyncClient) -> None:
    know(feed, sandbox(running=None))
    for path in ("packages", "available-release"):
        missing = await http.get(f"environments/nowhere/{path}")
        assert (missing.status_code, missing.json()["code"]) == (404, "NOT_FOUND")
    nothing = await http.get("environments/p-1-test/available-release")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "RUNS_NOTHING")
