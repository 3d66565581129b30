"""What the console makes of messages, in whatever order the partitions give them."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from services.console.projection import Projection
from services.console.web.operations import command_view, dead_letter_view, operation_view
from shared.contracts.common import CommandRejected, DeadLetter, DeadLetterRedriven, WorkLogged
from shared.contracts.envelope import Envelope, new_id
from shared.contracts.extension_compatibility_checker import CompatibilityChecked, CompatibilityCheckStarted
from shared.contracts.message import Message
from shared.contracts.parts import Downtime, Problem, Verdict
from shared.contracts.promotion_scheduler import (
    CandidateMarked,
    PromotionCheckStarted,
    PromotionRefused,
    PromotionScheduled,
    RolloutPlanned,
)
from shared.contracts.registry import CATALOGUE
from shared.contracts.servicing_executor import EnvironmentSnapshot, EnvironmentStatus, OperationStatus
from shared.kernel.client import Read
from tests.support.played_services import NOON, ended, environment, operation, update

OPERATION = "019aa5c8-7b1e-7c3a-9f20-3f1d5a0c7e11"


def read(
    message: Message,
    sequence: int | None = 1,
    causation: str | None = None,
    service: str = "notifier",
    id_: str = "",
    correlation: str | None = None,
) -> Read:
    """A message as it is read from its topic."""
    envelope: Envelope[Message] = Envelope(
        id=id_ or new_id(),
        source="test",
        time=NOON,
        data=message,
        sequence=sequence,
        causation=causation,
        correlation=correlation or causation,
    )
    return Read(CATALOGUE.topic_of(type(message), service), 0, 0, message.key, envelope)


def projection(*reads: Read) -> Projection:
    """What is known after some messages."""
    known = Projection(CATALOGUE)
    for one in reads:
        known.apply(one)
    return known


BUSY = environment("contoso-test", status=EnvironmentStatus.SERVICING, operation=operation(OPERATION))
IDLE = environment("contoso-test", running=update("November release"))
ENTRY = ended("contoso-test", OPERATION)


@pytest.mark.parametrize("order", list(permutations([(1, "Queued"), (2, "Servicing"), (3, "Deployed")])))
def test_only_a_higher_sequence_replaces_a_view(order: tuple[tuple[int, str], ...]) -> None:
    known = projection(
        *(read(environment("contoso-test", status=EnvironmentStatus(status)), number) for number, status in order)
    )
    view = known.get(EnvironmentSnapshot, "contoso-test")
    assert view is not None
    assert view.status is EnvironmentStatus.DEPLOYED
    assert known.sequence(EnvironmentSnapshot, "contoso-test") == 3


def test_a_view_that_is_no_news_is_told_so() -> None:
    known = projection(read(IDLE, 5))
    assert not known.apply(read(BUSY, 5))
    assert not known.apply(read(BUSY, 4))
    assert known.apply(read(BUSY, 6))


def test_a_key_that_is_gone_from_its_topic_is_forgotten() -> None:
    known = projection(read(IDLE), read(ENTRY))
    topic = CATALOGUE.topic_of(EnvironmentSnapshot, "servicing-executor")
    known.apply(Read(topic, 0, 9, "contoso-test", None))
    assert known.get(EnvironmentSnapshot, "contoso-test") is None
    assert known.history("contoso-test") == [ENTRY]
    known.apply(Read(topic, 0, 10, ENTRY.entry, None))
    assert known.history("contoso-test") == []
    assert known.ended_operation(OPERATION) is None


@pytest.mark.parametrize(
    ("reads", "status"),
    [
        pytest.param([], None, id="nothing is known"),
        pytest.param([read(BUSY, 1)], "running", id="it holds its environment"),
        pytest.param([read(BUSY, 1), read(IDLE, 2)], "running", id="it has ended and its entry has not come yet"),
        pytest.param([read(BUSY, 1), read(IDLE, 2), read(ENTRY)], "finished", id="it has ended"),
        pytest.param([read(ENTRY), read(BUSY, 1), read(IDLE, 2)], "finished", id="its entry came first"),
        pytest.param([read(ENTRY)], "finished", id="only its entry is left"),
    ],
)
def test_an_operation_is_known_from_its_acceptance_on(reads: list[Read], status: str | None) -> None:
    view = operation_view(projection(*reads), OPERATION)
    assert (view.status if view else None) == status


def test_an_operation_that_was_sent_is_pending_until_it_is_answered() -> None:
    known = projection()
    known.expect(OPERATION)
    view = operation_view(known, OPERATION)
    assert view is not None
    assert view.status == "pending"
    known.apply(read(BUSY))
    view = operation_view(known, OPERATION)
    assert view is not None
    assert view.status is OperationStatus.RUNNING


def rejection() -> CommandRejected:
    """The refusal of the operation's command."""
    return CommandRejected(
        command_key="contoso-test",
        command_id=OPERATION,
        command_type="servicing-executor.apply-update.v1",
        reason="OPERATION_RUNNING",
        message="restart-service runs",
    )


