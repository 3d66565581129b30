"""Messages of extension-compatibility-checker: which extensions work on which base."""

from pydantic import Field

from shared.contracts.extension_compatibility_checker.parts import (
    ExtensionVerdict,
    Findings,
    Remediation,
    RemediationDates,
    RemediationPolicy,
    Verdicts,
)
from shared.contracts.extension_compatibility_checker.states import BaseStatus, CheckStatus, RemediationEnding
from shared.contracts.message import Command, Count, Event, Instant, Snapshot
from shared.contracts.parts import MOST_EXTENSIONS, ArtifactRef, ExtensionName, ExtensionSet, Problem, Verdict
from shared.contracts.scalars import BaseId, CheckId, EnvironmentId, OperationId, ProjectId, PromotionId


class PublishBase(Command, key="base"):
    """Index a base, so that extensions can be checked against it."""

    base: BaseId
    packages: tuple[ArtifactRef, ...] = Field(min_length=1, max_length=100)
    """The `.app` files that it consists of."""


class CheckCompatibility(
    Command,
    key="environment",
    senders=("extension-compatibility-checker", "promotion-scheduler", "servicing-executor"),
):
    """Check an environment's extensions against a base. The same set version and base: the same answer again."""

    environment: EnvironmentId
    project: ProjectId
    set_version: Count
    extensions: ExtensionSet
    """As they will be on the base: staged versions in the place of those installed."""
    base: BaseId
    current_base: BaseId | None = None
    """The base in use today, for evidence of what has changed; None: not known."""
    replaced: ExtensionSet = ()
    """The installed versions of extensions that `extensions` has in a staged one."""
    operation: OperationId | None = None
    """The operation that waits for the answer."""
    promotion: PromotionId | None = None
    """The promotion that waits for the answer."""


class SetRemediationPolicy(Command, key="project"):
    """Set what becomes of a project's extensions that stay incompatible. Without it the seed's rule holds: 90 days."""

    project: ProjectId
    policy: RemediationPolicy


class BaseIndexed(Event, key="base"):
    """Extensions can be checked against a base."""

    base: BaseId
    packages: tuple[ExtensionName, ...] = Field(max_length=100)
    """What its packages are."""


class BaseIndexingFailed(Event, key="base"):
    """There is no index of a base: nothing can be checked against it."""

    base: BaseId
    problem: Problem


class CompatibilityCheckStarted(Event, key="environment", final=False):
    """The extensions of an environment are being checked."""

    environment: EnvironmentId
    project: ProjectId
    set_version: Count
    base: BaseId
    current_base: BaseId | None
    extensions: Count
    """How many."""
    operation: OperationId | None
    promotion: PromotionId | None


class ExtensionChecked(Event, key="environment", final=False):
    """What a check says about one extension; all of a set's come before CompatibilityChecked."""

    environment: EnvironmentId
    project: ProjectId
    set_version: Count
    base: BaseId
    extension: ExtensionVerdict
    findings: Findings
    """What blocks first; at most 50, the report has all."""
    report: ArtifactRef | None
    """None if the check failed."""
    reused: bool
    """This very package was judged against this base, with the same dependencies, before."""


class CompatibilityChecked(Event, key="environment"):
    """The answer of a check; it holds for this set version and this base."""

    environment: EnvironmentId
    project: ProjectId
    set_version: Count
    base: BaseId
    verdict: Verdict
    """The worst of the extensions'; `compatible` if there are none."""
    extensions: Verdicts
    report: ArtifactRef | None
    """All findings; None if there is no extension, or the check failed."""
    operation: OperationId | None
    promotion: PromotionId | None
    problem: Problem | None = None
    """Why the check failed; None for every other verdict."""


class ExtensionIncompatible(Event, key="environment"):
    """An extension does not work with a base: the environment cannot be updated to it."""

    environment: EnvironmentId
    project: ProjectId
    set_version: Count
    base: BaseId
    extension: ExtensionName
    findings: Findings
    """What blocks first; at most 50, the report has all."""
    report: ArtifactRef
    removal_days: int | None = None
    """Days from the first accepted notification to the removal; None: the policy sets no such date."""


class RemediationPolicyChanged(Event, key="project"):
    """Another policy holds for a project's incompatible extensions."""

    project: ProjectId
    policy: RemediationPolicy


class RemediationStarted(Event, key="environment"):
    """The clock of an incompatible extension runs: somebody was told of it, or the policy does not ask for that."""

    environment: EnvironmentId
    project: ProjectId
    extension: ExtensionName
    base: BaseId
    target_major: Count
    dates: RemediationDates


class RemediationReminded(Event, key="environment"):
    """An extension is still incompatible, and it is time to say so again."""

    environment: EnvironmentId
    project: ProjectId
    extension: ExtensionName
    base: BaseId
    target_major: Count
    dates: RemediationDates
    reminder: Count
    """1 for the first."""
    findings: Findings
    report: ArtifactRef


class RemovalDue(Event, key="environment"):
    """An extension's time is over: it is to be removed, and the environment to be updated, in the next window."""

    environment: EnvironmentId
    project: ProjectId
    extension: ExtensionName
    base: BaseId
    target_major: Count
    dates: RemediationDates
    set_version: Count
    """The version of the set at which it was judged last: the removal holds for this one only."""
    dependents: tuple[ExtensionName, ...] = Field(max_length=MOST_EXTENSIONS)
    """Extensions of the set that cannot stay without it, those that others need last."""


class RemediationEnded(Event, key="environment"):
    """An extension need not, or can not, be mended for this version any more."""

    environment: EnvironmentId
    project: ProjectId
    extension: ExtensionName
    base: BaseId
    target_major: Count
    dates: RemediationDates
    ending: RemediationEnding


class BaseSnapshot(Snapshot, key="base"):
    """A base as it stands."""

    base: BaseId
    status: BaseStatus
    packages: tuple[ArtifactRef, ...] = Field(max_length=100)
    problem: Problem | None
    indexes: tuple[ArtifactRef, ...] = Field(default=(), max_length=100)
    """What was made of the packages, once they are indexed."""


class CheckSnapshot(Snapshot, key="check"):
    """A check as it stands."""

    check: CheckId
    environment: EnvironmentId
    project: ProjectId
    set_version: Count
    base: BaseId
    status: CheckStatus
    verdict: Verdict | None
    """None while it is being checked."""
    extensions: Verdicts
    report: ArtifactRef | None
    checked_at: Instant | None
    problem: Problem | None = None
    """Why the check failed; None for every other verdict."""


class RemediationPolicySnapshot(Snapshot, key="project"):
    """The policy that was set for a project."""

    project: ProjectId
    policy: RemediationPolicy


class RemediationsSnapshot(Snapshot, key="environment"):
    """The remediations of an environment that are open, and the latest that ended."""

    environment: EnvironmentId
    project: ProjectId
    remediations: tuple[Remediation, ...] = Field(max_length=2 * MOST_EXTENSIONS)


MESSAGES = (
    PublishBase,
    CheckCompatibility,
    SetRemediationPolicy,
    BaseIndexed,
    BaseIndexingFailed,
    CompatibilityCheckStarted,
    ExtensionChecked,
    CompatibilityChecked,
    ExtensionIncompatible,
    RemediationPolicyChanged,
    RemediationStarted,
    RemediationReminded,
    RemovalDue,
    RemediationEnded,
    BaseSnapshot,
    CheckSnapshot,
    RemediationPolicySnapshot,
    RemediationsSnapshot,
)
