"""A service as a process: puts the kernel's parts together, runs them, and ends them.

Crash-only: whatever cannot be handled ends the process with a code other than 0. Starting is the recovery.
"""

import asyncio
import gc
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from shared.contracts.cloudevents import encode
from shared.contracts.envelope import Envelope, new_id
from shared.contracts.message import Command
from shared.contracts.topics import Topic, topics_of
from shared.kernel import forms
from shared.kernel.clock import SteadyClock
from shared.kernel.engine import Engine, build_engine
from shared.kernel.health import HealthServer
from shared.kernel.kafka.consumer import Consumer, Subscription
from shared.kernel.kafka.errors import KafkaConnectionError, KafkaError
from shared.kernel.kafka.patches import UnsupportedLibrary
from shared.kernel.kafka.publisher import KafkaPublisher
from shared.kernel.kafka.topics import TopicsNotCreated, broker_answers, create_topics, missing_topics
from shared.kernel.lifetime import EXIT_FAILED, Lifetime
from shared.kernel.logs import configure_logs, get_logger
from shared.kernel.outcomes import Conflict
from shared.kernel.progress import ProgressTeller
from shared.kernel.records import OutgoingRecord
from shared.kernel.service import Service
from shared.kernel.settings import Settings
from shared.kernel.store.motor import MotorStore
from shared.kernel.store.port import StoreUnavailable
from shared.kernel.watchdog import LoopWatch, WatchdogLimits, end_hard_after, watch_consumer

log = get_logger(__name__)

MEASURE_SECONDS = 1.0
START_SECONDS = 60.0


def run(make: Callable[[Settings], Service], settings: Settings | None = None) -> None:
    """Run a service until SIGTERM or SIGINT (exit code 0), or until it must end (another code)."""
    settings = settings or Settings()
    service = make(settings)
    configure_logs(
        service=service.name,
        instance=settings.instance,
        level=settings.log_level,
        human=settings.log_format == "human",
    )
    # A collection every few hundred objects costs a third of the throughput; what exists by now stays.
    gc.set_threshold(50_000, 20, 50)
    gc.freeze()
    try:
        process = _Process(service, settings)
    except UnsupportedLibrary as error:
        log.critical("service_stopped", failure=str(error))
        sys.exit(EXIT_FAILED)
    sys.exit(asyncio.run(process.run()))