def test_a_refused_command_tells_why() -> None:
    known = projection(read(rejection(), causation=OPERATION, service="servicing-executor"))
    command, asked = command_view(known, OPERATION), operation_view(known, OPERATION)
    assert command is not None
    assert command.status == "refused"
    assert command.refusal is not None
    assert command.refusal.reason == "OPERATION_RUNNING"
    assert asked is not None
    assert asked.status == "refused"
    assert asked.problem is not None
    assert asked.problem.message == "restart-service runs"


def test_a_command_is_answered_by_the_events_it_caused_each_once() -> None:
    event = CandidateMarked(environment="contoso-test", project="contoso", update=update())
    told = read(event, causation=OPERATION, id_="one")
    view = command_view(projection(told, told), OPERATION)
    assert view is not None
    assert view.status == "answered"
    assert [one.type for one in view.events] == ["promotion-scheduler.candidate-marked.v1"]


def test_history_is_told_latest_first_and_per_environment() -> None:
    later = ended("contoso-test", "later", accepted_at=NOON + timedelta(hours=1))
    other = ended("contoso-uat", "other")
    known = projection(read(ENTRY), read(later), read(other))
    assert [one.operation for one in known.history("contoso-test")] == ["later", OPERATION]


def test_a_sign_off_replaces_its_entry_in_the_history() -> None:
    signed = ended("contoso-test", OPERATION, signed_off_by="peter")
    known = projection(read(ENTRY, 7), read(signed, 9))
    assert [one.signed_off_by for one in known.history("contoso-test")] == ["peter"]


def test_the_log_holds_the_lines_of_the_running_operation_alone() -> None:
    def line(work: str, text: str) -> Read:
        return read(
            WorkLogged(subject="contoso-test", work=work, at=datetime.now(UTC), level="info", text=text),
            service="servicing-executor",
        )

    known = projection(read(BUSY, 1), line("step:before/verify", "old"), line(f"step:{OPERATION}/verify", "new"))
    assert [one.text for one in known.log_lines("contoso-test", OPERATION)] == ["new"]
    known.apply(read(environment("contoso-test", operation=operation("next")), 2))
    assert known.log_lines("contoso-test", OPERATION) == []


def test_a_dead_letter_tells_how_often_it_was_redriven() -> None:
    letter = DeadLetter(
        letter_id="notifier:drydock.notifier.commands:0:7",
        service="notifier",
        topic="drydock.notifier.commands",
        partition=0,
        offset=7,
        record_time=NOON,
        dead_since=NOON,
        reason="schema",
        message="project: Field required",
        attempts=0,
        record_key=None,
        record_value=None,
        record_headers=[],
        message_id=None,
        message_type=None,
    )
    redriven = DeadLetterRedriven(
        letter_id=letter.letter_id, topic=letter.topic, message_id=None, actor="mona", note="", times=2
    )
    known = projection(read(letter))
    assert dead_letter_view(known, letter).redriven == 0
    known.apply(read(redriven))
    assert dead_letter_view(known, letter).redriven == 2
    assert dead_letter_view(known, letter).redriven_by == "mona"
    assert list(known.all(DeadLetter)) == [letter]


# -- commands whose first answer only opens a check

