"""The states of bases, checks, policies, and of an environment for its remediations."""

from datetime import datetime

from services.extension_compatibility_checker.domain.work import IndexedPackage
from shared.contracts.extension_compatibility_checker import (
    BASE_LIFECYCLE,
    CHECK_LIFECYCLE,
    REMEDIATION_LIFECYCLE,
    BaseStatus,
    CheckCompatibility,
    CheckStatus,
    ExtensionFinding,
    ExtensionVerdict,
    RemediationDates,
    RemediationEnding,
    RemediationPolicy,
    RemediationStatus,
)
from shared.contracts.parts import ArtifactRef, ExtensionName, ExtensionSet, Problem, Verdict
from shared.contracts.servicing_executor import OperationKind, StagedExtensions
from shared.kernel import State

RemediationKey = tuple[str, int]
"""App id and target major: the identity of a remediation in its environment."""


class Base(State):
    """A base under its id `<version>/<country>`. Once it is indexed it never changes."""

    lifecycle = BASE_LIFECYCLE

    base: str
    packages: tuple[ArtifactRef, ...]
    status: BaseStatus
    indexed: tuple[IndexedPackage, ...] = ()
    problem: Problem | None = None

    def consists_of(self, packages: tuple[ArtifactRef, ...]) -> bool:
        """Whether these are its packages; their order does not count."""
        return {one.digest for one in self.packages} == {one.digest for one in packages}


class Waiter(State):
    """Who waits for the answer: an operation, a promotion, or somebody who named neither."""

    operation: str | None
    promotion: str | None


class CompatibilityCheck(State):
    """A check. `request` is the command that it was begun with; `verdict` is None until it has ended."""

    lifecycle = CHECK_LIFECYCLE

    request: CheckCompatibility
    asked_at: datetime
    waiters: tuple[Waiter, ...]
    verdict: Verdict | None = None
    extensions: tuple[ExtensionVerdict, ...] = ()
    report: ArtifactRef | None = None
    problem: Problem | None = None
    checked_at: datetime | None = None

    @property
    def status(self) -> CheckStatus:
        """Where it stands."""
        return CheckStatus.CHECKING if self.verdict is None else CheckStatus.CHECKED


class ProjectPolicy(State):
    """The policy that was set for a project."""

    project: str
    policy: RemediationPolicy


class Question(State):
    """A set version and a base: what a check is about, in an environment."""

    set_version: int
    base: str


class AskedQuestion(Question):
    """A check that was asked for from here."""

    at: datetime


class EarlyNotice(State):
    """What became of a notification about an extension whose verdict has not arrived here yet."""

    app_id: str
    target_major: int
    accepted: bool
    """A mail server took it; False: there was nobody to tell."""
    at: datetime


class FinishedOperation(State):
    """An operation that has ended, for the change of the set that may be heard of after it."""

    operation: str
    kind: OperationKind
    removed: tuple[str, ...]


class ExtensionRemediation(State):
    """A remediation. `verdict`, `base`, `set_version`, `report`, `findings` are those of the last judgement."""

    lifecycle = REMEDIATION_LIFECYCLE

    extension: ExtensionName
    base: str
    target_major: int
    verdict: Verdict
    set_version: int
    report: ArtifactRef
    findings: tuple[ExtensionFinding, ...]
    detected_at: datetime
    first_notified_at: datetime | None = None
    unreachable: bool = False
    tried_at: datetime
    """When it was told last, as far as is known here, whether somebody was there to hear it or not."""
    started: bool = False
    """Its clock was said to run."""
    removal_due_at: datetime | None = None
    reminders: int = 0
    reminded_until: datetime | None = None
    """The last moment of a reminder that needs no more reminding."""
    removal_told: Question | None = None
    """The judgement for which RemovalDue was sent."""
    gone_with: str | None = None
    """The operation that took the extension out of the set, until its end says whether as a removal."""
    ending: RemediationEnding | None = None

    @property
    def key(self) -> RemediationKey:
        """Its identity in the environment."""
        return self.extension.app_id, self.target_major

    @property
    def judged(self) -> Question:
        """What it was judged by last."""
        return Question(set_version=self.set_version, base=self.base)

    @property
    def status(self) -> RemediationStatus:
        """Where it stands."""
        if self.ending:
            return RemediationStatus.ENDED
        if self.removal_told:
            return RemediationStatus.REMOVAL_DUE
        return RemediationStatus.RUNNING if self.started else RemediationStatus.DETECTED

    @property
    def dates(self) -> RemediationDates:
        """Its dates as they are told."""
        return RemediationDates(
            detected_at=self.detected_at,
            first_notified_at=self.first_notified_at,
            removal_due_at=self.removal_due_at,
        )


class Remediations(State):
    """An environment. What is not known of it yet is None, or empty."""

    environment: str
    project: str
    country: str | None = None
    running: str | None = None
    """Version of the base that it runs on."""
    application: str | None = None
    """The application version that it runs."""
    set_version: int | None = None
    extensions: ExtensionSet = ()
    staged: StagedExtensions = ()
    heard: int = 0
    """Sequence number of the last event of servicing-executor."""
    finished: tuple[FinishedOperation, ...] = ()
    judged: tuple[Question, ...] = ()
    asked: tuple[AskedQuestion, ...] = ()
    notices: tuple[EarlyNotice, ...] = ()
    items: tuple[ExtensionRemediation, ...] = ()
    ended: tuple[ExtensionRemediation, ...] = ()
    """Latest last."""
    look_at: datetime | None = None
    """When it looks ahead next; None: it is no more."""
