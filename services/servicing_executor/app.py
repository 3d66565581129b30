"""servicing-executor: what it takes, what becomes due, what it does."""

from datetime import timedelta
from pathlib import Path
from typing import Literal

from services.servicing_executor.domain import (
    answers,
    closing,
    extensions,
    facts,
    health,
    images,
    interventions,
    maintenance,
    recovery,
    registration,
    releases,
    restarts,
    sign_off,
    state,
    updates,
    views,
)
from services.servicing_executor.domain.projections import built_images, packages, platforms, promotions, rollouts
from services.servicing_executor.domain.work import STEP_ATTEMPTS, closing_retried_for, step_retried_for
from services.servicing_executor.free_space import FreeSpace
from services.servicing_executor.observer import Observer
from services.servicing_executor.runtimes.application import REFERENCE_APPLICATION, load_application
from services.servicing_executor.runtimes.instant import InstantRuntime
from services.servicing_executor.runtimes.local import LocalRuntime
from services.servicing_executor.runtimes.port import Runtime
from services.servicing_executor.runtimes.postgres import PostgresCluster
from services.servicing_executor.steps import Steps
from shared.artifacts.folder import FolderStore
from shared.artifacts.port import ArtifactStore
from shared.contracts.common import CommandRejected
from shared.contracts.extension_compatibility_checker import CompatibilityChecked
from shared.contracts.image_builder import ImageBuildFailed, ImageBuilt
from shared.contracts.package_validator import (
    PackageCheckFailed,
    PackageQuarantined,
    PackageRejected,
    PackageRetired,
    PackageSubmitted,
    PackageValidated,
)
from shared.contracts.promotion_scheduler import (
    CandidateMarked,
    PromotionCancelled,
    PromotionCompleted,
    PromotionFailed,
    PromotionRefused,
    PromotionScheduled,
    PromotionStarted,
    ReleasePublished,
    RolloutFinished,
    RolloutPlanned,
    RolloutSkipped,
    RolloutStarted,
)
from shared.contracts.registry import CATALOGUE
from shared.contracts.servicing_executor import (
    ApplyImage,
    ApplyRelease,
    ApplyUpdate,
    CancelOperation,
    DisableMaintenanceMode,
    EnableMaintenanceMode,
    InstallExtension,
    RegisterEnvironment,
    ReportServices,
    RestartService,
    ResumeOperation,
    RollBackOperation,
    SignOffUpdate,
    StageExtension,
    UninstallExtension,
    UnstageExtension,
)
from shared.kernel.app import Aggregate, Fact, Load, On, OnTimer, OnWork, Service, Settings, make_service, run

ENVIRONMENTS = Aggregate(
    "environments",
    state.Environment,
    view=views.environment_view,
    beside=lambda id_, environment: environment.updates,
    version=2,
)
PACKAGES = Aggregate("known_packages", packages.ApplicablePackageProjection)
IMAGES = Aggregate("known_images", built_images.ImageProjection)
RELEASES = Aggregate("known_releases", platforms.PlatformReleaseProjection)
PLATFORMS = Aggregate("known_platforms", platforms.PlatformReleaseProjection)
PROMOTIONS = Aggregate("known_promotions", promotions.PromotionProjection)
ROLLOUTS = Aggregate("known_rollouts", rollouts.RolloutProjection)

PACKAGE_FACTS = Load(
    facts.PackageFacts,
    package=Fact(PACKAGES, lambda command, environment: command.package),
    release=Fact(RELEASES, lambda command, environment: command.package),
)
IMAGE_FACTS = Load(
    facts.ImageFacts,
    image=Fact(IMAGES, lambda command, environment: command.image),
    promotion=Fact(PROMOTIONS, lambda command, environment: command.promotion),
)
ROLLOUT_FACTS = Load(
    facts.RolloutFacts,
    package=Fact(PACKAGES, lambda command, environment: command.package),
    release=Fact(RELEASES, lambda command, environment: command.package),
    rollout=Fact(ROLLOUTS, lambda command, environment: command.environment),
)
MARKED_FACTS = Load(built_images.SandboxFacts, sandbox=Fact(ENVIRONMENTS, lambda told, image: told.environment))
SCHEDULED_FACTS = Load(built_images.SandboxFacts, sandbox=Fact(ENVIRONMENTS, lambda told, image: told.sandbox))
VERSIONS_FACTS = Load(
    packages.SameVersionsFacts,
    release=Fact(PLATFORMS, lambda told, package: platforms.versions_of(told.contents)),
)

BUILDER, CHECKER = "image-builder", "extension-compatibility-checker"

STEP_LIMIT = timedelta(hours=3)
"""Above the time limit of every step: a step ends itself, and says why."""


class ExecutorSettings(Settings):
    """What the executor needs to know beside what every service does."""

    artifacts: Path = Path(".drydock/artifacts")
    environments: Path = Path(".drydock/environments")
    runtime: Literal["local", "instant"] = "local"
    """`instant` does nothing and says so: for measuring what everything around it costs."""
    application: str = REFERENCE_APPLICATION
    """What an environment of the local runtime consists of, as `module:function`."""
    hold_above: int | None = None
    """Size of a database, in bytes, above which a failed operation waits for a person; None: it never does."""


