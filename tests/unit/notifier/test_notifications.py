"""Which event is told, and as what."""

import pytest

from services.notifier.domain.deliveries import AT_ONCE
from services.notifier.domain.mail_content import CalendarMethod
from shared.contracts.message import Event
from shared.contracts.notifier import NobodyTold, Occasion
from shared.contracts.servicing_executor import EnvironmentStatus, OperationKind, Outcome
from shared.kernel import UNCHANGED, NotYet
from tests.support.told_events import (
    APP,
    accepted,
    cancelled,
    finished,
    held,
    incompatible,
    planned,
    refused,
    remediation_ended,
    reminded,
    removal_due,
    scheduled,
    skipped,
    status_changed,
)
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
    (refused("contoso"), Occasion.PROMOTION_REFUSED, "contoso / contoso-prod: promotion refused: November release"),
    (
        incompatible("contoso"),
        Occasion.EXTENSION_INCOMPATIBLE,
        "contoso / contoso-prod: extension not compatible with version 27: Contoso Freight 4.2.0.17",
    ),
    (
        reminded("contoso"),
        Occasion.EXTENSION_REMINDER,
        "contoso / contoso-prod: extension will be removed on 21 December 2026: Contoso Freight 4.2.0.17",
    ),
    (
        removal_due("contoso"),
        Occasion.EXTENSION_REMOVAL_DUE,
        "contoso / contoso-prod: extension will be removed: Contoso Freight 4.2.0.17",
    ),
    (
        remediation_ended("contoso"),
        Occasion.EXTENSION_REMEDIATED,
        "contoso / contoso-prod: extension works again (27): Contoso Freight 4.2.0.17",
    ),
    (
        planned("contoso"),
        Occasion.ROLLOUT_PLANNED,
        "contoso / contoso-prod: update planned for 22 November 2026, 20:00 UTC: release 27.0",
    ),
    (skipped("contoso"), Occasion.ROLLOUT_SKIPPED, "contoso / contoso-prod: update skipped: release 27.0"),
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
    assert again is UNCHANGED


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


@pytest.mark.parametrize(("event", "occasion"), [row[:2] for row in TOLD], ids=[row[1] for row in TOLD])
def test_without_recipients_the_notification_is_recorded_and_said_once_to_be_told_nobody(
    event: Event, occasion: Occasion
) -> None:
    decision = tell(event, ())
    assert decision.state is not None
    assert (decision.state.deliveries, decision.state.content) == ((), None)
    about_extension = occasion.value.startswith("extension-")
    assert decision.events == [
        NobodyTold(
            project="contoso",
            environment=getattr(event, "environment"),  # noqa: B009 - every event here has one
            notification="contoso/event-1",
            occasion=occasion,
            app_id=APP if about_extension else None,
            base="27.0.38460.0/DE" if about_extension else None,
        )
    ]
    assert not tell(event, (), before=decision.state).events


@pytest.mark.parametrize(("event", "occasion"), [row[:2] for row in TOLD], ids=[row[1] for row in TOLD])
def test_who_was_told_of_an_extension_is_said_with_its_id_and_base(event: Event, occasion: Occasion) -> None:
    told = tell(event)
    assert not told.events
    assert told.state is not None
    about_extension = occasion.value.startswith("extension-")
    assert (told.state.app_id, told.state.base) == ((APP, "27.0.38460.0/DE") if about_extension else (None, None))


def test_each_recipient_has_a_delivery_and_not_all_begin_at_once() -> None:
    addresses = [f"person{number}@contoso.example" for number in range(AT_ONCE + 5)]
    decision = tell(BEGUN, addresses)
    assert decision.state is not None
    assert [delivery.address for delivery in decision.state.deliveries] == addresses
    assert len({delivery.message_id for delivery in decision.state.deliveries}) == len(addresses)
    assert len(decision.work) == AT_ONCE


def test_a_downtime_is_one_calendar_entry_that_is_cancelled_under_its_id_with_a_higher_number() -> None:
    request = mail_of(PLANNED, sequence=4).content.calendar
    cancel = mail_of(cancelled(PLANNED), sequence=9).content.calendar
    assert request is not None
    assert cancel is not None
    assert (request.method, cancel.method) == (CalendarMethod.REQUEST, CalendarMethod.CANCEL)
    assert request.uid == cancel.uid
    assert request.sequence < cancel.sequence
    assert mail_of(scheduled("contoso")).content.calendar != request


@pytest.mark.parametrize("event", [event for event, _, _ in TOLD], ids=[occasion for _, occasion, _ in TOLD])
def test_every_mail_says_what_to_do_next(event: Event) -> None:
    assert mail_of(event).content.next_steps


@pytest.mark.parametrize(
    "event",
    [
        held(BEGUN),
        finished(BEGUN, Outcome.FAILED),
        finished(BEGUN, Outcome.ROLLED_BACK),
        cancelled(PLANNED),
        refused("contoso"),
        skipped("contoso"),
    ],
)
def test_what_went_wrong_is_said_in_words(event: Event) -> None:
    problem = getattr(event, "problem").message  # noqa: B009 - several kinds of event
    assert mail_of(event).content.reason == problem
