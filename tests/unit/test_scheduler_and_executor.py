"""promotion-scheduler and servicing-executor with their whole tables on one broker, and strangers who write to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from services.promotion_scheduler.app import SchedulerSettings
from services.promotion_scheduler.app import make as make_scheduler
from services.servicing_executor.app import ExecutorSettings
from services.servicing_executor.app import make as make_executor
from services.servicing_executor.domain.projections.built_images import ImageProjection
from services.servicing_executor.domain.state import Environment
from shared.contracts.cloudevents import decode, encode
from shared.contracts.common import CommandRejected, DeadLettered
from shared.contracts.envelope import Envelope, derived_id, new_id
from shared.contracts.message import Command, Message
from shared.contracts.parts import EnvironmentKind, Update
from shared.contracts.promotion_scheduler import (
    MarkCandidate,
    PromotionCancelled,
    PromotionScheduled,
    PromotionStarted,
    SchedulePromotion,
)
from shared.contracts.registry import CATALOGUE
from shared.contracts.servicing_executor import (
    ApplyImage,
    ApplyRelease,
    EnvironmentRegistered,
    EnvironmentStatus,
    OperationAccepted,
    OperationKind,
    RegisterEnvironment,
    RestartableService,
    RestartService,
)
from shared.kernel.app import On
from shared.kernel.client import OutgoingRecord
from shared.kernel.document import Document
from shared.kernel.store.memory import MemoryStore
from shared.kernel.store.port import Write
from shared.kernel.stored import to_stored
from tests.support.played_services import ended
from tests.support.simulation import EPOCH, Broker, Clock, InstantLoop, Replica
from tests.unit.promotion_scheduler.story import PRODUCTION, SANDBOX, accepted, finished, update

NAME = "November release"
SCHEDULER, EXECUTOR, STRANGER = "drydock/promotion-scheduler", "drydock/servicing-executor", "mallory"
START = EPOCH + timedelta(days=3)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Record:
    """A record as Kafka would give it."""

    topic: str
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    partition: int = 0


class Installation:
    """Both services, each on its own store, and everything that was ever published."""

    def __init__(self, folder: Path) -> None:
        self.loop = InstantLoop()
        self.clock = Clock(self.loop)
        self.broker = Broker()
        executor = ExecutorSettings(runtime="instant", artifacts=folder / "artifacts", environments=folder)
        self.executors_store = MemoryStore()
        self.scheduler = Replica(make_scheduler(SchedulerSettings()), MemoryStore(), self.broker, self.clock)
        # No slot for work: an operation stands at its first step, and holds its environment.
        self.executor = Replica(
            make_executor(executor), self.executors_store, self.broker, self.clock, name="b", work_slots=0
        )
        self.held_back: set[str] = set()
        """Topics of which nothing arrives for now."""
        self._read: dict[str, set[int]] = {"a": set(), "b": set()}
        self._offsets = count()

    def keep(self, collection: str, id_: str, state: Environment | ImageProjection) -> None:
        """What the executor's store has from before."""
        stored = to_stored(Document(id_, state=state.model_dump(mode="json")), 1)
        self.loop.run_until_complete(self.executors_store.write_many(collection, [Write(stored, None)]))

    def publish(self, message: Message, *, source: str = "test", id_: str | None = None) -> str:
        """Anybody writes to the broker; the message's id."""
        name = id_ or new_id()
        envelope = Envelope(
            id=name, source=source, time=self.clock(), data=message, sequence=next(self._offsets) + 1, actor="ada"
        )
        record = encode(envelope)
        topic = CATALOGUE.topic_of(type(message), message.owner)
        self.broker.log.append(OutgoingRecord(topic, record.key, record.value, [*record.headers]))
        self.settle()
        return name

    def settle(self) -> None:
        """Let everything arrive, and everybody do what is due by now."""
        for _ in range(12):
            for replica in (self.scheduler, self.executor):
                self._deliver(replica)
                replica.engine.due_index.scan_soon()
                self.loop.run_until_complete(replica.do(replica.engine.sweeper.step()))
                self.loop.run_until_complete(replica.do(replica.engine.relay.step()))

    def wait_until(self, moment: datetime) -> None:
        """Let time pass."""
        self.clock.jump((moment - self.clock()).total_seconds())
        self.settle()

    def sent(self, *types: type[Message]) -> list[Envelope[Message]]:
        """What was published of some types, repeats left out."""
        decoded = (
            decode(CATALOGUE, entry.topic, entry.key, entry.value, entry.headers, record_time=EPOCH)
            for entry in self.broker.log
        )
        return list({one.id: one for one in decoded if isinstance(one.data, types)}.values())

    def _deliver(self, replica: Replica) -> None:
        topics = set(replica.engine.committer.service.subscriptions) - self.held_back
        read = self._read[replica.name]
        new = [at for at, entry in enumerate(self.broker.log) if at not in read and entry.topic in topics]
        read.update(new)
        at_ms = int(self.clock().timestamp() * 1000)
        records = [
            Record(one.topic, at, at_ms, one.key, one.value, one.headers)
            for at, one in ((at, self.broker.log[at]) for at in new)
        ]
        if records:
            self.loop.run_until_complete(replica.do(replica.engine.inbox.process(records)))


