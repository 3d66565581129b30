"""extension-compatibility-checker: which extensions work on which base."""

import os
from datetime import timedelta
from pathlib import Path

from pydantic import Field

from services.extension_compatibility_checker.base_indexes import BaseIndexes
from services.extension_compatibility_checker.domain import base, check, known, policy, remediation, remediation_state
from services.extension_compatibility_checker.domain.environments import Environments, told_environment
from services.extension_compatibility_checker.domain.work import ATTEMPTS
from services.extension_compatibility_checker.judgements import Judgements
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

BASES = Aggregate("bases", base.Base, view=base.base_view)
CHECKS = Aggregate("checks", check.Check, view=check.check_view)
POLICIES = Aggregate("policies", policy.Policy, view=policy.policy_view)
KNOWN = Aggregate("known_releases", known.Known)
REMEDIATIONS = Aggregate("remediations", remediation_state.Remediations, view=remediation_state.remediations_view)

BASE_ASKED = Load(
    check.BaseFacts,
    base=Fact(BASES, lambda asked, state: asked.base),
    current=Fact(BASES, lambda asked, state: asked.current_base),
)
BASE_AWAITED = Load(
    check.BaseFacts,
    base=Fact(BASES, lambda timer, state: state.request.base if state else None),
    current=Fact(BASES, lambda timer, state: state.request.current_base if state else None),
)
POLICY = Load(check.PolicyFacts, policy=Fact(POLICIES, lambda ended, state: state.request.project if state else None))
AROUND = Load(
    remediation.Around,
    policy=Fact(POLICIES, lambda told, state: told.project),
    known=Fact(KNOWN, lambda told, state: known.ALL),
)
AROUND_THEN = Load(
    remediation.Around,
    policy=Fact(POLICIES, lambda timer, state: state.project if state else None),
    known=Fact(KNOWN, lambda timer, state: known.ALL),
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
        artifacts, reading, Judgements(settings.judgements or settings.bases / "judgements", settings.most_judgements)
    )
    steps = Steps(artifacts, BaseIndexes(settings.bases, artifacts, reading), judging)
    environments = Environments(settings.look_ahead)
    return make_service(
        "extension-compatibility-checker",
        CATALOGUE,
        On(PublishBase, BASES, base.publish),
        OnWork("indexing", BASES, steps.index, base.indexing_ended, limit=INDEXING_LIMIT, attempts=ATTEMPTS),
        On(CheckCompatibility, CHECKS, check.check, key=check.check_id, facts=BASE_ASKED),
        OnTimer("base", CHECKS, check.look_for_base, facts=BASE_AWAITED),
        OnWork("check", CHECKS, steps.check, check.checked, limit=CHECK_LIMIT, attempts=ATTEMPTS, facts=POLICY),
        On(SetRemediationPolicy, POLICIES, policy.set_policy),
        On(ReleasePublished, KNOWN, known.release_published, key=lambda told: known.ALL),
        On(BaseIndexed, KNOWN, known.base_indexed, key=lambda told: known.ALL),
        On(EnvironmentRegistered, REMEDIATIONS, environments.registered, facts=AROUND),
        On(ExtensionSetChanged, REMEDIATIONS, environments.set_changed, facts=AROUND),
        On(OperationFinished, REMEDIATIONS, environments.operation_finished, facts=AROUND),
        On(ExtensionChecked, REMEDIATIONS, environments.extension_checked, facts=AROUND),
        On(CompatibilityChecked, REMEDIATIONS, environments.compatibility_checked, facts=AROUND),
        On(NotificationSent, REMEDIATIONS, environments.notification_sent, key=told_environment, facts=AROUND),
        On(NobodyTold, REMEDIATIONS, environments.nobody_told, key=told_environment, facts=AROUND),
        OnTimer("clock", REMEDIATIONS, environments.clock, facts=AROUND_THEN),
        OnTimer("look", REMEDIATIONS, environments.look, facts=AROUND_THEN),
    )


if __name__ == "__main__":
    run(make, CheckerSettings())
