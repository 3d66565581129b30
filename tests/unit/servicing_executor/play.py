"""One environment from decision to decision: a machine does what the decisions ask for, and remembers it.

Pure: work ends at once, other services answer at once, and any step can be made to fail.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, uuid5

from services.servicing_executor.domain import answers, closing
from services.servicing_executor.domain.facts import ImageFacts, PackageFacts, RolloutFacts
from services.servicing_executor.domain.images import apply_image
from services.servicing_executor.domain.plans import StepName
from services.servicing_executor.domain.projections.built_images import DeployedCandidate, ImageProjection
from services.servicing_executor.domain.projections.packages import ApplicablePackageProjection
from services.servicing_executor.domain.projections.platforms import PlatformReleaseProjection
from services.servicing_executor.domain.projections.promotions import PromotionProjection
from services.servicing_executor.domain.projections.rollouts import RolloutProjection, RolloutStage
from services.servicing_executor.domain.releases import apply_release
from services.servicing_executor.domain.state import Environment
from services.servicing_executor.domain.work import ClosingDone, ClosingInput, StepDone, StepInput
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import CheckCompatibility, CompatibilityChecked, ExtensionVerdict
from shared.contracts.image_builder import BuildImage, ImageBuildFailed, ImageBuilt
from shared.contracts.message import Command, Event, Message
from shared.contracts.package_validator import PackageStatus
from shared.contracts.parts import (
    ArtifactRef,
    Dependency,
    EnvironmentKind,
    Extension,
    ExtensionScope,
    ImageContents,
    Module,
    PackageContents,
    PackageKind,
    Problem,
    Update,
    Verdict,
)
from shared.contracts.promotion_scheduler import PromotionStatus
from shared.contracts.servicing_executor import (
    ApplyImage,
    ApplyRelease,
    EnvironmentStatus,
    OperationFinished,
    StagedExtension,
    StageFor,
)
from shared.kernel import Decision, Failure, Send, WorkEnded

NOW = datetime(2026, 11, 21, 22, tzinfo=UTC)
LATER = NOW + timedelta(minutes=30)
PLATFORM, NEXT = "contoso/vendor-1", "contoso/vendor-2"
CANDIDATE = DeployedCandidate(sandbox="contoso-uat", project="contoso", operation="deployed")
T = TypeVar("T", bound=Event)


def digest(text: str) -> str:
    """A digest of its own for each text."""
    return f"sha256:{(uuid5(NAMESPACE_URL, text).hex * 2)[:64]}"


def app_id(name: str) -> str:
    """The app id of the extension of a name."""
    return str(uuid5(NAMESPACE_URL, name))


def extension(name: str, version: str = "1.0", **needs: str) -> Extension:
    """An extension; `needs` are names of others with their minimum versions."""
    return Extension(
        app_id=app_id(name),
        name=name,
        publisher="Contoso",
        version=version,
        scope=ExtensionScope.TENANT,
        artifact=ArtifactRef(digest=digest(f"{name} {version}"), size=1, media_type="application/octet-stream"),
        dependencies=tuple(Dependency(app_id=app_id(one), minimum_version=least) for one, least in needs.items()),
    )


def staged(one: Extension, stage_for: StageFor = StageFor.NEXT_MAJOR) -> StagedExtension:
    """A version that waits for an update."""
    return StagedExtension(extension=one, stage_for=stage_for)


def contents(base: str | None = "26.0", *, platform: str = PLATFORM, version: str = "10.0.1") -> ImageContents:
    """What an image consists of, with a customization of one module."""
    return ImageContents(
        platform_package=platform,
        customization_package="contoso/own",
        platform_version=f"7.{version}",
        application_version=version,
        base_version=base,
        modules=(Module(name="ContosoSales", version="1.0"),),
        dropped=(),
    )


def environment(*extensions: Extension, **values: Any) -> Environment:
    """A sandbox that runs its first update."""
    return Environment(
        **{
            "id": "contoso-test",
            "project": "contoso",
            "environment_kind": EnvironmentKind.SANDBOX,
            "country": "DE",
            "status": EnvironmentStatus.DEPLOYED,
            "running": Update(name="first", image=digest("first"), contents=contents()),
            "names": ("first",),
            "extensions": extensions,
            "set_version": 7,
            **values,
        }
    )


def package_facts(
    base: str | None = "27.0",
    *,
    kind: PackageKind = PackageKind.PLATFORM,
    version: str = "10.0.2",
    release: str | None = "10.0.2",
    status: PackageStatus = PackageStatus.VALID,
) -> PackageFacts:
    """A package that is known, and the release that it is the platform of."""
    found = PackageContents(
        kind=kind,
        modules=(Module(name="ContosoSales", version="2.0"),) if kind is not PackageKind.PLATFORM else (),
        platform_modules=(),
        removed_modules=(),
        platform_version=f"7.{version}",
        application_version=version,
    )
    known = ApplicablePackageProjection(
        sequence=1,
        status=status,
        artifact=ArtifactRef(digest=digest("package"), size=1, media_type="application/zip"),
        contents=found if status is PackageStatus.VALID else None,
    )
    return PackageFacts(known, PlatformReleaseProjection(version=release, base_version=base) if release else None)


def image_facts(base: str | None = "27.0", *, version: str = "10.0.2", project: str = "contoso") -> ImageFacts:
    """A candidate's image that was built on another platform; nothing was announced of it."""
    built = ImageProjection(
        project=project, contents=contents(base, platform=NEXT, version=version), candidates=(CANDIDATE,)
    )
    return ImageFacts(built, None)


