"""When an environment may be updated."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.promotion_scheduler.domain.window import SHORTEST, checked, next_window, window_days_after
from shared.contracts.promotion_scheduler import Reason, UpdateWindow
from shared.kernel import Rejected

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Auckland",
    "America/Sao_Paulo",
    "Africa/Casablanca",
)


def window(opens: str = "20:00", closes: str = "06:00", time_zone: str = "UTC") -> UpdateWindow:
    return UpdateWindow(opens=opens, closes=closes, time_zone=time_zone)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("chosen", "now", "start", "end"),
    [
        (window(), "2026-11-21T09:00", "2026-11-21T20:00", "2026-11-22T06:00"),
        # One that is open, or opens now, does not count.
        (window(), "2026-11-21T20:00", "2026-11-22T20:00", "2026-11-23T06:00"),
        (window(), "2026-11-22T03:00", "2026-11-22T20:00", "2026-11-23T06:00"),
        (window("08:00", "14:00"), "2026-11-21T07:59", "2026-11-21T08:00", "2026-11-21T14:00"),
        (window("08:00", "08:00"), "2026-11-21T09:00", "2026-11-22T08:00", "2026-11-23T08:00"),
        # Its day is the local one.
        (window(time_zone="Pacific/Auckland"), "2026-11-21T09:00", "2026-11-22T07:00", "2026-11-22T17:00"),
        (window(time_zone="America/Los_Angeles"), "2026-11-21T03:00", "2026-11-21T04:00", "2026-11-21T14:00"),
        # Berlin, 28 and 29 March 2026: the clock goes from 02:00 to 03:00.
        (window(time_zone="Europe/Berlin"), "2026-03-28T12:00", "2026-03-28T19:00", "2026-03-29T04:00"),
        (window("02:30", "08:30", "Europe/Berlin"), "2026-03-28T12:00", "2026-03-29T01:30", "2026-03-29T06:30"),
        # 24 and 25 October 2026: it goes from 03:00 to 02:00; the first of two moments counts.
        (window(time_zone="Europe/Berlin"), "2026-10-24T12:00", "2026-10-24T18:00", "2026-10-25T05:00"),
        (window("02:30", "08:30", "Europe/Berlin"), "2026-10-24T12:00", "2026-10-25T00:30", "2026-10-25T07:30"),
        (window("20:00", "02:30", "Europe/Berlin"), "2026-10-24T12:00", "2026-10-24T18:00", "2026-10-25T00:30"),
        # Samoa had no 30 December 2011.
        (window(time_zone="Pacific/Apia"), "2011-12-30T08:00", "2011-12-31T06:00", "2011-12-31T16:00"),
    ],
)
def test_the_next_window_is_the_first_that_opens_after_now(
    chosen: UpdateWindow, now: str, start: str, end: str
) -> None:
    assert next_window(chosen, utc(now)) == (utc(start), utc(end))


@pytest.mark.parametrize(
    ("start", "now", "found"),
    [
        ("2026-03-25T19:00", "2026-03-25T21:00", "2026-04-01T18:00"),  # a week of 167 hours
        ("2026-10-21T18:00", "2026-10-21T21:00", "2026-10-28T19:00"),
        ("2026-11-21T19:00", "2026-12-02T09:00", "2026-12-02T19:00"),  # too late for that one
    ],
)
def test_a_week_later_is_the_same_hour_on_the_wall(start: str, now: str, found: str) -> None:
    chosen = window(time_zone="Europe/Berlin")
    assert window_days_after(chosen, utc(start), 7, utc(now))[0] == utc(found)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (window("20:00", "01:59"), "20:00 to 01:59 is 5 h 59 min; an update window has at least six hours"),
        (window("08:00", "13:59"), "at least six"),
        (window(time_zone="Europe/Atlantis"), "'Europe/Atlantis' is not known here; use a name of the IANA"),
        (window(time_zone="Europe"), "not known here"),
        (window(time_zone="../../etc/passwd"), "not known here"),
        (window(time_zone="/etc/localtime"), "not known here"),
        (window(time_zone="W. Europe Standard Time"), "not known here"),
        (window(time_zone="a\x00b"), "not known here"),
    ],
)
def test_a_window_that_cannot_be_used_is_refused_with_the_way_out(chosen: UpdateWindow, words: str) -> None:
    with pytest.raises(Rejected) as refused:
        checked(chosen)
    assert refused.value.reason is Reason.WINDOW_INVALID
    assert words in refused.value.message


@pytest.mark.parametrize(("opens", "closes"), [("20:00", "02:00"), ("08:00", "14:00"), ("00:00", "00:00")])
def test_six_hours_to_a_day_can_be_used(opens: str, closes: str) -> None:
    assert checked(window(opens, closes)) == window(opens, closes)


def test_without_zone_data_the_default_window_works_and_others_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_data(name: str) -> ZoneInfo:
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr("services.promotion_scheduler.domain.window.ZoneInfo", no_data)
    monkeypatch.setattr("services.promotion_scheduler.domain.window.available_timezones", set)
    assert next_window(window(), utc("2026-11-21T09:00"))[0] == utc("2026-11-21T20:00")
    with pytest.raises(Rejected, match="no time zone data at all, so that only UTC can be used"):
        checked(window(time_zone="Europe/Berlin"))


TIMES = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))


@given(
    opens=TIMES,
    closes=TIMES,
    zone=st.sampled_from(ZONES),
    now=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_a_window_is_after_now_soon_as_long_as_it_says_and_starts_when_it_says(
    opens: str, closes: str, zone: str, now: datetime
) -> None:
    chosen = window(opens, closes, zone)
    try:
        checked(chosen)
    except Rejected:
        return
    start, end = next_window(chosen, now)
    assert now < start <= now + timedelta(days=2, hours=2)
    assert SHORTEST - timedelta(hours=1) <= end - start <= timedelta(hours=25)
    local = start.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    minutes = local.hour * 60 + local.minute - int(opens[:2]) * 60 - int(opens[3:])
    assert minutes in (0, 30, 60), "it opens when it says, but for an hour that is skipped"
    # No window is left out: there is none between now and its start.
    assert next_window(chosen, start - timedelta(seconds=1)) == (start, end)
    following = next_window(chosen, start)
    assert following[0] > start
