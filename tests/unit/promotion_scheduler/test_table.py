"""The whole table, in memory and in time that passes when it is told to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from services.promotion_scheduler.app import SchedulerSettings, make
from services.promotion_scheduler.domain.window import next_window
from shared.contracts.cloudevents import decode, encode
from shared.contracts.envelope import Envelope
from shared.contracts.message import Message
from shared.contracts.parts import EnvironmentKind
from shared.contracts.promotion_scheduler import (
    MarkCandidate,
    PromotionScheduled,
    ReleasePublished,
    RolloutPlanned,
    RolloutSkipped,
    SchedulePromotion,
    SetUpdateWindow,
    UpdateWindow,
)
from shared.contracts.registry import CATALOGUE
from shared.contracts.servicing_executor import (
    ApplyImage,
    ApplyRelease,
    EnvironmentRegistered,
    ExtensionSetChanged,
    OperationKind,
)
from shared.kernel.store.memory import MemoryStore
from tests.support.simulation import EPOCH, Broker, Clock, InstantLoop, Replica, documents
from tests.unit.promotion_scheduler.rollout_story import BASE, FREIGHT, LABELS, SCALES, due
from tests.unit.promotion_scheduler.story import PRODUCTION, SANDBOX, accepted, finished, update


@dataclass(frozen=True)
class Record:
    """A record as Kafka would give it."""

    topic: str
    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]
    partition: int = 0


class Installation:
    """Two schedulers on one store."""

    def __init__(self) -> None:
        self.loop = InstantLoop()
        self.clock = Clock(self.loop)
        self.store = MemoryStore()
        self.broker = Broker()
        service = make(SchedulerSettings())
        self.replicas = [Replica(service, self.store, self.broker, self.clock, name=name) for name in "ab"]
        self._offset = 0

    def receive(self, *messages: Message) -> None:
        """Both replicas get the messages, one of them for the second time."""
        records = [self._record(message) for message in messages]
        for replica in self.replicas:
            self.loop.run_until_complete(replica.do(replica.engine.inbox.process(records)))

    def _record(self, message: Message) -> Record:
        self._offset += 1
        now = self.clock()
        envelope = Envelope(
            id=f"m{self._offset}", source="/test", time=now, data=message, sequence=self._offset, actor="ada"
        )
        record = encode(envelope)
        topic = CATALOGUE.topic_of(type(message), "")
        milliseconds = int(now.timestamp() * 1000)
        return Record(topic, self._offset, milliseconds, record.key, record.value, record.headers)

    def wait_until(self, moment: datetime) -> None:
        """Let time pass; both replicas do what is due."""
        self.clock.jump((moment - self.clock()).total_seconds())
        for replica in self.replicas:
            replica.engine.due_index.scan_soon()
            self.loop.run_until_complete(replica.do(replica.engine.sweeper.step()))
            self.loop.run_until_complete(replica.do(replica.engine.relay.step()))

    def sent(self, message: type[Message]) -> list[Envelope[Message]]:
        """What was published of a type, repeats left out."""
        decoded = (
            decode(CATALOGUE, entry.topic, entry.key, entry.value, entry.headers, record_time=EPOCH)
            for entry in self.broker.log
        )
        return list({one.id: one for one in decoded if isinstance(one.data, message)}.values())


@pytest.fixture
def installation() -> Iterator[Installation]:
    made = Installation()
    yield made
    made.loop.close()


def environments() -> list[Message]:
    """Both environments are there, and the sandbox has the update."""
    told: list[Message] = []
    for environment, kind in ((PRODUCTION, EnvironmentKind.PRODUCTION), (SANDBOX, EnvironmentKind.SANDBOX)):
        first = update("Initial deployment", digit="0")
        told += [
            EnvironmentRegistered(environment=environment, project="contoso", environment_kind=kind, country="DE"),
            finished(kind=OperationKind.PROVISION, environment=environment, name=first.name, running=first),
        ]
    return [
        *told,
        accepted(OperationKind.APPLY, environment=SANDBOX),
        finished(kind=OperationKind.APPLY, environment=SANDBOX),
    ]


def test_operations_that_concern_no_promotion_leave_nothing_behind_among_them(installation: Installation) -> None:
    installation.receive(*environments())
    assert {collection for collection, _ in documents(installation.store)} == {"known_environments", "known_updates"}


def test_an_environment_that_was_never_registered_is_not_known(installation: Installation) -> None:
    changed = ExtensionSetChanged(
        environment=PRODUCTION, project="contoso", set_version=1, extensions=(), operation="operation-1"
    )
    installation.receive(finished(), changed)
    kept = [(document.id, document.state) for _, document in documents(installation.store)]
    assert (PRODUCTION, None) in kept
    assert all(state is None for id_, state in kept if id_ == PRODUCTION)


def test_of_two_schedulers_one_starts_a_promotion_at_its_time(installation: Installation) -> None:
    start = EPOCH + timedelta(days=3)
    installation.receive(
        *environments(),
        MarkCandidate(environment=SANDBOX, update_name="November release"),
        SchedulePromotion(environment=PRODUCTION, sandbox=SANDBOX, update_name="November release", start=start),
    )
    for seconds in (1, 2, 3):
        installation.wait_until(EPOCH + timedelta(seconds=seconds))
    assert installation.sent(PromotionScheduled)
    installation.wait_until(start - timedelta(minutes=1))
    assert not installation.sent(ApplyImage)
    installation.wait_until(start + timedelta(seconds=1))
    [command] = installation.sent(ApplyImage)
    assert isinstance(command.data, ApplyImage)
    assert command.data.not_after == start + timedelta(minutes=30)
    assert command.actor == "ada"


def test_of_two_schedulers_one_starts_a_rollout_when_its_window_opens(installation: Installation) -> None:
    published = ReleasePublished(
        version="27.0",
        package="contoso/release-27.0",
        platform_version="27.0.1.0",
        application_version="27.0.38460.0",
        base_version=BASE,
    )
    window = UpdateWindow(opens="22:00", closes="05:00", time_zone="Europe/Berlin")
    installation.receive(
        *environments(),
        SetUpdateWindow(environment=PRODUCTION, window=window),
        due(FREIGHT, LABELS),
    )
    for seconds in (1, 2, 3):
        installation.wait_until(EPOCH + timedelta(seconds=seconds))
    [skipped] = installation.sent(RolloutSkipped)
    assert isinstance(skipped.data, RolloutSkipped)
    assert skipped.data.problem.reason == "RELEASE_UNKNOWN"
    installation.receive(published, due(SCALES))
    for seconds in (1, 2):
        installation.wait_until(EPOCH + timedelta(minutes=6, seconds=seconds))
    [planned] = installation.sent(RolloutPlanned)
    assert isinstance(planned.data, RolloutPlanned)
    start, _ = next_window(window, EPOCH)
    assert planned.data.start == start
    installation.wait_until(start - timedelta(minutes=1))
    assert not installation.sent(ApplyRelease)
    for seconds in (0, 1, 2):
        installation.wait_until(start + timedelta(seconds=seconds))
    [command] = installation.sent(ApplyRelease)
    assert isinstance(command.data, ApplyRelease)
    assert command.data.remove_extensions == (LABELS, FREIGHT, SCALES)
    installation.wait_until(start + timedelta(days=2))
    assert len(installation.sent(ApplyRelease)) == 1, "the executor has it until he answers"


def test_a_release_that_is_waited_for_is_found_within_minutes(installation: Installation) -> None:
    installation.receive(*environments(), due())
    published = ReleasePublished(
        version="27.0",
        package="contoso/release-27.0",
        platform_version="27.0.1.0",
        application_version="27.0.38460.0",
        base_version=BASE,
    )
    installation.wait_until(EPOCH + timedelta(hours=1))
    installation.receive(published)
    installation.wait_until(EPOCH + timedelta(hours=1, minutes=5, seconds=1))
    installation.wait_until(EPOCH + timedelta(hours=1, minutes=5, seconds=2))
    assert len(installation.sent(RolloutPlanned)) == 1
