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
    message: Sentence
    suggestion: str = Field(max_length=500)
    """What to write instead; empty if none is known."""


Findings = Annotated[tuple[ExtensionFinding, ...], Field(max_length=50)]


class ExtensionVerdict(ExtensionName):
    """What a check says about one extension."""

    verdict: Verdict
    blocking: Count
    """How many findings block."""
    summary: str = Field(max_length=500)
    """The first reason for the verdict, in a sentence; empty if it is `compatible`."""


Verdicts = Annotated[tuple[ExtensionVerdict, ...], Field(max_length=MOST_EXTENSIONS)]


class PublishBase(Command, key="base"):
    """Index a base, so that extensions can be checked against it."""

    base: BaseId
    packages: tuple[ArtifactRef, ...] = Field(min_length=1, max_length=100)
    """The `.app` files that it consists of."""


class CheckCompatibility(Command, key="environment"):
    """Check an environment's extensions against a base. The same set version and base: the same answer again."""

    environment: EnvironmentId
    project: ProjectId
    set_version: Count
    extensions: ExtensionSet
    base: BaseId
    operation: OperationId | None = None
    """The operation that waits for the answer."""
    promotion: PromotionId | None = None
    """The promotion that waits for the answer."""


class BaseIndexed(Event, key="base"):
    """Extensions can be checked against a base."""

    base: BaseId
    packages: tuple[ExtensionName, ...] = Field(max_length=100)
    """What its packages are."""


class BaseIndexingFailed(Event, key="base"):
    """There is no index of a base: nothing can be checked against it."""

    base: BaseId
    problem: Problem


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


MESSAGES = (
    PublishBase,
    CheckCompatibility,
    BaseIndexed,
    BaseIndexingFailed,
    CompatibilityChecked,
    ExtensionIncompatible,
    BaseSnapshot,
    CheckSnapshot,
)
