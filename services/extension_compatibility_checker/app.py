"""extension-compatibility-checker: which extensions work on which base."""

import os
from datetime import timedelta
from pathlib import Path

from pydantic import Field

from services.extension_compatibility_checker.base_indexes import BaseIndexes
from services.extension_compatibility_checker.domain import (
    bases,
    compatibility_check,
    projections,
    remediation_clock,
    remediation_policy,
    state,
    views,
)
from services.extension_compatibility_checker.domain.environments import Environments
from services.extension_compatibility_checker.domain.notifications import Notifications, notified_environment
from services.extension_compatibility_checker.domain.release_poll import ReleasePoll
from services.extension_compatibility_checker.domain.remediation_change import RemediationFacts
from services.extension_compatibility_checker.domain.verdicts import Verdicts
from services.extension_compatibility_checker.domain.work import ATTEMPTS
from services.extension_compatibility_checker.judgement_cache import JudgementCache
from services.extension_compatibility_checker.judging import Judging
from services.extension_compatibility_checker.reading import Reading
from services.extension_compatibility_checker.steps import Steps
from shared.artifacts.folder import FolderStore
from shared.contracts.extension_compatibility_checker import (
    BaseIndexed,
    CheckCompatibility,
    CompatibilityChecked,
    ExtensionChecked,
    PublishBase,
    SetRemediationPolicy,
)
from shared.contracts.notifier import NobodyTold, NotificationSent
from shared.contracts.promotion_scheduler import ReleasePublished
from shared.contracts.registry import CATALOGUE
from shared.contracts.servicing_executor import EnvironmentRegistered, ExtensionSetChanged, OperationFinished
from shared.kernel.app import Aggregate, Fact, Load, On, OnTimer, OnWork, Service, Settings, make_service, run

BASES = Aggregate("bases", state.Base, view=views.base_view)
CHECKS = Aggregate("checks", state.CompatibilityCheck, view=views.check_view)
POLICIES = Aggregate("policies", state.ProjectPolicy, view=views.policy_view)
RELEASES = Aggregate("known_releases", projections.BasesProjection)
REMEDIATIONS = Aggregate("remediations", state.Remediations, view=views.remediations_view)

BASES_ASKED_FOR = Load(
    compatibility_check.CheckedBases,
    base=Fact(BASES, lambda command, check: command.base),
    current=Fact(BASES, lambda command, check: command.current_base),
)
BASES_AWAITED = Load(
    compatibility_check.CheckedBases,
    base=Fact(BASES, lambda timer, check: check.request.base if check else None),
    current=Fact(BASES, lambda timer, check: check.request.current_base if check else None),
)
POLICY = Load(
    compatibility_check.PolicyOfCheck,
    policy=Fact(POLICIES, lambda ended, check: check.request.project if check else None),
)
FACTS = Load(
    RemediationFacts,
    policy=Fact(POLICIES, lambda event, remediations: event.project),
    bases=Fact(RELEASES, lambda event, remediations: projections.ALL),
)
FACTS_OF_TIMER = Load(
    RemediationFacts,
    policy=Fact(POLICIES, lambda timer, remediations: remediations.project if remediations else None),
    bases=Fact(RELEASES, lambda timer, remediations: projections.ALL),
)

INDEXING_LIMIT = timedelta(minutes=30)
CHECK_LIMIT = timedelta(minutes=8)
"""Below the time that an operation waits for the answer."""


class CheckerSettings(Settings):
    """What the checker needs to know beside what every service does."""

    artifacts: Path = Path(".drydock/artifacts")
    bases: Path = Path(".drydock/bases")
    """A cache of indexes; it may be removed at any time."""
    judgements: Path | None = None
    """A cache of what was judged before; it may be removed at any time. None: a folder in `bases`."""
    most_judgements: int = Field(default=50_000, ge=100)
    """Files in that cache; those that were not used for long make room."""
    check_processes: int = Field(default=0, ge=0)
    """Child processes that check, at most; 0: as many as there are cores."""
    check_memory: int = Field(default=4096, ge=0)
    """Memory that one of them may have, in MiB; 0: no limit."""
    indexes_in_memory: int = Field(default=16, ge=1)
    """Packages of bases whose indexes stay in the memory of each of them."""
    look_ahead: timedelta = timedelta(days=1)
    """How often an environment looks whether a release has a base that its extensions were not checked against."""


def make(settings: Settings) -> Service:
    """The table of extension-compatibility-checker."""
    assert isinstance(settings, CheckerSettings)
    artifacts = FolderStore(settings.artifacts)
    reading = Reading(
        settings.check_processes or os.cpu_count() or 1,
        indexes=settings.indexes_in_memory,
        memory=settings.check_memory,
    )
    judging = Judging(
        artifacts,
        reading,
        JudgementCache(settings.judgements or settings.bases / "judgements", settings.most_judgements),
    )
    steps = Steps(artifacts, BaseIndexes(settings.bases, artifacts, reading), judging)
    environments = Environments(settings.look_ahead)
    verdicts = Verdicts(settings.look_ahead)
    notifications = Notifications(settings.look_ahead)
    poll = ReleasePoll(settings.look_ahead)
    return make_service(
        "extension-compatibility-checker",
        CATALOGUE,
        On(PublishBase, BASES, bases.publish),
        OnWork(
            "indexing",
            BASES,
            steps.index,
            bases.indexing_ended,
            limit=INDEXING_LIMIT,
            attempts=ATTEMPTS,
            needs_state=True,
        ),
        On(
            CheckCompatibility,
            CHECKS,
            compatibility_check.check,
            key=compatibility_check.check_id,
            facts=BASES_ASKED_FOR,
        ),
        OnTimer("base", CHECKS, compatibility_check.look_for_base, facts=BASES_AWAITED, needs_state=True),
        OnWork(
            "check",
            CHECKS,
            steps.check,
            compatibility_check.checked,
            limit=CHECK_LIMIT,
            attempts=ATTEMPTS,
            facts=POLICY,
            needs_state=True,
        ),
        On(SetRemediationPolicy, POLICIES, remediation_policy.set_policy),
        On(ReleasePublished, RELEASES, projections.release_published, key=lambda event: projections.ALL),
        On(BaseIndexed, RELEASES, projections.base_indexed, key=lambda event: projections.ALL),
        On(EnvironmentRegistered, REMEDIATIONS, environments.registered, facts=FACTS),
        On(ExtensionSetChanged, REMEDIATIONS, environments.set_changed, facts=FACTS),
        On(OperationFinished, REMEDIATIONS, environments.operation_finished, facts=FACTS),
        On(ExtensionChecked, REMEDIATIONS, verdicts.extension_checked, facts=FACTS),
        On(CompatibilityChecked, REMEDIATIONS, verdicts.compatibility_checked, facts=FACTS),
        On(NotificationSent, REMEDIATIONS, notifications.notification_sent, key=notified_environment, facts=FACTS),
        On(NobodyTold, REMEDIATIONS, notifications.nobody_told, key=notified_environment, facts=FACTS),
        OnTimer("clock", REMEDIATIONS, remediation_clock.clock, facts=FACTS_OF_TIMER, needs_state=True),
        OnTimer("look", REMEDIATIONS, poll.poll_releases, facts=FACTS_OF_TIMER, needs_state=True),
    )


if __name__ == "__main__":
    run(make, CheckerSettings())
