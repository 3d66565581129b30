"""What a check says: findings and verdicts."""

from enum import StrEnum

import msgspec
from msgspec.structs import replace


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


class CodePart(StrEnum):
    """Who needs a piece of an app: `runs` is what its customers run, `tests` the code that only tests it."""

    RUNS = "runs"
    TESTS = "tests"


IN_TESTS = "in code that only tests it"
"""Stands before what is said of tests where it is told with what is said of the rest."""


class BreakFinding(msgspec.Struct, frozen=True):
    """One thing to know. `line` and `column` count from 1, 0 where there is no source; `file` is then empty.

    `code` is the compiler's diagnostic where it has one, else the analyzer's; it begins with `DRYDOCK` for what
    only Drydock says. `before` and `after` declare the symbol as the old base and the target have it; empty where
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
    part: CodePart = CodePart.RUNS


class PartReport(msgspec.Struct, frozen=True):
    """The answer for one part of an extension."""

    part: CodePart
    verdict: Compatibility
    undecided: tuple[str, ...] = ()


class Report(msgspec.Struct, frozen=True):
    """The answer for one extension. `undecided` are reasons why something could not be judged.

    `parts` tells what customers run from what only tests it; it is empty for an extension without tests.
    `decided_by` is the part that the verdict comes from.
    """

    id: str
    name: str
    publisher: str
    version: str
    verdict: Compatibility
    findings: tuple[BreakFinding, ...]
    undecided: tuple[str, ...] = ()
    parts: tuple[PartReport, ...] = ()
    decided_by: CodePart = CodePart.RUNS


def with_parts(
    report: Report, findings: tuple[BreakFinding, ...], runs: tuple[str, ...], tests: tuple[str, ...] | None
) -> Report:
    """The report with its verdicts, from what was found and from what is undecided in each part.

    `tests` is None for an extension that has none. What is undecided in tests alone leaves the verdict to what
    customers run: tests need what no customer has. A break in them counts as any other, since an app with tests
    that do not compile is not compiled at all.
    """
    verdict = verdict_of(findings, runs)
    if tests is None:
        return replace(report, findings=findings, undecided=runs, verdict=verdict, parts=(), decided_by=CodePart.RUNS)
    parts = tuple(
        PartReport(part, verdict_of(tuple(f for f in findings if f.part is part), undecided), undecided)
        for part, undecided in ((CodePart.RUNS, runs), (CodePart.TESTS, tests))
    )
    return replace(
        report,
        findings=findings,
        undecided=(*runs, *(f"{IN_TESTS}: {reason}" for reason in tests)),
        verdict=verdict,
        parts=parts,
        decided_by=CodePart.RUNS if parts[0].verdict is verdict else CodePart.TESTS,
    )


def with_more(report: Report, findings: tuple[BreakFinding, ...] = (), undecided: tuple[str, ...] = ()) -> Report:
    """The report with findings that it does not have yet, and more reasons why it could not be judged."""
    known = {(f.code, f.symbol, f.file, f.line, f.column) for f in report.findings}
    fresh = (f for f in findings if (f.code, f.symbol, f.file, f.line, f.column) not in known)
    by_part = {p.part: p.undecided for p in report.parts}
    runs = (*by_part.get(CodePart.RUNS, report.undecided), *undecided)
    return with_parts(report, (*report.findings, *fresh), runs, by_part.get(CodePart.TESTS))


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
