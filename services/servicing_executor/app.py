"""servicing-executor: what it takes, what becomes due, what it does."""

from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Literal

from services.servicing_executor.domain import (
    announced,
    answers,
    extensions,
    finish,
    interventions,
    known,
    releases,
    state,
    updates,
    upkeep,
    views,
)
from services.servicing_executor.domain.work import STEP_ATTEMPTS
from services.servicing_executor.runtimes.instant import InstantRuntime
from services.servicing_executor.runtimes.local import LocalRuntime
from services.servicing_executor.runtimes.port import Runtime
from services.servicing_executor.runtimes.postgres import PostgresCluster
from services.servicing_executor.steps import Steps
from shared.artifacts.folder import FolderStore
from shared.artifacts.port import ArtifactStore
from shared.contracts import (
    extension_compatibility_checker,
    image_builder,
    package_validator,
    promotion_scheduler,
    servicing_executor,
)
from shared.contracts.common import CommandRejected
from shared.contracts.registry import CATALOGUE
from shared.kernel.app import Aggregate, Fact, Load, On, OnTimer, OnWork, Service, Settings, make_service, run

ENVIRONMENTS = Aggregate("environments", state.Environment, view=views.environment_view)
PACKAGES = Aggregate("known_packages", known.KnownPackage)
IMAGES = Aggregate("known_images", known.KnownImage)
RELEASES = Aggregate("known_releases", known.KnownRelease)
PLATFORMS = Aggregate("known_platforms", known.KnownRelease)
PROMOTIONS = Aggregate("known_promotions", announced.AnnouncedPromotion)
ROLLOUTS = Aggregate("known_rollouts", announced.AnnouncedRollout)

PACKAGE_FACTS = Load(
    updates.PackageFacts,
    package=Fact(PACKAGES, lambda command, environment: command.package),
    release=Fact(RELEASES, lambda command, environment: command.package),
)
IMAGE_FACTS = Load(
    updates.ImageFacts,
    image=Fact(IMAGES, lambda command, environment: command.image),
    promotion=Fact(PROMOTIONS, lambda command, environment: command.promotion),
)
ROLLOUT_FACTS = Load(
    releases.RolloutFacts,
    package=Fact(PACKAGES, lambda command, environment: command.package),
    release=Fact(RELEASES, lambda command, environment: command.package),
    rollout=Fact(ROLLOUTS, lambda command, environment: command.environment),
)
MARKED_FACTS = Load(known.SandboxFacts, sandbox=Fact(ENVIRONMENTS, lambda told, image: told.environment))
SCHEDULED_FACTS = Load(known.SandboxFacts, sandbox=Fact(ENVIRONMENTS, lambda told, image: told.sandbox))

RELEASE_FACTS = Load(known.ReleaseFacts, release=Fact(PLATFORMS, lambda told, state: known.versions_of(told.contents)))

CHECKER = "extension-compatibility-checker"

STEP_LIMIT = timedelta(hours=3)
"""Above the time limit of every step: a step ends itself, and says why."""


class ExecutorSettings(Settings):
    """What the executor needs to know beside what every service does."""

    artifacts: Path = Path(".drydock/artifacts")
    environments: Path = Path(".drydock/environments")
    runtime: Literal["local", "instant"] = "local"
    """`instant` does nothing and says so: for measuring what everything around it costs."""
    application: str = "deploy.demo.reference_application.definition:application"
    """What an environment of the local runtime consists of, as `module:function`."""
    hold_above: int | None = None
    """Size of a database, in bytes, above which a failed operation waits for a person; None: it never does."""


