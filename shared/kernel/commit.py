"""Load, decide, commit: the one way in which anything changes an aggregate."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from shared.kernel.answers import ANSWERS, AnswerAgainInput, answer_id, writes_of
from shared.kernel.crash_points import crash_point
from shared.kernel.document import Document, Key, new_document
from shared.kernel.facts import FactMissing, facts_for, wanted_facts
from shared.kernel.inputs import Input, InputOutcome
from shared.kernel.inputs.messages import MessageInput
from shared.kernel.outcomes import Conflict
from shared.kernel.service import Service
from shared.kernel.store.port import Store, StoredDocument, Write
from shared.kernel.stored import from_stored, to_stored
from shared.kernel.unit_of_work import UnitOfWork

ROUNDS = 20
"""How often a commit may lose against faster writers before it gives up."""

Clock = Callable[[], datetime]


class Outboxes(Protocol):
    """Who sends what committed documents hold in their outboxes."""

    def published(self, key: Key) -> int:
        """Up to which entry the outbox of `key` was sent by this process."""
        ...

    def overtakes(self, key: Key, document: Document) -> bool:
        """Whether another process may be sending what the outbox of a document holds that was read."""
        ...

    def take(self, key: Key, document: Document, since: datetime) -> None:
        """Send what is left in the outbox of a document that was committed, and not before `since`."""
        ...

    def forget(self, key: Key) -> None:
        """The outbox of `key` is empty in the store: nothing is left to remember of it."""
        ...


class Hints(Protocol):
    """Who looks at documents again when something in them becomes due."""

    def committed(self, key: Key, document: Document, *, arrived: bool) -> None:
        """The document of `key` was committed; `arrived`: with another state than it had."""
        ...


class Committer:
    """Applies inputs to aggregates, many at once: one load, one unit of work for each aggregate, one bulk write.

    What is wrong with one aggregate stays with it: a state that cannot be read, a function that raises, a document
    that no store takes become the error of an input, and the other aggregates are committed.
    Raise StoreUnavailable if the store does not answer: then nothing is known of any outcome, and the same inputs
    may be committed again. Raise Conflict after `ROUNDS` races lost in a row.
    """

    def __init__(
        self,
        service: Service,
        store: Store,
        outboxes: Outboxes,
        hints: Hints,
        clock: Clock,
        patience: timedelta,
        *,
        expires: bool = True,
    ) -> None:
        self.service = service
        self._store = store
        self._outboxes = outboxes
        self._hints = hints
        self._clock = clock
        self._patience = patience
        self._expires = expires

    async def commit(self, inputs: Sequence[Input]) -> None:
        """Give each input its `outcome`, or the `error` that its function raised or that storing it met with.

        The inputs of one aggregate are applied in their order; behind one with an error none is applied, and they
        have neither.
        """
        waiting = inputs
        singly: set[Key] = set()
        races = 0
        while waiting:
            waiting, raced = await self._round(waiting, singly)
            races += raced
            if races == ROUNDS:
                raise Conflict(f"{len(waiting)} inputs lost {ROUNDS} races")
            if raced:
                await asyncio.sleep(random.random() * 0.01 * races)  # noqa: S311 - spreads writers, keeps no secret
        await self._answer_repeats(inputs)

    async def ids(self, collection: str, after: str, limit: int) -> list[str]:
        """The ids of at most `limit` documents behind `after`, in their order."""
        return await self._store.ids(collection, after, limit)

    async def _answer_repeats(self, inputs: Sequence[Input]) -> None:
        """Send the answers again to commands that came again, where these have left their documents."""
        wanted = {
            answer_id(input_.aggregate.name, input_.id, input_.envelope.id): input_
            for input_ in inputs
            if isinstance(input_, MessageInput) and input_.wants_answer
        }
        if wanted:
            found = await self._store.get_many(ANSWERS.name, list(wanted))
            again = [AnswerAgainInput.of(wanted[at].aggregate, wanted[at].id, stored) for at, stored in found.items()]
            await self.commit(again)

    async def _round(self, inputs: Sequence[Input], singly: set[Key]) -> tuple[list[Input], bool]:
        """Commit what can be; the inputs that need another round, and whether another writer was faster.

        Of the aggregates in `singly` only one input is applied in a round.
        """
        groups: dict[Key, list[Input]] = defaultdict(list)
        for input_ in inputs:
            groups[input_.aggregate.name, input_.id].append(input_)
        now = self._clock()
        units = await self._load_units(groups, now)
        wanted = wanted_facts(inputs, units)
        facts = wanted.read(await self._get(wanted.ids))
        crash_point("commit.loaded")
        again: set[int] = set()
        for key, unit in units.items():
            ready = _ahead_of(groups[key], wanted.behind, limit=1 if key in singly else None)
            done = _apply_group(unit, groups[key][:ready], facts)
            again.update(map(id, groups[key][done:]) if done is not None else ())
        crash_point("commit.decided")
        outgrown = [
            write for key, unit in units.items() for write in writes_of(unit.document, key[0], unit.outgrown, now)
        ]
        if outgrown:
            await self._store.write_many(ANSWERS.name, outgrown)
            crash_point("commit.answers-kept")
        lost, refused = await self._write([key for key in units if units[key].changed], units)
        crash_point("commit.written")
        for key in lost:
            again.update(_undo(groups[key]))
        for key, error in refused.items():
            again -= {id(input_) for input_ in groups[key]}
            again.update(_blame(groups[key], error, singly, key))
        settled = [key for key in units if key not in lost and key not in refused]
        # Those that wait are noted first: what they wait for may have been committed beside them.
        for key in sorted(settled, key=lambda key: not units[key].document.parked):
            self._settle(key, units[key], now)
        crash_point("commit.settled")
        return [input_ for input_ in inputs if id(input_) in again], bool(lost)

    async def _load_units(self, groups: dict[Key, list[Input]], now: datetime) -> dict[Key, UnitOfWork]:
        by_collection: dict[str, list[str]] = defaultdict(list)
        for name, id_ in groups:
            by_collection[name].append(id_)
        loaded = await self._get(by_collection)
        units = {}
        for key, group in groups.items():
            stored = loaded.get(key)
            try:
                document = from_stored(stored) if stored else new_document(key[1], now)
                units[key] = UnitOfWork(
                    self.service,
                    group[0].aggregate,
                    document,
                    now=now,
                    published=self._outboxes.published(key),
                    patience=self._patience,
                    expires=self._expires,
                    overtakes=self._outboxes.overtakes(key, document),
                )
            except Exception as error:  # noqa: BLE001 - a state that the service cannot read costs no other aggregate
                group[0].error = error
        return units

    async def _get(self, by_collection: Mapping[str, Collection[str]]) -> dict[Key, StoredDocument]:
        found: dict[Key, StoredDocument] = {}
        for name, ids in by_collection.items():
            documents = await self._store.get_many(name, list(ids))
            found.update(((name, id_), document) for id_, document in documents.items())
        return found

    async def _write(
        self, changed: Sequence[Key], units: dict[Key, UnitOfWork]
    ) -> tuple[set[Key], dict[Key, Exception]]:
        """Write the documents; the keys of those where another writer was faster, and of those no store takes."""
        by_collection: dict[str, list[Write]] = defaultdict(list)
        refused: dict[Key, Exception] = {}
        for key in changed:
            try:
                document = units[key].finish()
                expected = document.version if document.exists else None
                by_collection[key[0]].append(Write(to_stored(document, document.version + 1), expected))
            except Exception as error:  # noqa: BLE001 - one aggregate's state or view costs no other aggregate
                refused[key] = error
        lost: set[Key] = set()
        for name, writes in by_collection.items():
            try:
                written: list[bool | ValueError] = [*await self._store.write_many(name, writes)]
            except ValueError:  # nothing was written, for the sake of one of them
                written = [await self._write_one(name, write) for write in writes]
            for write, result in zip(writes, written, strict=True):
                if isinstance(result, ValueError):
                    refused[name, write.document["_id"]] = result
                elif not result:
                    lost.add((name, write.document["_id"]))
        return lost, refused

    async def _write_one(self, collection: str, write: Write) -> bool | ValueError:
        try:
            [written] = await self._store.write_many(collection, [write])
        except ValueError as error:
            return error
        return written

    def _settle(self, key: Key, unit: UnitOfWork, since: datetime) -> None:
        document = unit.document
        if unit.changed:
            document.version += 1
            self._hints.committed(key, document, arrived=unit.has_new_state)
        if document.outbox:
            self._outboxes.take(key, document, since)
        else:
            self._outboxes.forget(key)


def _ahead_of(group: Sequence[Input], behind: set[int], limit: int | None) -> int:
    """How many inputs of one aggregate come before the first that must wait for another round."""
    waiting = next((at for at, input_ in enumerate(group) if id(input_) in behind), len(group))
    return waiting if limit is None else min(waiting, limit)


def _apply_group(unit: UnitOfWork, group: Sequence[Input], facts: dict[Key, Any]) -> int | None:
    """Apply the inputs of one aggregate in order; how many were before one needs another round.

    None: one has an error, and none behind it is to be applied.
    """
    for at, input_ in enumerate(group):
        try:
            input_.outcome = _apply(unit, input_, facts)
            input_.error = None
        except FactMissing:
            if at:
                return at
            input_.error = RuntimeError("the ids of its facts are not the same when they are asked for again")
            return None
        except Exception as error:  # noqa: BLE001 - what a domain raises is kept, or judged by who made the input
            input_.outcome = input_.keep(unit, error)
            if input_.outcome is None:
                input_.error = error
                return None
    return len(group)


def _apply(unit: UnitOfWork, input_: Input, facts: dict[Key, Any]) -> InputOutcome:
    if input_.refused:
        raise input_.refused
    load, happening = input_.wants(unit)
    return input_.apply(unit, facts_for(load, happening, unit, facts) if load else None)


def _undo(group: Sequence[Input]) -> Iterable[int]:
    """Nothing of what was decided was written: all of it, errors too, is decided again on the state that is there."""
    for input_ in group:
        input_.outcome = input_.error = None
    return map(id, group)


def _blame(group: Sequence[Input], error: Exception, singly: set[Key], key: Key) -> Iterable[int]:
    """No store takes what the group makes of the aggregate: find the input that does it, by applying one at a time."""
    applied = [input_ for input_ in group if input_.outcome]
    if not applied:
        return ()
    if len(applied) > 1:
        singly.add(key)
        return _undo(group)
    _undo(group)
    for input_ in applied:
        if input_.refused:  # not even that it was refused can be stored
            input_.error = error
        else:
            input_.refused = error
    return [id(input_) for input_ in applied if input_.error is None]
