"""Verdicts in the formats that build servers read."""

from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from shared.formats.deployable_package.findings import PackageFinding, printable
from shared.formats.deployable_package.judge.verdict import CheckOutcome, PackageVerdict
from shared.formats.deployable_package.rules import RULES, RuleSeverity

_LEVELS = {RuleSeverity.ERROR: "error", RuleSeverity.WARNING: "warning", RuleSeverity.INFO: "note"}
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_sarif(verdict: PackageVerdict, file_name: str, tool_version: str) -> dict[str, Any]:
    """Return a SARIF 2.1.0 log with one run; findings name the package file and the entry inside it."""
    rules = list(RULES.values())
    positions = {rule.id: position for position, rule in enumerate(rules)}
    return {
        "$schema": _SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "drydock",
                        "version": tool_version,
                        "rules": [
                            {
                                "id": rule.id,
                                "shortDescription": {"text": rule.title},
                                "fullDescription": {"text": rule.meaning},
                                "help": {"text": rule.fix},
                                "defaultConfiguration": {"level": _LEVELS[rule.severity]},
                            }
                            for rule in rules
                        ],
                    }
                },
                "invocations": [{"executionSuccessful": verdict.verdict is not CheckOutcome.UNCHECKED}],
                "results": [_sarif_result(finding, file_name, positions) for finding in verdict.findings],
            }
        ],
    }


def _sarif_result(finding: PackageFinding, file_name: str, positions: dict[str, int]) -> dict[str, Any]:
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": _uri(file_name)}}}
    if finding.path:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.path, "kind": "resource"}]
    return {
        "ruleId": finding.rule,
        "ruleIndex": positions[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.message}. {finding.fix}"},
        "locations": [location],
    }


def _uri(file_name: str) -> str:
    # A file's name need not be text: what is not comes from the system as lone surrogates.
    return quote(file_name.replace("\\", "/").encode("utf-8", "surrogatepass"))


def as_junit(verdict: PackageVerdict, file_name: str) -> bytes:
    """Return JUnit XML: one test case per rule, failed where the rule found an error, warnings as output."""
    by_rule: dict[str, list[PackageFinding]] = {}
    for finding in verdict.findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    failures = sum(1 for rule in by_rule if RULES[rule].severity is RuleSeverity.ERROR)
    suite = ET.Element(
        "testsuite", name=printable(file_name), tests=str(len(RULES)), failures=str(failures), errors="0"
    )
    for rule in RULES.values():
        case = ET.SubElement(suite, "testcase", classname=f"package.{rule.group}", name=f"{rule.id} {rule.title}")
        found = by_rule.get(rule.id, [])
        if not found:
            continue
        told = "\n".join(printable(f"{one.path}: {one.message}") for one in found)
        if rule.severity is RuleSeverity.ERROR:
            ET.SubElement(
                case, "failure", message=printable(found[0].message), type=rule.id
            ).text = f"{told}\n{rule.fix}"
        else:
            ET.SubElement(case, "system-out").text = f"{rule.severity}: {told}\n{rule.fix}"
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suites, encoding="unicode").encode() + b"\n"
