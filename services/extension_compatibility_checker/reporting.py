"""What the library of checks found, in the words of messages and as a report file."""

from collections.abc import Collection, Sequence

import msgspec

from services.extension_compatibility_checker.domain.extensions import named
from services.extension_compatibility_checker.domain.work import CompatibilityCheckInput, ExtensionJudgement
from shared.contracts.extension_compatibility_checker import (
    ExtensionFinding,
    ExtensionVerdict,
    FindingSeverity,
    Level,
)
from shared.contracts.parts import Extension, Verdict
from shared.formats.al.finding import IN_TESTS, BreakFinding, BreakSeverity, CodePart, Compatibility, Report, worst

MOST_FINDINGS = 50
"""Findings that are told of one extension."""
MOST_BYTES = 180 * 1024
"""What the findings of one extension may take: a message has 256 KiB at most."""
MOST_BYTES_IN_ALL = 3 * 1024 * 1024
"""What those of one check may take. They leave in one commit, those that block twice, and a document of the store
holds 16 MB.
"""

_TEXT = 500
"""Length to which the texts of a message are cut, in characters; the report has them whole."""
_ORDER = tuple(BreakSeverity)
_VERDICTS = {
    Compatibility.COMPATIBLE: Verdict.COMPATIBLE,
    Compatibility.WARNINGS: Verdict.COMPATIBLE_WITH_WARNINGS,
    Compatibility.UNVERIFIABLE: Verdict.UNVERIFIABLE,
    Compatibility.INCOMPATIBLE: Verdict.INCOMPATIBLE,
}


def report_file(given: CompatibilityCheckInput, reports: Sequence[Report]) -> bytes:
    """All that was found, as JSON: `environment`, `set_version`, `base`, `current_base`, `verdict`, `extensions`.

    `current_base` is null, or has the `base` in use today and `known`: whether there is an index of it, so that what
    has changed since could be told. Each extension has `id`, `name`, `publisher`, `version`, `verdict`, `findings`,
    `undecided`, `decided_by`, and `parts` (those that were told apart).
    """
    current = {"base": given.current_base, "known": bool(given.current_packages)} if given.current_base else None
    return msgspec.json.encode(
        {
            "environment": given.environment,
            "set_version": given.set_version,
            "base": given.base,
            "current_base": current,
            "verdict": worst([report.verdict for report in reports]),
            "extensions": reports,
        }
    )


def judged(
    extensions: Sequence[Extension], reports: Sequence[Report], reused: Collection[str] = ()
) -> tuple[ExtensionJudgement, ...]:
    """What is told of each extension of the set; `reused` are the app ids of those that were judged before."""
    with_findings = sum(1 for report in reports if report.findings)
    room = min(MOST_BYTES, MOST_BYTES_IN_ALL // max(with_findings, 1))
    return tuple(
        ExtensionJudgement(
            verdict=verdict_on(extension, report),
            findings=_findings(report, room),
            reused=extension.app_id in reused,
        )
        for extension, report in zip(extensions, reports, strict=True)
    )


def verdict_on(extension: Extension, report: Report) -> ExtensionVerdict:
    """The verdict on an extension of the set."""
    verdict = _VERDICTS[report.verdict]
    worst_first = _worst_first(report)
    first = [f"{_place(finding)}{finding.code} {finding.message}" for finding in worst_first[:1]]
    reasons = first if first and verdict is not Verdict.UNVERIFIABLE else report.undecided
    tests = next((_VERDICTS[part.verdict] for part in report.parts if part.part is CodePart.TESTS), None)
    counts = {severity: sum(one.severity is severity for one in report.findings) for severity in BreakSeverity}
    return ExtensionVerdict(
        **named(extension).model_dump(),
        verdict=verdict,
        tests=tests,
        blocking=counts[BreakSeverity.BLOCKS],
        warnings=counts[BreakSeverity.WARNS],
        forecasts=counts[BreakSeverity.FORECAST],
        summary=next(iter(reasons), "")[:_TEXT],
    )


def _findings(report: Report, room: int) -> tuple[ExtensionFinding, ...]:
    """What blocks first; at least one, and no more than there is room for, in bytes."""
    told: list[ExtensionFinding] = []
    for finding in _worst_first(report)[:MOST_FINDINGS]:
        one = _told(finding)
        room -= len(one.model_dump_json()) + 1
        if told and room < 0:
            break
        told.append(one)
    return tuple(told)


def _worst_first(report: Report) -> list[BreakFinding]:
    return sorted(report.findings, key=lambda f: (_ORDER.index(f.severity), f.part is CodePart.TESTS))


def _told(finding: BreakFinding) -> ExtensionFinding:
    return ExtensionFinding(
        code=finding.code,
        severity=FindingSeverity(finding.severity),
        level=Level(finding.level),
        file=finding.file[:_TEXT],
        line=finding.line or None,
        column=finding.column or None,
        symbol=finding.symbol[:_TEXT],
        before=finding.before[:_TEXT],
        after=finding.after[:_TEXT],
        message=finding.message[:_TEXT] or finding.code,
        suggestion=finding.suggestion[:_TEXT],
    )


def _place(finding: BreakFinding) -> str:
    part = f"{IN_TESTS}: " if finding.part is CodePart.TESTS else ""
    return f"{part}{finding.file}({finding.line},{finding.column}): " if finding.file else part
