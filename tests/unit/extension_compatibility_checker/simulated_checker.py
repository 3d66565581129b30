"""The whole service on simulated days: its real table, kernel, packages and child processes, on a store in memory.

The other services are played: an executor that tells of the environment, a notifier that tells or finds nobody.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from services.extension_compatibility_checker import app
from shared.artifacts.folder import FolderStore
from shared.contracts.cloudevents import decode, encode
from shared.contracts.envelope import Envelope, new_id
from shared.contracts.extension_compatibility_checker import (
    ExtensionIncompatible,
    RemediationPolicy,
    RemediationReminded,
    SetRemediationPolicy,
)
from shared.contracts.message import Event, Message
from shared.contracts.notifier import NobodyTold, NotificationSent, Occasion
from shared.contracts.parts import ArtifactRef
from shared.contracts.registry import CATALOGUE
from shared.kernel.client import OutgoingRecord
from shared.kernel.store.memory import MemoryStore
from tests.support.simulation import Broker, Clock, Replica, silence
from tests.unit.extension_compatibility_checker.remediation_story import PROJECT, START

E = TypeVar("E", bound=Event)


class SetClock(Clock):
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Record:
    """A record as a consumer gets it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    timestamp: int


class SimulatedChecker:
    """The service, its store and its topics. `recipient` says whether the notifier finds somebody to tell."""

    def __init__(self, folder: Path, *, recipient: bool = True) -> None:
        silence()
        self.clock = SetClock()
        self.recipient = recipient
        self.artifacts = FolderStore(folder / "artifacts")
        self.events: list[tuple[int, Event]] = []
        """What the service has told, each with the day."""
        self.starts = 0
        self._folder = folder
        self._store = MemoryStore()
        self._broker = Broker()
        self._read = 0
        self._offset = 0
        self._sequence = 0
        self._seen: set[str] = set()
        self._up: Replica | None = None

    async def put(self, content: bytes) -> ArtifactRef:
        """A package in the artifact store."""
        kept = await self.artifacts.put_bytes(content, "application/octet-stream")
        return ArtifactRef.of(kept)

    # -- the process

    def start(self) -> None:
        """A new process on what the one before it has left."""
        assert self._up is None
        self.starts += 1
        settings = app.CheckerSettings(
            artifacts=self._folder / "artifacts", bases=self._folder / "bases", check_processes=1
        )
        service = app.make(settings)
        self._up = Replica(service, self._store, self._broker, self.clock, name=f"checker-{self.starts}")

    async def stop(self) -> None:
        """The process ends; what was sent to it meanwhile waits on its topics."""
        if self._up:
            await self._up.end()
            self._up = None

    # -- time

    async def day(self, day: float) -> None:
        """Go on to a day, and let everything happen that follows."""
        for hour in (0, 1):
            # What begins a few seconds after nine becomes due a few seconds after nine: an hour later it has.
            self.clock.now = START + timedelta(days=day, hours=hour)
            if self._up:
                await self._run(self._up)

    async def days(self, first: int, last: int, *, restart_every: int = 0) -> None:
        """Go on day by day, with a new process every so many days."""
        for day in range(first, last + 1):
            if restart_every and day % restart_every == 0:
                await self.stop()
                self.start()
            await self.day(day)

    # -- messages

    def send(self, *messages: Message, from_executor: bool = False) -> None:
        """Messages of others come to stand on their topics."""
        for message in messages:
            self._sequence += from_executor
            sequence = self._sequence if from_executor else None
            record = encode(Envelope(id=new_id(), source="test", time=self.clock.now, data=message, sequence=sequence))
            topic = CATALOGUE.topic_of(type(message), message.owner)
            self._broker.log.append(OutgoingRecord(topic, record.key, record.value, [*record.headers]))

    def set_policy(self, policy: RemediationPolicy) -> None:
        """Another policy for the project."""
        self.send(SetRemediationPolicy(project=PROJECT, policy=policy))

    def of(self, event: type[E]) -> list[tuple[int, E]]:
        """The events of a type, with their days."""
        return [(day, one) for day, one in self.events if isinstance(one, event)]

    async def _run(self, replica: Replica) -> None:
        """Until nothing comes of it any more."""
        engine = replica.engine
        idle = 0
        while idle < 2:
            before = len(self._broker.log)
            records = [self._record(entry) for entry in self._broker.log[self._read :]]
            self._read = before
            for record in records:
                await self._tell(record)
            taken = [record for record in records if record.topic in engine.inbox._committer.service.subscriptions]
            if taken:
                await engine.inbox.process(taken)
            await engine.sweeper.step()
            await asyncio.sleep(0)
            await engine.workers.idle()
            await engine.relay.step()
            # A check that waits for its base looks again after a quarter of a second.
            self.clock.now += timedelta(seconds=1)
            idle = 0 if records or len(self._broker.log) > before else idle + 1

    def _record(self, entry: OutgoingRecord) -> Record:
        self._offset += 1
        timestamp = int(self.clock.now.timestamp() * 1000)
        return Record(entry.topic, 0, self._offset, entry.key, entry.value, [*entry.headers], timestamp)

    async def _tell(self, record: Record) -> None:
        """Note what the service says, once; and play the notifier."""
        envelope = decode(CATALOGUE, record.topic, record.key, record.value, record.headers, record_time=self.clock.now)
        event = envelope.data
        if envelope.source == "test" or not isinstance(event, Event) or envelope.id in self._seen:
            return
        self._seen.add(envelope.id)
        self.events.append(((self.clock.now - START).days, event))
        occasions: dict[type[Message], Occasion] = {
            ExtensionIncompatible: Occasion.EXTENSION_INCOMPATIBLE,
            RemediationReminded: Occasion.EXTENSION_REMINDER,
        }
        if isinstance(event, ExtensionIncompatible | RemediationReminded):
            about = {
                "project": event.project,
                "environment": event.environment,
                "notification": f"{event.project}/{envelope.id}",
                "occasion": occasions[type(event)],
                "app_id": event.extension.app_id,
                "base": event.base,
            }
            if self.recipient:
                sent = {"address": "ada@contoso.example", "message_id": envelope.id, "sent_at": self.clock.now}
                self.send(NotificationSent.model_validate({**about, **sent}))
            else:
                self.send(NobodyTold.model_validate(about))
