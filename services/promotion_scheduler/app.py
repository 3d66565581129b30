"""promotion-scheduler: what it takes, and what becomes due."""

from datetime import timedelta

from services.promotion_scheduler.domain import (
    awaited,
    candidate_marking,
    projections,
    promotion_cancelling,
    promotion_checking,
    promotion_execution,
    promotion_scheduling,
    release_publishing,
    rollout_execution,
    rollout_planning,
    views,
    window_setting,
)
from services.promotion_scheduler.domain.state import Candidate, Promotion, PublishedRelease, Rollout
from services.promotion_scheduler.domain.terms import PromotionTerms
from shared.contracts.common import CommandRejected
from shared.contracts.extension_compatibility_checker import CompatibilityChecked, RemediationEnded, RemovalDue
from shared.contracts.package_validator import (
    PackageCheckFailed,
    PackageQuarantined,
    PackageRejected,
    PackageRetired,
    PackageSubmitted,
    PackageValidated,
)
from shared.contracts.promotion_scheduler import (
    CancelPromotion,
    MarkCandidate,
    PublishRelease,
    ReleasePublished,
    SchedulePromotion,
    SetUpdateWindow,
)
from shared.contracts.registry import CATALOGUE
from shared.contracts.servicing_executor import (
    EnvironmentRegistered,
    ExtensionSetChanged,
    OperationAccepted,
    OperationFinished,
)
from shared.kernel.app import Aggregate, Fact, Line, Load, On, OnTimer, Service, Settings, make_service, run

CANDIDATES = Aggregate("candidates", Candidate, view=views.candidate_view)
PROMOTIONS = Aggregate(
    "promotions",
    Promotion,
    beside=lambda id_, promotion: (views.promotion_view(promotion),),
    version=2,
    awaits=awaited.of_promotion,
)
RELEASES = Aggregate("releases", PublishedRelease, view=views.release_view)
ENVIRONMENTS = Aggregate("known_environments", projections.ServicedEnvironmentProjection)
UPDATES = Aggregate("known_updates", projections.UpdateProjection)
PACKAGES = Aggregate("known_packages", projections.ReleasePackageProjection)
ROLLOUTS = Aggregate("rollouts", Rollout, view=views.rollout_view, version=2, awaits=awaited.of_rollout)
BASE_RELEASES = Aggregate("releases_by_base", projections.BaseReleaseProjection)

MARK_FACTS = Load(
    candidate_marking.MarkFacts,
    environment=Fact(ENVIRONMENTS, lambda command, candidate: command.environment),
    update=Fact(UPDATES, lambda command, candidate: candidate_marking.candidate_of(command)),
)
SCHEDULE_FACTS = Load(
    promotion_scheduling.ScheduleFacts,
    production=Fact(ENVIRONMENTS, lambda command, promotion: command.environment),
    sandbox=Fact(ENVIRONMENTS, lambda command, promotion: command.sandbox),
    candidate=Fact(CANDIDATES, lambda command, promotion: promotion_scheduling.candidate_meant(command)),
)
PRODUCTION_FACTS = Load(
    promotion_checking.ProductionFacts,
    production=Fact(ENVIRONMENTS, lambda checked, promotion: checked.environment),
)
PUBLISH_FACTS = Load(
    release_publishing.PublishFacts,
    package=Fact(PACKAGES, lambda command, release: command.package),
)
WINDOW_FACTS = Load(
    window_setting.WindowFacts,
    environment=Fact(ENVIRONMENTS, lambda command, rollout: command.environment),
)
DUE_FACTS = Load(
    rollout_planning.BaseReleaseFacts,
    releases=Fact(BASE_RELEASES, lambda event, rollout: rollout_planning.bases_of(rollout, event.base)),
)
RELEASE_FACTS = Load(
    rollout_planning.BaseReleaseFacts,
    releases=Fact(BASE_RELEASES, lambda happening, rollout: rollout_planning.bases_of(rollout)),
)
START_FACTS = Load(
    rollout_execution.RolloutStartFacts,
    environment=Fact(ENVIRONMENTS, lambda timer, rollout: rollout.environment if rollout else None),
    update=Fact(UPDATES, lambda timer, rollout: rollout_execution.update_meant(rollout)),
)


