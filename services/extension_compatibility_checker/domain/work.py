"""What the work of this service is given, and what it brings back."""

from pydantic import BaseModel, ConfigDict

from shared.contracts.extension_compatibility_checker import ExtensionVerdict, Findings
from shared.contracts.parts import ArtifactRef, ExtensionName, ExtensionSet, Problem

ATTEMPTS = 5
"""How often work is begun before it has failed."""


class Part(BaseModel):
    """Common to them: nothing of them changes."""

    model_config = ConfigDict(frozen=True)


class IndexedPackage(Part):
    """A package of a base: who it is, and where its index is stored."""

    package: ArtifactRef
    app: ExtensionName
    index: ArtifactRef


class IndexingInput(Part):
    """A base to index."""

    base: str
    packages: tuple[ArtifactRef, ...]


class IndexingDone(Part):
    """The indexes of a base's packages, or why there are none."""

    indexed: tuple[IndexedPackage, ...] = ()
    problem: Problem | None = None


class CheckInput(Part):
    """Extensions to check, and the base to check them against."""

    environment: str
    set_version: int
    base: str
    extensions: ExtensionSet
    packages: tuple[IndexedPackage, ...]


class Incompatible(Part):
    """An extension that does not work with the base, and the findings that are told of it."""

    extension: ExtensionName
    findings: Findings


class CheckDone(Part):
    """A verdict per extension, or why there is none."""

    verdicts: tuple[ExtensionVerdict, ...] = ()
    incompatible: tuple[Incompatible, ...] = ()
    report: ArtifactRef | None = None
    problem: Problem | None = None
