"""Checks in the words of the vendor's telemetry."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.console.cli.extension.telemetry import records
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import (
    CompatibilityChecked,
    CompatibilityCheckStarted,
    ExtensionChecked,
    ExtensionFinding,
    ExtensionVerdict,
    FindingSeverity,
    Level,
    RemediationPolicy,
    RemediationPolicyChanged,
)
from shared.contracts.message import Message
from shared.contracts.parts import ArtifactRef, EnvironmentKind, Problem, Verdict

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ABOUT: dict[str, Any] = {
    "environment": "contoso-prod",
    "project": "contoso",
    "set_version": 3,
    "base": "27.0.1.0/DE",
}
APP = "5f0c2a57-3a0f-4c7e-9a63-0d1f6b7c8e21"
REPORT = ArtifactRef(digest="sha256:" + "a" * 64, size=1, media_type="application/json")
COMMON = {
    "environmentTenantAAD": "contoso",
    "environmentName": "contoso-prod",
    "environmentType": "Production",
    "targetVersion": "27.0.1.0",
    "submissionOperationId": "root",
}
EXTENSION = {
    "extensionId": APP,
    "extensionName": "Sales",
    "extensionPublisher": "Contoso",
    "extensionVersion": "1.2.0.0",
}


def finding(code: str, severity: FindingSeverity, line: int | None = 7) -> ExtensionFinding:
    return ExtensionFinding(
        code=code,
        severity=severity,
        level=Level.SOURCE,
        file="src/Code.al",
        line=line,
        column=4 if line else None,
        symbol="Vendor",
        message="It is gone.",
        suggestion="",
    )


def diagnostic(code: str, severity: str, place: str = "(7,4)") -> dict[str, str]:
    return {
        "diagnosticCode": code,
        "diagnosticMessage": "It is gone.",
        "diagnosticSeverity": severity,
        "diagnosticSourcePath": "src/Code.al",
        "diagnosticSourceLocation": place,
    }


def checked(verdict: Verdict, *findings: ExtensionFinding) -> ExtensionChecked:
    said = ExtensionVerdict(
        app_id=APP,
        name="Sales",
        publisher="Contoso",
        version="1.2.0.0",
        verdict=verdict,
        blocking=0,
        summary="AL0185 It is gone.",
    )
    return ExtensionChecked(**ABOUT, extension=said, findings=findings, report=REPORT, reused=False)


def answer(verdict: Verdict, problem: Problem | None = None) -> CompatibilityChecked:
    said = checked(verdict).extension
    return CompatibilityChecked(
        **ABOUT, verdict=verdict, extensions=(said,), report=REPORT, operation=None, promotion=None, problem=problem
    )


def told(event: Message, kind: EnvironmentKind = EnvironmentKind.PRODUCTION) -> list[dict[str, Any]]:
    envelope = Envelope(id="1", source="test", time=NOW, data=event, correlation="root")
    return [record["customDimensions"] for record in records(envelope, kind)]


STARTED = CompatibilityCheckStarted(**ABOUT, current_base=None, extensions=2, operation=None, promotion=None)
CLASH = finding("AL0264", FindingSeverity.BLOCKS, None)
MAIN = {name.replace("extension", "mainExtension"): value for name, value in EXTENSION.items()}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (STARTED, [{"eventId": "LC0220"}]),
        (checked(Verdict.COMPATIBLE), [{"eventId": "LC0224", **EXTENSION}, {"eventId": "LC0225", **EXTENSION}]),
        (
            checked(Verdict.COMPATIBLE_WITH_WARNINGS, finding("AL0432", FindingSeverity.FORECAST)),
            [
                {"eventId": "LC0224", **EXTENSION},
                {"eventId": "LC0210", **EXTENSION, **diagnostic("AL0432", "Info")},
                {"eventId": "LC0225", **EXTENSION},
            ],
        ),
        (
            checked(
                Verdict.INCOMPATIBLE,
                finding("AL0185", FindingSeverity.BLOCKS),
                finding("AS0086", FindingSeverity.WARNS),
                CLASH,
            ),
            [
                {"eventId": "LC0224", **EXTENSION},
                {"eventId": "LC0210", **EXTENSION, **diagnostic("AL0185", "Error")},
                {"eventId": "LC0210", **EXTENSION, **diagnostic("AS0086", "Warning")},
                {"eventId": "LC0226", **EXTENSION, "failureReason": "AL0185 It is gone."},
                {"eventId": "LC0227", **EXTENSION, **MAIN, **diagnostic("AL0264", "Error", "")},
            ],
        ),
        (
            checked(Verdict.UNVERIFIABLE),
            [
                {"eventId": "LC0224", **EXTENSION},
                {"eventId": "LC0226", **EXTENSION, "failureReason": "AL0185 It is gone."},
            ],
        ),
        (answer(Verdict.COMPATIBLE), [{"eventId": "LC0222"}]),
        (answer(Verdict.COMPATIBLE_WITH_WARNINGS), [{"eventId": "LC0222"}]),
        (answer(Verdict.INCOMPATIBLE), [{"eventId": "LC0223", "failureReason": "AL0185 It is gone."}]),
        (
            answer(Verdict.CHECK_FAILED, Problem(reason="CHECK_FAILED", message="The store is away.")),
            [
                {"eventId": "LC0223", "failureReason": "The store is away."},
                {
                    "eventId": "LC0221",
                    "diagnosticCode": "CHECK_FAILED",
                    "diagnosticMessage": "The store is away.",
                    "diagnosticSeverity": "Error",
                },
            ],
        ),
        (RemediationPolicyChanged(project="contoso", policy=RemediationPolicy()), []),
    ],
    ids=["started", "works", "forecast", "broken", "unverifiable", "all work", "warned", "failed", "ours", "another"],
)
def test_an_event_becomes_the_records_that_operators_know(event: Message, expected: list[dict[str, str]]) -> None:
    assert told(event) == [COMMON | one for one in expected]


def test_a_record_has_its_time_a_message_and_the_kind_of_environment() -> None:
    envelope = Envelope(id="1", source="test", time=NOW, data=STARTED)
    [record] = records(envelope, EnvironmentKind.SANDBOX)
    assert record["timestamp"] == "2026-11-21T12:00:00.000000Z"
    assert record["message"] == "Environment validation started"
    assert record["customDimensions"]["environmentType"] == "Sandbox"
    assert record["customDimensions"]["submissionOperationId"] == "1"
