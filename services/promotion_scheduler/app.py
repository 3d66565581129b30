"""promotion-scheduler: what it takes, and what becomes due."""

from datetime import timedelta

from services.promotion_scheduler.domain import (
    candidate_marking,
    guards,
    projections,
    promotion_execution,
    promotion_scheduling,
    release_publishing,
    rollout,
    rollout_execution,
    rollout_planning,
    rollout_release,
    state,
)
from shared.contracts import (
    extension_compatibility_checker,
    package_validator,
    promotion_scheduler,
    servicing_executor,
)
from shared.contracts.common import CommandRejected
from shared.contracts.registry import CATALOGUE
from shared.kernel.app import Aggregate, Fact, Load, On, OnTimer, Service, Settings, make_service, run

CANDIDATES = Aggregate("candidates", candidate_marking.Candidate, view=candidate_marking.candidate_view)
PROMOTIONS = Aggregate("promotions", state.Promotion)
RELEASES = Aggregate("releases", release_publishing.Release, view=release_publishing.release_view)
ENVIRONMENTS = Aggregate("known_environments", projections.KnownEnvironment)
UPDATES = Aggregate("known_updates", projections.KnownUpdate)
PACKAGES = Aggregate("known_packages", projections.KnownPackage)
ROLLOUTS = Aggregate("rollouts", rollout.Rollout, view=rollout.rollout_view)
BASE_RELEASES = Aggregate("releases_by_base", rollout_release.BaseRelease)

MARK_FACTS = Load(
    candidate_marking.MarkFacts,
    environment=Fact(ENVIRONMENTS, lambda command, state: command.environment),
    update=Fact(UPDATES, lambda command, state: candidate_marking.candidate_of(command)),
)
SCHEDULE_FACTS = Load(
    guards.ScheduleFacts,
    production=Fact(ENVIRONMENTS, lambda command, state: command.environment),
    sandbox=Fact(ENVIRONMENTS, lambda command, state: command.sandbox),
    candidate=Fact(CANDIDATES, lambda command, state: guards.candidate_meant(command)),
)
PRODUCTION_FACTS = Load(
    promotion_scheduling.ProductionFacts, production=Fact(ENVIRONMENTS, lambda checked, state: checked.environment)
)
PUBLISH_FACTS = Load(release_publishing.PublishFacts, package=Fact(PACKAGES, lambda command, state: command.package))
WINDOW_FACTS = Load(
    rollout_planning.WindowFacts, environment=Fact(ENVIRONMENTS, lambda command, state: command.environment)
)
DUE_FACTS = Load(
    rollout_planning.ReleaseFacts,
    releases=Fact(BASE_RELEASES, lambda event, state: rollout.bases_of(state, event.base)),
)
RELEASE_FACTS = Load(
    rollout_planning.ReleaseFacts, releases=Fact(BASE_RELEASES, lambda happening, state: rollout.bases_of(state))
)
START_FACTS = Load(
    rollout_execution.StartFacts,
    environment=Fact(ENVIRONMENTS, lambda timer, state: state.environment if state else None),
    update=Fact(UPDATES, lambda timer, state: rollout_execution.update_meant(state)),
)


class SchedulerSettings(Settings):
    """What the scheduler needs to know beside what every service does."""

    start_within: timedelta = timedelta(minutes=30)
    """How long after its downtime start a promotion may begin; later it is cancelled."""
    expected_downtime: timedelta = timedelta(hours=3)
    """How long a downtime takes in an environment that has not had three yet."""
    check_within: timedelta = timedelta(minutes=10)
    """How long a promotion waits for the check of extensions before it is refused for now."""
    look_for_release: timedelta = timedelta(minutes=5)
    """How often a rollout that waits for a release looks whether it was published."""