EXECUTOR, CHECKER = "servicing-executor", "extension-compatibility-checker"


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
    return make_service(
        "promotion-scheduler",
        CATALOGUE,
        On(MarkCandidate, CANDIDATES, candidate_marking.mark, key=candidate_marking.candidate_of, facts=MARK_FACTS),
        On(PublishRelease, RELEASES, release_publishing.publish, facts=PUBLISH_FACTS),
        *_promotions(settings),
        *_rollouts(settings),
        *_projections(),
    )


def _promotions(settings: SchedulerSettings) -> tuple[Line, ...]:
    terms = PromotionTerms(
        start_within=settings.start_within,
        expected_downtime=settings.expected_downtime,
        check_within=settings.check_within,
    )
    scheduling = promotion_scheduling.PromotionScheduling(terms)
    checking, execution = promotion_checking.PromotionChecking(terms), promotion_execution
    refused_check, refused_start = promotion_checking.refused_check, execution.refused_start
    to, facts = PROMOTIONS, PRODUCTION_FACTS
    key = execution.promoted_environment
    return (
        On(SchedulePromotion, to, scheduling.schedule, facts=SCHEDULE_FACTS),
        On(CancelPromotion, to, promotion_cancelling.cancel),
        On(CompatibilityChecked, to, checking.compatibility_checked, facts=facts, needs_state=True),
        On(
            CommandRejected,
            to,
            promotion_checking.check_refused,
            key=refused_check,
            sender=CHECKER,
            needs_state=True,
        ),
        OnTimer("check", to, promotion_checking.check_overdue, needs_state=True),
        OnTimer("start", to, execution.start, needs_state=True),
        OnTimer("answer", to, execution.start_unanswered, needs_state=True),
        On(CommandRejected, to, execution.start_refused, key=refused_start, sender=EXECUTOR, needs_state=True),
        On(OperationAccepted, to, execution.operation_accepted, key=key, needs_state=True),
        On(OperationFinished, to, execution.operation_finished, key=key, needs_state=True),
    )


def _rollouts(settings: SchedulerSettings) -> tuple[Line, ...]:
    planning = rollout_planning.RolloutPlanning(settings.look_for_release)
    execution = rollout_execution.RolloutExecution(planning)
    to, facts = ROLLOUTS, RELEASE_FACTS
    key, refused = rollout_execution.rolled_out_environment, rollout_execution.refused_rollout
    return (
        On(SetUpdateWindow, to, window_setting.set_window, facts=WINDOW_FACTS),
        On(RemovalDue, to, planning.removal_due, facts=DUE_FACTS),
        On(RemediationEnded, to, planning.remediation_ended, facts=facts),
        OnTimer("look", to, planning.poll_releases, facts=facts, needs_state=True),
        OnTimer("start", to, rollout_execution.start, facts=START_FACTS, needs_state=True),
        OnTimer("answer", to, rollout_execution.start_unanswered, needs_state=True),
        On(CommandRejected, to, execution.start_refused, key=refused, sender=EXECUTOR, facts=facts, needs_state=True),
        On(OperationAccepted, to, rollout_execution.operation_accepted, key=key, needs_state=True),
        On(OperationFinished, to, execution.operation_finished, key=key, facts=facts, needs_state=True),
    )


def _projections() -> tuple[Line, ...]:
    return (
        On(ReleasePublished, BASE_RELEASES, projections.release_published, key=projections.base_of),
        On(EnvironmentRegistered, ENVIRONMENTS, projections.environment_registered),
        On(ExtensionSetChanged, ENVIRONMENTS, projections.extensions_changed, needs_state=True),
        On(OperationFinished, ENVIRONMENTS, projections.environment_after_operation, needs_state=True),
        On(OperationAccepted, UPDATES, projections.update_accepted, key=projections.made_update),
        On(OperationFinished, UPDATES, projections.update_finished, key=projections.made_update),
        On(PackageSubmitted, PACKAGES, projections.package_submitted),
        On(PackageValidated, PACKAGES, projections.package_validated),
        On(PackageRejected, PACKAGES, projections.package_rejected),
        On(PackageCheckFailed, PACKAGES, projections.package_check_failed),
        On(PackageQuarantined, PACKAGES, projections.package_quarantined),
        On(PackageRetired, PACKAGES, projections.package_retired),
    )


if __name__ == "__main__":
    run(make, SchedulerSettings())
