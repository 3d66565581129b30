"""Verdicts in the formats of build servers."""

import xml.etree.ElementTree as ET

from services.package_validator.deployable_package.faults import FAULTS, build_sample
from services.package_validator.deployable_package.findings import Finding
from services.package_validator.deployable_package.reports import as_junit, as_sarif, printable
from services.package_validator.deployable_package.rules import RULES
from services.package_validator.deployable_package.verdict import Outcome, Verdict

from .contexts import check


def _broken(rule: str) -> Verdict:
    return check(build_sample(next(fault for fault in FAULTS if fault.rule == rule)))


def test_sarif_points_every_result_to_its_rule_and_place() -> None:
    verdict = _broken("DP303")
    (run,) = as_sarif(verdict, "my package.zip", "1.0")["runs"]
    (result,) = run["results"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(RULES)
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "DP303"
    assert result["level"] == "error"
    (location,) = result["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "my%20package.zip"
    assert location["logicalLocations"][0]["fullyQualifiedName"] == verdict.findings[0].path


def test_sarif_says_when_nothing_could_be_decided() -> None:
    (run,) = as_sarif(Verdict(verdict=Outcome.UNCHECKED), "a.zip", "1.0")["runs"]
    assert run["invocations"] == [{"executionSuccessful": False}]


def test_junit_has_a_case_per_rule_and_fails_on_errors_only() -> None:
    for rule, failures in (("DP303", 1), ("DP404", 0)):
        suite = ET.fromstring(as_junit(_broken(rule), "a.zip"))[0]
        assert (suite.get("tests"), suite.get("failures")) == (str(len(RULES)), str(failures))
        failed = [case.get("name") for case in suite if case.find("failure") is not None]
        assert failed == ([f"{rule} {RULES[rule].title}"] if failures else [])


def test_names_from_a_package_cannot_forge_output() -> None:
    assert printable("a\x1b[31mb\nc\0") == "a\\x1b[31mb\\x0ac\\x00"
    hostile = Verdict(verdict=Outcome.INVALID, findings=(Finding("DP103", "\x1b]0;x\x07", "a\x08"),))
    ET.fromstring(as_junit(hostile, "\x00.zip"))
