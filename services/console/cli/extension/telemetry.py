"""`drydock extension telemetry`: checks of extensions in the words of the vendor's control-plane telemetry.

Event ids and dimensions: the vendor's documentation of environment validation telemetry. LC0220 begins a validation;
for each extension LC0224, then LC0210 for each diagnostic, then LC0225 or LC0226; LC0222 or LC0223 end it, with LC0221
or LC0227 for what is about the environment as a whole, extensions that are in each other's way above all.
"""

import json
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from services.console.cli.lists import environment_in
from services.console.cli.options import Environment
from services.console.cli.running import run
from services.console.installation import Installation
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import (
    CompatibilityChecked,
    CompatibilityCheckStarted,
    ExtensionChecked,
    ExtensionFinding,
    FindingSeverity,
)
from shared.contracts.message import Message, utc_text
from shared.contracts.parts import EnvironmentKind, Verdict

Dimensions = dict[str, str]

CHECKER = "extension-compatibility-checker"
BETWEEN_EXTENSIONS = frozenset({"AL0197", "AL0206", "AL0231", "AL0264"})
"""Diagnostics that two extensions cause together: duplicate names and ids."""
_SEVERITIES = {
    FindingSeverity.BLOCKS: "Error",
    FindingSeverity.WARNS: "Warning",
    FindingSeverity.FORECAST: "Info",
}
_TYPES = {EnvironmentKind.PRODUCTION: "Production", EnvironmentKind.SANDBOX: "Sandbox"}
_WORKS = (Verdict.COMPATIBLE, Verdict.COMPATIBLE_WITH_WARNINGS)


def telemetry(
    environment: Environment,
    from_start: Annotated[bool, typer.Option("--from-start", help="Begin with the oldest check kept.")] = False,
    follow: Annotated[bool, typer.Option(help="Go on with checks to come, until Ctrl-C.")] = True,
) -> None:
    """Print the checks of an environment's extensions as the vendor's telemetry, a JSON object per line."""

    async def read(installation: Installation) -> None:
        client = installation.client
        known = await environment_in(client, environment)
        async with client.events_of([CHECKER], from_start=from_start) as reader:
            async for one in reader.forever() if follow else reader.until_now():
                if one.envelope and one.key == environment:
                    for record in records(one.envelope, known.environment_kind):
                        sys.stdout.write(json.dumps(record) + "\n")
                    sys.stdout.flush()

    run(read)


def records(envelope: Envelope[Message], kind: EnvironmentKind) -> list[dict[str, Any]]:
    """An event as telemetry: `timestamp`, `message`, and `customDimensions` with the `eventId`; none for most events.

    The tenant is the project. `submissionOperationId` is the id with which everything began that led to the check,
    the same in all that is said of it. A check that failed by a fault of ours is a diagnostic of the environment.
    """
    event = envelope.data
    common = {"environmentType": _TYPES[kind], "submissionOperationId": envelope.correlation or envelope.id}
    match event:
        case CompatibilityCheckStarted():
            lines = [("LC0220", "Environment validation started", _about(event))]
        case ExtensionChecked():
            lines = list(_extension(event))
        case CompatibilityChecked():
            lines = list(_environment(event))
        case _:
            lines = []
    return [
        {
            "timestamp": utc_text(envelope.time),
            "message": message,
            "customDimensions": {"eventId": event_id, **common, **dimensions},
        }
        for event_id, message, dimensions in lines
    ]


def _extension(event: ExtensionChecked) -> Iterator[tuple[str, str, Dimensions]]:
    one = event.extension
    about = _about(event) | {
        "extensionId": one.app_id,
        "extensionName": one.name,
        "extensionPublisher": one.publisher,
        "extensionVersion": one.version,
    }
    yield "LC0224", f"Validation of extension {one.name} started", about
    for finding in event.findings:
        if finding.code not in BETWEEN_EXTENSIONS:
            yield "LC0210", f"Diagnostic for extension {one.name}", about | _diagnostic(finding)
    if one.verdict in _WORKS:
        yield "LC0225", f"Validation of extension {one.name} succeeded", about
    else:
        failed = about | {"failureReason": one.summary}
        yield "LC0226", f"Validation of extension {one.name} failed", failed
    main = {name.replace("extension", "mainExtension"): value for name, value in about.items() if "extension" in name}
    for finding in event.findings:
        if finding.code in BETWEEN_EXTENSIONS:
            yield "LC0227", f"Environment diagnostic for extension {one.name}", about | main | _diagnostic(finding)


def _environment(event: CompatibilityChecked) -> Iterator[tuple[str, str, Dimensions]]:
    about = _about(event)
    if event.verdict in _WORKS:
        yield "LC0222", "Environment validation succeeded", about
        return
    reason = event.problem.message if event.problem else next((o.summary for o in event.extensions if o.summary), "")
    yield "LC0223", "Environment validation failed", about | {"failureReason": reason}
    if event.problem:
        diagnostic = {
            "diagnosticCode": event.problem.reason,
            "diagnosticMessage": event.problem.message,
            "diagnosticSeverity": "Error",
        }
        yield "LC0221", "Environment diagnostic", about | diagnostic


def _about(event: CompatibilityCheckStarted | ExtensionChecked | CompatibilityChecked) -> Dimensions:
    return {
        "environmentTenantAAD": event.project,
        "environmentName": event.environment,
        "targetVersion": event.base.partition("/")[0],
    }


def _diagnostic(finding: ExtensionFinding) -> Dimensions:
    place = f"({finding.line},{finding.column or 1})" if finding.line else ""
    return {
        "diagnosticCode": finding.code,
        "diagnosticMessage": finding.message,
        "diagnosticSeverity": _SEVERITIES[finding.severity],
        "diagnosticSourcePath": finding.file,
        "diagnosticSourceLocation": place,
    }
