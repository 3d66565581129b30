"""Whatever befalls the service: one effect for each message, every event, no event without a commit, in order.

The checker is checked too: each fault in `FAULTS` is built into the kernel, and must be seen. One more was seen when
it was still in the kernel: two messages that waited for each other without end.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from shared.kernel.commit import Committer
from shared.kernel.document import Document, Key, PendingWork
from shared.kernel.inputs import InputOutcome, messages
from shared.kernel.inputs.timers import TimerInput
from shared.kernel.inputs.work import WorkInput
from shared.kernel.relay import Relay
from shared.kernel.unit_of_work import UnitOfWork
from tests.support.effort import times
from tests.support.simulation import Replica
from tests.unit.kernel.machine import ServiceModel

pytestmark = pytest.mark.effort

EXAMPLES = 100
"""As many as the slowest fault needs to be caught, and more; see below."""


def run(machine: type[ServiceModel], **more: Any) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            **more,
        ),
    )


def test_the_service_keeps_its_promises_whatever_befalls_it() -> None:
    run(ServiceModel, max_examples=times(EXAMPLES))


class AcknowledgesFirst(ServiceModel):
    """Offsets are committed before the records are processed."""

    acknowledges_first = True


class IgnoresVersions(ServiceModel):
    """A commit overwrites whatever is there."""

    def prepare(self, replica: Replica) -> None:
        replica.store.ignores_versions = True


def forgets_what_it_has_seen(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(messages, "has_seen", lambda seen, mark: False)
    patch.setattr(messages, "has_seen_id", lambda seen, mark: False)


def publishes_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    write = Committer._write

    async def publish_and_write(self: Committer, changed: Sequence[Key], units: dict[Key, UnitOfWork]) -> Any:
        for key in changed:
            self._outboxes.take(key, units[key].document, units[key].now)
        return await write(self, changed, units)

    patch.setattr(Committer, "_write", publish_and_write)


def trims_what_was_not_published(patch: pytest.MonkeyPatch) -> None:
    def taken(self: Relay, key: Key) -> int:
        known = self._known.get(key)
        return known.taken if known else 0

    patch.setattr(Relay, "published", taken)


def takes_the_word_of_any_worker(patch: pytest.MonkeyPatch) -> None:
    def held(self: WorkInput, unit: UnitOfWork) -> PendingWork | None:
        return unit.document.work.get(self.name)

    patch.setattr(WorkInput, "held", held)


def keeps_a_timer_that_has_fired(patch: pytest.MonkeyPatch) -> None:
    fire = TimerInput.apply

    def fire_and_keep(self: TimerInput, unit: UnitOfWork, facts: Any) -> InputOutcome:
        timer = unit.document.timers.get(self.name)
        outcome = fire(self, unit, facts)
        if timer and outcome is InputOutcome.APPLIED and unit.document.version % 3 == 0:
            unit.document.timers[self.name] = timer
        return outcome

    patch.setattr(TimerInput, "apply", fire_and_keep)


def loses_what_a_crash_left_unsent(patch: pytest.MonkeyPatch) -> None:
    taken = Relay.take

    def take_only_new(self: Relay, key: Key, document: Document, since: datetime) -> None:
        if document.outbox and key not in self._known:
            del document.outbox[:-1]
        taken(self, key, document, since)

    patch.setattr(Relay, "take", take_only_new)


FAULTS: tuple[Callable[[pytest.MonkeyPatch], None] | type[ServiceModel], ...] = (
    AcknowledgesFirst,
    IgnoresVersions,
    forgets_what_it_has_seen,
    publishes_before_the_commit,
    trims_what_was_not_published,
    takes_the_word_of_any_worker,
    keeps_a_timer_that_has_fired,
    loses_what_a_crash_left_unsent,
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_kernel_that_does_this_is_caught(fault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    is_machine = isinstance(fault, type)
    if not is_machine:
        fault(monkeypatch)
    with pytest.raises(AssertionError):
        run(
            fault if is_machine else ServiceModel,
            max_examples=5 * EXAMPLES,  # the first that catches it ends the search
            phases=[Phase.generate],
            database=None,
            derandomize=True,
        )
