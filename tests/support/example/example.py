"""Messages of the example service. Their owner is `example`, after this module."""

from pydantic import Field

from shared.contracts.catalogue import Catalogue
from shared.contracts.message import Command, Event, Identifier, Instant, Snapshot
from tests.support.example import neighbour


class AddToCounter(Command, key="counter"):
    """Add to a counter; one that would fall below zero is refused."""

    counter: Identifier
    amount: int


class AddAsMuchAs(Command, key="counter"):
    """Add what another counter has; it waits for one that is not known yet."""

    counter: Identifier
    other: Identifier


class SetAlarm(Command, key="counter"):
    """Ring at a time."""

    counter: Identifier
    at: Instant


class StartErrand(Command, key="counter"):
    """Do an errand: work that ends by adding `amount`. Each of the first `failures` attempts fails."""

    counter: Identifier
    name: Identifier
    amount: int
    failures: int = 0
    seconds: float = Field(default=0, ge=0)


class Recount(Command, key="counter", senders=("neighbour",)):
    """Set a counter to what the neighbour has counted; he alone sends it."""

    counter: Identifier
    value: int


class Stumble(Command, key="counter"):
    """Fail in the domain, by a fault of its own."""

    counter: Identifier


class CounterChanged(Event, key="counter"):
    """A counter has another value."""

    counter: Identifier
    amount: int
    value: int


class AlarmRang(Event, key="counter"):
    """An alarm was due."""

    counter: Identifier
    set_for: Instant
    rang_at: Instant


class ErrandFailed(Event, key="counter"):
    """An errand ended without a result."""

    counter: Identifier
    name: Identifier
    failure: str
    message: str


class CounterSnapshot(Snapshot, key="counter"):
    """A counter as it is."""

    counter: Identifier
    value: int


CATALOGUE = Catalogue(
    ["example", "neighbour"],
    [
        AddToCounter,
        AddAsMuchAs,
        SetAlarm,
        StartErrand,
        Recount,
        Stumble,
        CounterChanged,
        AlarmRang,
        ErrandFailed,
        CounterSnapshot,
        neighbour.CountThis,
        neighbour.SomethingHappened,
    ],
)