def make(settings: Settings) -> Service:
    """The table of promotion-scheduler."""
    assert isinstance(settings, SchedulerSettings)
    scheduler = promotion_scheduling.Scheduling(
        start_within=settings.start_within,
        expected_downtime=settings.expected_downtime,
        check_within=settings.check_within,
    )
    planning = rollout_planning.Planning(settings.look_for_release)
    rolling = rollout_execution.Course(settings.look_for_release)
    executor, checker = "servicing-executor", "extension-compatibility-checker"
    checked, accepted, finished, refused = (
        extension_compatibility_checker.CompatibilityChecked,
        servicing_executor.OperationAccepted,
        servicing_executor.OperationFinished,
        CommandRejected,
    )
    return make_service(
        "promotion-scheduler",
        CATALOGUE,
        On(
            promotion_scheduler.MarkCandidate,
            CANDIDATES,
            candidate_marking.mark,
            key=candidate_marking.candidate_of,
            facts=MARK_FACTS,
        ),
        On(promotion_scheduler.SchedulePromotion, PROMOTIONS, scheduler.schedule, facts=SCHEDULE_FACTS),
        On(promotion_scheduler.CancelPromotion, PROMOTIONS, promotion_execution.cancel),
        On(promotion_scheduler.PublishRelease, RELEASES, release_publishing.publish, facts=PUBLISH_FACTS),
        On(checked, PROMOTIONS, scheduler.compatibility_checked, facts=PRODUCTION_FACTS),
        On(
            refused,
            PROMOTIONS,
            promotion_execution.check_refused,
            key=promotion_execution.refused_check,
            sender=checker,
        ),
        OnTimer("check", PROMOTIONS, promotion_scheduling.check_overdue),
        OnTimer("start", PROMOTIONS, promotion_execution.start),
        OnTimer("answer", PROMOTIONS, promotion_execution.start_unanswered),
        On(
            refused,
            PROMOTIONS,
            promotion_execution.start_refused,
            key=promotion_execution.refused_start,
            sender=executor,
        ),
        On(accepted, PROMOTIONS, promotion_execution.operation_accepted, key=promotion_execution.promoted_environment),
        On(finished, PROMOTIONS, promotion_execution.operation_finished, key=promotion_execution.promoted_environment),
        On(promotion_scheduler.SetUpdateWindow, ROLLOUTS, rollout_planning.set_window, facts=WINDOW_FACTS),
        On(extension_compatibility_checker.RemovalDue, ROLLOUTS, planning.removal_due, facts=DUE_FACTS),
        On(extension_compatibility_checker.RemediationEnded, ROLLOUTS, planning.remediation_ended, facts=RELEASE_FACTS),
        OnTimer("look", ROLLOUTS, planning.look, facts=RELEASE_FACTS),
        OnTimer("start", ROLLOUTS, rollout_execution.start, facts=START_FACTS),
        OnTimer("answer", ROLLOUTS, rollout_execution.start_unanswered),
        On(
            refused,
            ROLLOUTS,
            rolling.start_refused,
            key=rollout_execution.refused_rollout,
            sender=executor,
            facts=RELEASE_FACTS,
        ),
        On(accepted, ROLLOUTS, rollout_execution.operation_accepted, key=rollout_execution.rolled_out_environment),
        On(
            finished,
            ROLLOUTS,
            rolling.operation_finished,
            key=rollout_execution.rolled_out_environment,
            facts=RELEASE_FACTS,
        ),
        On(
            promotion_scheduler.ReleasePublished,
            BASE_RELEASES,
            rollout_release.release_published,
            key=rollout_release.base_of,
        ),
        On(servicing_executor.EnvironmentRegistered, ENVIRONMENTS, projections.environment_registered),
        On(servicing_executor.ExtensionSetChanged, ENVIRONMENTS, projections.extensions_changed),
        On(finished, ENVIRONMENTS, projections.environment_serviced),
        On(accepted, UPDATES, projections.update_begun, key=projections.made_update),
        On(finished, UPDATES, projections.update_ended, key=projections.made_update),
        On(package_validator.PackageSubmitted, PACKAGES, projections.package_submitted),
        On(package_validator.PackageValidated, PACKAGES, projections.package_validated),
        On(package_validator.PackageRejected, PACKAGES, projections.package_rejected),
        On(package_validator.PackageCheckFailed, PACKAGES, projections.package_check_failed),
        On(package_validator.PackageQuarantined, PACKAGES, projections.package_quarantined),
        On(package_validator.PackageRetired, PACKAGES, projections.package_retired),
    )


if __name__ == "__main__":
    run(make, SchedulerSettings())
