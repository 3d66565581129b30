"""A notifier, a mail catcher, and somebody who sends events as the other services do."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from deploy.embedded import Endpoints
from shared.contracts.envelope import new_id
from shared.contracts.registry import CATALOGUE
from tests.support.mail import MailCatcher
from tests.support.services import Client, ServiceProcess, client

TOPICS = ("drydock.notifier.events", "drydock.notifier.dead-letters", "drydock.notifier.snapshots")
REFUSED = "gone@contoso.example"


@pytest.fixture
async def user(engines: Endpoints) -> AsyncIterator[Client]:
    """Somebody who publishes messages and reads what the notifier says."""
    async with client(engines, CATALOGUE, TOPICS) as someone:
        yield someone


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[MailCatcher]:
    """A mail server that refuses one address."""
    server = MailCatcher(tmp_path / "mails", arguments=(f"--refuse={REFUSED}",)).start()
    yield server
    server.stop()


@pytest.fixture
def notifier(engines: Endpoints, tmp_path: Path, catcher: MailCatcher) -> Iterator[Callable[..., ServiceProcess]]:
    """Makes processes of the notifier; they are gone after the test."""
    made: list[ServiceProcess] = []

    def make(**settings: str) -> ServiceProcess:
        process = ServiceProcess(
            "services.notifier.app", engines, tmp_path, **{"smtp_port": str(catcher.port), **settings}
        )
        made.append(process)
        return process

    yield make
    for process in made:
        if process.started:
            process.end()


@pytest.fixture
def project() -> str:
    """A project of the test's own."""
    return f"p{new_id()[-12:]}"
