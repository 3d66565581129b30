"""What the example decides: pure functions from state and message to decision."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel

from shared.contracts.envelope import Envelope, derived_id
from shared.kernel import Decision, NotYet, Rejected, Send, State, TimerDue, WorkEnded
from tests.support.example import example as messages
from tests.support.example import neighbour


class Reason(StrEnum):
    """Why the example refuses."""

    BELOW_ZERO = "BELOW_ZERO"
    ERRAND_RUNS = "ERRAND_RUNS"


class Counter(State):
    """A counter, how often it changed, and the errands that run for it."""

    value: int = 0
    changes: int = 0
    errands: frozenset[str] = frozenset()


class Errand(BaseModel):
    """What an errand is to do."""

    counter: str
    name: str
    amount: int
    failures: int
    seconds: float


class Brought(BaseModel):
    """What an errand brought."""

    name: str
    amount: int


@dataclass(frozen=True)
class Other:
    """The counter that another refers to."""

    counter: Counter | None


def add(
    state: Counter | None, message: Envelope[messages.AddToCounter], facts: None, now: datetime
) -> Decision[Counter]:
    """Add an amount."""
    return _changed(state or Counter(), message.data.counter, message.data.amount, message.id)


def add_as_much(
    state: Counter | None, message: Envelope[messages.AddAsMuchAs], facts: Other, now: datetime
) -> Decision[Counter]:
    """Add what another counter has."""
    if facts.counter is None:
        raise NotYet(f"there is no counter {message.data.other}", waits_for=message.data.other)
    return _changed(state or Counter(), message.data.counter, facts.counter.value, message.id)


def count_event(
    state: Counter | None, message: Envelope[neighbour.SomethingHappened], facts: None, now: datetime
) -> Decision[Counter]:
    """Count what happened elsewhere."""
    return _changed(state or Counter(), message.data.counter, 1, message.id)


def recount(
    state: Counter | None, message: Envelope[messages.Recount], facts: None, now: datetime
) -> Decision[Counter]:
    """Take the neighbour's count."""
    known = state or Counter()
    return _changed(known, message.data.counter, message.data.value - known.value, message.id)


def set_alarm(
    state: Counter | None, message: Envelope[messages.SetAlarm], facts: None, now: datetime
) -> Decision[Counter]:
    """Remember to ring."""
    return Decision(state or Counter(), timers={f"alarm:{message.data.counter}": message.data.at})


def ring(state: Counter | None, timer: TimerDue, facts: None, now: datetime) -> Decision[Counter]:
    """Ring."""
    return Decision(state, events=[messages.AlarmRang(counter=timer.argument, set_for=timer.due, rang_at=now)])


def start_errand(
    state: Counter | None, message: Envelope[messages.StartErrand], facts: None, now: datetime
) -> Decision[Counter]:
    """Have an errand done."""
    state = state or Counter()
    data = message.data
    if data.name in state.errands:
        raise Rejected(Reason.ERRAND_RUNS, f"errand {data.name} runs already")
    errand = Errand(
        counter=data.counter, name=data.name, amount=data.amount, failures=data.failures, seconds=data.seconds
    )
    busy = state.model_copy(update={"errands": state.errands | {data.name}})
    return Decision(busy, work={f"errand:{data.counter}/{data.name}": errand})


def errand_ended(state: Counter | None, ended: WorkEnded[Brought], facts: None, now: datetime) -> Decision[Counter]:
    """Add what the errand brought."""
    assert state
    counter, _, name = ended.argument.rpartition("/")
    state = state.model_copy(update={"errands": state.errands - {name}})
    if ended.result is None:
        assert ended.failure
        failed = messages.ErrandFailed(
            counter=counter, name=name, failure=ended.failure.kind, message=ended.failure.message
        )
        return Decision(state, events=[failed])
    return _changed(state, counter, ended.result.amount, f"errand {ended.argument}")


def stumble(
    state: Counter | None, message: Envelope[messages.Stumble], facts: None, now: datetime
) -> Decision[Counter]:
    """Fail."""
    raise ZeroDivisionError("a fault in the domain")


def walk(state: Counter | None, message: Envelope[messages.Stumble], facts: None, now: datetime) -> Decision[Counter]:
    """What `stumble` should have done: add one."""
    return _changed(state or Counter(), message.data.counter, 1, message.id)


def view(counter: str, state: Counter) -> messages.CounterSnapshot:
    """The counter as others see it."""
    return messages.CounterSnapshot(counter=counter, value=state.value)


def _changed(state: Counter, counter: str, amount: int, cause: str) -> Decision[Counter]:
    value = state.value + amount
    if value < 0:
        message = f"{counter} has {state.value}; {-amount} cannot be taken"
        raise Rejected(Reason.BELOW_ZERO, message, facts={"value": state.value})
    after = state.model_copy(update={"value": value, "changes": state.changes + 1})
    events = [messages.CounterChanged(counter=counter, amount=amount, value=value)]
    if value == 0 or value % 100:
        return Decision(after, events)
    return Decision(
        after,
        events,
        commands=[Send(neighbour.CountThis(counter=counter, value=value), id=derived_id(cause, "count"))],
    )
