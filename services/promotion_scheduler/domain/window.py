"""Update windows: the hours of each day in which an environment may be updated without being asked.

A window is local time, moments are UTC. On the nights in which clocks change it is an hour longer or shorter than
it says; a local time that is skipped stands for the moment an hour later, one that comes twice for the first.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from shared.contracts.promotion_scheduler import Reason, UpdateWindow
from shared.kernel import Rejected

Window = tuple[datetime, datetime]
"""Start and end of one, in UTC."""

SHORTEST = timedelta(hours=6)
"""The least that a window may be, by the clock on the wall (admin center: `invalidRange` below it)."""

_DAYS_LOOKED_AT = 4
"""A zone may skip a whole day; the next window opens within so many."""


def checked(window: UpdateWindow) -> UpdateWindow:
    """The window, if it can be used. Raise Rejected with WINDOW_INVALID otherwise."""
    length = _length(window)
    if length < SHORTEST:
        hours, minutes = divmod(length // timedelta(minutes=1), 60)
        raise Rejected(
            Reason.WINDOW_INVALID,
            f"{window.opens} to {window.closes} is {hours} h {minutes:02} min; an update window has at least six "
            "hours, and may end on the next day",
            facts={"opens": window.opens, "closes": window.closes},
        )
    _zone(window)
    return window


def next_window(window: UpdateWindow, now: datetime) -> Window:
    """Start and end of the first window that opens after `now`, in UTC.

    One that is open already does not count: who is concerned shall be told before it begins. Raise Rejected with
    WINDOW_INVALID if its time zone is not known.
    """
    local = now.astimezone(_zone(window)).date()
    for days in range(-1, _DAYS_LOOKED_AT):
        start, end = window_on(window, local + timedelta(days=days))
        if now < start < end:
            return start, end
    raise AssertionError(f"no window of {window} opens soon after {now}")


def window_days_after(window: UpdateWindow, start: datetime, days: int, now: datetime) -> Window:
    """Start and end of the window so many local days after the one that opened at `start`; if that has opened
    already, of the next one.
    """
    found = window_on(window, start.astimezone(_zone(window)).date() + timedelta(days=days))
    return found if now < found[0] < found[1] else next_window(window, now)


def window_on(window: UpdateWindow, day: date) -> Window:
    """Start and end, in UTC, of the window that opens on a local day."""
    zone = _zone(window)
    closing = day + timedelta(days=1) if _parsed(window.closes) <= _parsed(window.opens) else day
    start = datetime.combine(day, _parsed(window.opens), zone)
    end = datetime.combine(closing, _parsed(window.closes), zone)
    return start.astimezone(UTC), end.astimezone(UTC)


def _length(window: UpdateWindow) -> timedelta:
    """How long it is by the clock on the wall: up to a day, which is the window that closes where it opens."""
    opens, closes = (datetime.combine(date.min, _parsed(text)) for text in (window.opens, window.closes))
    return (closes - opens) % timedelta(days=1) or timedelta(days=1)


def _parsed(text: str) -> time:
    hours, _, minutes = text.partition(":")
    return time(int(hours), int(minutes))


def _zone(window: UpdateWindow) -> tzinfo:
    name = window.time_zone
    if name == "UTC":
        return UTC  # needs no zone data: the default window can always be reckoned
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = (
            "use a name of the IANA time zone database, Europe/Berlin say"
            if available_timezones()
            else "there is no time zone data at all, so that only UTC can be used: install the package tzdata"
        )
        raise Rejected(
            Reason.WINDOW_INVALID, f"the time zone {name!r} is not known here; {known}", facts={"time_zone": name}
        ) from None
