"""Kills, pauses and outages at random while messages flow: afterwards every history is what it should be.

`make test` runs a short one, `make chaos` a long one. The faults and messages follow from the seed, which is printed;
what the processes do at that moment does not.
"""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiokafka.errors import KafkaError

from deploy.embedded import Engines
from deploy.embedded.process import EngineProcess
from shared.contracts.envelope import new_id
from shared.contracts.message import Message
from tests.chaos.history import check_counter, documents, events_of
from tests.support.effort import SEED, times
from tests.support.example.example import CATALOGUE, AddToCounter, AlarmRang, CounterChanged, SetAlarm, StartErrand
from tests.support.example.neighbour import SomethingHappened
from tests.support.patience import until
from tests.support.services import Client, ServiceProcess, client

READ = ["drydock.example.commands", "drydock.neighbour.events"]
pytestmark = pytest.mark.effort

COMMANDS = times(300)
FAULTS = ("replica", "replica", "store", "replica", "pause", "replica", "broker", "replica")
"""The first faults of a run; those after them are drawn from the same list."""
QUIET_SECONDS = 120.0


class Soak:
    """Two replicas that are always started again, somebody who sends, and somebody who kills."""

    def __init__(self, engines: Engines, user: Client, replicas: list[ServiceProcess], seed: int) -> None:
        self._engines = engines
        self._user = user
        self._replicas = replicas
        self._random = random.Random(seed)
        self.amounts: dict[str, dict[str, int]] = {new_id(): {} for _ in range(20)}
        self.alarms: dict[str, datetime] = {}
        self.errands = 0
        self.deaths: Counter[str] = Counter()
        self._ending = False

    async def run(self, commands: int) -> None:
        """Send `commands` messages, with a fault for every hundred of them, at least eight."""
        faults = [*FAULTS, *(self._random.choice(FAULTS) for _ in range(commands // 100 - len(FAULTS)))]
        nurses = [asyncio.create_task(self._keep_alive(replica)) for replica in self._replicas]
        try:
            for fault in faults:
                sending = asyncio.create_task(self._send(commands // len(faults)))
                await asyncio.sleep(self._random.random())  # the fault comes at any moment
                await self._cause(fault)
                await sending
        finally:
            self._ending = True
            for nurse in nurses:
                nurse.cancel()
            await asyncio.gather(*nurses, return_exceptions=True)
        for replica in self._replicas:
            if not replica.running:
                replica.start()

    async def _keep_alive(self, replica: ServiceProcess) -> None:
        while True:
            if not replica.running:
                replica.start()
            while replica.running:
                await asyncio.sleep(0.05)
            self.deaths[f"replica ended with {replica.exit_code}"] += 1

    async def _cause(self, fault: str) -> None:
        self.deaths[fault] += 1
        replica = self._random.choice(self._replicas)
        if fault == "replica":
            replica.kill()
        elif fault == "pause":
            replica.kill(signal.SIGSTOP)
            await asyncio.sleep(1.5)  # beyond session and lease
            replica.kill(signal.SIGCONT)
        else:
            await asyncio.to_thread(_bounce, self._engines.state if fault == "store" else self._engines.kafka)

    async def _send(self, count: int) -> None:
        for _ in range(count):
            id_ = new_id()
            counter = self._random.choice([*self.amounts])
            amount = self._random.randint(1, 9)
            kind = self._random.random()
            message: Message
            if kind < 0.05:
                counter = new_id()
                due = datetime.now(UTC) + timedelta(seconds=self._random.random() * 3)
                self.alarms[counter] = due
                message = SetAlarm(counter=counter, at=due)
            elif kind < 0.1:
                self.errands += 1
                message = StartErrand(counter=counter, name=id_, amount=amount, seconds=self._random.random())
                self.amounts[counter][id_] = amount
            elif kind < 0.4:
                message = SomethingHappened(counter=counter)
                self.amounts[counter][id_] = 1
            else:
                message = AddToCounter(counter=counter, amount=amount)
                self.amounts[counter][id_] = amount
            for _ in range(2 if self._random.random() < 0.1 else 1):
                await self._send_surely(message, id_)

    async def _send_surely(self, message: Message, id_: str) -> None:
        while True:
            with suppress(KafkaError):
                await self._user.send(message, id=id_)
                return

    async def quiet(self) -> None:
        """Read until everything came of what was sent."""
        wanted = {id_ for amounts in self.amounts.values() for id_ in amounts}
        rung = set(self.alarms)
        read = 0
        while wanted or rung:
            await self._user.wait_for(lambda seen: True, read + 1, QUIET_SECONDS, copies=True)
            for seen in self._user.seen[read:]:
                data = seen.envelope.data
                if isinstance(data, CounterChanged):
                    wanted.discard(seen.envelope.causation or "")
                elif isinstance(data, AlarmRang):
                    rung.discard(data.counter)
            read = len(self._user.seen)


def _bounce(engine: EngineProcess) -> None:
    engine.kill()
    engine.start()
    engine.wait_ready()


@pytest.fixture
def engines_to_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engines]:
    for name in ("DRYDOCK_KAFKA", "DRYDOCK_MONGO"):
        monkeypatch.delenv(name, raising=False)
    with Engines(tmp_path / "engines", supervise=False) as engines:
        yield engines


@pytest.fixture
def replica(engines_to_kill: Engines, tmp_path: Path) -> Iterator[Callable[[], ServiceProcess]]:
    made: list[ServiceProcess] = []
    errands = tmp_path / "errands"
    errands.mkdir()

    def make() -> ServiceProcess:
        process = ServiceProcess("tests.support.example.app", engines_to_kill.endpoints, tmp_path)
        process.settings["EXAMPLE_ERRANDS"] = str(errands)
        made.append(process)
        return process

    yield make
    for process in made:
        if process.started:
            process.end()


@pytest.mark.timeout(600)
async def test_kills_and_outages_at_random_leave_every_history_as_it_should_be(
    engines_to_kill: Engines, replica: Callable[[], ServiceProcess], tmp_path: Path
) -> None:
    print(f"soak: seed {SEED}, {COMMANDS} commands (DRYDOCK_TEST_SEED={SEED} repeats its faults)")
    endpoints = engines_to_kill.endpoints
    async with client(endpoints, CATALOGUE, ("drydock.example.events",)) as user:
        soak = Soak(engines_to_kill, user, [replica(), replica()], SEED)
        await soak.run(COMMANDS)
        await soak.quiet()
        await user.no_lag("example", READ, seconds=60)
        counters = [*soak.amounts, *soak.alarms]
        await until(lambda: not any(one["outbox"] for one in documents(endpoints.mongo, "counters").values()))
        seen = await user.caught_up()
        kept = documents(endpoints.mongo, "counters", counters)
        for counter, amounts in soak.amounts.items():
            if amounts:
                check_counter(seen, kept[counter], amounts)
            assert not kept.get(counter, {}).get("work")
        for counter, due in soak.alarms.items():
            [event] = events_of(seen, counter).values()
            assert isinstance(event.data, AlarmRang)
            assert event.data.set_for == due <= event.data.rang_at
            assert "timers" not in kept[counter]
        assert len(list((tmp_path / "errands").iterdir())) == soak.errands
        assert not documents(endpoints.mongo, "dead_letters")
        repeated = len(seen) - len({one.envelope.id for one in seen})
        print(f"soak: {dict(soak.deaths)}; {len(seen)} events, {repeated} of them repeated")
