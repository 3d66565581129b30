"""What the library of checks found, in the words of messages and as a report file."""

from collections.abc import Sequence

import msgspec

from services.extension_compatibility_checker.al.finding import Finding, Report, Severity, worst
from services.extension_compatibility_checker.al.finding import Verdict as Found
from services.extension_compatibility_checker.domain.work import CheckInput, Incompatible
from shared.contracts.extension_compatibility_checker import (
    ExtensionFinding,
    ExtensionVerdict,
    FindingSeverity,
    Level,
)
from shared.contracts.parts import Extension, ExtensionName, Verdict

MOST_FINDINGS = 50
"""Findings that are told of one extension."""
_MOST_FINDINGS_IN_ALL = 2000
"""Findings that are told of one check: they leave in one commit, and a document of the store holds 16 MB."""

_TEXT = 500
"""Length to which the texts of a message are cut, in characters; the report has them whole."""
_ORDER = tuple(Severity)
_VERDICTS = {
    Found.COMPATIBLE: Verdict.COMPATIBLE,
    # A warning keeps no update from going on; the report has it.
    Found.WARNINGS: Verdict.COMPATIBLE,
    Found.UNVERIFIABLE: Verdict.UNVERIFIABLE,
    Found.INCOMPATIBLE: Verdict.INCOMPATIBLE,
}


def report_file(given: CheckInput, reports: Sequence[Report]) -> bytes:
    """All that was found, as JSON: `environment`, `set_version`, `base`, `verdict`, `extensions`.

    Each extension has `id`, `name`, `publisher`, `version`, `verdict`, `findings` and `undecided`.
    """
    return msgspec.json.encode(
        {
            "environment": given.environment,
            "set_version": given.set_version,
            "base": given.base,
            "verdict": worst([report.verdict for report in reports]),
            "extensions": reports,
        }
    )


def verdict_on(extension: Extension, report: Report) -> ExtensionVerdict:
    """The verdict on an extension of the set."""
    verdict = _VERDICTS[report.verdict]
    blocking = [finding for finding in report.findings if finding.severity is Severity.BLOCKS]
    reasons = {
        Verdict.INCOMPATIBLE: [f"{_place(finding)}{finding.code} {finding.message}" for finding in blocking],
        Verdict.UNVERIFIABLE: report.undecided,
    }
    return ExtensionVerdict(
        **_named(extension).model_dump(),
        verdict=verdict,
        blocking=len(blocking),
        summary=next(iter(reasons.get(verdict, ())), "")[:_TEXT],
    )


def incompatible(extensions: Sequence[Extension], reports: Sequence[Report]) -> tuple[Incompatible, ...]:
    """The extensions that do not work, each with what blocks first."""
    broken = [pair for pair in zip(extensions, reports, strict=True) if pair[1].verdict is Found.INCOMPATIBLE]
    most = min(MOST_FINDINGS, _MOST_FINDINGS_IN_ALL // max(len(broken), 1))
    return tuple(
        Incompatible(extension=_named(extension), findings=tuple(_told(one) for one in _worst_first(report)[:most]))
        for extension, report in broken
    )


def _worst_first(report: Report) -> list[Finding]:
    return sorted(report.findings, key=lambda finding: _ORDER.index(finding.severity))


def _told(finding: Finding) -> ExtensionFinding:
    return ExtensionFinding(
        code=finding.code,
        severity=FindingSeverity(finding.severity),
        level=Level(finding.level),
        file=finding.file[:_TEXT],
        line=finding.line or None,
        column=finding.column or None,
        symbol=finding.symbol[:_TEXT],
        message=finding.message[:_TEXT] or finding.code,
        suggestion=finding.suggestion[:_TEXT],
    )


def _place(finding: Finding) -> str:
    return f"{finding.file}({finding.line},{finding.column}): " if finding.file else ""


def _named(extension: Extension) -> ExtensionName:
    return ExtensionName(
        app_id=extension.app_id, name=extension.name, publisher=extension.publisher, version=extension.version
    )
