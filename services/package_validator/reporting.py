"""What a verdict becomes: the report that is kept, and what messages say of it."""

import hashlib

import msgspec
from pydantic import ValidationError

from shared.contracts.package_validator import MOST_FINDINGS
from shared.contracts.parts import Finding, Module, PackageContents, PackageKind, Severity
from shared.contracts.scalars import sentence
from shared.formats.deployable_package.judge.verdict import JudgedModule, PackageVerdict
from shared.formats.deployable_package.read.vendor_modules import known_vendor_modules
from shared.formats.deployable_package.rules import RULES, RuleSeverity

REPORT_TYPE = "application/json"
_LONGEST_PATH = 300


class CannotBeTold(Exception):
    """A valid package has something that no message holds; the sentence says what."""


def rules_fingerprint() -> str:
    """SHA-256 in hexadecimal of all rules: their ids, severities and texts, and the vendor's modules that they know.

    Another rule is another fingerprint.
    """
    rules = [
        [rule.id, rule.severity.value, rule.title, rule.meaning, rule.fix]
        for rule in sorted(RULES.values(), key=lambda one: one.id)
    ]
    return hashlib.sha256(msgspec.json.encode([rules, sorted(known_vendor_modules())])).hexdigest()


def report_of(verdict: PackageVerdict) -> bytes:
    """The whole verdict as JSON: the object that `drydock package check -o json` prints, in the same form."""
    return msgspec.json.format(msgspec.json.encode(verdict.as_report()), indent=2) + b"\n"


def findings_of(verdict: PackageVerdict) -> tuple[Finding, ...]:
    """The errors and warnings that a message holds, errors first."""
    findings = (
        Finding(
            rule=finding.rule,
            severity=Severity.ERROR if finding.severity is RuleSeverity.ERROR else Severity.WARNING,
            path=finding.path[:_LONGEST_PATH],
            message=sentence(finding.message),
            fix=sentence(finding.fix),
        )
        for finding in verdict.findings
        if finding.severity in (RuleSeverity.ERROR, RuleSeverity.WARNING)
    )
    return tuple(sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR)[:MOST_FINDINGS])


def contents_of(verdict: PackageVerdict) -> PackageContents:
    """What is in a valid package. Raise CannotBeTold if it is more, or something else, than messages hold."""
    try:
        return PackageContents(
            kind=PackageKind(verdict.kind or ""),
            modules=_modules(verdict.modules, vendor=False),
            platform_modules=_modules(verdict.modules, vendor=True),
            removed_modules=verdict.removed_modules,
            platform_version=verdict.platform_version or None,
            application_version=verdict.application_version or None,
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "its contents"
        raise CannotBeTold(
            f"the package breaks no rule, but {place} cannot be told to other services: {first['msg']}"
        ) from None


def _modules(modules: tuple[JudgedModule, ...], *, vendor: bool) -> tuple[Module, ...]:
    return tuple(Module(name=one.name, version=one.version) for one in modules if one.vendor is vendor)