ASKED = "schedule-1"
PROMOTION: dict[str, Any] = {
    "environment": "contoso-prod",
    "project": "contoso",
    "promotion": f"contoso-prod/{ASKED}",
    "sandbox": "contoso-test",
    "update": update("November release"),
}
CHECKING = PromotionCheckStarted(**PROMOTION, start=NOON, set_version=3, base="28.0.1.0/DE")
SCHEDULED = PromotionScheduled(**PROMOTION, downtime=Downtime(start=NOON, end=NOON + timedelta(hours=3)))
REFUSED = PromotionRefused(
    **PROMOTION, start=NOON, problem=Problem(reason="EXTENSIONS_INCOMPATIBLE", message="Freight does not work")
)


def asked(*reads: Read) -> tuple[str, str | None, list[str]]:
    """Status, reason of the refusal and events of the command, after its check has begun and these have come."""
    view = command_view(projection(read(CHECKING, causation=ASKED), *reads), ASKED)
    assert view is not None
    return view.status, view.refusal.reason if view.refusal else None, [one.type for one in view.events]


def test_a_command_that_only_opened_a_check_is_not_answered_yet() -> None:
    assert asked() == ("pending", None, [CHECKING.type])


def test_what_the_check_leads_to_answers_the_command_though_something_else_has_caused_it() -> None:
    assert asked(read(SCHEDULED, 2, causation="the-verdict", correlation=ASKED)) == (
        "answered",
        None,
        [CHECKING.type, SCHEDULED.type],
    )
    assert asked(read(REFUSED, 2, causation="the-verdict", correlation=ASKED)) == (
        "refused",
        "EXTENSIONS_INCOMPATIBLE",
        [CHECKING.type, REFUSED.type],
    )


def test_a_check_that_another_command_ends_has_ended_for_both() -> None:
    known = projection(read(CHECKING, causation=ASKED), read(REFUSED, 2, causation="cancel-1"))
    first, second = command_view(known, ASKED), command_view(known, "cancel-1")
    assert first is not None
    assert second is not None
    assert (first.status, second.status) == ("refused", "answered")


def test_what_else_happens_to_the_environment_meanwhile_is_no_answer() -> None:
    other = PROMOTION | {"promotion": "contoso-prod/another"}
    planned = RolloutPlanned(
        environment="contoso-prod",
        project="contoso",
        release="10.0.46",
        package="contoso/vendor",
        start=NOON,
        end=NOON,
        remove_extensions=(),
        set_version=3,
    )
    for event in (planned, PromotionScheduled.model_validate({**SCHEDULED.model_dump(), **other})):
        assert asked(read(event, 2, causation="something", correlation="else"))[0] == "pending"
    elsewhere = SCHEDULED.model_copy(update={"environment": "contoso-other"})
    assert asked(read(elsewhere, causation="the-verdict", correlation=ASKED))[0] == "pending"


def test_the_last_word_is_kept_however_many_events_a_command_has_caused() -> None:
    many = [read(CHECKING, number, causation=ASKED) for number in range(2, 40)]
    status, _, events = asked(*many, read(SCHEDULED, 41, causation="the-verdict", correlation=ASKED))
    assert (status, len(events), events[-1]) == ("answered", 21, SCHEDULED.type)


def test_a_check_of_extensions_is_answered_by_its_verdict_and_found_by_correlation() -> None:
    about: dict[str, Any] = {
        "environment": "contoso-prod",
        "project": "contoso",
        "set_version": 3,
        "base": "28.0.1.0/DE",
    }
    begun = CompatibilityCheckStarted(**about, current_base=None, extensions=0, operation=None, promotion=None)
    verdict = CompatibilityChecked(
        **about, verdict=Verdict.COMPATIBLE, extensions=(), report=None, operation=None, promotion=None
    )
    known = projection(read(begun, causation="check-1"))
    assert known.answer("check-1") is not None
    for correlation, status in (("check-2", "pending"), ("check-1", "answered")):
        known.apply(read(verdict, 2, causation="another", correlation=correlation))
        view = command_view(known, "check-1")
        assert view is not None
        assert view.status == status
