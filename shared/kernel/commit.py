"""Load, decide, commit: the one way in which anything changes an aggregate."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

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

    Raise StoreUnavailable if the store does not answer: then nothing is known of any outcome, and the same changes
    may be committed again. Raise Conflict after `ROUNDS` lost races.
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
        waiting = changes
        for lost in range(ROUNDS):
            if lost:
                await asyncio.sleep(random.random() * 0.01 * lost)  # noqa: S311 - spreads writers, keeps no secret
            waiting = await self._round(waiting)
            if not waiting:
                return
        raise Conflict(f"{len(waiting)} changes lost {ROUNDS} races")

    async def _round(self, changes: Sequence[Change]) -> list[Change]:
        groups: dict[Key, list[Change]] = defaultdict(list)
        for change in changes:
            groups[change.aggregate.name, change.id].append(change)
        now = self._clock()
        folds = await self._load_folds(groups, now)
        facts = await self._load_facts((change, folds[key]) for key, group in groups.items() for change in group)
        crash_point("commit.loaded")
        again: dict[int, Change] = {}
        for key, group in groups.items():
            again.update((id(change), change) for change in _fold_group(folds[key], group, facts))
        crash_point("commit.decided")
        lost = await self._write([key for key in groups if folds[key].changed], folds)
        crash_point("commit.written")
        for key in lost:
            again.update((id(change), change) for change in groups[key] if change.error is None)
        for key, fold in folds.items():
            if key not in lost:
                self._settle(key, fold)
        crash_point("commit.settled")
        return list(again.values())

    async def _load_folds(self, groups: dict[Key, list[Change]], now: datetime) -> dict[Key, Fold]:
        by_collection: dict[str, list[str]] = defaultdict(list)
        for name, id_ in groups:
            by_collection[name].append(id_)
        loaded = await self._get(by_collection)
        folds = {}
        for key, group in groups.items():
            stored = loaded.get(key)
            folds[key] = Fold(
                self.service,
                group[0].aggregate,
                from_stored(stored) if stored else new_document(key[1], now),
                now=now,
                published=self._outboxes.published(key),
                patience=self._patience,
            )
        return folds

    async def _load_facts(self, wanted: Iterable[tuple[Change, Fold]]) -> dict[Key, Any]:
        by_collection: dict[str, set[str]] = defaultdict(set)
        models: dict[str, Aggregate[Any]] = {}
        for change, fold in wanted:
            load, happening = change.wants(fold)
            for fact in load.facts.values() if load else ():
                models[fact.aggregate.name] = fact.aggregate
                by_collection[fact.aggregate.name].update(_ids(fact, happening, fold.state))
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

    async def _write(self, changed: Sequence[Key], folds: dict[Key, Fold]) -> set[Key]:
        by_collection: dict[str, list[Write]] = defaultdict(list)
        for key in changed:
            document = folds[key].finish()
            expected = document.version if document.exists else None
            by_collection[key[0]].append(Write(to_stored(document, document.version + 1), expected))
        lost: set[Key] = set()
        for name, writes in by_collection.items():
            written = await self._store.write_many(name, writes)
            lost.update((name, write.document["_id"]) for write, ok in zip(writes, written, strict=True) if not ok)
        return lost

    def _settle(self, key: Key, fold: Fold) -> None:
        document = fold.document
        if fold.changed:
            document.version += 1
            self._hints.committed(key, document)
        if document.outbox:
            self._outboxes.take(key, document)
        else:
            self._outboxes.forget(key)


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
            found.append(loaded[fact.aggregate.name, id_])
        one = not isinstance(fact.ids(happening, fold.state), list | tuple)
        values[name] = (found[0] if found else None) if one else tuple(found)
    return load.model(**values)


def _state(aggregate: Aggregate[Any], stored: StoredDocument | None) -> Any:
    if stored is None or stored["state"] is None:
        return None
    return aggregate.state.model_validate(stored["state"], strict=False)
