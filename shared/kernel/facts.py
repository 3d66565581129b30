"""What other aggregates are like, for those who decide: named by the input, read with the batch."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from shared.kernel.document import Key
from shared.kernel.inputs import Input
from shared.kernel.outcomes import NewerDocument
from shared.kernel.store.port import StoredDocument
from shared.kernel.table import Aggregate, Fact, Load
from shared.kernel.unit_of_work import UnitOfWork


class FactMissing(Exception):
    """A fact was not loaded, because the state that names it came into being in this very round."""


@dataclass(slots=True)
class WantedFacts:
    """The facts that the inputs of a batch want."""

    ids: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By collection."""
    behind: set[int] = field(default_factory=set)
    """The inputs, by `id`, that want what others before them are about to change.

    They have another round: no fact is older than what the inputs before have made of it.
    """
    _aggregates: dict[str, Aggregate[Any]] = field(default_factory=dict)

    def add(self, aggregate: Aggregate[Any], ids: Sequence[str]) -> None:
        """Want the states of these aggregates."""
        self._aggregates[aggregate.name] = aggregate
        self.ids[aggregate.name].update(ids)

    def read(self, loaded: Mapping[Key, StoredDocument]) -> dict[Key, Any]:
        """The states of what was loaded, None where there is none; an error stands for a state that cannot be read."""
        return {
            (name, id_): _state(self._aggregates[name], loaded.get((name, id_)))
            for name, ids in self.ids.items()
            for id_ in ids
        }


def wanted_facts(inputs: Sequence[Input], units: Mapping[Key, UnitOfWork]) -> WantedFacts:
    """What the inputs of a batch want to know, as far as the states say it that they meet with."""
    wanted = WantedFacts()
    changing: set[Key] = set()
    for input_ in inputs:
        own = input_.aggregate.name, input_.id
        if own not in units:
            continue
        # What naming the facts raises here it raises again when the input is applied, and is judged there.
        with suppress(Exception):
            load, happening = input_.wants(units[own])
            for fact in load.facts.values() if load else ():
                ids = _ids(fact, happening, units[own].state)
                wanted.add(fact.aggregate, ids)
                if any((fact.aggregate.name, id_) in changing - {own} for id_ in ids):
                    wanted.behind.add(id(input_))
        changing.add(own)
    return wanted


def facts_for(load: Load[Any], happening: Any, unit: UnitOfWork, loaded: Mapping[Key, Any]) -> Any:
    """The facts of one input, from what `WantedFacts.read` gave. Raise FactMissing, or why a state cannot be read."""
    values: dict[str, Any] = {}
    for name, fact in load.facts.items():
        found = []
        for id_ in _ids(fact, happening, unit.state):
            if (fact.aggregate.name, id_) not in loaded:
                raise FactMissing
            state = loaded[fact.aggregate.name, id_]
            if isinstance(state, Exception):
                raise state
            found.append(state)
        one = not isinstance(fact.ids(happening, unit.state), list | tuple)
        values[name] = (found[0] if found else None) if one else tuple(found)
    return load.model(**values)


def _ids(fact: Fact, happening: Any, state: Any) -> tuple[str, ...]:
    ids = fact.ids(happening, state)
    return () if ids is None else (ids,) if isinstance(ids, str) else tuple(ids)


def _state(aggregate: Aggregate[Any], stored: StoredDocument | None) -> Any:
    """The state of another aggregate; the error, if it cannot be read: who wants it as a fact gets it raised."""
    if stored is None:
        return None
    try:
        return aggregate.read(stored.get("state_version", 1), stored["state"])
    except (ValidationError, NewerDocument) as error:
        return error
