"""The story that the tests tell: Contoso's sandbox has an update, and it goes to production."""

from datetime import UTC, datetime, timedelta

from services.promotion_scheduler.domain.projections import ServicedEnvironmentProjection
from services.promotion_scheduler.domain.promotion_checking import PromotionChecking
from services.promotion_scheduler.domain.promotion_scheduling import PromotionScheduling, ScheduleFacts
from services.promotion_scheduler.domain.state import Candidate, Promotion
from services.promotion_scheduler.domain.terms import PromotionTerms
from shared.contracts.envelope import Envelope, M
from shared.contracts.extension_compatibility_checker import CompatibilityChecked, ExtensionVerdict
from shared.contracts.message import Event
from shared.contracts.parts import (
    ArtifactRef,
    EnvironmentKind,
    Extension,
    ExtensionScope,
    ImageContents,
    Module,
    Problem,
    Update,
    Verdict,
)
from shared.contracts.promotion_scheduler import SchedulePromotion
from shared.contracts.servicing_executor import OperationAccepted, OperationFinished, OperationKind, Outcome
from shared.kernel import Decision

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TONIGHT = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
PRODUCTION, SANDBOX = "contoso-prod", "contoso-test"
COMMAND = "019aa5d0-0c55-7d52-8a41-6a0b1c9e2f42"
PROMOTION = f"{PRODUCTION}/{COMMAND}"
APP = "5f0c2a57-3a0f-4c7e-9a63-0d1f6b7c8e21"
OLD_BASE, NEW_BASE = "26.0.1.0", "27.0.38460.0"

TERMS = PromotionTerms(
    start_within=timedelta(minutes=30), expected_downtime=timedelta(hours=3), check_within=timedelta(minutes=10)
)
SCHEDULING, CHECKING = PromotionScheduling(TERMS), PromotionChecking(TERMS)

EXTENSION = Extension(
    app_id=APP,
    name="Contoso Freight",
    publisher="Contoso Ltd.",
    version="4.2.0.17",
    scope=ExtensionScope.TENANT,
    artifact=ArtifactRef(digest=f"sha256:{'e' * 64}", size=1000, media_type="application/octet-stream"),
    dependencies=(),
)


def envelope(data: M, *, id: str = COMMAND, sequence: int | None = None, actor: str = "ada") -> Envelope[M]:  # noqa: A002
    """A message as it arrives."""
    return Envelope(id=id, source="test", time=NOW, data=data, sequence=sequence, actor=actor)


def update(
    name: str = "November release",
    *,
    digit: str = "1",
    application: str = "10.0.44.1",
    base: str | None = None,
    dropped: tuple[str, ...] = (),
) -> Update:
    """An update with an image of its own for each `digit`."""
    contents = ImageContents(
        platform_package="contoso/service-update-10.0.44",
        customization_package="contoso/contoso-2026.11",
        platform_version="7.0.7690.21",
        application_version=application,
        base_version=base,
        modules=(Module(name="ContosoSales", version="1.0.0.0"),),
        dropped=dropped,
    )
    return Update(name=name, image=f"sha256:{digit * 64}", contents=contents)


def production(
    *,
    running: Update | None = None,
    extensions: tuple[Extension, ...] = (),
    set_version: int = 0,
    durations: tuple[float, ...] = (),
) -> ServicedEnvironmentProjection:
    """Production, on an older update unless told otherwise."""
    return ServicedEnvironmentProjection(
        sequence=1,
        project="contoso",
        kind=EnvironmentKind.PRODUCTION,
        country="DE",
        running=running or update("Initial deployment", digit="0", base=OLD_BASE),
        extensions=extensions,
        set_version=set_version,
        durations=durations,
    )


def sandbox(project: str = "contoso", kind: EnvironmentKind = EnvironmentKind.SANDBOX) -> ServicedEnvironmentProjection:
    """The sandbox that the candidate comes from."""
    return ServicedEnvironmentProjection(sequence=1, project=project, kind=kind, country="DE", running=update())


