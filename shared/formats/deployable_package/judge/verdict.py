"""The result of a check."""

from enum import StrEnum
from typing import Any

import msgspec

from shared.formats.deployable_package.findings import PackageFinding
from shared.formats.deployable_package.rules import RuleSeverity


class CheckOutcome(StrEnum):
    """`unchecked` means that nothing could be decided, for reasons outside the package."""

    VALID = "valid"
    INVALID = "invalid"
    UNCHECKED = "unchecked"


class JudgedModule(msgspec.Struct, frozen=True):
    """A module of a package: name in its right case, references in lower case, hash of its content.

    `vendor`: it belongs to the platform part; in a merged package those are what the meta packages name.
    """

    name: str
    version: str
    references: tuple[str, ...] = ()
    content_sha256: str = ""
    vendor: bool = False

    @property
    def key(self) -> str:
        return self.name.lower()


class PackageVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a package is and what is wrong with it.

    `kind` is platform, customization, merged, or the name of a type that is refused; None if it cannot be
    told. `sha256` is None where the package was refused before all of it was read. Versions are empty where
    unknown.
    """

    verdict: CheckOutcome
    findings: tuple[PackageFinding, ...] = ()
    kind: str | None = None
    modules: tuple[JudgedModule, ...] = ()
    publisher: str = ""
    platform_version: str = ""
    application_version: str = ""
    removed_modules: tuple[str, ...] = ()
    size: int = 0
    sha256: str | None = None

    def count(self, severity: RuleSeverity) -> int:
        return sum(1 for finding in self.findings if finding.severity is severity)

    def as_document(self) -> dict[str, Any]:
        """Return the verdict as plain values for JSON; findings with severity and fix."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        document["findings"] = [
            {
                "rule": finding.rule,
                "severity": str(finding.severity),
                "path": finding.path,
                "message": finding.message,
                "fix": finding.fix,
            }
            for finding in self.findings
        ]
        return document

    def as_report(self) -> dict[str, Any]:
        """Return what a check says of a package: the document, with a module's name and version alone."""
        return {**self.as_document(), "modules": [{"name": one.name, "version": one.version} for one in self.modules]}