class _Process:
    """One run of a service."""

    def __init__(self, service: Service, settings: Settings) -> None:
        self._service = service
        self._settings = settings
        self._lifetime = Lifetime()
        self._store = MotorStore(settings.mongo.get_secret_value(), f"drydock_{service.name.replace('-', '_')}")
        self._publisher = KafkaPublisher(settings.kafka, settings.instance)
        ahead = settings.clock_ahead
        self._clock = steady = SteadyClock()

        def clock() -> datetime:
            return steady() + ahead

        self._progress = ProgressTeller(service, self._publisher, clock)
        self._engine: Engine = build_engine(
            service, self._store, self._publisher, settings, clock=clock, tell=self._progress.tell
        )
        self._consumer = Consumer(
            Subscription(
                bootstrap=settings.kafka,
                group=service.name,
                client_id=settings.instance,
                topics=service.subscriptions,
                session_timeout=settings.session_timeout,
                batch=settings.batch,
                stop_within=settings.stop_within,
            ),
            self._engine.inbox.process,
            assigned=self._engine.due_index.scan_soon,
            lost=self._engine.gaps.tell,
            fatal=self._lifetime.fail,
            metrics=self._engine.metrics,
        )
        self._health = HealthServer(settings.host, settings.port, self._missing, self._engine.metrics.registry)
        self._loop_watch = LoopWatch(WatchdogLimits().blocked)

    async def run(self) -> int:
        """The exit code."""
        lifetime = self._lifetime
        lifetime.end_at_signals()
        self._loop_watch.start()
        try:
            await self._start_unless_ended()
            await lifetime.ended()
        except KafkaConnectionError as error:
            lifetime.end(f"no broker answers at {self._settings.kafka}: {error}")
        except StoreUnavailable as error:
            lifetime.end(f"the state server does not answer: {error}")
        except forms.NewerForms as error:
            lifetime.end(str(error))
        except (KafkaError, TopicsNotCreated, OSError) as error:
            lifetime.end(f"{type(error).__name__}: {error}")
        log.info("service_stopping", failure=lifetime.failure)
        hard = end_hard_after(self._settings.stop_within.total_seconds() + 5)
        await self._stop()
        hard.cancel()
        return lifetime.exit_code()

    async def _start_unless_ended(self) -> None:
        """Start; a signal or `START_SECONDS` cut it off, for a broker may go away at any moment of it."""
        starting = asyncio.create_task(self._start())
        ended = asyncio.create_task(self._lifetime.ended())
        try:
            async with asyncio.timeout(START_SECONDS):
                await asyncio.wait((starting, ended), return_when=asyncio.FIRST_COMPLETED)
                if starting.done():
                    starting.result()
        except TimeoutError:
            raise TimeoutError(f"the service did not start within {START_SECONDS:.0f} s") from None
        finally:
            for task in (starting, ended):
                task.cancel()
            await asyncio.gather(starting, ended, return_exceptions=True)

    async def _start(self) -> None:
        port = await self._health.start()
        await self._store.ensure([*self._service.aggregates, forms.COLLECTION])
        await forms.claim_forms(self._service, self._store)
        if self._settings.create_topics:
            await create_topics(self._settings.kafka, self._topics())
        await self._publisher.start()
        engine = self._engine
        for name, loop in (
            ("relay", engine.relay.run()),
            ("sweeper", engine.sweeper.run()),
            ("progress", self._progress.run()),
            ("measuring", self._measure()),
        ):
            self._lifetime.essential(name, loop)
        if self._service.observer is not None:
            self._lifetime.essential("observer", self._service.observer(self._tell_itself))
        self._lifetime.until_done("bringing up", self._bring_up())
        await self._consumer.start()
        self._lifetime.essential("watchdog", self._watch())
        self._lifetime.essential("topics", self._watch_topics())
        log.info("service_started", port=port, topics=self._service.subscriptions)
        if self._settings.restored_at:
            log.warning("restored_from_backup", at=self._settings.restored_at.isoformat())
        if self._settings.clock_ahead:
            log.warning("clock_ahead", by=str(self._settings.clock_ahead))

    async def _bring_up(self) -> None:
        while True:
            try:
                return await forms.bring_up(self._engine.committer, self._store)
            except (StoreUnavailable, Conflict) as error:
                log.warning("bringing_up_waits", error=str(error))
                await asyncio.sleep(START_SECONDS / 10)

    async def _stop(self) -> None:
        seconds = self._settings.stop_within.total_seconds()
        await self._consumer.stop()
        await self._engine.workers.stop()
        await self._engine.relay.drained(seconds / 4)
        await self._lifetime.stop_tasks()
        # The sweeper may have claimed work while it was told to end.
        await self._engine.workers.stop()
        with suppress(StoreUnavailable, Conflict, TimeoutError):
            async with asyncio.timeout(seconds / 4):
                await self._engine.sweeper.trim_all()
        await self._publisher.stop()
        await self._health.stop()
        await self._store.close()
        self._loop_watch.stop()

    async def _tell_itself(self, command: Command) -> bool:
        """Send a command of this service to it; whether the broker has it."""
        record = encode(Envelope(id=new_id(), source=self._service.source, time=datetime.now(UTC), data=command))
        topic = self._service.catalogue.topic_of(type(command), self._service.name)
        return all(await self._publisher.send([OutgoingRecord(topic, record.key, record.value, [*record.headers])]))

    def _topics(self) -> list[Topic]:
        services = {self._service.name}
        services.update(self._service.catalogue.topics[name].service for name in self._service.subscriptions)
        return [topic for name in sorted(services) for topic in topics_of(name)]

    async def _watch(self) -> None:
        reason = await watch_consumer(self._consumer, self._broker_answers, WatchdogLimits())
        raise RuntimeError(reason)

    async def _watch_topics(self) -> None:
        """End when a topic is gone: the start makes it again, and reads it from its beginning."""
        while True:
            await asyncio.sleep(self._settings.topics_checked_every.total_seconds())
            try:
                missing = await missing_topics(self._settings.kafka, self._topics())
            except (KafkaError, OSError, TimeoutError):
                continue  # a broker that does not answer says nothing of its topics
            if missing:
                raise RuntimeError(f"topics are gone, with what was in them: {', '.join(missing)}")

    async def _broker_answers(self) -> bool:
        return await broker_answers(self._settings.kafka)

    async def _missing(self) -> dict[str, str]:
        missing = {}
        if not self._consumer.alive or not self._consumer.has_assignment:
            missing["kafka"] = "not yet a member of the group, or no records are fetched"
        try:
            await self._store.ping()
        except StoreUnavailable as error:
            missing["store"] = str(error)
        return missing

    async def _measure(self) -> None:
        metrics = self._engine.metrics
        while True:
            metrics.clock_off.set(self._clock.off.total_seconds())
            metrics.lag.set(sum(position.lag for position in self._consumer.positions().values()))
            metrics.outbox.set(self._engine.relay.backlog)
            metrics.outbox_age.set(self._engine.relay.oldest_seconds)
            metrics.work.set(self._settings.work_slots - self._engine.workers.free)
            lateness, self._engine.sweeper.lateness = self._engine.sweeper.lateness, []
            for seconds in lateness:
                metrics.timers.observe(seconds)
            await asyncio.sleep(MEASURE_SECONDS)
