"""Machine-readable answers of the command line."""

import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Any
from urllib.parse import quote

import msgspec

from services.extension_compatibility_checker.al.finding import Report, Severity


class Output(StrEnum):
    """Forms of an answer."""

    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"


def print_json(value: Any) -> None:
    """One JSON document on stdout, indented."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


_LEVELS = {Severity.BLOCKS: "error", Severity.WARNS: "warning", Severity.FORECAST: "note"}


def sarif(reports: Sequence[Report]) -> dict[str, Any]:
    """Findings as SARIF 2.1.0 (OASIS), for code hosts and editors."""
    results = [
        {
            "ruleId": f.code,
            "level": _LEVELS[f.severity],
            "message": {"text": f"{f.message} {f.suggestion}".strip()},
            "properties": {"extension": r.name, "symbol": f.symbol, "decidedBy": f.level},
            **(
                {
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {"uri": quote(f.file)},
                                "region": {"startLine": f.line, "startColumn": f.column},
                            }
                        }
                    ]
                }
                if f.file
                else {}
            ),
        }
        for r in reports
        for f in r.findings
    ]
    codes = sorted({f.code for r in reports for f in r.findings})
    driver = {"name": "drydock", "rules": [{"id": code} for code in codes]}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