def announced_promotion(command: ApplyImage, **values: Any) -> PromotionProjection:
    """What the scheduler has announced if it sends this command now."""
    return PromotionProjection(
        **{
            "sequence": 1,
            "environment": command.environment,
            "sandbox": CANDIDATE.sandbox,
            "update_name": command.update_name,
            "image": command.image,
            "status": PromotionStatus.SCHEDULED,
            "start": NOW,
            **values,
        }
    )


def announced_rollout(command: ApplyRelease, **values: Any) -> RolloutProjection:
    """What the scheduler has announced if it sends this command now."""
    return RolloutProjection(
        **{
            "sequence": 1,
            "stage": RolloutStage.PLANNED,
            "release": command.release,
            "package": command.package,
            "start": NOW,
            "remove_extensions": command.remove_extensions,
            **values,
        }
    )


def promote(
    state: Environment, message: Envelope[ApplyImage], facts: ImageFacts, now: datetime
) -> Decision[Environment]:
    """A promotion begins as it was announced."""
    return apply_image(state, message, ImageFacts(facts.image, announced_promotion(message.data, start=now)), now)


def roll_out(
    state: Environment, message: Envelope[ApplyRelease], facts: PackageFacts, now: datetime
) -> Decision[Environment]:
    """A rollout begins as it was announced."""
    announced = announced_rollout(message.data, start=now)
    return apply_release(state, message, RolloutFacts(facts.package, facts.release, announced), now)


def envelope(data: Message, id_: str = "operation") -> Envelope[Any]:
    """A message of a user."""
    return Envelope(id=id_, source="test", time=NOW, data=data, actor="ada")


@dataclass
class Machine:
    """What an environment is in truth."""

    image: str
    database: str
    extensions: tuple[Extension, ...]
    snapshots: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def do(self, given: StepInput) -> StepDone:
        """Do a step; verifying fails unless everything is as it is to be."""
        self.log.append(given.step)
        match given.step:
            case StepName.SNAPSHOT_DATABASE:
                self.snapshots["copy"] = self.database
                return StepDone(log=digest(given.step), snapshot="copy")
            case StepName.SWITCH_RELEASE | StepName.SWITCH_BACK:
                assert given.image
                self.image = given.image
            case StepName.MIGRATE_DATABASE:
                assert given.image
                self.database = given.image
            case StepName.RESTORE_DATABASE:
                assert given.snapshot
                self.database = self.snapshots[given.snapshot]
            case (
                StepName.SET_EXTENSIONS
                | StepName.INSTALL_EXTENSION
                | StepName.UNINSTALL_EXTENSION
                | StepName.SET_EXTENSIONS_BACK
            ):
                self.extensions = given.extensions
            case StepName.VERIFY | StepName.VERIFY_AGAIN:
                assert (self.image, self.database) == (given.image, given.image)
                assert set(self.extensions) == set(given.extensions)
        return StepDone(log=digest(given.step))


