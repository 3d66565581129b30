"""What a mail says, before it has a form: subject, what happened, the facts, and what to do next.

Every text is plain; whoever lays it out escapes it.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from shared.contracts.extension_compatibility_checker import ExtensionFinding, FindingSeverity
from shared.contracts.parts import ExtensionName
from shared.kernel import State

STORED_ONCE_AS = "letter"
"""What versions before 2026-11-30 called the content of a mail where they stored it."""


class Row(State):
    """A fact: what it is called, and what it is."""

    label: str
    value: str


class JudgedExtension(State):
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


class CalendarEntry(State):
    """A downtime in the recipient's calendar. A later one of the same `uid` has a higher `sequence`."""

    method: CalendarMethod
    uid: str
    sequence: int
    start: datetime
    end: datetime
    summary: str
    description: str
    location: str


class MailContent(State):
    """A mail's content, the same for every recipient."""

    subject: str
    headline: str
    """What happened, in a sentence."""
    facts: tuple[Row, ...]
    reason: str | None = None
    """Why, in words, where something did not succeed."""
    judged: JudgedExtension | None = None
    """What must be changed in an extension; it is attached as a file, too."""
    dates: tuple[Row, ...] = ()
    """What happened, or will, and when."""
    link: Row | None = None
    """A page of the console: what it is called, and its address."""
    next_steps: tuple[str, ...] = ()
    calendar: CalendarEntry | None = None


def rows(pairs: Iterable[tuple[str, str | None]]) -> tuple[Row, ...]:
    """The facts that are known."""
    return tuple(Row(label=label, value=value) for label, value in pairs if value)