def make(settings: Settings) -> Service:
    """The table of servicing-executor."""
    assert isinstance(settings, ExecutorSettings)
    artifacts, told = FolderStore(settings.artifacts), promotion_scheduler
    steps = Steps(_runtime(settings, artifacts), artifacts, settings.hold_above)
    return make_service(
        "servicing-executor",
        CATALOGUE,
        On(servicing_executor.RegisterEnvironment, ENVIRONMENTS, updates.register, facts=PACKAGE_FACTS),
        On(servicing_executor.ApplyUpdate, ENVIRONMENTS, updates.apply_update, facts=PACKAGE_FACTS),
        On(servicing_executor.ApplyImage, ENVIRONMENTS, updates.apply_image, facts=IMAGE_FACTS),
        On(servicing_executor.ApplyRelease, ENVIRONMENTS, releases.apply_release, facts=ROLLOUT_FACTS),
        On(servicing_executor.RestartService, ENVIRONMENTS, upkeep.restart_service),
        On(servicing_executor.EnableMaintenanceMode, ENVIRONMENTS, upkeep.enable_maintenance),
        On(servicing_executor.DisableMaintenanceMode, ENVIRONMENTS, upkeep.disable_maintenance),
        On(servicing_executor.InstallExtension, ENVIRONMENTS, extensions.install_extension),
        On(servicing_executor.StageExtension, ENVIRONMENTS, extensions.stage_extension),
        On(servicing_executor.UnstageExtension, ENVIRONMENTS, extensions.unstage_extension),
        On(servicing_executor.UninstallExtension, ENVIRONMENTS, extensions.uninstall_extension),
        On(servicing_executor.CancelOperation, ENVIRONMENTS, interventions.cancel_operation),
        On(servicing_executor.ResumeOperation, ENVIRONMENTS, interventions.resume_operation),
        On(servicing_executor.RollBackOperation, ENVIRONMENTS, interventions.roll_back_operation),
        On(servicing_executor.SignOffUpdate, ENVIRONMENTS, interventions.sign_off),
        On(image_builder.ImageBuilt, ENVIRONMENTS, answers.image_built),
        On(image_builder.ImageBuildFailed, ENVIRONMENTS, answers.image_build_failed),
        On(extension_compatibility_checker.CompatibilityChecked, ENVIRONMENTS, answers.compatibility_checked),
        On(CommandRejected, ENVIRONMENTS, answers.question_refused, key=_environment_of, sender="image-builder"),
        On(CommandRejected, ENVIRONMENTS, answers.question_refused, key=_environment_of, sender=CHECKER),
        OnTimer("answer", ENVIRONMENTS, answers.answer_overdue),
        OnTimer("hold", ENVIRONMENTS, answers.hold_expired),
        OnWork("step", ENVIRONMENTS, steps.run_step, answers.step_ended, limit=STEP_LIMIT, attempts=STEP_ATTEMPTS),
        OnWork("closing", ENVIRONMENTS, steps.close, finish.closed),
        On(package_validator.PackageSubmitted, PACKAGES, known.package_submitted),
        On(package_validator.PackageValidated, PACKAGES, known.package_validated, facts=RELEASE_FACTS),
        On(package_validator.PackageRejected, PACKAGES, known.package_rejected),
        On(package_validator.PackageCheckFailed, PACKAGES, known.package_check_failed),
        On(package_validator.PackageQuarantined, PACKAGES, known.package_quarantined),
        On(package_validator.PackageRetired, PACKAGES, known.package_retired),
        On(image_builder.ImageBuilt, IMAGES, known.image_built, key=lambda built: built.image),
        On(told.CandidateMarked, IMAGES, known.candidate_marked, key=_image_of, facts=MARKED_FACTS),
        On(told.PromotionScheduled, IMAGES, known.candidate_scheduled, key=_image_of, facts=SCHEDULED_FACTS),
        On(told.PromotionScheduled, PROMOTIONS, announced.promotion_scheduled, key=_promotion_of),
        On(told.PromotionStarted, PROMOTIONS, announced.promotion_started, key=_promotion_of),
        On(told.PromotionCompleted, PROMOTIONS, announced.promotion_completed, key=_promotion_of),
        On(told.PromotionFailed, PROMOTIONS, announced.promotion_failed, key=_promotion_of),
        On(told.PromotionCancelled, PROMOTIONS, announced.promotion_cancelled, key=_promotion_of),
        On(told.PromotionRefused, PROMOTIONS, announced.promotion_refused, key=_promotion_of),
        On(told.RolloutPlanned, ROLLOUTS, announced.rollout_planned),
        On(told.RolloutStarted, ROLLOUTS, announced.rollout_started),
        On(told.RolloutFinished, ROLLOUTS, announced.rollout_finished),
        On(told.RolloutSkipped, ROLLOUTS, announced.rollout_skipped),
        On(promotion_scheduler.ReleasePublished, RELEASES, known.release_published, key=lambda told: told.package),
        On(promotion_scheduler.ReleasePublished, PLATFORMS, known.release_published, key=known.released_versions),
    )


def _image_of(told: promotion_scheduler.CandidateMarked | promotion_scheduler.PromotionScheduled) -> str:
    return told.update.image


def _promotion_of(told: announced.PromotionTold) -> str:
    return told.promotion


def _environment_of(refused: CommandRejected) -> str:
    """Both commands that the executor sends have the environment as their key."""
    return refused.command_key


def _runtime(settings: ExecutorSettings, artifacts: ArtifactStore) -> Runtime:
    if settings.runtime == "instant":
        return InstantRuntime(settings.environments / "instant")
    module, _, function = settings.application.partition(":")
    application = getattr(import_module(module), function)()
    cluster = PostgresCluster(settings.environments / "postgres")
    return LocalRuntime(settings.environments / "installed", artifacts, application, cluster)


if __name__ == "__main__":
    run(make, ExecutorSettings())
