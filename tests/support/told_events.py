"""Events that recipients are told, as other services send them; for the tests of the notifier."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contracts.envelope import new_id
from shared.contracts.extension_compatibility_checker import (
    ExtensionFinding,
    ExtensionIncompatible,
    ExtensionVerdict,
    FindingSeverity,
    Level,
    RemediationDates,
    RemediationEnded,
    RemediationEnding,
    RemediationReminded,
    RemediationStarted,
    RemovalDue,
)
from shared.contracts.parts import (
    ArtifactRef,
    Downtime,
    EnvironmentKind,
    ExtensionName,
    ImageContents,
    Problem,
    Update,
    Verdict,
)
from shared.contracts.promotion_scheduler import (
    PromotionCancelled,
    PromotionRefused,
    PromotionScheduled,
    RolloutFinished,
    RolloutPlanned,
    RolloutSkipped,
)
from shared.contracts.servicing_executor import (
    EnvironmentStatus,
    EnvironmentStatusChanged,
    OperationAccepted,
    OperationFinished,
    OperationHeld,
    OperationKind,
    Outcome,
)

AT = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
DIGEST = f"sha256:{'0' * 64}"
APP = "5f0c2a57-3a0f-4c7e-9a63-0d1f6b7c8e21"
FAULT = Problem(reason="STEP_FAILED", message="migration 020_price.sql: column <price> exists already")


def update(name: str = "November release") -> Update:
    """An update of application 10.0.2177.37."""
    contents = ImageContents(
        platform_package="contoso/platform",
        customization_package="contoso/contoso-2026.11",
        platform_version="7.0.7521.60",
        application_version="10.0.2177.37",
        base_version=None,
        modules=(),
        dropped=(),
    )
    return Update(name=name, image=DIGEST, contents=contents)


def accepted(project: str, environment: str = "contoso-test", **values: Any) -> OperationAccepted:
    """An update takes hold of an environment."""
    return OperationAccepted(
        **{
            "environment": environment,
            "project": project,
            "operation": new_id(),
            "operation_kind": OperationKind.APPLY,
            "update_name": "November release",
            "package": f"{project}/contoso-2026.11",
            "image": None,
            "promotion": None,
            "changes": None,
            "steps": ("build-image", "stop-services"),
            **values,
        }
    )


def status_changed(
    begun: OperationAccepted,
    previous: EnvironmentStatus = EnvironmentStatus.QUEUED,
    status: EnvironmentStatus = EnvironmentStatus.SERVICING,
) -> EnvironmentStatusChanged:
    """The environment of an operation goes from one status to another."""
    return EnvironmentStatusChanged(
        environment=begun.environment,
        project=begun.project,
        previous=previous,
        status=status,
        operation=begun.operation,
    )


def held(begun: OperationAccepted, deadline: datetime | None = AT + timedelta(hours=24)) -> OperationHeld:
    """An operation waits for a person."""
    return OperationHeld(
        environment=begun.environment,
        project=begun.project,
        operation=begun.operation,
        operation_kind=begun.operation_kind,
        update_name=begun.update_name,
        step="migrate-database",
        problem=FAULT,
        deadline=deadline,
    )


def finished(begun: OperationAccepted, outcome: Outcome = Outcome.SUCCEEDED, **values: Any) -> OperationFinished:
    """An operation has ended."""
    return OperationFinished(
        **{
            "environment": begun.environment,
            "project": begun.project,
            "environment_kind": EnvironmentKind.SANDBOX,
            "operation": begun.operation,
            "operation_kind": begun.operation_kind,
            "outcome": outcome,
            "update_name": begun.update_name,
            "package": begun.package,
            "promotion": begun.promotion,
            "running": update(),
            "accepted_at": AT,
            "finished_at": AT + timedelta(minutes=40),
            "downtime_seconds": 412.5,
            "steps": (),
            "log": None,
            "problem": None if outcome is Outcome.SUCCEEDED else FAULT,
            **values,
        }
    )


def scheduled(project: str, environment: str = "contoso-prod", **values: Any) -> PromotionScheduled:
    """A promotion will take place at AT, for three hours."""
    return PromotionScheduled(
        **{
            "environment": environment,
            "project": project,
            "promotion": f"{environment}/{new_id()}",
            "sandbox": "contoso-test",
            "update": update(),
            "downtime": Downtime(start=AT, end=AT + timedelta(hours=3)),
            **values,
        }
    )


def cancelled(planned: PromotionScheduled) -> PromotionCancelled:
    """A scheduled promotion will not take place."""
    return PromotionCancelled(
        environment=planned.environment,
        project=planned.project,
        promotion=planned.promotion,
        sandbox=planned.sandbox,
        update=planned.update,
        downtime=planned.downtime,
        problem=Problem(reason="OPERATION_RUNNING", message="contoso-prod is in maintenance mode"),
    )


def refused(project: str, environment: str = "contoso-prod", **values: Any) -> PromotionRefused:
    """A promotion that an incompatible extension stands in the way of."""
    verdict = ExtensionVerdict(
        **EXTENSION.model_dump(), verdict=Verdict.INCOMPATIBLE, blocking=3, summary="table <Vendor> is gone"
    )
    planned = scheduled(project, environment)
    return PromotionRefused(
        **{
            **{name: getattr(planned, name) for name in ("environment", "project", "promotion", "sandbox", "update")},
            "start": AT,
            "problem": Problem(reason="EXTENSIONS_INCOMPATIBLE", message="1 extension(s) do not work with base 27.0"),
            "extensions": (verdict,),
            **values,
        }
    )


def incompatible(
    project: str, environment: str = "contoso-prod", count: int = 2, **values: Any
) -> ExtensionIncompatible:
    """An extension with `count` blocking findings and a warning."""
    findings = [finding(FindingSeverity.BLOCKS, line) for line in range(1, count + 1)]
    return ExtensionIncompatible(
        **{
            "environment": environment,
            "project": project,
            "set_version": 3,
            "base": "27.0.38460.0/DE",
            "extension": ExtensionName(
                app_id=APP, name="Contoso Freight", publisher="Contoso Ltd.", version="4.2.0.17"
            ),
            "findings": (*findings, finding(FindingSeverity.WARNS, 99)),
            "report": ArtifactRef(digest=DIGEST, size=10, media_type="application/json"),
            **values,
        }
    )


EXTENSION = ExtensionName(app_id=APP, name="Contoso Freight", publisher="Contoso Ltd.", version="4.2.0.17")
DEPENDENT = ExtensionName(
    app_id="7a2e1f7c-91d7-4f0e-8f0a-0c4a52f1c9d3", name="Contoso Labels", publisher="Contoso Ltd.", version="1.0.0.3"
)
DATES = RemediationDates(
    detected_at=AT - timedelta(days=61),
    first_notified_at=AT - timedelta(days=60),
    removal_due_at=AT + timedelta(days=30),
)
WINDOW_MISSED = Problem(reason="WINDOW_MISSED", message="the window closed before the update could start")


def _remediation(project: str, **values: Any) -> dict[str, Any]:
    return {
        "environment": "contoso-prod",
        "project": project,
        "extension": EXTENSION,
        "base": "27.0.38460.0/DE",
        "target_major": 27,
        "dates": DATES,
        **values,
    }


def remediation_started(project: str, **values: Any) -> RemediationStarted:
    """The clock of Contoso Freight runs: 60 days ago it was told first, in 30 days it is removed."""
    return RemediationStarted(**_remediation(project, **values))


def reminded(project: str, **values: Any) -> RemediationReminded:
    """Contoso Freight is still not compatible, 30 days before its removal."""
    return RemediationReminded(
        **_remediation(
            project,
            **{
                "reminder": 2,
                "findings": incompatible(project).findings,
                "report": ArtifactRef(digest=DIGEST, size=10, media_type="application/json"),
                **values,
            },
        )
    )


def removal_due(project: str, **values: Any) -> RemovalDue:
    """The time of Contoso Freight is over; Contoso Labels needs it."""
    return RemovalDue(**_remediation(project, **{"set_version": 3, "dependents": (DEPENDENT,), **values}))


def remediation_ended(
    project: str, ending: RemediationEnding = RemediationEnding.FIXED, **values: Any
) -> RemediationEnded:
    """The clock of Contoso Freight has stopped."""
    return RemediationEnded(**_remediation(project, **{"ending": ending, **values}))


def planned(project: str, **values: Any) -> RolloutPlanned:
    """Production gets a release in the night, without Contoso Labels and Contoso Freight."""
    return RolloutPlanned(
        **{
            "environment": "contoso-prod",
            "project": project,
            "release": "27.0",
            "package": f"{project}/release-27.0",
            "start": AT + timedelta(hours=22),
            "end": AT + timedelta(hours=32),
            "remove_extensions": (DEPENDENT.app_id, APP),
            "set_version": 3,
            **values,
        }
    )


def skipped(project: str, **values: Any) -> RolloutSkipped:
    """The release comes a day later."""
    return RolloutSkipped(
        **{
            "environment": "contoso-prod",
            "project": project,
            "release": "27.0",
            "problem": WINDOW_MISSED,
            "next_start": AT + timedelta(hours=46),
            **values,
        }
    )


def rolled_out(project: str, **values: Any) -> RolloutFinished:
    """The release is there."""
    return RolloutFinished(
        **{
            "environment": "contoso-prod",
            "project": project,
            "release": "27.0",
            "operation": new_id(),
            "problem": None,
            "next_start": None,
            **values,
        }
    )


def finding(severity: FindingSeverity, line: int, **values: Any) -> ExtensionFinding:
    """A finding about one line."""
    return ExtensionFinding(
        **{
            "code": "AL0270",
            "severity": severity,
            "level": Level.SYMBOLS,
            "file": "src/Item<Card>.al",
            "line": line,
            "column": 9,
            "symbol": "Page Item Card",
            "before": "field(Item; Rec.Item)",
            "after": "",
            "message": f"The control 'Item' is not found in the target 'Item Card' (line {line})",
            "suggestion": "Use the control 'No.'",
            **values,
        }
    )
