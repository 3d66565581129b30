"""What a mail says, before it has a form: subject, what happened, the facts, and what to do next.

Every text is plain; whoever lays it out escapes it. Moments are written in UTC, with the zone.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from shared.contracts.extension_compatibility_checker import ExtensionFinding, FindingSeverity
from shared.contracts.parts import ExtensionName

SUBJECT_LIMIT = 250
NAME_LIMIT = 60
"""Characters of an extension's name in a subject, at most; the letter has all of it."""


class Part(BaseModel):
    """A value that is never changed."""

    model_config = ConfigDict(frozen=True)


class Row(Part):
    """A fact: what it is called, and what it is."""

    label: str
    value: str


class Judged(Part):
    """What a check has found in an extension, as the event told it: at most 50 findings, those that block first."""

    project: str
    environment: str
    extension: ExtensionName
    base: str
    report: str
    """Digest of the report, which has all findings."""
    findings: tuple[ExtensionFinding, ...]

    @property
    def blocking(self) -> tuple[ExtensionFinding, ...]:
        """What must be changed."""
        return tuple(one for one in self.findings if one.severity is FindingSeverity.BLOCKS)

    @property
    def files(self) -> tuple[tuple[str, tuple[ExtensionFinding, ...]], ...]:
        """What must be changed, by file in the order of the findings, each file's by line; a file may be empty."""
        found: dict[str, list[ExtensionFinding]] = {}
        for one in self.blocking:
            found.setdefault(one.file, []).append(one)
        return tuple(
            (file, tuple(sorted(rows, key=lambda row: (row.line or 0, row.column or 0))))
            for file, rows in found.items()
        )

    @property
    def others(self) -> int:
        """How many findings do not block; they are in the attached file alone."""
        return len(self.findings) - len(self.blocking)


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
    judged: Judged | None = None
    """What must be changed in an extension; it is attached as a file, too."""
    dates: tuple[Row, ...] = ()
    """What happened, or will, and when."""
    link: Row | None = None
    """A page of the console: what it is called, and its address."""
    next_steps: tuple[str, ...] = ()
    calendar: CalendarEntry | None = None


def moment(at: datetime) -> str:
    """`21 November 2026, 22:00 UTC`."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def day(at: datetime) -> str:
    """`21 November 2026`, of UTC."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y}"


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


def rows(pairs: Iterable[tuple[str, str | None]]) -> tuple[Row, ...]:
    """The facts that are known."""
    return tuple(Row(label=label, value=value) for label, value in pairs if value)
