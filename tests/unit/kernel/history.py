"""What the example ever committed, and what must hold from each version of a document to the next."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from shared.kernel.client import OutgoingRecord
from shared.kernel.document import Document
from shared.kernel.store.documents import decode
from shared.kernel.store.memory import MemoryStore
from shared.kernel.stored import from_stored
from tests.support.example import example
from tests.unit.kernel.world import read

Key = tuple[str, str]

MOST_VERSIONS = 1000
"""Far more than a document has in a run: a kernel that commits without end is caught, not waited for."""


@dataclass
class History:
    """Each version of each document that was ever committed, whoever wrote it and whether he knows or not."""

    versions: dict[Key, list[Document]] = field(default_factory=lambda: defaultdict(list))
    promised: set[tuple[Any, ...]] = field(default_factory=set)
    """Every record that ever was in a committed outbox."""
    faults: list[str] = field(default_factory=list)

    def record(self, store: MemoryStore, collection: str) -> None:
        """Take note of what was written to a collection."""
        for id_, kept in store._kept(collection).items():
            versions = self.versions[collection, id_]
            if versions and versions[-1].version == kept.version:
                continue
            document = from_stored(decode(kept.encoded))
            if document.version != (versions[-1].version if versions else 0) + 1:
                self.faults.append(f"{id_}: version {document.version} after {versions[-1:]}")
            before = versions[-1] if versions else Document(id_)
            self.promised.update(content(entry.record) for entry in document.outbox)
            self._check_timers(before, document)
            self._check_epochs(before, document)
            versions.append(document)
            if len(versions) > MOST_VERSIONS:
                raise AssertionError(f"{id_} keeps itself busy: {document}")

    def _check_timers(self, before: Document, after: Document) -> None:
        rung = [e.data.set_for for e in read(after.outbox) if isinstance(e.data, example.AlarmRang)]
        for name, timer in before.timers.items():
            if name not in after.timers and timer.due not in rung:
                self.faults.append(f"{after.id}: the timer set to {timer.due} is gone and never fired")

    def _check_epochs(self, before: Document, after: Document) -> None:
        for name, work in after.work.items():
            earlier = before.work.get(name)
            if earlier and work.epoch < earlier.epoch:
                self.faults.append(f"{after.id}: epoch {work.epoch} of {name} after {earlier.epoch}")
        for name, work in before.work.items():
            if name in after.work:
                continue
            for event in read(entry for entry in after.outbox if entry.n > before.entries):
                if event.causation != work.origin.causation or not isinstance(event.data, example.CounterChanged):
                    continue
                if event.data.amount != brought_under(work.epoch):
                    self.faults.append(f"{after.id}: {name}, held under epoch {work.epoch}, ended by {event.data}")


def brought_under(epoch: int) -> int:
    """What an errand brings, so that it can be seen which of its workers brought it."""
    return epoch * 1000 + 7


def content(record: OutgoingRecord) -> tuple[Any, ...]:
    """A record, to be compared."""
    return record.topic, record.key, record.value, tuple(record.headers)
