"""Faults built into the services and their kernel, each of which the checker must see."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.notifier import steps as mail_steps
from services.notifier.domain.work import DeliveryInput
from services.notifier.mail import compose
from services.servicing_executor.domain import guards, restarts
from shared.contracts.lifecycle import Lifecycle
from shared.kernel import commit
from shared.kernel.document import Document, Key, PendingWork
from shared.kernel.due import DueIndex
from shared.kernel.inputs import InputOutcome, messages
from shared.kernel.inputs.timers import TimerInput
from shared.kernel.inputs.work import ClaimInput, WorkEndedInput, WorkInput
from shared.kernel.relay import Relay
from shared.kernel.store.port import StoredDocument
from shared.kernel.stored import from_stored
from shared.kernel.unit_of_work import UnitOfWork
from tests.chaos.simulation import checker
from tests.chaos.simulation.adversity import Weights
from tests.chaos.simulation.process import current
from tests.chaos.simulation.world import Plan


def forgets_what_it_has_seen(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(messages, "has_seen", lambda seen, mark: False)
    patch.setattr(messages, "has_seen_id", lambda seen, mark: False)


def takes_the_word_of_any_worker(patch: pytest.MonkeyPatch) -> None:
    def held(self: WorkInput, unit: UnitOfWork) -> PendingWork | None:
        return unit.document.work.get(self.name)

    patch.setattr(WorkInput, "held", held)


def trims_what_was_not_published(patch: pytest.MonkeyPatch) -> None:
    def taken(self: Relay, key: Key) -> int:
        known = self._known.get(key)
        return known.taken if known else 0

    patch.setattr(Relay, "published", taken)


def sends_the_latest_first(patch: pytest.MonkeyPatch) -> None:
    taken = Relay.take

    def take_and_turn(self: Relay, key: Key, document: Document, since: datetime) -> None:
        taken(self, key, document, since)
        if waiting := self._waiting.get(key):
            waiting.entries.reverse()

    patch.setattr(Relay, "take", take_and_turn)


def keeps_a_timer_that_has_fired(patch: pytest.MonkeyPatch) -> None:
    fire = TimerInput.apply

    def fire_and_keep(self: TimerInput, unit: UnitOfWork, facts: Any) -> InputOutcome:
        timer = unit.document.timers.get(self.name)
        outcome = fire(self, unit, facts)
        if timer and outcome is InputOutcome.APPLIED:
            unit.document.timers.setdefault(self.name, replace(timer, due=unit.now + timedelta(seconds=20)))
        return outcome

    patch.setattr(TimerInput, "apply", fire_and_keep)


def begins_work_whose_claim_was_lost(patch: pytest.MonkeyPatch) -> None:
    claim = ClaimInput.apply

    def claim_once(self: ClaimInput, unit: UnitOfWork, facts: Any) -> InputOutcome:
        before = self.claimed
        outcome = claim(self, unit, facts)
        self.claimed = self.claimed or before
        return outcome

    patch.setattr(ClaimInput, "apply", claim_once)


def sends_however_late_it_is(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Relay, "_is_late", lambda self, waiting: False)
    patch.setattr(DueIndex, "late", lambda self, key: None)


def remembers_no_answer(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(messages, "_remember_answer", lambda unit, command_id, answer: None)


def loses_the_latest_mark_at_a_kill(patch: pytest.MonkeyPatch) -> None:
    read: set[tuple[str, str]] = set()

    def read_without(stored: StoredDocument) -> Document:
        document = from_stored(stored)
        key = (current.get().name, document.id)
        if key not in read:
            read.add(key)
            document.seen = document.seen[:-8]
        return document

    patch.setattr(commit, "from_stored", read_without)


def lets_two_operations_through(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(guards, "check_free", lambda state: None)
    patch.setattr(restarts, "check_restartable", lambda state: None)
    for check in ("allows", "reaches"):
        patch.setattr(Lifecycle, check, lambda self, before, after: True)


def does_a_step_again_that_was_done(patch: pytest.MonkeyPatch) -> None:
    """Once more, where its process was killed before."""
    change = WorkEndedInput.change
    again: set[str] = set()

    def change_and_keep(self: WorkEndedInput, unit: UnitOfWork, work: PendingWork, facts: Any) -> None:
        change(self, unit, work, facts)
        if work.attempts > 1 and self.name not in unit.document.work and str(work.input) not in again:
            again.add(str(work.input))
            unit.document.work[self.name] = replace(work, owner=None, until=None, due=unit.now)

    patch.setattr(WorkEndedInput, "change", change_and_keep)


def names_a_mail_anew_at_each_attempt(patch: pytest.MonkeyPatch) -> None:
    attempts: Counter[str] = Counter()

    def compose_anew(given: DeliveryInput, sender: str) -> bytes:
        attempts[given.message_id] += 1
        number = attempts[given.message_id]
        return compose(given if number == 1 else given.replace(message_id=f"<{number}.{given.message_id[1:]}"), sender)

    patch.setattr(mail_steps, "compose", compose_anew)


STANDING = Weights(kills=1, standstills=12, outages=0.5, every=2, still_seconds=(125, 200))
"""Processes that stand still more than they are killed, each for longer than others wait to mend what it may send."""
RETURNING = Weights(kills=0.5, standstills=12, outages=0.5, every=2, still_seconds=(29, 33))
"""They come back when another has just taken over."""
KILLED = Weights(kills=12, standstills=1, outages=1, every=2)
CALM = Weights(every=30)


@dataclass(frozen=True, slots=True)
class BuiltInFault:
    """A fault, and a plan by which it shows; by those of the next seeds, where the services have changed since."""

    build_in: Callable[[pytest.MonkeyPatch], None]
    plan: Plan
    seen_by: Callable[..., object]
    """The rule of the checker that sees it."""


FAULTS = (
    BuiltInFault(forgets_what_it_has_seen, Plan(1, 10), checker.every_command_has_one_outcome),
    BuiltInFault(
        takes_the_word_of_any_worker,
        Plan(2, 40, weights=RETURNING),
        checker.a_step_is_not_done_twice_at_once_nor_after_its_end,
    ),
    BuiltInFault(
        trims_what_was_not_published,
        Plan(4, 30, weights=KILLED),
        checker.the_events_of_an_aggregate_come_in_order_and_without_a_gap,
    ),
    BuiltInFault(
        sends_the_latest_first,
        Plan(1, 10, quiet_seconds=60),
        checker.the_events_of_an_aggregate_come_in_order_and_without_a_gap,
    ),
    BuiltInFault(keeps_a_timer_that_has_fired, Plan(1, 20, quiet_seconds=60), checker.nothing_is_left),
    BuiltInFault(
        begins_work_whose_claim_was_lost,
        Plan(1, 40, weights=KILLED),
        checker.a_step_is_not_done_twice_at_once_nor_after_its_end,
    ),
    BuiltInFault(sends_however_late_it_is, Plan(5, 40, weights=STANDING), checker.the_last_snapshot_is_what_is_kept),
    BuiltInFault(remembers_no_answer, Plan(1, 10), checker.every_command_has_one_outcome),
    BuiltInFault(loses_the_latest_mark_at_a_kill, Plan(1, 10), checker.every_command_has_one_outcome),
    BuiltInFault(
        lets_two_operations_through, Plan(1, 40, weights=CALM), checker.operations_go_from_step_to_step_and_end_once
    ),
    BuiltInFault(
        does_a_step_again_that_was_done,
        Plan(1, 40, weights=KILLED),
        checker.a_step_is_not_done_twice_at_once_nor_after_its_end,
    ),
    BuiltInFault(
        names_a_mail_anew_at_each_attempt, Plan(1, 20), checker.a_mail_is_one_for_each_recipient_and_transition
    ),
)
