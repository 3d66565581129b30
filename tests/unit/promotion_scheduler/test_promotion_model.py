"""Whatever happens in whatever order: a promotion moves along its table, and ends exactly once."""

from collections import Counter
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.promotion_scheduler.domain import promotion_cancelling, promotion_checking, promotion_execution
from services.promotion_scheduler.domain.promotion_checking import ProductionFacts
from services.promotion_scheduler.domain.state import Promotion
from shared.contracts.common import CommandRejected
from shared.contracts.message import Event
from shared.contracts.parts import Verdict
from shared.contracts.promotion_scheduler import (
    PROMOTION_LIFECYCLE,
    CancelPromotion,
    PromotionCancelled,
    PromotionCheckStarted,
    PromotionCompleted,
    PromotionFailed,
    PromotionRefused,
    PromotionScheduled,
    PromotionStarted,
    PromotionStatus,
)
from shared.contracts.servicing_executor import ApplyImage, Outcome
from shared.kernel import Decision, Rejected, Send, TimerDue
from tests.support.effort import times
from tests.unit.promotion_scheduler.story import (
    CHECKING,
    NOW,
    PRODUCTION,
    SCHEDULING,
    TONIGHT,
    accepted,
    checked,
    envelope,
    facts,
    facts_with_extensions,
    finished,
    production,
    schedule_command,
)

ENDS = {
    PromotionCompleted: PromotionStatus.COMPLETED,
    PromotionFailed: PromotionStatus.FAILED,
    PromotionCancelled: PromotionStatus.CANCELLED,
    PromotionRefused: PromotionStatus.REFUSED,
}


