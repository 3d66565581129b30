"""What the mails about extensions and rollouts say: what must be changed, until when, and what becomes of it."""

from datetime import timedelta
from typing import Any

import pytest

from services.notifier.domain import projections
from services.notifier.domain.extension_wording import target_of
from services.notifier.domain.extensions import ExtensionMails
from services.notifier.domain.notifications import EnvironmentFacts
from services.notifier.domain.projections import EnvironmentProjection
from services.notifier.domain.state import Audience
from services.notifier.domain.wording import in_days
from shared.contracts.extension_compatibility_checker import FindingSeverity, RemediationDates, RemediationEnding
from shared.contracts.message import Event
from shared.contracts.notifier import Recipient
from shared.contracts.parts import Downtime, Problem
from shared.contracts.promotion_scheduler import Reason
from shared.kernel import UNCHANGED
from tests.support.told_events import (
    APP,
    AT,
    DATES,
    DEPENDENT,
    EXTENSION,
    accepted,
    cancelled,
    finding,
    finished,
    incompatible,
    planned,
    remediation_ended,
    remediation_started,
    reminded,
    removal_due,
    rolled_out,
    scheduled,
    skipped,
    update,
)
from tests.unit.notifier.told import envelope, mail_of, tell

TAKE: dict[str, Any] = {
    "OperationFinished": projections.base_after_operation,
    "PromotionScheduled": projections.promotion_scheduled,
    "PromotionCancelled": projections.promotion_cancelled,
    "RolloutPlanned": projections.rollout_planned,
    "RolloutSkipped": projections.rollout_skipped,
    "RolloutFinished": projections.rollout_finished,
    "RemediationStarted": projections.remediation_started,
    "RemediationReminded": projections.remediation_reminded,
    "RemovalDue": projections.removal_due,
    "RemediationEnded": projections.remediation_ended,
}


def known(*events: Event, sequence: int = 1) -> EnvironmentProjection:
    """What is known after these events, the first of which has this sequence."""
    state = EnvironmentProjection()
    for number, event in enumerate(events, sequence):
        state = TAKE[type(event).__name__](state, envelope(event, number), None, AT).state
    return state


def dates_of(event: Event, environment: EnvironmentProjection | None = None) -> dict[str, str]:
    """The dates that a mail says."""
    return {row.label: row.value for row in mail_of(event, environment=environment).content.dates}


def facts_of(event: Event, environment: EnvironmentProjection | None = None) -> dict[str, str]:
    """The facts that a mail says; of those that are called the same, the last."""
    return {row.label: row.value for row in mail_of(event, environment=environment).content.facts}


def running(base: str | None) -> Event:
    """An operation has ended, and the environment uses this base."""
    contents = update().contents.model_copy(update={"base_version": base})
    return finished(accepted("contoso"), running=update().model_copy(update={"contents": contents}))


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("26.3.2000.0", "next major 27 (checked build 27.0.38460.0)"),
        ("27.0.1.0", "next update of version 27 (checked build 27.0.38460.0)"),
        (None, "version 27 (checked build 27.0.38460.0)"),
    ],
)
def test_the_next_version_is_said_in_words_and_as_the_build_that_was_checked(base: str | None, words: str) -> None:
    environment = known(running(base))
    assert target_of("27.0.38460.0/DE", environment) == words
    content = mail_of(incompatible("contoso"), environment=environment).content
    assert words in content.headline
    assert {row.label: row.value for row in content.facts} == {
        "Extension name": "Contoso Freight",
        "Extension version": "4.2.0.17",
        "Publisher": "Contoso Ltd.",
        "Extension id": APP,
        "Project": "contoso",
        "Environment": "contoso-prod",
        "Target": words,
        "Country": "DE",
    }


def test_findings_are_grouped_by_file_in_the_order_of_their_lines_and_none_that_blocks_is_left_out() -> None:
    rows = (
        finding(FindingSeverity.BLOCKS, 30),
        finding(FindingSeverity.BLOCKS, 7, file="", column=None),
        finding(FindingSeverity.BLOCKS, 4, column=2),
        finding(FindingSeverity.WARNS, 1),
        finding(FindingSeverity.FORECAST, 2),
    )
    judged = mail_of(incompatible("contoso", findings=rows)).content.judged
    assert judged is not None
    assert [(file, [one.line for one in found]) for file, found in judged.files] == [
        ("src/Item<Card>.al", [4, 30]),
        ("", [7]),
    ]
    assert judged.others == 2
    assert judged.findings == rows


def test_the_first_mail_says_the_removal_as_it_will_be_if_it_is_accepted_today() -> None:
    dates = dates_of(incompatible("contoso", removal_days=90))
    assert dates["First told"] == "with this mail, unless an earlier one was accepted"
    assert dates["Removal"].startswith("90 days after this mail: 19 February 2027, if it is the first")
    assert dates_of(incompatible("contoso"))["Removal"] == "no date is set"


