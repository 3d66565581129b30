"""Every mistake that the table of a service can show is refused when it is made."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from pydantic import BaseModel

from shared.contracts.envelope import Envelope
from shared.contracts.message import Command
from shared.kernel import Decision, TimerDue, WorkEnded
from shared.kernel.app import Aggregate, Fact, Load, On, OnTimer, OnWork, Settings, WiringError, make_service
from shared.kernel.table import Line
from tests.support.example import app, domain, neighbour, steps
from tests.support.example import example as messages
from tests.support.example.domain import Brought, Counter, Errand

TABLE: Sequence[Line] = app.make(Settings()).table
COUNTERS = app.COUNTERS
OTHERS = Aggregate("others", Counter)


class WithoutContract(Command, key="counter"):
    """A command that is in no catalogue."""

    counter: str


def line(wanted: str) -> Any:
    """The line of the example's table for a message, a timer or work."""
    return next(one for one in TABLE if getattr(one, "kind", None) == wanted or _message(one) == wanted)


def _message(one: Line) -> str | None:
    return one.message.__name__ if isinstance(one, On) else None


def table(*, without: str = "", more: Sequence[Line] = ()) -> list[Line]:
    return [one for one in TABLE if not without or one is not line(without)] + list(more)


def changed(wanted: str, **fields: Any) -> list[Line]:
    """The example's table with one line that is different."""
    return table(without=wanted, more=[replace(line(wanted), **fields)])


def two_parameters(state: Counter | None, now: datetime) -> Decision[Counter]:
    raise AssertionError


async def decides_later(
    state: Counter | None, message: Envelope[messages.Stumble], facts: None, now: datetime
) -> Decision[Counter]:
    raise AssertionError


def wrong_state(
    state: Errand | None, message: Envelope[messages.Stumble], facts: None, now: datetime
) -> Decision[Counter]:
    raise AssertionError


def never_none(state: Counter, message: Envelope[messages.Stumble], facts: None, now: datetime) -> Decision[Counter]:
    raise AssertionError


def wrong_facts(
    state: Counter | None, message: Envelope[messages.Stumble], facts: domain.Other, now: datetime
) -> Decision[Counter]:
    raise AssertionError


def wrong_now(state: Counter | None, message: Envelope[messages.Stumble], facts: None, now: float) -> Decision[Counter]:
    raise AssertionError


def wrong_result(
    state: Counter | None, message: Envelope[messages.Stumble], facts: None, now: datetime
) -> Decision[Errand]:
    raise AssertionError


def no_types(state, message, facts, now):  # type: ignore[no-untyped-def]  # that is what is tested
    raise AssertionError


def unreadable_types(
    state: Counter | None,
    message: "Envelope[Nowhere]",  # type: ignore[name-defined]  # noqa: F821 - a name that does not exist is tested
    facts: None,
    now: datetime,
) -> Decision[Counter]:
    raise AssertionError


def takes_text(state: Counter | None, timer: str, facts: None, now: datetime) -> Decision[Counter]:
    raise AssertionError


def takes_an_errand(state: Counter | None, ended: WorkEnded[Errand], facts: None, now: datetime) -> Decision[Counter]:
    raise AssertionError


def rings_twice(state: Counter | None, timer: TimerDue, facts: None, now: datetime) -> Decision[Counter]:
    raise AssertionError


def run_at_once(errand: Errand, job: Any) -> Brought:
    raise AssertionError


async def run_without_job(errand: Errand) -> Brought:
    raise AssertionError


async def run_text(errand: str, job: Any) -> Brought:
    raise AssertionError


async def brings_text(errand: Errand, job: Any) -> str:
    raise AssertionError


@dataclass(frozen=True)
class Two:
    counter: Counter | None
    errand: BaseModel | None


def handle_snapshot(
    state: Counter | None, message: Envelope[messages.CounterSnapshot], facts: None, now: datetime
) -> Decision[Counter]:
    raise AssertionError


def handle_foreign(
    state: Counter | None, message: Envelope[neighbour.CountThis], facts: None, now: datetime
) -> Decision[Counter]:
    raise AssertionError