def environment(name: str, running: Update, kind: EnvironmentKind) -> Environment:
    """An environment that the executor has serviced before."""
    entry = ended(name, "deployed", project="contoso", running=running, update_name=running.name)
    return Environment(
        id=name,
        project="contoso",
        environment_kind=kind,
        country="DE",
        status=EnvironmentStatus.DEPLOYED,
        running=running,
        names=(running.name.casefold(),),
        updates=(entry,),
    )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    """Contoso's sandbox has an update; production runs the one before it."""
    made = Installation(tmp_path)
    first = update("Initial deployment", digit="0")
    made.keep("environments", SANDBOX, environment(SANDBOX, update(), EnvironmentKind.SANDBOX))
    made.keep("environments", PRODUCTION, environment(PRODUCTION, first, EnvironmentKind.PRODUCTION))
    for one in (update(), first, update("Stranger's", digit="f")):
        made.keep("known_images", one.image, ImageProjection(project="contoso", contents=one.contents))
    for name, kind in ((PRODUCTION, EnvironmentKind.PRODUCTION), (SANDBOX, EnvironmentKind.SANDBOX)):
        made.publish(
            EnvironmentRegistered(environment=name, project="contoso", environment_kind=kind, country="DE"),
            source=EXECUTOR,
        )
        made.publish(
            finished(kind=OperationKind.PROVISION, environment=name, name=first.name, running=first), source=EXECUTOR
        )
    made.publish(accepted(OperationKind.APPLY, environment=SANDBOX), source=EXECUTOR)
    made.publish(finished(kind=OperationKind.APPLY, environment=SANDBOX), source=EXECUTOR)
    made.publish(MarkCandidate(environment=SANDBOX, update_name=NAME))
    yield made
    made.loop.close()


def schedule(place: Installation, start: datetime = START) -> str:
    """A promotion that waits for its start."""
    command = SchedulePromotion(environment=PRODUCTION, sandbox=SANDBOX, update_name=NAME, start=start)
    return f"{PRODUCTION}/{place.publish(command)}"


def apply_image(promotion: str, *, digit: str = "1", not_after: datetime = START + timedelta(hours=1)) -> ApplyImage:
    return ApplyImage(
        environment=PRODUCTION,
        update_name=NAME,
        image=update(digit=digit).image,
        promotion=promotion,
        not_after=not_after,
    )


def begun(place: Installation) -> list[str | None]:
    """The promotions that hold production, or have held it."""
    return [
        one.data.promotion
        for one in place.sent(OperationAccepted)
        if isinstance(one.data, OperationAccepted) and one.data.environment == PRODUCTION
    ]


def refusals(place: Installation) -> list[tuple[str, str]]:
    """Commands that were refused, and why."""
    told = (one.data for one in place.sent(CommandRejected))
    return [(one.command_id, one.reason) for one in told if isinstance(one, CommandRejected)]


def test_a_promotion_begins_at_its_start(place: Installation) -> None:
    promotion = schedule(place)
    place.wait_until(START - SECOND)
    assert begun(place) == []
    place.wait_until(START + SECOND)
    assert begun(place) == [promotion]
    assert len(place.sent(PromotionStarted)) == 1
    assert refusals(place) == []