def test_a_later_mail_says_the_dates_of_the_clock_that_runs() -> None:
    dates = dates_of(incompatible("contoso", removal_days=90), known(remediation_started("contoso")))
    assert dates["First told"] == "22 September 2026, 22:00 UTC"
    assert dates["Removal"] == "in the first update window after 21 December 2026, 22:00 UTC, in 30 days"


@pytest.mark.parametrize(
    "other",
    [remediation_started("contoso", target_major=28), remediation_started("contoso", extension=DEPENDENT)],
    ids=["of another major", "of another extension"],
)
def test_another_clock_says_nothing(other: Event) -> None:
    assert dates_of(incompatible("contoso", removal_days=90), known(other))["Removal"].startswith("90 days after this")


def test_a_clock_that_ended_says_nothing() -> None:
    environment = known(remediation_started("contoso"), remediation_ended("contoso"))
    assert environment.remediations == ()


def test_a_clock_without_removal_says_so() -> None:
    dates = RemediationDates(detected_at=AT, first_notified_at=AT, removal_due_at=None)
    environment = known(remediation_started("contoso", dates=dates))
    assert dates_of(incompatible("contoso"), environment)["Removal"] == "not by itself"
    content = mail_of(reminded("contoso", dates=dates)).content
    assert content.subject == "contoso / contoso-prod: extension still not compatible: Contoso Freight 4.2.0.17"


PROMOTION = scheduled("contoso", downtime=Downtime(start=AT + timedelta(hours=1), end=AT + timedelta(hours=4)))
NIGHT, DAY_AFTER = "22 November 2026, 20:00 UTC", "23 November 2026, 20:00 UTC"


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ((), "none is scheduled"),
        ((planned("contoso"),), NIGHT),
        ((planned("contoso"), skipped("contoso")), DAY_AFTER),
        ((planned("contoso"), skipped("contoso", next_start=None)), "none is scheduled"),
        ((planned("contoso"), rolled_out("contoso", next_start=AT + timedelta(days=7))), "28 November 2026, 22:00 UTC"),
        ((planned("contoso"), rolled_out("contoso")), "none is scheduled"),
        ((planned("contoso"), PROMOTION), "21 November 2026, 23:00 UTC"),
        ((PROMOTION, cancelled(PROMOTION)), "none is scheduled"),
        ((scheduled("contoso"),), "none is scheduled"),
    ],
)
def test_the_next_attempt_is_the_earlier_of_promotion_and_rollout_that_is_still_to_come(
    events: tuple[Event, ...], words: str
) -> None:
    assert dates_of(incompatible("contoso"), known(*events))["Next attempt"] == words


@pytest.mark.parametrize("event", [running("26.0.1.0"), PROMOTION, planned("contoso"), remediation_started("contoso")])
def test_what_is_not_newer_changes_nothing(event: Event) -> None:
    before = known(event, sequence=5)
    for sequence in (5, 4):
        assert TAKE[type(event).__name__](before, envelope(event, sequence), None, AT) is UNCHANGED


def test_senders_count_their_events_each_for_itself() -> None:
    environment = known(remediation_started("contoso"), sequence=900)
    taken = projections.rollout_planned(environment, envelope(planned("contoso"), 1), None, AT).state
    assert taken is not None
    assert taken.rollout_start == planned("contoso").start
    assert taken.remediations


def test_the_steps_name_the_environment_the_extension_and_how_to_check_again_now() -> None:
    content = mail_of(incompatible("contoso")).content
    words = "\n".join(content.next_steps)
    for command in (
        "drydock extension check NEW.app --base BASE.app",
        "drydock extension stage contoso-prod NEW.app",
        f"drydock extension uninstall contoso-prod {APP}",
        "drydock remediation list --environment contoso-prod",
    ):
        assert command in words
    assert content.link is not None
    assert content.link.value == "https://drydock.contoso.example/environments/contoso-prod"


def test_without_a_console_no_address_is_said() -> None:
    audience = Audience(recipients=(Recipient(address="ada@contoso.example", environment=None),))
    facts = EnvironmentFacts(audience, None)
    decision = ExtensionMails(None).incompatible(None, envelope(incompatible("contoso")), facts, AT)
    assert decision.state is not None
    assert decision.state.content is not None
    assert decision.state.content.link is None


def test_a_reminder_says_how_long_there_is_and_what_must_be_changed() -> None:
    content = mail_of(reminded("contoso")).content
    assert "after 21 December 2026, 22:00 UTC, in 30 days." in content.headline
    assert content.judged is not None
    assert content.judged.blocking
    assert dates_of(reminded("contoso"))["First told"] == "22 September 2026, 22:00 UTC"


