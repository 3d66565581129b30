"""What the work of this service is given, and what it brings back."""

from shared.contracts.extension_compatibility_checker import ExtensionVerdict, Findings
from shared.contracts.parts import ArtifactRef, ExtensionName, ExtensionSet, Problem
from shared.kernel import State

ATTEMPTS = 5
"""How often work is begun before it has failed."""


class IndexedPackage(State):
    """A package of a base: who it is, and where its index is stored."""

    package: ArtifactRef
    app: ExtensionName
    index: ArtifactRef


class IndexingInput(State):
    """A base to index."""

    base: str
    packages: tuple[ArtifactRef, ...]


class IndexingDone(State):
    """The indexes of a base's packages, or why there are none."""

    indexed: tuple[IndexedPackage, ...] = ()
    problem: Problem | None = None


class CompatibilityCheckInput(State):
    """Extensions to check, the base to check them against, and the base that they run on today."""

    environment: str
    set_version: int
    base: str
    extensions: ExtensionSet
    packages: tuple[IndexedPackage, ...]
    current_base: str | None = None
    current_packages: tuple[IndexedPackage, ...] = ()
    """None of them: the current base has no index, and evidence of what has changed is missing."""
    replaced: ExtensionSet = ()


class ExtensionJudgement(State):
    """A verdict on an extension, with the findings that are told of it, what blocks first."""

    verdict: ExtensionVerdict
    findings: Findings = ()
    reused: bool = False
    """The same package was judged before, with the same in sight."""


class CompatibilityCheckDone(State):
    """What is said of each extension of the set, or why nothing is."""

    judged: tuple[ExtensionJudgement, ...] = ()
    report: ArtifactRef | None = None
    problem: Problem | None = None