class Play:
    """An environment, its machine, and all that was said."""

    def __init__(self, state: Environment) -> None:
        assert state.running
        self.state = state
        self.machine = Machine(state.running.image, state.running.image, state.extensions)
        self.events: list[Event] = []
        self.commands: list[Command] = []
        self.due: Callable[[bool], Decision[Environment]] | None = None
        """What comes next; called with whether it goes well."""
        self.half_done = False
        """A step that fails has nevertheless done what it was to do."""
        self.hold = False
        self.coming = contents("27.0", platform=NEXT, version="10.0.2")
        """What the image consists of that is built."""

    def decide(self, decision: Decision[Environment]) -> None:
        """Take a decision, and note what it wants to be done next."""
        after = decision.state_after(self.state)
        assert after
        self.state = after
        self.events += decision.events
        wanted = [*self._work(decision), *(self._asked(one) for one in decision.commands)]
        assert len(wanted) <= 1
        if wanted or after.operation is None:
            self.due = wanted[0] if wanted else None

    def command(self, function: Any, command: Command, facts: Any = None, id_: str = "operation") -> "Play":
        """Decide on a command."""
        self.decide(function(self.state, envelope(command, id_), facts, NOW))
        return self

    def go(self, *, well: bool = True) -> str:
        """Do what comes next; the step that it was, empty behind the last one."""
        assert self.due
        assert self.state.operation
        step = self.state.operation.step
        due, self.due = self.due, None
        self.decide(due(well))
        return step.name if step else ""

    def go_on(self, fail: str | None = None) -> OperationFinished:
        """Go on to the end of the operation; the step `fail` fails."""
        while self.due:
            assert self.state.operation
            step = self.state.operation.step
            self.go(well=step is None or step.name != fail)
        return self.said(OperationFinished)[-1]

    def said(self, event: type[T]) -> list[T]:
        """The events of a type."""
        return [one for one in self.events if isinstance(one, event)]

    def _work(self, decision: Decision[Environment]) -> list[Callable[[bool], Decision[Environment]]]:
        # None: it is called off
        return [self._worked(name, given) for name, given in decision.work.items() if given is not None]

    def _worked(self, name: str, given: Any) -> Callable[[bool], Decision[Environment]]:
        kind, _, argument = name.partition(":")

        def work(well: bool) -> Decision[Environment]:
            if isinstance(given, ClosingInput):
                ended = WorkEnded(kind, argument, ClosingDone(log=None) if well else None, None)
                return closing.closed(self.state, ended, None, NOW)
            assert isinstance(given, StepInput)
            if not well:
                if self.half_done and given.step not in (StepName.VERIFY, StepName.VERIFY_AGAIN):
                    self.machine.do(given)
                failure = Failure("exhausted", "the machine is away", 3)
                return answers.step_ended(self.state, WorkEnded(kind, argument, None, failure), None, NOW)
            done = self.machine.do(given)
            if done.snapshot:
                done = done.replace(hold=self.hold)
            return answers.step_ended(self.state, WorkEnded(kind, argument, done, None), None, NOW)

        return work

    def _asked(self, sent: Command | Send) -> Callable[[bool], Decision[Environment]]:
        question = sent.command if isinstance(sent, Send) else sent
        self.commands.append(question)

        def answer(well: bool) -> Decision[Environment]:
            if isinstance(question, CheckCompatibility):
                return answers.compatibility_checked(self.state, envelope(checked(question, well=well)), None, NOW)
            assert isinstance(question, BuildImage)
            if well:
                built = ImageBuilt(
                    environment=question.environment,
                    operation=question.operation,
                    image=digest(question.update_name),
                    update_name=question.update_name,
                    base_image=question.base_image,
                    contents=self.coming,
                )
                return answers.image_built(self.state, envelope(built), None, NOW)
            problem = Problem(reason="BROKEN", message="no image")
            failed = ImageBuildFailed(environment=self.state.id, operation=question.operation, problem=problem)
            return answers.image_build_failed(self.state, envelope(failed), None, NOW)

        return answer


def checked(
    asked: CheckCompatibility, *, well: bool = True, verdict: Verdict = Verdict.INCOMPATIBLE
) -> CompatibilityChecked:
    """The checker's answer: all extensions work, or all have the verdict."""
    found = Verdict.COMPATIBLE if well else verdict
    return CompatibilityChecked(
        environment=asked.environment,
        project=asked.project,
        set_version=asked.set_version,
        base=asked.base,
        verdict=found,
        extensions=tuple(
            ExtensionVerdict(
                app_id=one.app_id,
                name=one.name,
                publisher=one.publisher,
                version=one.version,
                verdict=found,
                blocking=0 if well else 1,
                summary="fine" if well else "table Customer is gone",
            )
            for one in asked.extensions
        ),
        report=None,
        operation=asked.operation,
        promotion=asked.promotion,
    )
