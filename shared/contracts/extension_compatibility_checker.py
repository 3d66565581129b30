"""Messages of extension-compatibility-checker: which extensions work on which base."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.contracts.message import Command, Count, Event, Instant, Part, Snapshot
from shared.contracts.parts import MOST_EXTENSIONS, ArtifactRef, ExtensionName, ExtensionSet, Problem, Verdict
from shared.contracts.scalars import BaseId, CheckId, EnvironmentId, OperationId, ProjectId, PromotionId, Sentence


class Reason(StrEnum):
    """Why a command is refused, or why a base or a check came to nothing."""

    BASE_EXISTS = "BASE_EXISTS"
    """Other packages were published as this base."""
    BASE_UNREADABLE = "BASE_UNREADABLE"
    """A package of the base is no extension package with symbols."""
    BASE_MISMATCH = "BASE_MISMATCH"
    """No package of the base is the base application in the version that the base is called after."""
    BASE_UNKNOWN = "BASE_UNKNOWN"
    """No base of this version and country was published."""
    ARTIFACT_MISSING = "ARTIFACT_MISSING"
    """The artifact store does not have a package."""
    ARTIFACT_DAMAGED = "ARTIFACT_DAMAGED"
    """A package in the artifact store does not have its digest or size."""
    INDEXING_FAILED = "INDEXING_FAILED"
    """The base's packages could not be indexed, by a fault of ours."""
    CHECK_FAILED = "CHECK_FAILED"
    """The check did not come to an end, by a fault of ours."""


class BaseStatus(StrEnum):
    """Where a base stands."""

    INDEXING = "indexing"
    INDEXED = "indexed"
    UNREADABLE = "unreadable"
    """Its packages make no base; other packages may be published under its id."""
    FAILED = "failed"
    """It was not indexed, by a fault of ours; publishing it again tries again."""


class CheckStatus(StrEnum):
    """Where a check stands."""

    CHECKING = "checking"
    CHECKED = "checked"


class Level(StrEnum):
    """From what a finding was decided."""

    MANIFEST = "manifest"
    SYMBOLS = "symbols"
    SOURCE = "source"


class FindingSeverity(StrEnum):
    """What follows from a finding."""

    BLOCKS = "blocks"
    WARNS = "warns"
    FORECAST = "forecast"
    """It will block on a later base."""


class ExtensionFinding(Part):
    """One thing in an extension that does not work, or will not."""

    code: str = Field(pattern=r"^[A-Z][A-Z0-9]{1,19}$")
    """Diagnostic code: the compiler's or the analyzer's where they have one, else `DRYDOCK`."""
    severity: FindingSeverity
    level: Level
    file: str = Field(max_length=500)
    """Path inside the package; empty if the whole package is meant."""
    line: int | None = Field(ge=1)
    column: int | None = Field(ge=1)
    symbol: str = Field(max_length=500)
    """What of the base it is about; empty for a rule of the manifest."""
    before: str = Field(default="", max_length=500)
    """How the base in use declares it; empty if that is not known, or it does not."""
    after: str = Field(default="", max_length=500)
    """How the next base declares it; empty if it does not."""
    message: Sentence
    suggestion: str = Field(max_length=500)
    """What to write instead; empty if none is known."""


Findings = Annotated[tuple[ExtensionFinding, ...], Field(max_length=50)]


class ExtensionVerdict(ExtensionName):
    """What a check says about one extension."""

    verdict: Verdict
    blocking: Count
    """How many findings block."""
    warnings: Count = 0
    """How many warn."""
    forecasts: Count = 0
    """How many will block on a later base."""
    summary: str = Field(max_length=500)
    """The first reason for the verdict, in a sentence; empty if it is `compatible`."""


Verdicts = Annotated[tuple[ExtensionVerdict, ...], Field(max_length=MOST_EXTENSIONS)]


class Regime(StrEnum):
    """What decides when an incompatible extension is removed."""

    AFTER_NOTIFICATION = "after-notification"
    """`removal_days` after somebody was told first."""
    RELEASE_PERIODS = "release-periods"
    """After the update and grace periods that begin with the release's general availability."""
    NEVER = "never"
    """It is told, and nothing more."""


class WithoutRecipient(StrEnum):
    """What happens while nobody can be told."""

    WAIT = "wait"
    """No clock runs; it is recorded and shown."""
    FROM_DETECTION = "from-detection"
    """The clock runs from the check that found it."""


class RemediationPolicy(Part):
    """What becomes of extensions that stay incompatible with the next version."""

    regime: Regime = Regime.AFTER_NOTIFICATION
    removal_days: int = Field(default=90, ge=1, le=730)
    """Days from the first accepted notification to the removal; the two other regimes do not ask for it."""
    update_months: int = Field(default=5, ge=0, le=24)
    """Months from general availability in which the update's date is the customer's choice."""
    grace_months: int = Field(default=1, ge=0, le=24)
    """Months after that in which it can no longer be postponed; then it is enforced."""
    reminder_days: tuple[Annotated[int, Field(ge=1, le=730)], ...] = Field(default=(60, 30, 14, 7, 1), max_length=20)
    """Days before the removal at which recipients are reminded."""
    without_recipient: WithoutRecipient = WithoutRecipient.WAIT


class RemediationStatus(StrEnum):
    """Where a remediation stands."""

    DETECTED = "detected"
    """The extension was found incompatible; nobody was told yet."""
    RUNNING = "running"
    REMOVAL_DUE = "removal-due"
    ENDED = "ended"


class RemediationEnding(StrEnum):
    """Why a remediation ended."""

    FIXED = "fixed"
    """A version that works is installed."""
    STAGED = "staged"
    """A version that works will be installed with the update."""
    UNINSTALLED = "uninstalled"
    """Somebody took the extension out."""
    REMOVED = "removed"
    """It was taken out with the update, as the policy says."""
    UPDATED = "updated"
    """The environment has come to this version, or a later one, with the extension in it."""


class RemediationDates(Part):
    """The dates of a remediation."""

    detected_at: Instant
    first_notified_at: Instant | None
    """When the first recipient's mail server accepted a mail about it; None: nobody was told."""
    removal_due_at: Instant | None
    """None while no clock runs, and under a policy that never removes."""


class Remediation(Part):
    """One extension that does not work with the next version of the base, and what is being done about it."""

    extension: ExtensionName
    """In the version that was judged last."""
    base: BaseId
    """The base it was judged against last."""
    target_major: Count
    status: RemediationStatus
    dates: RemediationDates
    reminders: Count
    """How often recipients were reminded."""
    unreachable: bool
    """There was nobody to tell."""
    set_version: Count
    report: ArtifactRef | None
    ending: RemediationEnding | None


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


class CompatibilityCheckStarted(Event, key="environment"):
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


class ExtensionChecked(Event, key="environment"):
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
