"""Which event is told, and as what."""

import pytest

from services.notifier.domain.deliveries import AT_ONCE
from services.notifier.domain.letters import CalendarMethod
from shared.contracts.message import Event
from shared.contracts.notifier import Occasion
from shared.contracts.servicing_executor import EnvironmentStatus, OperationKind, Outcome
from shared.kernel.outcomes import NotYet
from tests.told_events import APP, accepted, cancelled, finished, held, incompatible, scheduled, status_changed
from tests.unit.notifier.told import mail_of, tell

BEGUN = accepted("contoso")
PLANNED = scheduled("contoso")

TOLD: list[tuple[Event, Occasion, str]] = [
    (BEGUN, Occasion.UPDATE_QUEUED, "contoso / contoso-test: update queued: November release"),
    (status_changed(BEGUN), Occasion.UPDATE_STARTED, "contoso / contoso-test: update started: November release"),
    (held(BEGUN), Occasion.UPDATE_HELD, "contoso / contoso-test: update waits for a decision: November release"),
    (finished(BEGUN), Occasion.UPDATE_SUCCEEDED, "contoso / contoso-test: update succeeded: November release"),
    (
        finished(BEGUN, Outcome.FAILED),
        Occasion.UPDATE_FAILED,
        "contoso / contoso-test: update failed: November release",
    ),
    (
        finished(BEGUN, Outcome.ROLLED_BACK),
        Occasion.UPDATE_ROLLED_BACK,
        "contoso / contoso-test: update rolled back: November release",
    ),
    (
        finished(BEGUN, Outcome.CANCELLED),
        Occasion.UPDATE_CANCELLED,
        "contoso / contoso-test: update cancelled: November release",
    ),
    (
        PLANNED,
        Occasion.PROMOTION_SCHEDULED,
        "contoso / contoso-prod: promotion scheduled for 21 November 2026, 22:00 UTC: November release",
    ),
    (
        cancelled(PLANNED),
        Occasion.PROMOTION_CANCELLED,
        "contoso / contoso-prod: promotion cancelled: November release",
    ),
    (
        incompatible("contoso"),
        Occasion.EXTENSION_INCOMPATIBLE,
        "contoso / contoso-prod: extension not compatible with version 27: Contoso Freight 4.2.0.17",
    ),
]


@pytest.mark.parametrize(("event", "occasion", "subject"), TOLD, ids=[occasion for _, occasion, _ in TOLD])
def test_each_transition_is_told_as_its_occasion(event: Event, occasion: Occasion, subject: str) -> None:
    told = tell(event).state
    assert told is not None
    assert (told.id, told.occasion, told.subject) == ("contoso/event-1", occasion, subject)


def test_every_occasion_has_an_event() -> None:
    assert {occasion for _, occasion, _ in TOLD} == set(Occasion)


@pytest.mark.parametrize("event", [event for event, _, _ in TOLD], ids=[occasion for _, occasion, _ in TOLD])
def test_an_event_that_was_told_is_not_told_again(event: Event) -> None:
    first = tell(event).state
    again = tell(event, before=first)
    assert again.state is first
    assert not again.work


@pytest.mark.parametrize("kind", list(OperationKind))
def test_only_updates_are_told(kind: OperationKind) -> None:
    is_update = kind in (OperationKind.APPLY, OperationKind.PROMOTE, OperationKind.ROLL_OUT, OperationKind.RETURN)
    begun = accepted("contoso", operation_kind=kind)
    for event in (begun, status_changed(begun), held(begun), finished(begun)):
        assert bool(tell(event, kind=kind).work) is is_update


def test_an_update_starts_once_whatever_else_changes_the_status() -> None:
    for previous in EnvironmentStatus:
        for status in EnvironmentStatus:
            starts = (previous, status) == (EnvironmentStatus.QUEUED, EnvironmentStatus.SERVICING)
            assert bool(tell(status_changed(BEGUN, previous, status)).work) is starts


def test_a_start_waits_for_the_event_of_its_operation() -> None:
    with pytest.raises(NotYet) as not_yet:
        tell(status_changed(BEGUN), kind=None)
    assert not_yet.value.waits_for == BEGUN.operation


def test_without_recipients_the_notification_is_recorded_and_complete() -> None:
    told = tell(BEGUN, ()).state
    assert told is not None
    assert (told.deliveries, told.letter) == ((), None)


def test_each_recipient_has_a_delivery_and_not_all_begin_at_once() -> None:
    addresses = [f"person{number}@contoso.example" for number in range(AT_ONCE + 5)]
    decision = tell(BEGUN, addresses)
    assert decision.state is not None
    assert [delivery.address for delivery in decision.state.deliveries] == addresses
    assert len({delivery.message_id for delivery in decision.state.deliveries}) == len(addresses)
    assert len(decision.work) == AT_ONCE


def test_a_downtime_is_one_calendar_entry_that_is_cancelled_under_its_id_with_a_higher_number() -> None:
    request = mail_of(PLANNED, sequence=4).letter.calendar
    cancel = mail_of(cancelled(PLANNED), sequence=9).letter.calendar
    assert request is not None
    assert cancel is not None
    assert (request.method, cancel.method) == (CalendarMethod.REQUEST, CalendarMethod.CANCEL)
    assert request.uid == cancel.uid
    assert request.sequence < cancel.sequence
    assert mail_of(scheduled("contoso")).letter.calendar != request


def test_the_incompatibility_says_what_blocks_and_how_much_more() -> None:
    letter = mail_of(incompatible("contoso", count=23)).letter
    assert len(letter.findings) == 20
    assert letter.more_findings == 3
    assert letter.findings[0].place == "src/Item<Card>.al (1,9)"
    assert letter.findings[0].suggestion == "Use the control 'No.'"
    facts = {row.label: row.value for row in letter.facts}
    assert facts["Target version"] == "27 (checked build 27.0.38460.0, country DE)"
    assert facts["Extension id"] == APP


@pytest.mark.parametrize("event", [event for event, _, _ in TOLD], ids=[occasion for _, occasion, _ in TOLD])
def test_every_letter_says_what_to_do_next(event: Event) -> None:
    assert mail_of(event).letter.next_steps


@pytest.mark.parametrize(
    "event",
    [held(BEGUN), finished(BEGUN, Outcome.FAILED), finished(BEGUN, Outcome.ROLLED_BACK), cancelled(PLANNED)],
)
def test_what_went_wrong_is_said_in_words(event: Event) -> None:
    problem = getattr(event, "problem").message  # noqa: B009 - three kinds of event
    assert mail_of(event).letter.reason == problem