def test_a_removal_names_what_goes_with_it_says_that_data_stays_and_when() -> None:
    due = removal_due("contoso")
    facts = facts_of(due)
    assert facts["Removed with it, since they need it"] == (
        f"Contoso Labels 1.0.0.3 by Contoso Ltd. ({DEPENDENT.app_id})"
    )
    assert "Its data is kept." in mail_of(due).content.headline
    assert dates_of(due)["Removal"] == "in the next update window"
    assert dates_of(due, known(planned("contoso")))["Removal"] == f"{NIGHT}, or soon after"
    assert facts_of(removal_due("contoso", dependents=()))["Removed with it, since they need it"] == "nothing else"


def test_a_removal_that_is_said_again_since_the_set_changed_is_told_again_only_if_something_else_goes() -> None:
    first = removal_due("contoso")
    environment = known(first)
    assert tell(first, environment=environment).work, "known already, from this very event"
    environment = environment.model_copy(
        update={
            "remediations": tuple(one.model_copy(update={"removal": "earlier"}) for one in environment.remediations)
        }
    )
    again = removal_due("contoso", set_version=4)
    decision = tell(again, environment=environment)
    assert (decision.state, decision.work, decision.events) == (None, {}, ())
    after = projections.removal_due(environment, envelope(again, 9, "event-2"), None, AT).state
    assert after is not None
    assert after.remediations == environment.remediations
    assert tell(removal_due("contoso", dependents=()), environment=environment).work
    reopened = known(remediation_ended("contoso"), first)
    assert reopened.remediations[0].removal == "event-1"


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (RemediationEnding.FIXED, "It will not be removed."),
        (RemediationEnding.STAGED, "the update installs it"),
        (RemediationEnding.UNINSTALLED, "Its data is kept."),
        (RemediationEnding.REMOVED, "was removed from contoso-prod with the update to version 27"),
        (RemediationEnding.UPDATED, None),
    ],
)
def test_the_end_of_a_remediation_is_told_but_where_the_mail_about_the_update_has_said_it(
    ending: RemediationEnding, words: str | None
) -> None:
    event = remediation_ended("contoso", ending)
    if words is None:
        decision = tell(event)
        assert (decision.state, decision.work, decision.events) == (None, {}, ())
    else:
        assert words in mail_of(event).content.headline


def test_who_was_never_told_of_the_trouble_is_not_told_of_its_end() -> None:
    dates = DATES.model_copy(update={"first_notified_at": None})
    for addresses in (("ada@contoso.example",), ()):
        decision = tell(remediation_ended("contoso", dates=dates), addresses)
        assert (decision.state, decision.work, decision.events) == (None, {}, ())


def test_a_plan_names_the_extensions_that_go_by_name_where_that_is_known() -> None:
    removed = [row.value for row in mail_of(planned("contoso")).content.facts if row.label == "Removed"]
    assert removed == [DEPENDENT.app_id, APP]
    environment = known(removal_due("contoso"))
    content = mail_of(planned("contoso"), environment=environment).content
    assert [row.value for row in content.facts if row.label == "Removed"] == [
        f"Contoso Labels 1.0.0.3 by Contoso Ltd. ({DEPENDENT.app_id})",
        f"{EXTENSION.name} 4.2.0.17 by Contoso Ltd. ({APP})",
    ]
    assert "2 extensions that cannot come along will be removed" in content.headline
    assert dates_of(planned("contoso")) == {"Window opens": NIGHT, "Window closes": "23 November 2026, 06:00 UTC"}
    assert "No extension is removed." in mail_of(planned("contoso", remove_extensions=())).content.headline


def test_a_skipped_rollout_says_why_and_when_it_is_tried_again() -> None:
    content = mail_of(skipped("contoso")).content
    assert content.reason == "the window closed before the update could start"
    assert dates_of(skipped("contoso")) == {"Next try": DAY_AFTER}
    assert dates_of(skipped("contoso", next_start=None)) == {"Next try": "not by itself"}


@pytest.mark.parametrize(
    ("reason", "what", "headline", "step"),
    [
        (Reason.NOT_NEEDED, "update called off", "will not take place", "Nothing needs to be done."),
        (Reason.RELEASE_UNKNOWN, "update waits for a release", "There is no such release yet", "--base 27.0.38460.0"),
        ("HIGHER_VERSION", "update skipped", "did not start", "Nothing needs to be done."),
    ],
)
def test_a_rollout_that_is_not_tried_again_by_itself_says_what_became_of_it(
    reason: str, what: str, headline: str, step: str
) -> None:
    problem = Problem(reason=reason, message="in words")
    content = mail_of(skipped("contoso", release="27.0.38460.0", problem=problem, next_start=None)).content
    assert content.subject == f"contoso / contoso-prod: {what}: release 27.0.38460.0"
    assert headline in content.headline
    assert step in content.next_steps[0]


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(days=30), "in 30 days"),
        (timedelta(days=1, hours=23), "in 1 day"),
        (timedelta(hours=5), "today"),
        (timedelta(0), "now"),
        (timedelta(days=-3), "now"),
    ],
)
def test_days_that_are_left_are_counted_whole(ahead: timedelta, words: str) -> None:
    assert in_days(AT + ahead, AT) == words
