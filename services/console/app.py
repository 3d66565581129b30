"""The console as a process: the HTTP API and the dashboard, beside the reader that keeps them current.

Crash-only, like every service: when the topics can no longer be read, the process ends with a code other than 0.
"""

import asyncio
import sys
from importlib.metadata import version
from pathlib import Path

from services.console.client import Client
from services.console.web.application import make_web
from services.console.web.commands import NOBODY
from services.console.web.feed import Feed
from shared.artifacts.folder import FolderStore
from shared.contracts.registry import CATALOGUE
from shared.kernel.client import (
    KafkaError,
    KafkaPublisher,
    Settings,
    TopicsNotCreated,
    configure_logs,
    create_topics,
    get_logger,
)
from shared.kernel.web import HttpServer, Lifetime

log = get_logger(__name__)

STOP_SECONDS = 5
"""How long streams may go on once it is to end."""


class ConsoleSettings(Settings):
    """What the console needs to know beside what every service does; `port` is also that of the dashboard."""

    artifacts: Path = Path(".drydock/artifacts")
    hosts: frozenset[str] = frozenset({"127.0.0.1", "localhost", "::1"})
    """Names under which browsers reach it; requests to any other are refused."""


def run(settings: ConsoleSettings) -> None:
    """Run the console until SIGTERM or SIGINT (exit code 0), or until it must end (another code)."""
    configure_logs(
        service="console",
        instance=settings.instance,
        level=settings.log_level,
        human=settings.log_format == "human",
    )
    sys.exit(asyncio.run(_serve(settings)))


async def _serve(settings: ConsoleSettings) -> int:
    lifetime = Lifetime()
    lifetime.end_at_signals()
    publisher = KafkaPublisher(settings.kafka, settings.instance)
    feed = Feed(settings.kafka, CATALOGUE)
    server = _server(settings, feed, publisher)
    serving = None
    try:
        listener = server.listen()
        if settings.create_topics:
            await create_topics(settings.kafka, CATALOGUE.topics.values())
        await publisher.start()
        lifetime.essential("feed", feed.run())
        serving = lifetime.essential("web", server.serve([listener]))
        log.info("service_started", port=listener.getsockname()[1])
        await lifetime.ended()
    except (KafkaError, TopicsNotCreated, OSError) as error:
        lifetime.fail(error)
    feed.close()
    server.should_exit = True
    if serving:
        await asyncio.wait([serving], timeout=settings.stop_within.total_seconds())
    await lifetime.stop_tasks()
    await publisher.stop()
    return lifetime.exit_code()


def _server(settings: ConsoleSettings, feed: Feed, publisher: KafkaPublisher) -> HttpServer:
    web = make_web(
        feed,
        Client(settings.kafka, NOBODY, publisher=publisher),
        FolderStore(settings.artifacts),
        version=version("drydock"),
        hosts=settings.hosts,
    )
    return HttpServer(web, settings.host, settings.port, stop_seconds=STOP_SECONDS)


if __name__ == "__main__":
    run(ConsoleSettings())
