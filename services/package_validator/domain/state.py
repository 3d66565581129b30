"""A package as it is kept."""

from datetime import datetime

from shared.contracts.package_validator import PACKAGE_LIFECYCLE, Judged, PackageStatus, TakenModule
from shared.contracts.parts import ArtifactRef, Finding, PackageContents, Problem
from shared.kernel import State

VERDICTS = frozenset({PackageStatus.VALID, PackageStatus.INVALID})


class Basis(State):
    """What a verdict rests on beside the package's file: where this is another now, the package is checked again."""

    platform_version: str | None
    """That the package states; None: none that can be read."""
    rules: str
    release: str | None
    modules: str | None
    """Digest of the release's module list."""


class Retirement(State):
    """Who retired a package, when and why."""

    actor: str | None
    at: datetime
    note: str


class DeployablePackage(State):
    """A package, under its name for good: another file needs another name."""

    lifecycle = PACKAGE_LIFECYCLE

    id: str
    status: PackageStatus
    artifact: ArtifactRef | None
    """None while it is being merged: until then there is no package."""
    file_name: str
    contents: PackageContents | None = None
    """Kept from the last check that found it valid."""
    findings: tuple[Finding, ...] = ()
    problem: Problem | None = None
    judged: Judged | None = None
    basis: Basis | None = None
    """None until a check has come to a verdict."""
    rechecking: bool = False
    """A check runs while an earlier verdict stands."""
    merged_from: tuple[str, ...] = ()
    taken: tuple[TakenModule, ...] = ()
    """Modules of which somebody chose the package that they are taken from."""
    retired: Retirement | None = None

    @property
    def standing(self) -> PackageStatus | None:
        """The verdict that it has."""
        return self.status if self.status in VERDICTS else None

    @property
    def file(self) -> ArtifactRef:
        """Its file, which it has unless it is being merged."""
        if self.artifact is None:
            raise ValueError(f"{self.id} is being merged and has no file yet")
        return self.artifact
