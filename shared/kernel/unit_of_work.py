"""One aggregate in one commit: its document, and what the inputs that are applied to it leave behind.

Nothing here does I/O. Each input (`inputs`) either changes the document as a whole or raises and leaves it as it was.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from shared.contracts.message import Message, MessageKind
from shared.kernel.decision import UNCHANGED, Decision
from shared.kernel.document import (
    COMMANDS_TAKEN_FOR,
    OUTBOX_GRACE,
    VIEW_AGAIN_AFTER,
    Document,
    Origin,
    OutboxEntry,
    PendingTimer,
    PendingWork,
    timer_key,
    work_key,
)
from shared.kernel.outbox import OutboxWriter
from shared.kernel.outcomes import NotYet
from shared.kernel.service import Service
from shared.kernel.state import check_moves
from shared.kernel.table import Aggregate, Line, On, split_name


@dataclass(frozen=True, slots=True)
class Effects:
    """What a decision puts into the document, ready to be put there."""

    state: BaseModel | None
    outbox: OutboxWriter
    timers: dict[str, PendingTimer | None]
    work: dict[str, PendingWork | None]


class UnitOfWork:
    """The document of one aggregate on its way from one version to the next."""

    def __init__(
        self,
        service: Service,
        aggregate: Aggregate[Any],
        document: Document,
        *,
        now: datetime,
        published: int,
        patience: timedelta,
        expires: bool = True,
        overtakes: bool = False,
    ) -> None:
        self.service = service
        self.aggregate = aggregate
        self.document = document
        self.now = now
        self.patience = patience
        """How long a message may wait for what it refers to."""
        self._expires = expires
        self.outgrown: dict[str, bytes] = {}
        """Answers, packed, that leave the document with this commit, by the ids of their commands."""
        self.stored_answers = frozenset(document.answers)
        """The commands whose answers are stored: those alone may leave, for this commit may be decided once more."""
        self.changed = False
        """Whether the document is another than the stored one."""
        self._first_new_entry = document.entries + 1
        self._overtaken = [*document.outbox] if overtakes else None
        if overtakes:  # what others may be sending is sent by this process as well, and only who commits may send
            self.touch()
        self.state: BaseModel | None = aggregate.read(document.state_version, document.state)
        self._loaded = self.state
        self._view = self._make_view()
        kept = [entry for entry in document.outbox if entry.n > published]
        if len(kept) < len(document.outbox):
            document.outbox = kept
            self.touch()

    @property
    def has_new_state(self) -> bool:
        """Whether a decision gave the aggregate another state."""
        return self.state is not self._loaded

    def is_expired(self, sent: datetime) -> bool:
        """Whether a command that was sent then is too old to be decided."""
        return self._expires and self.now - sent > COMMANDS_TAKEN_FOR

    def send_again(self, entry: OutboxEntry) -> None:
        """Send an entry again that left the outbox before."""
        self.document.entries += 1
        self.document.outbox.append(replace(entry, n=self.document.entries, packed=None))
        self.touch()

    def touch(self) -> None:
        """Something in the document was changed: it is to be written."""
        self.changed = True

    def become(self, state: BaseModel | None, outbox: OutboxWriter) -> None:
        """Give the aggregate `state`, and its document what was written for its outbox."""
        outbox.keep()
        self.state = state
        self.touch()

    def outbox_writer(self) -> OutboxWriter:
        """Outbox entries in the making, for this document."""
        return OutboxWriter(self.service, self.aggregate.name, self.document, self.now)

    def decide(self, line: Line, happening: Any, facts: Any) -> Decision[Any]:
        """What the line's function decides; if it needs an aggregate and there is none, what that means."""
        if self.state is None and line.needs_state:
            if isinstance(line, On) and line.message.kind is MessageKind.COMMAND:
                raise NotYet(f"there is no {line.aggregate.noun} {self.document.id}")
            return UNCHANGED
        return line.decide(self.state, happening, facts, self.now)

    def effects(self, decision: Decision[Any], origin: Origin) -> Effects:
        """What a decision puts into the document. Whatever can fail fails here, where nothing has changed yet."""
        state = decision.state_after(self.state)
        if state is not None and not isinstance(state, self.aggregate.state):
            raise TypeError(f"{self.aggregate.name} has states of {self.aggregate.state}, not {type(state)}")
        check_moves(self.aggregate.state, self.state, state)
        self._check_names(decision)
        outbox = self.outbox_writer()
        for event in decision.events:
            outbox.event(event, origin)
        for command in decision.commands:
            outbox.command(command, origin)
        for view in decision.snapshots:
            outbox.snapshot(view)
        for record in decision.records:
            outbox.add(record)
        timers = {
            name: None if due is None else PendingTimer(name, due, origin) for name, due in decision.timers.items()
        }
        work = {
            name: None if given is None else PendingWork(name, given.model_dump(mode="json"), origin, due=self.now)
            for name, given in decision.work.items()
        }
        return Effects(state, outbox, timers, work)

    def apply(self, effects: Effects) -> None:
        """Put what a decision leaves behind into the document."""
        self.become(effects.state, effects.outbox)
        for name, timer in effects.timers.items():
            self.forget_timer(name)
            if timer:
                self.document.timers[name] = timer
        for name, work in effects.work.items():
            self.forget_work(name)
            if work:
                self.document.work[name] = work

    def forget_timer(self, name: str) -> None:
        """Take a timer out of the document, with all that is kept of it."""
        self.document.timers.pop(name, None)
        self.document.undecided.pop(timer_key(name), None)

    def forget_work(self, name: str) -> None:
        """Take work out of the document, with all that is kept of it."""
        self.document.work.pop(name, None)
        self.document.undecided.pop(work_key(name), None)

    def finish(self) -> Document:
        """The document to write, with its snapshot and its due times settled."""
        document = self.document
        document.state = None if self.state is None else self.state.model_dump(mode="json")
        document.state_version = self.aggregate.version
        self._renew_snapshot()
        self._note_what_is_sent_again()
        overtakes = self._overtaken is not None
        if not document.outbox:
            document.outbox_due = None
        elif document.entries >= self._first_new_entry or overtakes or document.outbox_due is None:
            document.outbox_due = self.now + OUTBOX_GRACE
        waits = document.outbox or document.timers or document.parked or document.work or document.view_again
        busy = document.state is not None or waits
        document.idle_since = None if busy else document.idle_since or self.now
        return document

    def _check_names(self, decision: Decision[Any]) -> None:
        for names, known, what in (
            (decision.timers, self.service.timers, "timer"),
            (decision.work, self.service.work, "work"),
        ):
            for name in names:
                if (self.aggregate.name, split_name(name)[0]) not in known:
                    raise KeyError(f"{self.aggregate.name} has no {what} {split_name(name)[0]!r} in its table")
        for name, due in decision.timers.items():
            if due is not None and due.tzinfo is None:
                raise ValueError(f"timer {name!r} of {self.aggregate.name} is due at {due}, which has no zone")

    def _make_view(self) -> Message | None:
        if self.aggregate.view is None or self.state is None:
            return None
        return self.aggregate.view(self.document.id, self.state)

    def send_snapshots_again(self) -> None:
        """Send the newest snapshots, though they may be what was sent before."""
        document = self.document
        again, document.again = document.again, []
        for entry in again:
            self.send_again(entry)
        self._view = None
        if document.view_again or self._make_view():
            document.view_again = None
            self.touch()

    def bring_up(self) -> None:
        """Write the state in the form of this version, with the timers that an earlier one has not set."""
        if self.state is not None and self.aggregate.awaits:
            for name, due in self.aggregate.awaits(self.state).items():
                self.document.timers.setdefault(name, PendingTimer(name, due, Origin()))
        self.touch()

    def republish(self) -> int:
        """Send the newest snapshots, and those beside the view that the state still holds; how many."""
        outbox = self.outbox_writer()
        if self.state is not None and self.aggregate.beside:
            for snapshot in self.aggregate.beside(self.document.id, self.state):
                outbox.snapshot(snapshot)
        outbox.keep()
        self.send_snapshots_again()
        if outbox.new:
            self.touch()
        return len(outbox.new) + (self._make_view() is not None)

    def _note_what_is_sent_again(self) -> None:
        """Where another process may be sending what stands before this commit, its snapshots may come last.

        So the newest of them are sent once more when that is over. It stands in the document, for either process may
        be killed before.
        """
        document = self.document
        new = [entry for entry in document.outbox if entry.n >= self._first_new_entry]
        newest = {(entry.record.topic, entry.record.key): entry for entry in document.again}
        at_risk = {*newest}
        if self._overtaken is not None:
            document.view_again = self.now + VIEW_AGAIN_AFTER
            newest |= {(entry.record.topic, entry.record.key): entry for entry in self._overtaken}
            at_risk = {(topic, key) for topic, key in newest if self._keeps_the_last(topic)} - self._view_place()
        newest |= {(entry.record.topic, entry.record.key): entry for entry in new}
        document.again = [entry for place, entry in newest.items() if place in at_risk]

    def _keeps_the_last(self, topic: str) -> bool:
        known = self.service.catalogue.topics.get(topic)
        return known is not None and known.compacted

    def _view_place(self) -> set[tuple[str, bytes]]:
        """Topic and key of the view, which is made anew when it is sent again."""
        view = self._make_view()
        if view is None:
            return set()
        return {(self.service.catalogue.topic_of(type(view), self.service.name), view.key.encode())}

    def _renew_snapshot(self) -> None:
        view = self._make_view()
        if view is None or view == self._view:
            return
        outbox = self.outbox_writer()
        outbox.snapshot(view)
        outbox.keep()
