"""An environment whose remediations are followed: what happens to it, and what comes of that."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from services.extension_compatibility_checker.domain import projections, remediation_clock
from services.extension_compatibility_checker.domain.environments import Environments
from services.extension_compatibility_checker.domain.notifications import Notifications, notified_environment
from services.extension_compatibility_checker.domain.projections import BasesProjection
from services.extension_compatibility_checker.domain.release_poll import ReleasePoll
from services.extension_compatibility_checker.domain.remediation_change import RemediationFacts
from services.extension_compatibility_checker.domain.state import ProjectPolicy, Remediations
from services.extension_compatibility_checker.domain.verdicts import Verdicts
from services.extension_compatibility_checker.domain.views import remediations_view
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import (
    BaseIndexed,
    CheckCompatibility,
    CompatibilityChecked,
    ExtensionChecked,
    ExtensionFinding,
    ExtensionVerdict,
    FindingSeverity,
    Level,
    Remediation,
    RemediationPolicy,
)
from shared.contracts.message import Event, Message
from shared.contracts.notifier import NobodyTold, NotificationSent, Occasion
from shared.contracts.parts import (
    ArtifactRef,
    Dependency,
    EnvironmentKind,
    Extension,
    ExtensionName,
    ExtensionScope,
    ImageContents,
    Update,
    Verdict,
)
from shared.contracts.promotion_scheduler import ReleasePublished
from shared.contracts.servicing_executor import (
    EnvironmentRegistered,
    ExtensionSetChanged,
    OperationFinished,
    OperationKind,
    Outcome,
    StagedExtension,
    StageFor,
)
from shared.kernel import Decision, Send, TimerDue

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
ENVIRONMENT, PROJECT = "contoso-prod", "contoso"
NOW_BASE, NEXT_BASE = "26.0.100.0", "27.0.200.0"
NEXT = f"{NEXT_BASE}/DE"
FILE = ArtifactRef(digest="sha256:" + "a" * 64, size=10, media_type="application/octet-stream")
FINDING = ExtensionFinding(
    code="AL0185",
    severity=FindingSeverity.BLOCKS,
    level=Level.SYMBOLS,
    file="src/Code.al",
    line=1,
    column=1,
    symbol="Vendor",
    message="It is gone.",
    suggestion="",
)
E = TypeVar("E", bound=Event)


def app(letter: str) -> str:
    return f"{letter * 8}-0000-0000-0000-000000000000"


def extension(letter: str = "a", version: str = "1.0.0.0", needs: str = "") -> Extension:
    return Extension(
        app_id=app(letter),
        name=f"App {letter}",
        publisher="Contoso",
        version=version,
        scope=ExtensionScope.TENANT,
        artifact=FILE,
        dependencies=tuple(Dependency(app_id=app(one), minimum_version="1.0.0.0") for one in needs),
    )


def verdict_on(one: Extension, verdict: Verdict) -> ExtensionVerdict:
    name = one.model_dump(include=set(ExtensionName.model_fields))
    return ExtensionVerdict(**name, verdict=verdict, blocking=0, summary="")


@dataclass
class Story:
    """`day` counts from the start; timers fire on the way to each day, as they do in the kernel."""

    look_ahead: timedelta = timedelta(days=1)
    policy: RemediationPolicy | None = None
    now: datetime = START
    state: Remediations | None = None
    bases: BasesProjection | None = None
    events: list[Event] = field(default_factory=list)
    asked: list[CheckCompatibility] = field(default_factory=list)
    timers: dict[str, datetime] = field(default_factory=dict)
    sequence: int = 0

    def __post_init__(self) -> None:
        self.environments = Environments(self.look_ahead)
        self.verdicts = Verdicts(self.look_ahead)
        self.notifications = Notifications(self.look_ahead)
        self.poll = ReleasePoll(self.look_ahead)

    # -- what happens

    def at(self, day: float, *, down: bool = False) -> "Story":
        """Go on to a day. While the service is down no timer fires; all that are due do when it is up again."""
        until = START + timedelta(days=day)
        if down:
            self.now = until
        while (due := min(self.timers.items(), key=lambda item: item[1], default=("", until)))[1] <= until and due[0]:
            self._fire(due[0], due[1])
        self.now = until
        return self

    def _fire(self, name: str, due: datetime) -> None:
        self.now = max(self.now, due)
        del self.timers[name]
        assert self.state
        decide = {"clock": remediation_clock.clock, "look": self.poll.poll_releases}[name]
        self._take(decide(self.state, TimerDue(name, "", due), self._facts(), self.now))

    def registered(self) -> "Story":
        told = EnvironmentRegistered(
            environment=ENVIRONMENT, project=PROJECT, environment_kind=EnvironmentKind.PRODUCTION, country="DE"
        )
        return self._take(self.environments.registered(self.state, self._from_executor(told), self._facts(), self.now))

    def running(
        self,
        base_version: str | None = NOW_BASE,
        *,
        operation: str = "operation",
        kind: OperationKind = OperationKind.ROLL_OUT,
        outcome: Outcome = Outcome.SUCCEEDED,
        removed: str = "",
    ) -> "Story":
        contents = ImageContents(
            platform_package="contoso/platform",
            customization_package=None,
            platform_version="7.0.1.1",
            application_version="10.0.1.1",
            base_version=base_version,
            modules=(),
            dropped=(),
        )
        told = OperationFinished(
            environment=ENVIRONMENT,
            project=PROJECT,
            environment_kind=EnvironmentKind.PRODUCTION,
            operation=operation,
            operation_kind=kind,
            outcome=outcome,
            update_name=None,
            package=None,
            promotion=None,
            running=Update(name="update", image="sha256:" + "b" * 64, contents=contents),
            removed_extensions=tuple(map(app, removed)),
            accepted_at=self.now,
            finished_at=self.now,
            downtime_seconds=None,
            steps=(),
            log=None,
            problem=None,
        )
        message = self._from_executor(told)
        return self._take(self.environments.operation_finished(self.state, message, self._facts(), self.now))

    def set(
        self,
        version: int,
        *extensions: Extension,
        staged: tuple[Extension, ...] = (),
        stage_for: StageFor = StageFor.NEXT_MAJOR,
        operation: str = "operation",
    ) -> "Story":
        told = ExtensionSetChanged(
            environment=ENVIRONMENT,
            project=PROJECT,
            set_version=version,
            extensions=extensions,
            staged=tuple(StagedExtension(extension=one, stage_for=stage_for) for one in staged),
            operation=operation,
        )
        return self._take(self.environments.set_changed(self.state, self._from_executor(told), self._facts(), self.now))

    def checked(
        self, version: int, *judged: tuple[Extension, Verdict], base: str = NEXT, again: bool = False
    ) -> "Story":
        """A check tells of each extension, then of all; said `again` it tells of all alone."""
        verdicts = [verdict_on(one, verdict) for one, verdict in judged]
        failed = Verdict.CHECK_FAILED in [one.verdict for one in verdicts]
        report = None if failed else FILE
        for one in () if again else verdicts:
            told = ExtensionChecked(
                environment=ENVIRONMENT,
                project=PROJECT,
                set_version=version,
                base=base,
                extension=one,
                findings=(FINDING,) if one.verdict is Verdict.INCOMPATIBLE else (),
                report=report,
                reused=False,
            )
            self._take(self.verdicts.extension_checked(self.state, self._envelope(told), self._facts(), self.now))
        answer = CompatibilityChecked(
            environment=ENVIRONMENT,
            project=PROJECT,
            set_version=version,
            base=base,
            verdict=Verdict.CHECK_FAILED if failed else Verdict.INCOMPATIBLE,
            extensions=tuple(verdicts),
            report=report,
            operation=None,
            promotion=None,
        )
        return self._take(
            self.verdicts.compatibility_checked(self.state, self._envelope(answer), self._facts(), self.now)
        )

    def told(
        self,
        letter: str = "a",
        *,
        base: str = NEXT,
        occasion: Occasion = Occasion.EXTENSION_INCOMPATIBLE,
        sent_at: datetime | None = None,
    ) -> "Story":
        message = NotificationSent(
            project=PROJECT,
            environment=ENVIRONMENT,
            notification=f"{PROJECT}/1",
            occasion=occasion,
            address="ada@contoso.example",
            message_id="1",
            sent_at=sent_at or self.now,
            app_id=app(letter),
            base=base,
        )
        if notified_environment(message) is None:
            return self
        return self._take(
            self.notifications.notification_sent(self.state, self._envelope(message), self._facts(), self.now)
        )

    def nobody(self, letter: str = "a", *, base: str = NEXT, time: datetime | None = None) -> "Story":
        message = NobodyTold(
            project=PROJECT,
            environment=ENVIRONMENT,
            notification=f"{PROJECT}/1",
            occasion=Occasion.EXTENSION_INCOMPATIBLE,
            app_id=app(letter),
            base=base,
        )
        told = Envelope(id="1", source="test", time=time or self.now, data=message)
        return self._take(self.notifications.nobody_told(self.state, told, self._facts(), self.now))

    def released(self, version: str, base_version: str | None, *, indexed: bool = True) -> "Story":
        told = ReleasePublished(
            version=version,
            package="contoso/platform",
            platform_version="7.0.1.1",
            application_version="10.0.1.1",
            base_version=base_version,
            published_at=self.now,
        )
        self.bases = projections.release_published(self.bases, self._envelope(told), None, self.now).state_after(
            self.bases
        )
        if indexed and base_version:
            base = BaseIndexed(base=f"{base_version}/DE", packages=())
            self.bases = projections.base_indexed(self.bases, self._envelope(base), None, self.now).state_after(
                self.bases
            )
        return self

    # -- what comes of it

    def of(self, event: type[E]) -> list[E]:
        """The events of one type."""
        return [one for one in self.events if isinstance(one, event)]

    @property
    def view(self) -> list[Remediation]:
        """The remediations as others see them."""
        assert self.state
        shown = remediations_view(ENVIRONMENT, self.state)
        return list(shown.remediations) if shown else []

    def _facts(self) -> RemediationFacts:
        return RemediationFacts(ProjectPolicy(project=PROJECT, policy=self.policy) if self.policy else None, self.bases)

    def _take(self, decision: Decision[Remediations]) -> "Story":
        self.state = decision.state_after(self.state)
        self.events += decision.events
        for command in decision.commands:
            data = command.command if isinstance(command, Send) else command
            assert isinstance(data, CheckCompatibility)
            self.asked.append(data)
        for name, due in decision.timers.items():
            self.timers.pop(name, None)
            if due is not None:
                self.timers[name] = due
        return self

    M = TypeVar("M", bound=Message)

    def _envelope(self, message: M) -> Envelope[M]:
        return Envelope(id="1", source="test", time=self.now, data=message)

    def _from_executor(self, message: M) -> Envelope[M]:
        self.sequence += 1
        return Envelope(id="1", source="test", time=self.now, data=message, sequence=self.sequence)
