"""The real work of the validator: the file in the artifact store, from its first byte to a verdict."""

import asyncio

from services.package_validator.deployable_package.checking import check_package
from services.package_validator.deployable_package.failures import InfrastructureError
from services.package_validator.deployable_package.rules import Severity as RuleSeverity
from services.package_validator.deployable_package.verdict import JudgedModule, Outcome, Verdict
from services.package_validator.domain import FINDINGS_LIMIT, Checked, CheckInput
from shared.artifacts.errors import ArtifactCorruptError, ArtifactMissingError, ArtifactStoreError
from shared.artifacts.port import ArtifactStore
from shared.contracts.package_validator import Reason
from shared.contracts.parts import Finding, Module, PackageContents, PackageKind, Problem, Severity
from shared.contracts.scalars import sentence
from shared.kernel.outcomes import Transient
from shared.kernel.worker import Job


class Steps:
    """Checks packages of one artifact store."""

    def __init__(self, artifacts: ArtifactStore) -> None:
        self._artifacts = artifacts

    async def check(self, given: CheckInput, job: Job) -> Checked:
        """Check a package. Raise Transient where the machine, not the package, is at fault and may recover."""
        loop = asyncio.get_running_loop()

        def progress(done: int, total: int) -> None:
            loop.call_soon_threadsafe(job.progress, done, total, "bytes")

        try:
            async with self._artifacts.local_file(given.artifact.digest) as path:
                digest = given.artifact.digest.removeprefix("sha256:")
                verdict = await asyncio.to_thread(check_package, path, sha256=digest, progress=progress)
        except ArtifactMissingError as error:
            return _undecided(Reason.ARTIFACT_MISSING, str(error))
        except ArtifactCorruptError as error:
            return _undecided(Reason.ARTIFACT_DAMAGED, str(error))
        except (ArtifactStoreError, InfrastructureError) as error:
            raise Transient(str(error)) from error
        return _as_checked(verdict)


def _undecided(reason: Reason, message: str) -> Checked:
    return Checked(problem=Problem(reason=reason, message=sentence(message)))


def _as_checked(verdict: Verdict) -> Checked:
    if verdict.verdict is Outcome.UNCHECKED:
        return _undecided(Reason.CHECK_FAILED, "nothing could be decided about the package")
    findings = tuple(
        Finding(
            rule=finding.rule,
            severity=Severity.ERROR if finding.severity is RuleSeverity.ERROR else Severity.WARNING,
            path=finding.path[:300],
            message=sentence(finding.message),
            fix=sentence(finding.fix),
        )
        for finding in verdict.findings
        if finding.severity in (RuleSeverity.ERROR, RuleSeverity.WARNING)
    )
    ordered = sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR)[:FINDINGS_LIMIT]
    if verdict.verdict is Outcome.INVALID:
        return Checked(findings=tuple(ordered))
    contents = PackageContents(
        kind=PackageKind(verdict.kind or ""),
        modules=_modules(verdict.modules, vendor=False),
        platform_modules=_modules(verdict.modules, vendor=True),
        removed_modules=verdict.removed_modules,
        platform_version=verdict.platform_version or None,
        application_version=verdict.application_version or None,
    )
    return Checked(contents=contents, findings=tuple(ordered))


def _modules(modules: tuple[JudgedModule, ...], *, vendor: bool) -> tuple[Module, ...]:
    return tuple(Module(name=one.name, version=one.version) for one in modules if one.vendor is vendor)
