"""The console as a process: the HTTP API and the dashboard, beside the reader that keeps them current.

Crash-only, like every service: when the topics can no longer be read, the process ends with a code other than 0.
"""

import asyncio
import signal
import sys
from contextlib import nullcontext, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import uvicorn

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

log = get_logger(__name__)

EXIT_FAILED = 1


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
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    publisher = KafkaPublisher(settings.kafka, settings.instance)
    feed = Feed(settings.kafka, CATALOGUE)
    server = _server(settings, feed, publisher)
    tasks: list[asyncio.Task[Any]] = []
    try:
        listener = server.config.bind_socket()
        if settings.create_topics:
            await create_topics(settings.kafka, CATALOGUE.topics.values())
        await publisher.start()
        tasks = [
            asyncio.create_task(feed.run(), name="feed"),
            asyncio.create_task(server.serve([listener]), name="web"),
            asyncio.create_task(stop.wait(), name="stop"),
        ]
        log.info("service_started", port=listener.getsockname()[1])
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
        failed = not stop.is_set()
    except (KafkaError, TopicsNotCreated, OSError) as error:
        log.critical("service_failed", error=f"{type(error).__name__}: {error}")
        failed = True
    feed.close()
    server.should_exit = True
    if tasks:
        await asyncio.wait([tasks[1]], timeout=settings.stop_within.total_seconds())
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task
    await publisher.stop()
    log.info("service_stopped", failed=failed)
    return EXIT_FAILED if failed else 0


def _server(settings: ConsoleSettings, feed: Feed, publisher: KafkaPublisher) -> "_Server":
    web = make_web(
        feed,
        Client(settings.kafka, NOBODY, publisher=publisher),
        FolderStore(settings.artifacts),
        version=version("drydock"),
        hosts=settings.hosts,
    )
    config = uvicorn.Config(
        web,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    return _Server(config)


class _Server(uvicorn.Server):
    """A server that leaves signals to the process it is part of."""

    def capture_signals(self) -> Any:
        return nullcontext()


if __name__ == "__main__":
    run(ConsoleSettings())
