"""promotion-scheduler: what it takes, and what becomes due."""

from datetime import timedelta

from services.promotion_scheduler.domain import (
    candidate,
    course,
    guards,
    known,
    promotion,
    release,
    rollout,
    rollout_course,
    rollout_plan,
    rollout_release,
    scheduling,
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

CANDIDATES = Aggregate("candidates", candidate.Candidate, view=candidate.candidate_view)
PROMOTIONS = Aggregate("promotions", promotion.Promotion)
RELEASES = Aggregate("releases", release.Release, view=release.release_view)
ENVIRONMENTS = Aggregate("known_environments", known.KnownEnvironment)
UPDATES = Aggregate("known_updates", known.KnownUpdate)
PACKAGES = Aggregate("known_packages", known.KnownPackage)
ROLLOUTS = Aggregate("rollouts", rollout.Rollout, view=rollout.rollout_view)
BASE_RELEASES = Aggregate("releases_by_base", rollout_release.BaseRelease)

MARK_FACTS = Load(
    candidate.MarkFacts,
    environment=Fact(ENVIRONMENTS, lambda command, state: command.environment),
    update=Fact(UPDATES, lambda command, state: candidate.candidate_of(command)),
)
SCHEDULE_FACTS = Load(
    guards.ScheduleFacts,
    production=Fact(ENVIRONMENTS, lambda command, state: command.environment),
    sandbox=Fact(ENVIRONMENTS, lambda command, state: command.sandbox),
    candidate=Fact(CANDIDATES, lambda command, state: guards.candidate_meant(command)),
)
PRODUCTION_FACTS = Load(
    scheduling.ProductionFacts, production=Fact(ENVIRONMENTS, lambda checked, state: checked.environment)
)
PUBLISH_FACTS = Load(release.PublishFacts, package=Fact(PACKAGES, lambda command, state: command.package))
WINDOW_FACTS = Load(
    rollout_plan.WindowFacts, environment=Fact(ENVIRONMENTS, lambda command, state: command.environment)
)
DUE_FACTS = Load(
    rollout_plan.ReleaseFacts,
    releases=Fact(BASE_RELEASES, lambda event, state: rollout.bases_of(state, event.base)),
)
RELEASE_FACTS = Load(
    rollout_plan.ReleaseFacts, releases=Fact(BASE_RELEASES, lambda happening, state: rollout.bases_of(state))
)
START_FACTS = Load(
    rollout_course.StartFacts,
    environment=Fact(ENVIRONMENTS, lambda timer, state: state.environment if state else None),
    update=Fact(UPDATES, lambda timer, state: rollout_course.update_meant(state)),
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
    scheduler = scheduling.Scheduling(
        start_within=settings.start_within,
        expected_downtime=settings.expected_downtime,
        check_within=settings.check_within,
    )
    planning = rollout_plan.Planning(settings.look_for_release)
    rolling = rollout_course.Course(settings.look_for_release)
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
        On(promotion_scheduler.MarkCandidate, CANDIDATES, candidate.mark, key=candidate.candidate_of, facts=MARK_FACTS),
        On(promotion_scheduler.SchedulePromotion, PROMOTIONS, scheduler.schedule, facts=SCHEDULE_FACTS),
        On(promotion_scheduler.CancelPromotion, PROMOTIONS, course.cancel),
        On(promotion_scheduler.PublishRelease, RELEASES, release.publish, facts=PUBLISH_FACTS),
        On(checked, PROMOTIONS, scheduler.compatibility_checked, facts=PRODUCTION_FACTS),
        On(refused, PROMOTIONS, course.check_refused, key=course.refused_check, sender=checker),
        OnTimer("check", PROMOTIONS, scheduling.check_overdue),
        OnTimer("start", PROMOTIONS, course.start),
        OnTimer("answer", PROMOTIONS, course.start_unanswered),
        On(refused, PROMOTIONS, course.start_refused, key=course.refused_start, sender=executor),
        On(accepted, PROMOTIONS, course.operation_accepted, key=course.promoted_environment),
        On(finished, PROMOTIONS, course.operation_finished, key=course.promoted_environment),
        On(promotion_scheduler.SetUpdateWindow, ROLLOUTS, rollout_plan.set_window, facts=WINDOW_FACTS),
        On(extension_compatibility_checker.RemovalDue, ROLLOUTS, planning.removal_due, facts=DUE_FACTS),
        On(extension_compatibility_checker.RemediationEnded, ROLLOUTS, planning.remediation_ended, facts=RELEASE_FACTS),
        OnTimer("look", ROLLOUTS, planning.look, facts=RELEASE_FACTS),
        OnTimer("start", ROLLOUTS, rollout_course.start, facts=START_FACTS),
        OnTimer("answer", ROLLOUTS, rollout_course.start_unanswered),
        On(
            refused,
            ROLLOUTS,
            rolling.start_refused,
            key=rollout_course.refused_rollout,
            sender=executor,
            facts=RELEASE_FACTS,
        ),
        On(accepted, ROLLOUTS, rollout_course.operation_accepted, key=rollout_course.rolled_out_environment),
        On(
            finished,
            ROLLOUTS,
            rolling.operation_finished,
            key=rollout_course.rolled_out_environment,
            facts=RELEASE_FACTS,
        ),
        On(
            promotion_scheduler.ReleasePublished,
            BASE_RELEASES,
            rollout_release.release_published,
            key=rollout_release.base_of,
        ),
        On(servicing_executor.EnvironmentRegistered, ENVIRONMENTS, known.environment_registered),
        On(servicing_executor.ExtensionSetChanged, ENVIRONMENTS, known.extensions_changed),
        On(finished, ENVIRONMENTS, known.environment_serviced),
        On(accepted, UPDATES, known.update_begun, key=known.made_update),
        On(finished, UPDATES, known.update_ended, key=known.made_update),
        On(package_validator.PackageSubmitted, PACKAGES, known.package_submitted),
        On(package_validator.PackageValidated, PACKAGES, known.package_validated),
        On(package_validator.PackageRejected, PACKAGES, known.package_rejected),
        On(package_validator.PackageCheckFailed, PACKAGES, known.package_check_failed),
        On(package_validator.PackageQuarantined, PACKAGES, known.package_quarantined),
        On(package_validator.PackageRetired, PACKAGES, known.package_retired),
    )


if __name__ == "__main__":
    run(make, SchedulerSettings())
