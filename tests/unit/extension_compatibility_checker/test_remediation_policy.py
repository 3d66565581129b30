"""The dates that follow from a policy."""

from datetime import UTC, datetime, timedelta

import pytest

from services.extension_compatibility_checker.domain.projections import BasesProjection, ReleaseWithBase
from services.extension_compatibility_checker.domain.remediation_policy import (
    SEED,
    add_months,
    clock_start,
    reminder_moments,
    removal_days,
    removal_due,
    rule,
    set_policy,
)
from services.extension_compatibility_checker.domain.views import policy_view
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import (
    Regime,
    RemediationPolicy,
    RemediationPolicyChanged,
    SetRemediationPolicy,
    WithoutRecipient,
)

DAY = timedelta(days=1)


def on(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


TOLD, AVAILABLE = on("2026-04-20T10:00"), on("2026-04-01T00:00")
PERIODS = RemediationPolicy(regime=Regime.RELEASE_PERIODS)


def test_without_a_policy_an_extension_is_removed_ninety_days_after_the_first_notification() -> None:
    assert rule(None) == SEED
    assert removal_due(SEED, TOLD, None) == on("2026-07-19T10:00")
    assert removal_days(SEED) == 90


@pytest.mark.parametrize(
    ("policy", "start", "available", "due"),
    [
        (SEED, None, AVAILABLE, None),
        (RemediationPolicy(removal_days=1), TOLD, None, TOLD + DAY),
        (RemediationPolicy(regime=Regime.NEVER), TOLD, AVAILABLE, None),
        (PERIODS, TOLD, AVAILABLE, on("2026-10-01T00:00")),
        (PERIODS, TOLD, None, None),
        (PERIODS, None, AVAILABLE, None),
        (PERIODS, on("2026-12-24T12:00"), AVAILABLE, on("2026-12-24T12:00")),
        (
            RemediationPolicy(regime=Regime.RELEASE_PERIODS, update_months=0, grace_months=0),
            TOLD,
            on("2026-05-01T00:00"),
            on("2026-05-01T00:00"),
        ),
    ],
)
def test_when_an_extension_is_to_be_removed(
    policy: RemediationPolicy, start: datetime | None, available: datetime | None, due: datetime | None
) -> None:
    assert removal_due(policy, start, available) == due


@pytest.mark.parametrize(
    ("moment", "months", "later"),
    [
        ("2026-08-31T08:00", 6, "2027-02-28T08:00"),
        ("2027-08-31T08:00", 6, "2028-02-29T08:00"),
        ("2026-12-01T00:00", 1, "2027-01-01T00:00"),
        ("2026-04-01T00:00", 0, "2026-04-01T00:00"),
        ("2026-04-30T23:59", 24, "2028-04-30T23:59"),
    ],
)
def test_months_are_those_of_the_calendar(moment: str, months: int, later: str) -> None:
    assert add_months(on(moment), months) == on(later)


@pytest.mark.parametrize(
    ("told", "unreachable", "without", "start"),
    [
        (TOLD, False, WithoutRecipient.WAIT, TOLD),
        (None, True, WithoutRecipient.WAIT, None),
        (None, False, WithoutRecipient.FROM_DETECTION, None),
        (None, True, WithoutRecipient.FROM_DETECTION, AVAILABLE),
        (TOLD, True, WithoutRecipient.FROM_DETECTION, TOLD),
    ],
)
def test_a_clock_starts_when_somebody_is_told_or_nobody_can_be_and_the_policy_says_so(
    told: datetime | None, unreachable: bool, without: WithoutRecipient, start: datetime | None
) -> None:
    policy = RemediationPolicy(without_recipient=without)
    assert clock_start(policy, told_at=told, detected_at=AVAILABLE, unreachable=unreachable) == start


def test_reminders_come_before_the_removal_and_after_the_start() -> None:
    due = TOLD + 90 * DAY
    assert reminder_moments(SEED, TOLD, due) == tuple(due - days * DAY for days in (60, 30, 14, 7, 1))
    short = RemediationPolicy(removal_days=30, reminder_days=(30, 7, 7))
    assert reminder_moments(short, TOLD, TOLD + 30 * DAY) == (TOLD + 23 * DAY,)


def test_a_policy_that_is_set_is_told_and_shown() -> None:
    command = SetRemediationPolicy(project="contoso", policy=PERIODS)
    decision = set_policy(None, Envelope(id="1", source="test", time=TOLD, data=command), None, TOLD)
    assert decision.events == [RemediationPolicyChanged(project="contoso", policy=PERIODS)]
    assert decision.state
    assert rule(decision.state) == PERIODS
    assert policy_view("contoso", decision.state).policy == PERIODS


def test_the_newest_release_with_a_base_counts_and_the_first_of_a_major_makes_it_available() -> None:
    releases = [("10.0.40", "26.0.1.0", 1), ("10.0.9", "25.0.1.0", 2), ("10.0.41", None, 3), ("10.0.39", "26.1.1.0", 4)]
    known = BasesProjection(
        releases=tuple(
            ReleaseWithBase(version=v, base_version=b, available_at=TOLD + day * DAY) for v, b, day in releases
        )
    )
    assert known.available_at(26) == TOLD + DAY
    assert known.available_at(27) is None


@pytest.mark.parametrize(
    ("running", "application", "expected"),
    [
        ("25.0.1.0", "10.0.2", "26.0.1.0"),
        ("26.0.1.0", "10.0.1", None),
        ("26.1.0.0", "10.0.1", None),
        (None, "10.0.2", "26.0.1.0"),
        (None, "10.0.3", None),
        (None, None, None),
    ],
)
def test_an_environment_is_behind_the_newest_release_with_a_base_or_not(
    running: str | None, application: str | None, expected: str | None
) -> None:
    released = [
        ("10.0.40", "26.0.1.0", "10.0.3"),
        ("10.0.9", "27.0.1.0", "10.0.9"),
        ("10.0.41", None, "10.0.9"),
    ]
    known = BasesProjection(
        releases=tuple(
            ReleaseWithBase(version=version, base_version=base, application_version=brings, available_at=TOLD)
            for version, base, brings in released
        )
    )
    assert known.base_ahead(running, application) == expected
    assert BasesProjection().base_ahead(running, application) is None
