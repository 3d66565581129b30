"""Machine-readable answers of the command line."""

from collections.abc import Sequence
from enum import StrEnum
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from shared.formats.al.check.rules import RULES
from shared.formats.al.compare.rules import BASELINE_RULES
from shared.formats.al.finding import BreakFinding, BreakSeverity, Report


class Output(StrEnum):
    """Forms of an answer."""

    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"


_LEVELS = {BreakSeverity.BLOCKS: "error", BreakSeverity.WARNS: "warning", BreakSeverity.FORECAST: "note"}


def sarif(reports: Sequence[Report]) -> dict[str, Any]:
    """Findings as SARIF 2.1.0 (OASIS), for code hosts and editors. What is undecided is a notification of the run."""
    found = {f.code: f for r in reports for f in r.findings}
    codes = sorted(found)
    results = [_result(r, f, codes.index(f.code)) for r in reports for f in r.findings]
    notes = [
        {"level": "warning", "message": {"text": f"{r.name} {r.version}: {reason}"}}
        for r in reports
        for reason in r.undecided
    ]
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "drydock",
                "version": version("drydock"),
                "rules": [_rule(found[code]) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    if notes:
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": notes}]
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}


_CONDITIONS = {code: rule.condition for rule in RULES for code in rule.codes} | {
    rule.code: rule.condition for rule in BASELINE_RULES if rule.code != "DRYDOCK"
}


def _rule(finding: BreakFinding) -> dict[str, Any]:
    return {
        "id": finding.code,
        "shortDescription": {"text": _CONDITIONS.get(finding.code, finding.code)},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
    }


def _result(report: Report, finding: BreakFinding, rule: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.message} {finding.suggestion}".strip()},
        "properties": {
            "extension": report.name,
            "symbol": finding.symbol,
            "decidedBy": finding.level,
            "part": finding.part,
        },
    }
    if finding.file:
        place: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.file)}}
        if finding.line:
            place["region"] = {"startLine": finding.line, "startColumn": max(finding.column, 1)}
        result["locations"] = [{"physicalLocation": place}]
    return result
