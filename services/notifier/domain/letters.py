"""What a mail says, before it has a form: subject, what happened, the facts, and what to do next.

Every text is plain; whoever lays it out escapes it. Moments are written in UTC, with the zone.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

SUBJECT_LIMIT = 250
FINDINGS_LIMIT = 20
"""Findings that a mail shows, at most; it says how many more there are."""


class Part(BaseModel):
    """A value that is never changed."""

    model_config = ConfigDict(frozen=True)


class Row(Part):
    """A fact: what it is called, and what it is."""

    label: str
    value: str


class FindingRow(Part):
    """One thing that blocks an extension."""

    code: str
    place: str
    """File, line and column; empty if the whole package is meant."""
    message: str
    suggestion: str


class CalendarMethod(StrEnum):
    """RFC 5546: what a calendar is to do with an entry."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


class CalendarEntry(Part):
    """A downtime in the recipient's calendar. A later one of the same `uid` has a higher `sequence`."""

    method: CalendarMethod
    uid: str
    sequence: int
    start: datetime
    end: datetime
    summary: str
    description: str
    location: str


class Letter(Part):
    """A mail's content, the same for every recipient."""

    subject: str
    headline: str
    """What happened, in a sentence."""
    facts: tuple[Row, ...]
    reason: str | None = None
    """Why, in words, where something did not succeed."""
    findings: tuple[FindingRow, ...] = ()
    more_findings: int = 0
    next_steps: tuple[str, ...] = ()
    calendar: CalendarEntry | None = None


def moment(at: datetime) -> str:
    """`21 November 2026, 22:00 UTC`."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


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


def rows(pairs: Iterable[tuple[str, str | None]]) -> tuple[Row, ...]:
    """The facts that are known."""
    return tuple(Row(label=label, value=value) for label, value in pairs if value)
