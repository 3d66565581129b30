"""The kernel's parts that need neither Kafka nor a clock of their own, put together for one service.

The process runs them on real engines; the simulations in the tests run the same parts on a store in memory.
"""

from collections.abc import Callable
from dataclasses import dataclass

from shared.contracts.message import Progress
from shared.kernel.commit import Clock, Committer
from shared.kernel.dead_letter_sink import DeadLetters
from shared.kernel.due import DueIndex
from shared.kernel.gaps import Gaps
from shared.kernel.inbox import Inbox
from shared.kernel.metrics import Metrics
from shared.kernel.relay import Publisher, Relay
from shared.kernel.service import Service
from shared.kernel.settings import Settings
from shared.kernel.store.port import Store
from shared.kernel.sweeper import Sweeper
from shared.kernel.worker import Workers


@dataclass(frozen=True, slots=True)
class Engine:
    """The parts of one service that decide, commit, send, sweep and work."""

    due_index: DueIndex
    relay: Relay
    committer: Committer
    dead_letters: DeadLetters
    inbox: Inbox
    workers: Workers
    sweeper: Sweeper
    gaps: Gaps
    metrics: Metrics


def build_engine(
    service: Service,
    store: Store,
    publisher: Publisher,
    settings: Settings,
    *,
    clock: Clock,
    tell: Callable[[Progress], None],
) -> Engine:
    """Put the parts together."""
    metrics = Metrics(service.name)
    relay = Relay(publisher, clock)
    due_index = DueIndex(store, service.aggregates, clock, settings.lease)
    relay.watched_by(due_index)
    # A clock that was put ahead makes every command of somebody whose clock is right look old.
    expires = not settings.clock_ahead
    committer = Committer(service, store, relay, due_index, clock, settings.patience, expires=expires)
    dead_letters = DeadLetters(committer, clock)
    inbox = Inbox(committer, dead_letters, metrics, attempts=settings.attempts, dead_in_a_row=settings.dead_in_a_row)
    workers = Workers(
        committer, owner=settings.instance, clock=clock, slots=settings.work_slots, lease=settings.lease, tell=tell
    )
    sweeper = Sweeper(committer, store, due_index, relay, workers, dead_letters, metrics, clock)
    workers.when_free(sweeper.worker_free)
    return Engine(due_index, relay, committer, dead_letters, inbox, workers, sweeper, Gaps(committer, metrics), metrics)