def make(settings: Settings) -> Service:
    """The table of servicing-executor."""
    assert isinstance(settings, ExecutorSettings)
    artifacts = FolderStore(settings.artifacts)
    free_space = FreeSpace(settings.environments, artifacts) if settings.runtime == "local" else None
    steps = Steps(_runtime(settings, artifacts), artifacts, settings.hold_above, free_space)
    return make_service(
        "servicing-executor",
        CATALOGUE,
        On(RegisterEnvironment, ENVIRONMENTS, registration.register_environment, facts=PACKAGE_FACTS),
        On(ApplyUpdate, ENVIRONMENTS, updates.apply_update, facts=PACKAGE_FACTS, needs_state=True),
        On(ApplyImage, ENVIRONMENTS, images.apply_image, facts=IMAGE_FACTS, needs_state=True),
        On(ApplyRelease, ENVIRONMENTS, releases.apply_release, facts=ROLLOUT_FACTS, needs_state=True),
        On(RestartService, ENVIRONMENTS, restarts.restart_service, needs_state=True),
        On(EnableMaintenanceMode, ENVIRONMENTS, maintenance.enable_maintenance_mode, needs_state=True),
        On(DisableMaintenanceMode, ENVIRONMENTS, maintenance.disable_maintenance_mode, needs_state=True),
        On(InstallExtension, ENVIRONMENTS, extensions.install_extension, needs_state=True),
        On(StageExtension, ENVIRONMENTS, extensions.stage_extension, needs_state=True),
        On(UnstageExtension, ENVIRONMENTS, extensions.unstage_extension, needs_state=True),
        On(UninstallExtension, ENVIRONMENTS, extensions.uninstall_extension, needs_state=True),
        On(CancelOperation, ENVIRONMENTS, interventions.cancel_operation, needs_state=True),
        On(ResumeOperation, ENVIRONMENTS, interventions.resume_operation, needs_state=True),
        On(RollBackOperation, ENVIRONMENTS, interventions.roll_back_operation, needs_state=True),
        On(SignOffUpdate, ENVIRONMENTS, sign_off.sign_off_update, needs_state=True),
        On(ImageBuilt, ENVIRONMENTS, answers.image_built, needs_state=True),
        On(ImageBuildFailed, ENVIRONMENTS, answers.image_build_failed, needs_state=True),
        On(CompatibilityChecked, ENVIRONMENTS, answers.compatibility_checked, needs_state=True),
        *(
            On(CommandRejected, ENVIRONMENTS, answers.question_refused, key=_asked_by, sender=asked, needs_state=True)
            for asked in (BUILDER, CHECKER)
        ),
        On(ReportServices, ENVIRONMENTS, health.report_services, needs_state=True),
        OnTimer("recover", ENVIRONMENTS, recovery.recover, needs_state=True),
        OnTimer("answer", ENVIRONMENTS, answers.answer_overdue, needs_state=True),
        OnTimer("hold", ENVIRONMENTS, interventions.hold_expired, needs_state=True),
        OnWork(
            "step",
            ENVIRONMENTS,
            steps.run_step,
            answers.step_ended,
            limit=STEP_LIMIT,
            attempts=STEP_ATTEMPTS,
            retry_for=step_retried_for,
            needs_state=True,
        ),
        OnWork("closing", ENVIRONMENTS, steps.close, closing.closed, retry_for=closing_retried_for, needs_state=True),
        On(PackageSubmitted, PACKAGES, packages.package_submitted),
        On(PackageValidated, PACKAGES, packages.package_validated, facts=VERSIONS_FACTS),
        On(PackageRejected, PACKAGES, packages.package_rejected),
        On(PackageCheckFailed, PACKAGES, packages.package_check_failed),
        On(PackageQuarantined, PACKAGES, packages.package_quarantined),
        On(PackageRetired, PACKAGES, packages.package_retired),
        On(ImageBuilt, IMAGES, built_images.image_built, key=lambda built: built.image),
        On(CandidateMarked, IMAGES, built_images.candidate_marked, key=_image_of, facts=MARKED_FACTS),
        On(PromotionScheduled, IMAGES, built_images.candidate_scheduled, key=_image_of, facts=SCHEDULED_FACTS),
        On(PromotionScheduled, PROMOTIONS, promotions.promotion_scheduled, key=_promotion_of),
        On(PromotionStarted, PROMOTIONS, promotions.promotion_started, key=_promotion_of),
        On(PromotionCompleted, PROMOTIONS, promotions.promotion_completed, key=_promotion_of),
        On(PromotionFailed, PROMOTIONS, promotions.promotion_failed, key=_promotion_of),
        On(PromotionCancelled, PROMOTIONS, promotions.promotion_cancelled, key=_promotion_of),
        On(PromotionRefused, PROMOTIONS, promotions.promotion_refused, key=_promotion_of),
        On(RolloutPlanned, ROLLOUTS, rollouts.rollout_planned),
        On(RolloutStarted, ROLLOUTS, rollouts.rollout_started),
        On(RolloutFinished, ROLLOUTS, rollouts.rollout_finished),
        On(RolloutSkipped, ROLLOUTS, rollouts.rollout_skipped),
        On(ReleasePublished, RELEASES, platforms.release_published, key=lambda told: told.package),
        On(ReleasePublished, PLATFORMS, platforms.release_published, key=platforms.released_versions),
        observer=Observer(_installed(settings)) if settings.runtime == "local" else None,
    )


def _image_of(told: CandidateMarked | PromotionScheduled) -> str:
    return told.update.image


def _promotion_of(told: promotions.PromotionEvent) -> str:
    return told.promotion


def _asked_by(refused: CommandRejected) -> str:
    """Both commands that the executor sends have the environment as their key."""
    return refused.command_key


def _installed(settings: ExecutorSettings) -> Path:
    """The folder of the local runtime's environments."""
    return settings.environments / "installed"


def _runtime(settings: ExecutorSettings, artifacts: ArtifactStore) -> Runtime:
    if settings.runtime == "instant":
        return InstantRuntime(settings.environments / "instant")
    application = load_application(settings.application)
    cluster = PostgresCluster(settings.environments / "postgres")
    return LocalRuntime(_installed(settings), artifacts, application, cluster)


if __name__ == "__main__":
    run(make, ExecutorSettings())
