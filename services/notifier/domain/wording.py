"""How mails write moments, durations, names and subjects. Moments are written in UTC, with the zone."""

from datetime import UTC, datetime, timedelta

SUBJECT_LIMIT = 250
NAME_LIMIT = 60
"""Characters of an extension's name in a subject, at most; the mail has all of it."""


def moment(at: datetime) -> str:
    """`21 November 2026, 22:00 UTC`."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def day(at: datetime) -> str:
    """`21 November 2026`, of UTC."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y}"


def in_days(at: datetime, now: datetime) -> str:
    """`in 30 days`, `in 1 day` or `today`, counted in whole days."""
    days = (at - now) // timedelta(days=1)
    if days < 1:
        return "today" if at > now else "now"
    return f"in {days} day" if days == 1 else f"in {days} days"


def duration(seconds: float) -> str:
    """`2 h 5 min`, `7 min` or `40 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{rest} s"


def subject(project: str, environment: str, what: str, name: str) -> str:
    """`<project> / <environment>: <what>: <name>` in one line; a long name loses its end, never the outcome."""
    line = " ".join(f"{project} / {environment}: {what}: {name}".split())
    return line if len(line) <= SUBJECT_LIMIT else f"{line[: SUBJECT_LIMIT - 1]}…"


def shortened(name: str) -> str:
    """A name as a subject has it."""
    return name if len(name) <= NAME_LIMIT else f"{name[: NAME_LIMIT - 1]}…"
