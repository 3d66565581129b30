"""What messages of package-validator are made of."""

from typing import Annotated

from pydantic import Field

from shared.contracts.message import Count, Instant, Part
from shared.contracts.parts import ArtifactRef, Finding
from shared.contracts.scalars import ModuleName, PackageId, Version

MOST_FINDINGS = 50
"""Findings that a message holds, errors first."""

Findings = Annotated[tuple[Finding, ...], Field(max_length=MOST_FINDINGS)]

FileName = Annotated[str, Field(min_length=1, max_length=255)]


class TakenModule(Part):
    """Which of several packages a module is taken from."""

    module: ModuleName
    package: PackageId


class Judged(Part):
    """What a verdict rests on, and where all of it stands."""

    report: ArtifactRef
    """The whole verdict as JSON, as `drydock package check -o json` prints it."""
    errors: Count
    warnings: Count
    rules: str = Field(min_length=1, max_length=64)
    """Fingerprint of the rules that were applied."""
    release: Version | None
    """The release whose modules it was held against; None: no release of its platform version is known."""
    checked_at: Instant