def handle_unknown(
    state: Counter | None, message: Envelope[WithoutContract], facts: None, now: datetime
) -> Decision[Counter]:
    raise AssertionError


MISTAKES: dict[str, tuple[list[Line], str]] = {
    "two handlers for one command": (table(more=[line("AddToCounter")]), "a command has one handler"),
    "a message without contract": (table(more=[On(WithoutContract, COUNTERS, handle_unknown)]), "no contract"),
    "another service's command": (table(more=[On(neighbour.CountThis, COUNTERS, handle_foreign)]), "belongs to neigh"),
    "a snapshot": (table(more=[On(messages.CounterSnapshot, COUNTERS, handle_snapshot)]), "not handled, only read"),
    "an event that comes twice": (table(more=[line("SomethingHappened")]), "reaches 'counters' twice"),
    "a command that nobody takes": (table(without="Stumble"), "no handler for example.stumble.v1"),
    "two aggregates of one name": (changed("Stumble", aggregate=Aggregate("counters", Counter)), "two aggregates are"),
    "a timer twice": (table(more=[OnTimer("alarm", COUNTERS, rings_twice)]), "timer 'alarm' of 'counters' is there"),
    "work twice": (table(more=[line("errand")]), "work 'errand' of 'counters' is there already"),
    "a timer with a colon": (table(more=[OnTimer("a:b", COUNTERS, rings_twice)]), "a kind has no colon"),
    "a wrong number of parameters": (changed("Stumble", decide=two_parameters), "not 2"),
    "an async decision": (changed("Stumble", decide=decides_later), "it is not async"),
    "another state": (changed("Stumble", decide=wrong_state), "the state of the function"),
    "a state that is never None": (changed("Stumble", decide=never_none), "the state of the function"),
    "another message": (changed("Stumble", decide=domain.add), "the message of the function"),
    "facts that nobody loads": (changed("Stumble", decide=wrong_facts), "the facts of the function"),
    "another clock": (changed("Stumble", decide=wrong_now), "the now of the function"),
    "another result": (changed("Stumble", decide=wrong_result), "the result of the function"),
    "no types": (changed("Stumble", decide=no_types), "the state of the function"),
    "types that do not exist": (changed("Stumble", decide=unreadable_types), "cannot be read"),
    "a timer's function without timer": (changed("alarm", decide=takes_text), "the timer of the function"),
    "work that brings something else": (changed("errand", decide=takes_an_errand), "run returns"),
    "work that is not async": (changed("errand", run=run_at_once), "run is an async function"),
    "work that takes no job": (changed("errand", run=run_without_job), "run takes (input, job)"),
    "work without a model": (changed("errand", run=run_text), "its input is <class 'str'>"),
    "work that brings no model": (changed("errand", run=brings_text), "its result is <class 'str'>"),
    "a fact too few": (
        changed("AddAsMuchAs", facts=Load(domain.Other), decide=domain.add_as_much),
        "is not made of these facts",
    ),
    "a fact of an aggregate that nothing reaches": (
        changed("AddAsMuchAs", facts=Load(domain.Other, counter=Fact(OTHERS, lambda message, state: "x"))),
        "is of 'others', which nothing reaches",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_table_is_refused_at_start(mistake: str) -> None:
    lines, told = MISTAKES[mistake]
    with pytest.raises(WiringError) as refused:
        make_service("example", messages.CATALOGUE, *lines)
    assert told in str(refused.value)


def test_a_service_that_the_catalogue_does_not_know_is_refused() -> None:
    with pytest.raises(WiringError, match="'nobody' is no service of the catalogue: example, neighbour"):
        make_service("nobody", messages.CATALOGUE, *TABLE)


def test_a_table_without_mistakes_says_what_it_reads() -> None:
    service = make_service("example", messages.CATALOGUE, *TABLE)
    assert service.subscriptions == ("drydock.example.commands", "drydock.neighbour.events")
    work = service.work["counters", "errand"]
    assert isinstance(work, OnWork)
    assert (work.input, work.result, work.run) == (Errand, Brought, steps.run_errand)