class Promotions(RuleBasedStateMachine):
    """One production environment; every message may come at any time, for the promotion of now or an old one."""

    def __init__(self) -> None:
        super().__init__()
        self.state: Promotion | None = None
        self.ids: list[str] = []
        self.timers: dict[str, datetime] = {}
        self.told: dict[str, list[type[Event]]] = {}
        self.starts: Counter[str] = Counter()
        self.set_version = 3

    def apply(self, decision: Decision[Promotion]) -> None:
        before, self.state = self.state, decision.state_after(self.state)
        for event in decision.events:
            self.told.setdefault(event.promotion, []).append(type(event))  # type: ignore[attr-defined]
        for name, due in decision.timers.items():
            if due is None:
                self.timers.pop(name, None)
            else:
                self.timers[name] = due
        for send in decision.commands:
            assert isinstance(send, Send)
            if isinstance(send.command, ApplyImage):
                self.starts[send.command.promotion] += 1
        if self.state and before and self.state.id == before.id and self.state.status is not before.status:
            between = PROMOTION_LIFECYCLE.moves[before.status]
            told_both = before.status is PromotionStatus.STARTING and len(decision.events) == 2
            reachable = between | (PROMOTION_LIFECYCLE.moves[PromotionStatus.STARTED] if told_both else frozenset())
            assert self.state.status in reachable

    def promotion(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(self.ids)) if self.ids else f"{PRODUCTION}/none"

    @rule(extensions=st.booleans())
    def schedule(self, extensions: bool) -> None:
        was_open = self.state is not None and self.state.open
        known = facts_with_extensions(self.set_version) if extensions else facts()
        command = f"command-{len(self.ids)}"
        try:
            decision = SCHEDULING.schedule(self.state, envelope(schedule_command(), id=command), known, NOW)
        except Rejected:
            assert was_open
            return
        assert not was_open
        self.ids.append(f"{PRODUCTION}/{command}")
        self.apply(decision)

    @precondition(lambda self: self.state)
    @rule(data=st.data(), verdict=st.sampled_from(Verdict), known=st.booleans())
    def answer_check(self, data: st.DataObject, verdict: Verdict, known: bool) -> None:
        assert self.state
        version = data.draw(st.integers(3, self.set_version))
        answer = checked(verdict, set_version=version, promotion=self.promotion(data))
        there = facts_with_extensions(self.set_version).production if known else production()
        self.apply(CHECKING.compatibility_checked(self.state, envelope(answer), ProductionFacts(there), NOW))

    @rule()
    def change_extensions(self) -> None:
        self.set_version += 1

    @precondition(lambda self: self.timers)
    @rule(data=st.data())
    def fire_timer(self, data: st.DataObject) -> None:
        assert self.state
        name = data.draw(st.sampled_from(sorted(self.timers)))
        kind, _, argument = name.partition(":")
        due = TimerDue(kind, argument, self.timers.pop(name))
        decide = {
            "start": promotion_execution.start,
            "check": promotion_checking.check_overdue,
            "answer": promotion_execution.start_unanswered,
        }[kind]
        self.apply(decide(self.state, due, None, TONIGHT + timedelta(seconds=1)))

    @precondition(lambda self: self.state)
    @rule(data=st.data())
    def begin_operation(self, data: st.DataObject) -> None:
        assert self.state
        told = accepted(promotion=self.promotion(data))
        self.apply(promotion_execution.operation_accepted(self.state, envelope(told), None, TONIGHT))

    @precondition(lambda self: self.state)
    @rule(data=st.data(), outcome=st.sampled_from(Outcome))
    def end_operation(self, data: st.DataObject, outcome: Outcome) -> None:
        assert self.state
        told = finished(outcome, promotion=self.promotion(data))
        self.apply(promotion_execution.operation_finished(self.state, envelope(told), None, TONIGHT))

    @precondition(lambda self: self.state)
    @rule(of_this=st.booleans(), start=st.booleans())
    def refuse_command(self, of_this: bool, start: bool) -> None:
        assert self.state
        own = self.state.apply_command if start else self.state.check_command
        rejected = CommandRejected(
            command_key=PRODUCTION,
            command_id=own if of_this and own else "another",
            command_type="any",
            reason="OPERATION_RUNNING",
            message="no",
        )
        decide = promotion_execution.start_refused if start else promotion_checking.check_refused
        self.apply(decide(self.state, envelope(rejected), None, TONIGHT))

    @rule(data=st.data(), named=st.booleans())
    def cancel(self, data: st.DataObject, named: bool) -> None:
        command = CancelPromotion(environment=PRODUCTION, promotion=self.promotion(data) if named else None)
        try:
            self.apply(promotion_cancelling.cancel(self.state, envelope(command), None, NOW))
        except Rejected:
            return

    @invariant()
    def every_promotion_ends_at_most_once_and_the_ended_ones_exactly_once(self) -> None:
        for promotion, events in self.told.items():
            ends = [event for event in events if event in ENDS]
            is_open = self.state is not None and self.state.id == promotion and self.state.open
            assert len(ends) == (0 if is_open else 1)
            assert not ends or events[-1] in ENDS
            if self.state and self.state.id == promotion and ends:
                assert self.state.status is ENDS[ends[0]]

    @invariant()
    def it_is_scheduled_and_started_at_most_once_and_in_order(self) -> None:
        for promotion, events in self.told.items():
            story = [event for event in events if event is not PromotionCheckStarted]
            assert len(set(story)) == len(story)
            assert self.starts[promotion] <= 1
            if PromotionStarted in story:
                assert story.index(PromotionScheduled) < story.index(PromotionStarted)
                assert self.starts[promotion] == 1
            if PromotionRefused in story:
                assert story == [PromotionRefused]

    @invariant()
    def what_is_open_has_something_that_moves_it(self) -> None:
        if self.state is None:
            return
        waits = {
            PromotionStatus.CHECKING: "check",
            PromotionStatus.SCHEDULED: "start",
            PromotionStatus.STARTING: "answer",
        }.get(self.state.status)
        assert set(self.timers) == ({f"{waits}:{self.state.id}"} if waits else set())


Promotions.TestCase.settings = settings(max_examples=times(30), stateful_step_count=30, deadline=None)
TestPromotions = Promotions.TestCase
