"""What a check says: findings and verdicts."""

from enum import StrEnum

import msgspec


class BreakSeverity(StrEnum):
    """`blocks` stops the update, `warns` does not, `forecast` will in a later version."""

    BLOCKS = "blocks"
    WARNS = "warns"
    FORECAST = "forecast"


class PlaceLevel(StrEnum):
    """What decided a finding."""

    MANIFEST = "manifest"
    SYMBOLS = "symbols"
    SOURCE = "source"


class Compatibility(StrEnum):
    """What a user may conclude about one extension, or about a set."""

    COMPATIBLE = "compatible"
    WARNINGS = "compatible-with-warnings"
    UNVERIFIABLE = "unverifiable"
    INCOMPATIBLE = "incompatible"


class BreakFinding(msgspec.Struct, frozen=True):
    """One thing to know. `line` and `column` count from 1, 0 where there is no source; `file` is then empty.

    `code` is the compiler's diagnostic where it has one, else the analyzer's; `DRYDOCK` marks what only
    Drydock says. `before` and `after` declare the symbol as the old base and the target have it; empty where
    it is not there, or where that base is not known.
    """

    code: str
    severity: BreakSeverity
    level: PlaceLevel
    symbol: str
    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    suggestion: str = ""
    before: str = ""
    after: str = ""


class Report(msgspec.Struct, frozen=True):
    """The answer for one extension. `undecided` are reasons why parts could not be judged."""

    id: str
    name: str
    publisher: str
    version: str
    verdict: Compatibility
    findings: tuple[BreakFinding, ...]
    undecided: tuple[str, ...] = ()


def verdict_of(findings: tuple[BreakFinding, ...], undecided: tuple[str, ...]) -> Compatibility:
    """A proven break outweighs what is unknown; what is unknown outweighs warnings."""
    severities = {f.severity for f in findings}
    if BreakSeverity.BLOCKS in severities:
        return Compatibility.INCOMPATIBLE
    if undecided:
        return Compatibility.UNVERIFIABLE
    return Compatibility.WARNINGS if severities else Compatibility.COMPATIBLE


def worst(verdicts: list[Compatibility]) -> Compatibility:
    """The verdict of a set: incompatible, unverifiable, warnings, compatible, in this order."""
    order = [Compatibility.INCOMPATIBLE, Compatibility.UNVERIFIABLE, Compatibility.WARNINGS]
    return next((v for v in order if v in verdicts), Compatibility.COMPATIBLE)