def candidate(of: Update | None = None) -> Candidate:
    """A marked update."""
    return Candidate(environment=SANDBOX, project="contoso", update=of or update(), marked_at=NOW, actor="ada")


def facts(**changed: object) -> ScheduleFacts:
    """What is known when everything is fine, but for what is `changed`."""
    values: dict[str, object] = {"production": production(), "sandbox": sandbox(), "candidate": candidate()}
    return ScheduleFacts(**{**values, **changed})  # type: ignore[arg-type]  # the names are those of the fields


def schedule_command(start: datetime = TONIGHT, acknowledge: tuple[str, ...] = ()) -> SchedulePromotion:
    """The command that schedules the promotion."""
    return SchedulePromotion(
        environment=PRODUCTION,
        sandbox=SANDBOX,
        update_name="November release",
        start=start,
        acknowledge_unverifiable=acknowledge,
    )


def scheduled(start: datetime = TONIGHT) -> Promotion:
    """A promotion that waits for its start."""
    return state_of(SCHEDULING.schedule(None, envelope(schedule_command(start)), facts(), NOW))


def facts_with_extensions(set_version: int = 3) -> ScheduleFacts:
    """The candidate brings a new base, and production has an extension."""
    return facts(
        production=production(extensions=(EXTENSION,), set_version=set_version),
        candidate=candidate(update(base=NEW_BASE)),
    )


def checking(acknowledge: tuple[str, ...] = ()) -> Promotion:
    """A promotion whose extensions are checked, at set version 3."""
    command = schedule_command(acknowledge=acknowledge)
    return state_of(SCHEDULING.schedule(None, envelope(command), facts_with_extensions(), NOW))


def checked(verdict: Verdict, *, set_version: int = 3, promotion: str | None = PROMOTION) -> CompatibilityChecked:
    """The checker's answer about the one extension."""
    judged = ExtensionVerdict(
        app_id=APP,
        name="Contoso Freight",
        publisher="Contoso Ltd.",
        version="4.2.0.17",
        verdict=verdict,
        blocking=0,
        summary="its event is gone",
    )
    return CompatibilityChecked(
        environment=PRODUCTION,
        project="contoso",
        set_version=set_version,
        base=f"{NEW_BASE}/DE",
        verdict=verdict,
        extensions=(judged,),
        report=None,
        operation=None,
        promotion=promotion,
    )


def accepted(
    kind: OperationKind = OperationKind.PROMOTE,
    *,
    environment: str = PRODUCTION,
    operation: str = "operation-1",
    name: str | None = "November release",
    promotion: str | None = PROMOTION,
) -> OperationAccepted:
    """The executor has begun."""
    return OperationAccepted(
        environment=environment,
        project="contoso",
        operation=operation,
        operation_kind=kind,
        update_name=name,
        package=None,
        image=None,
        promotion=promotion if kind is OperationKind.PROMOTE else None,
        changes=None,
        steps=(),
    )


def finished(
    outcome: Outcome = Outcome.SUCCEEDED,
    kind: OperationKind = OperationKind.PROMOTE,
    *,
    environment: str = PRODUCTION,
    name: str | None = "November release",
    running: Update | None = None,
    downtime: float | None = 60.0,
    promotion: str | None = PROMOTION,
    problem: Problem | None = None,
) -> OperationFinished:
    """The executor has ended."""
    production = environment == PRODUCTION
    return OperationFinished(
        environment=environment,
        project="contoso",
        environment_kind=EnvironmentKind.PRODUCTION if production else EnvironmentKind.SANDBOX,
        operation="operation-1",
        operation_kind=kind,
        outcome=outcome,
        update_name=name,
        package=None,
        promotion=promotion if kind is OperationKind.PROMOTE else None,
        running=running or update(),
        accepted_at=NOW,
        finished_at=NOW,
        downtime_seconds=downtime,
        steps=(),
        log=None,
        problem=problem,
    )


def state_of(decision: Decision[Promotion]) -> Promotion:
    """The promotion after a decision."""
    assert decision.state
    return decision.state


def only(decision: Decision[Promotion]) -> Event:
    """The one event of a decision."""
    [event] = decision.events
    return event
