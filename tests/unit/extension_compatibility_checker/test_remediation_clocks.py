"""When the clock of a remediation runs, by the policy, and what it does when it is late."""

from shared.contracts.extension_compatibility_checker import (
    ExtensionIncompatible,
    Regime,
    RemediationPolicy,
    RemediationReminded,
    RemediationStarted,
    RemovalDue,
    WithoutRecipient,
)
from tests.unit.extension_compatibility_checker.remediation_story import (
    FINDING,
    NEXT_BASE,
    START,
)
from tests.unit.extension_compatibility_checker.test_remediation import BROKEN, RUNNING, A, days, story


def test_nobody_to_tell_waits_and_is_tried_again_every_week() -> None:
    one = story().checked(1, (A, BROKEN)).nobody().at(200)
    assert (one.of(RemediationStarted), one.of(RemovalDue), one.of(RemediationReminded)) == ([], [], [])
    assert [shown.unreachable for shown in one.view] == [True]
    again = one.of(ExtensionIncompatible)
    assert len(again) == 28
    assert (again[0].removal_days, again[0].findings) == (90, (FINDING,))
    one.told()
    [started] = one.of(RemediationStarted)
    assert started.dates.removal_due_at == START + days(290)
    assert len(one.at(220).of(ExtensionIncompatible)) == 28


def test_where_the_policy_says_so_the_clock_runs_although_there_is_nobody_to_tell() -> None:
    strict = RemediationPolicy(without_recipient=WithoutRecipient.FROM_DETECTION)
    one = story(policy=strict).checked(1, (A, BROKEN))
    assert one.of(RemediationStarted) == []
    one.at(1).nobody()
    assert [event.dates.removal_due_at for event in one.of(RemediationStarted)] == [START + days(90)]
    assert len(one.at(90).of(RemovalDue)) == 1


def test_another_policy_moves_clocks_that_run() -> None:
    one = story().checked(1, (A, BROKEN)).told().at(30)
    one.policy = RemediationPolicy(removal_days=45)
    one.at(31.5)
    assert one.view[0].dates.removal_due_at == START + days(45)
    assert len(one.at(45).of(RemovalDue)) == 1
    one.policy = RemediationPolicy(removal_days=200)
    one.at(47)
    assert (one.view[0].status, one.view[0].dates.removal_due_at) == (RUNNING, START + days(200))
    one.policy = RemediationPolicy(regime=Regime.NEVER)
    one.at(300)
    assert (one.view[0].status, len(one.of(RemovalDue))) == (RUNNING, 1)


def test_release_periods_end_with_the_grace_period_and_never_before_somebody_is_told() -> None:
    periods = RemediationPolicy(regime=Regime.RELEASE_PERIODS)
    one = story(policy=periods).released("10.0.47", NEXT_BASE).checked(1, (A, BROKEN)).told().at(180)
    assert one.of(RemovalDue) == []
    one.at(181)  # 5 July: six months after 5 January
    assert len(one.of(RemovalDue)) == 1
    late = story(policy=periods).released("10.0.47", NEXT_BASE).checked(1, (A, BROKEN)).at(250)
    assert late.of(RemovalDue) == []
    assert len(late.told().of(RemovalDue)) == 1


def test_after_a_standstill_there_is_one_reminder_and_one_removal() -> None:
    one = story().checked(1, (A, BROKEN)).told().at(80, down=True)
    assert len(one.of(RemediationReminded)) == 1
    one.told()
    assert len(one.of(RemediationReminded)) == 1
    one.at(95, down=True)
    assert (len(one.of(RemediationReminded)), len(one.of(RemovalDue))) == (1, 1)