def test_a_start_that_overtakes_its_announcement_waits_for_it(place: Installation) -> None:
    place.held_back = {"drydock.promotion-scheduler.events"}
    promotion = schedule(place, place.clock())
    assert len(place.sent(ApplyImage)) == 1
    assert begun(place) == []
    place.held_back = set()
    place.settle()
    assert begun(place) == [promotion]


def test_a_start_whose_announcement_never_comes_is_refused_and_cancelled(place: Installation) -> None:
    place.held_back = {"drydock.promotion-scheduler.events"}
    schedule(place, place.clock())
    for seconds in range(1, 14):
        place.wait_until(place.clock() + seconds * SECOND)
    [cancelled] = place.sent(PromotionCancelled)
    assert isinstance(cancelled.data, PromotionCancelled)
    assert cancelled.data.problem.reason == "PROMOTION_UNKNOWN"
    assert begun(place) == []


@pytest.mark.parametrize("digit", ["1", "f"])
def test_a_stranger_puts_no_image_on_production_whoever_he_says_he_is(place: Installation, digit: str) -> None:
    promotion = schedule(place)
    for source in (STRANGER, EXECUTOR, SCHEDULER):
        for named in (f"{PRODUCTION}/none", promotion):
            place.publish(apply_image(named, digit=digit), source=source)
    for seconds in range(1, 14):
        place.wait_until(place.clock() + seconds * SECOND)
    assert begun(place) == []
    assert len(place.sent(DeadLettered)) == 4
    early = "OTHER_IMAGE" if digit == "f" else "START_NOT_REACHED"
    assert sorted(reason for _, reason in refusals(place)) == sorted(["PROMOTION_UNKNOWN", early])


def test_a_stranger_brings_no_release_to_production(place: Installation) -> None:
    command = ApplyRelease(
        environment=PRODUCTION,
        release="10.0.99",
        package="mallory/platform",
        update_name="Release 10.0.99",
        not_after=START,
    )
    place.publish(command, source=STRANGER)
    forged = place.publish(command, source=SCHEDULER)
    for seconds in range(1, 14):
        place.wait_until(place.clock() + seconds * SECOND)
    assert begun(place) == []
    assert refusals(place) == [(forged, "ROLLOUT_UNKNOWN")]


def test_a_stranger_who_uses_up_the_id_of_a_start_neither_hinders_nor_cancels_it(place: Installation) -> None:
    promotion = schedule(place)
    squatted = derived_id(promotion, "apply")
    for moment in (START - timedelta(hours=1), START - SECOND):
        place.wait_until(moment)
        place.publish(apply_image(promotion, not_after=EPOCH), source=STRANGER, id_=squatted)
    place.wait_until(START + SECOND)
    assert begun(place) == [promotion]
    assert len(place.sent(PromotionStarted)) == 1
    assert not place.sent(PromotionCancelled)


def test_an_id_that_was_used_up_under_the_scheduler_s_name_costs_one_promotion_and_not_production(
    place: Installation,
) -> None:
    promotion = schedule(place)
    place.publish(
        apply_image(promotion, not_after=EPOCH - SECOND), source=SCHEDULER, id_=derived_id(promotion, "apply")
    )
    place.wait_until(START + SECOND)
    assert begun(place) == []
    [cancelled] = place.sent(PromotionCancelled)
    assert isinstance(cancelled.data, PromotionCancelled)
    assert cancelled.data.problem.reason == "ID_USED"
    again = schedule(place, place.clock())
    assert len(place.sent(PromotionScheduled)) == 2
    assert begun(place) == [again]


def test_a_command_to_an_environment_that_there_is_not_waits_for_it_and_is_refused(place: Installation) -> None:
    restart = RestartService(environment="nowhere", service=RestartableService.AOS)
    named = place.publish(restart)
    assert refusals(place) == []
    for seconds in range(1, 14):
        place.wait_until(place.clock() + seconds * SECOND)
    [refused] = place.sent(CommandRejected)
    assert isinstance(refused.data, CommandRejected)
    assert (refused.data.command_id, refused.data.reason) == (named, "UNKNOWN")
    assert refused.data.message == "there is no environment nowhere"


def test_every_command_but_the_first_needs_an_environment_that_there_is(place: Installation) -> None:
    lines = place.executor.engine.committer.service.table
    free = [
        line.message
        for line in lines
        if isinstance(line, On) and issubclass(line.message, Command) and not line.needs_state
    ]
    assert free == [RegisterEnvironment]
