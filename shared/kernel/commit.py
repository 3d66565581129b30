"""Load, decide, commit: the one way in which anything changes an aggregate."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import ValidationError

from shared.kernel.changes import Change
from shared.kernel.crash_points import crash_point
from shared.kernel.document import Document, from_stored, new_document, to_stored
from shared.kernel.fold import Fold
from shared.kernel.outcomes import Conflict
from shared.kernel.service import Aggregate, Fact, Load, Service
from shared.kernel.store.port import Store, StoredDocument, Write

ROUNDS = 20
"""How often a commit is decided again before it gives up against faster writers."""

Key = tuple[str, str]
"""Name of an aggregate, and the id of one."""

Clock = Callable[[], datetime]


class Outboxes(Protocol):
    """Who sends what committed documents hold in their outboxes."""

    def published(self, key: Key) -> int:
        """Up to which entry the outbox of `key` was sent by this process."""
        ...

    def take(self, key: Key, document: Document) -> None:
        """Send what is left in the outbox of a committed document."""
        ...

    def forget(self, key: Key) -> None:
        """The outbox of `key` is empty in the store: nothing is left to remember of it."""
        ...


class Hints(Protocol):
    """Who looks at documents again when something in them becomes due."""

    def committed(self, key: Key, document: Document) -> None:
        """The document of `key` was committed."""
        ...


class _FactMissing(Exception):  # noqa: N818 - never leaves this module
    """A fact was not loaded, because the state that names it came into being in this very round."""


class Committer:
    """Applies changes to aggregates, many at once: one load, one fold for each aggregate, one bulk write.

    What is wrong with one aggregate stays with it: a state that cannot be read, a function that raises, a document
    that no store takes become the error of a change, and the other aggregates are committed.
    Raise StoreUnavailable if the store does not answer: then nothing is known of any outcome, and the same changes
    may be committed again. Raise Conflict after `ROUNDS` races lost in a row.
    """

    def __init__(
        self, service: Service, store: Store, outboxes: Outboxes, hints: Hints, clock: Clock, patience: timedelta
    ) -> None:
        self.service = service
        self._store = store
        self._outboxes = outboxes
        self._hints = hints
        self._clock = clock
        self._patience = patience

    async def commit(self, changes: Sequence[Change]) -> None:
        """Give each change its `outcome`, or the `error` that its function raised.

        The changes of one aggregate are applied in their order; behind one with an error none is applied, and they
        have neither.
        """
        waiting = list(changes)
        alone: set[Key] = set()
        lost = 0
        while waiting:
            if lost:
                await asyncio.sleep(random.random() * 0.01 * lost)  # noqa: S311 - spreads writers, keeps no secret
            left = await self._round(waiting, alone)
            lost = lost + 1 if len(left) == len(waiting) else 0
            waiting = left
            if lost == ROUNDS:
                raise Conflict(f"{len(waiting)} changes lost {ROUNDS} races")

    async def _round(self, changes: Sequence[Change], alone: set[Key]) -> list[Change]:
        """Commit what can be; the changes that need another round, those of aggregates in `alone` one at a time."""
        groups, waiting = _grouped(changes, alone)
        now = self._clock()
        folds = await self._load_folds(groups, now)
        facts = await self._load_facts((change, folds[key]) for key in folds for change in groups[key])
        crash_point("commit.loaded")
        again = {id(change) for change in waiting}
        for key, fold in folds.items():
            again.update(map(id, _fold_group(fold, groups[key], facts)))
        crash_point("commit.decided")
        lost, refused = await self._write([key for key, fold in folds.items() if fold.changed], folds)
        crash_point("commit.written")
        for key in lost:
            again.update(map(id, _undecided(groups[key])))
        for key, error in refused.items():
            # One change is to blame; of more, each is tried alone to learn which.
            again.update(map(id, group := _undecided(groups[key])))
            alone.add(key)
            if len(group) == 1:
                group[0].error = error
        for key, fold in folds.items():
            if key not in lost and key not in refused:
                self._settle(key, fold)
        crash_point("commit.settled")
        ended = {key for key, group in groups.items() if any(change.error for change in group)}
        return [change for change in changes if id(change) in again and _key(change) not in ended]

    async def _load_folds(self, groups: dict[Key, list[Change]], now: datetime) -> dict[Key, Fold]:
        by_collection: dict[str, list[str]] = defaultdict(list)
        for name, id_ in groups:
            by_collection[name].append(id_)
        loaded = await self._get(by_collection)
        folds = {}
        for key, group in groups.items():
            stored = loaded.get(key)
            try:
                folds[key] = Fold(
                    self.service,
                    group[0].aggregate,
                    from_stored(stored) if stored else new_document(key[1], now),
                    now=now,
                    published=self._outboxes.published(key),
                    patience=self._patience,
                )
            except Exception as error:  # noqa: BLE001 - a document that this version cannot read is its own trouble
                group[0].error = error
        return folds

    async def _load_facts(self, wanted: Iterable[tuple[Change, Fold]]) -> dict[Key, Any]:
        by_collection: dict[str, set[str]] = defaultdict(set)
        models: dict[str, Aggregate[Any]] = {}
        for change, fold in wanted:
            try:
                load, happening = change.wants(fold)
                for fact in load.facts.values() if load else ():
                    models[fact.aggregate.name] = fact.aggregate
                    by_collection[fact.aggregate.name].update(_ids(fact, happening, fold.state))
            except Exception:  # noqa: BLE001, S112 - raised again, as the error of this change, when it is folded
                continue
        loaded = await self._get(by_collection)
        return {
            (name, id_): _state(models[name], loaded.get((name, id_)))
            for name, ids in by_collection.items()
            for id_ in ids
        }

    async def _get(self, by_collection: "dict[str, list[str]] | dict[str, set[str]]") -> dict[Key, StoredDocument]:
        found: dict[Key, StoredDocument] = {}
        for name, ids in by_collection.items():
            documents = await self._store.get_many(name, list(ids))
            found.update(((name, id_), document) for id_, document in documents.items())
        return found

    async def _write(self, changed: Sequence[Key], folds: dict[Key, Fold]) -> tuple[set[Key], dict[Key, Exception]]:
        """Write the documents; those where somebody was faster, and those that cannot be written, with the reason."""
        by_collection: dict[str, list[Write]] = defaultdict(list)
        lost: set[Key] = set()
        refused: dict[Key, Exception] = {}
        for key in changed:
            try:
                document = folds[key].finish()
                stored = to_stored(document, document.version + 1)
            except Exception as error:  # noqa: BLE001 - the view of a domain, a moment that has no form in UTC
                refused[key] = error
            else:
                by_collection[key[0]].append(Write(stored, document.version if document.exists else None))
        for name, writes in by_collection.items():
            for write, written in zip(writes, await self._write_some(name, writes), strict=True):
                key = (name, write.document["_id"])
                if isinstance(written, ValueError):
                    refused[key] = written
                elif not written:
                    lost.add(key)
        return lost, refused

    async def _write_some(self, name: str, writes: Sequence[Write]) -> list[bool | ValueError]:
        try:
            return [*await self._store.write_many(name, writes)]
        except ValueError:
            # No store takes one of them; the others are written all the same.
            return [await self._write_one(name, write) for write in writes]

    async def _write_one(self, name: str, write: Write) -> bool | ValueError:
        try:
            return (await self._store.write_many(name, [write]))[0]
        except ValueError as error:
            return error

    def _settle(self, key: Key, fold: Fold) -> None:
        document = fold.document
        if fold.changed:
            document.version += 1
            self._hints.committed(key, document)
        if document.outbox:
            self._outboxes.take(key, document)
        else:
            self._outboxes.forget(key)


def _key(change: Change) -> Key:
    return (change.aggregate.name, change.id)


def _grouped(changes: Sequence[Change], alone: set[Key]) -> tuple[dict[Key, list[Change]], list[Change]]:
    """The changes of each aggregate, and those that wait for the one before them."""
    groups: dict[Key, list[Change]] = defaultdict(list)
    waiting = []
    for change in changes:
        key = _key(change)
        if key in alone and key in groups:
            waiting.append(change)
        else:
            groups[key].append(change)
    return groups, waiting


def _undecided(group: list[Change]) -> list[Change]:
    """The changes of an aggregate that was not written: what was decided, errors too, followed from another state."""
    for change in group:
        change.outcome = change.error = None
    return group


def _fold_group(fold: Fold, group: Sequence[Change], facts: dict[Key, Any]) -> list[Change]:
    """Fold the changes of one aggregate in order; those that need another round, because a fact is missing."""
    for at, change in enumerate(group):
        try:
            load, happening = change.wants(fold)
            change.outcome = change.apply(fold, _facts(load, happening, fold, facts) if load else None)
        except _FactMissing:
            return list(group[at:])
        except Exception as error:  # noqa: BLE001 - what a domain raises is judged by who made the change
            change.error = error
            return []
    return []


def _ids(fact: Fact, happening: Any, state: Any) -> tuple[str, ...]:
    ids = fact.ids(happening, state)
    return () if ids is None else (ids,) if isinstance(ids, str) else tuple(ids)


def _facts(load: Load[Any], happening: Any, fold: Fold, loaded: dict[Key, Any]) -> Any:
    values: dict[str, Any] = {}
    for name, fact in load.facts.items():
        found = []
        for id_ in _ids(fact, happening, fold.state):
            if (fact.aggregate.name, id_) not in loaded:
                raise _FactMissing
            value = loaded[fact.aggregate.name, id_]
            if isinstance(value, Exception):
                raise value
            found.append(value)
        one = not isinstance(fact.ids(happening, fold.state), list | tuple)
        values[name] = (found[0] if found else None) if one else tuple(found)
    return load.model(**values)


def _state(aggregate: Aggregate[Any], stored: StoredDocument | None) -> Any:
    """The state in a stored document, or the error that it cannot be read with."""
    if stored is None or stored["state"] is None:
        return None
    try:
        return aggregate.state.model_validate(stored["state"], strict=False)
    except ValidationError as error:
        return error
