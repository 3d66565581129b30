"""The real work of the validator: files in the artifact store, from their first byte to a verdict or a merged package.

What a package is at fault for is an answer, and so is an artifact that is not there. An outage is waited for. Cut off
and begun again, both pieces of work make the same artifacts.
"""

import asyncio
import hashlib
import math
import shutil
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from pathlib import Path

from services.package_validator.domain.projections import CheckableRelease, of_platform
from services.package_validator.domain.work import (
    CRASHES,
    Checked,
    Crashes,
    Merged,
    MergeInput,
    PackageCheckInput,
)
from services.package_validator.reporting import (
    REPORT_TYPE,
    CannotBeTold,
    contents_of,
    findings_of,
    report_of,
    rules_fingerprint,
)
from services.package_validator.requests import (
    CheckPackage,
    FilesMerged,
    MergeFiles,
    PackageChecked,
    ReadVersion,
    StatedVersion,
)
from shared.artifacts.errors import ArtifactCorruptError, ArtifactStoreError, ArtifactUnusableError
from shared.artifacts.port import ArtifactStore
from shared.children import ChildDied, Files, Pool, TaskLimits
from shared.contracts.package_validator import Reason
from shared.contracts.parts import ArtifactRef, Problem
from shared.formats.deployable_package.findings import InfrastructureError
from shared.formats.deployable_package.judge.verdict import CheckOutcome, PackageVerdict
from shared.formats.deployable_package.read.release import decode_release
from shared.formats.deployable_package.rules import RuleSeverity
from shared.kernel import Transient
from shared.kernel.app import Job

PACKAGE_TYPE = "application/zip"
CPU_SECONDS_A_SECOND = 4
"""Threads that a check may keep busy all the time before it is taken for one that does not end."""
MODULE_LIST_LIMIT = 64 << 20
"""Bytes of a release's module list, at most."""


class Steps:
    """Checks and merges packages of one artifact store.

    `children` open them. `scratch` is where merged files are written first. A check that takes longer than
    `check_within` ends undecided.
    """

    def __init__(self, artifacts: ArtifactStore, children: Pool, scratch: Path, check_within: timedelta) -> None:
        self._artifacts = artifacts
        self._children = children
        self._scratch = scratch
        self._seconds = check_within.total_seconds()
        self._rules = rules_fingerprint()

    async def check(self, given: PackageCheckInput, job: Job) -> Checked:
        """Check a package. Raise Transient where the store or the machine is at fault, not the package."""
        try:
            verdict, release = await self._judge(given, job)
            stored = await self._artifacts.put_bytes(report_of(verdict), REPORT_TYPE)
            return self._checked(verdict, release, ArtifactRef.of(stored))
        except CannotBeTold as error:
            return Checked(problem=Problem.of(Reason.CHECK_FAILED, str(error)))
        except ChildDied as error:
            return await _crashed(error, job)
        except ArtifactUnusableError as error:
            return Checked(problem=Problem.of(Reason(error.reason), str(error)))
        except (ArtifactStoreError, OSError) as error:
            raise Transient(str(error)) from error

    async def merge(self, given: MergeInput, job: Job) -> Merged:
        """Merge packages into one file. Raise Transient as `check` does."""
        try:
            return await self._merge(given, job)
        except ArtifactUnusableError as error:
            return Merged(problem=Problem.of(Reason(error.reason), str(error)))
        except (ArtifactStoreError, OSError) as error:
            raise Transient(str(error)) from error

    async def _judge(self, given: PackageCheckInput, job: Job) -> tuple[PackageVerdict, CheckableRelease | None]:
        digest = given.artifact.digest
        async with self._artifacts.local_file(digest) as path:
            await self._check_size(given.artifact)
            own = Files(read=(str(path.resolve()),))
            stated = None
            if given.releases:
                read = await self._children.ask(ReadVersion(str(path)), StatedVersion, files=own)
                stated = read.platform_version
            release = of_platform(given.releases, stated)
            modules = await self._modules(release) if release else None
            if release:
                job.log(f"held against release {release.version}")
            task = CheckPackage(str(path), digest.removeprefix("sha256:"), modules, self._seconds)
            checked = await self._children.ask(
                task,
                PackageChecked,
                files=own,
                limits=TaskLimits(cpu_seconds=CPU_SECONDS_A_SECOND * math.ceil(self._seconds)),
                progress=lambda done, total: job.progress(done, total, "bytes"),
            )
        return checked.verdict, release

    async def _check_size(self, artifact: ArtifactRef) -> None:
        size = (await self._artifacts.describe(artifact.digest)).size
        if size != artifact.size:
            raise ArtifactCorruptError(f"artifact {artifact.digest} has {size} bytes, not the {artifact.size} stated")

    async def _modules(self, release: CheckableRelease) -> bytes | None:
        if release.modules is None:
            return None
        where = f"the module list of release {release.version}"
        try:
            content = await self._artifacts.read(release.modules.digest, limit=MODULE_LIST_LIMIT)
            await asyncio.to_thread(decode_release, content)
        except ArtifactStoreError as error:
            raise type(error)(f"{where}: {error}; publish the release again with its module list") from error
        except ValueError as error:  # too large, or none at all
            raise InfrastructureError(f"{where}: {error}; publish the release again with a right one") from error
        return content

    def _checked(self, verdict: PackageVerdict, release: CheckableRelease | None, report: ArtifactRef) -> Checked:
        if verdict.verdict is CheckOutcome.UNCHECKED:
            raise InfrastructureError("nothing could be decided about the package")
        return Checked(
            contents=contents_of(verdict) if verdict.verdict is CheckOutcome.VALID else None,
            findings=findings_of(verdict),
            report=report,
            errors=verdict.count(RuleSeverity.ERROR),
            warnings=verdict.count(RuleSeverity.WARNING),
            rules=self._rules,
            platform_version=verdict.platform_version or None,
            release=release,
        )

    async def _merge(self, given: MergeInput, job: Job) -> Merged:
        # Named after the attempt: one that was paused and wakes does not write into the file of the next.
        own = self._scratch / hashlib.sha256(job.label.encode()).hexdigest()
        folder = own / str(job.epoch)
        await asyncio.to_thread(_begin_anew, own, job.epoch)
        try:
            async with AsyncExitStack() as files:
                paths = []
                for number, source in enumerate(given.sources):
                    stored = await files.enter_async_context(self._artifacts.local_file(source.artifact.digest))
                    await self._check_size(source.artifact)
                    paths.append(await asyncio.to_thread(_named, stored, folder / str(number), source.package))
                    job.progress(number, len(given.sources), "packages")
                by_package = {source.package: str(path) for source, path in zip(given.sources, paths, strict=True)}
                take = {one.module: by_package[one.package] for one in given.take}
                merge = MergeFiles(tuple(by_package.values()), str(folder / "merged.zip"), take)
                files_of_it = Files(read=tuple(str(path.resolve()) for path in paths), write=(str(folder),))
                refused = (await self._children.ask(merge, FilesMerged, files=files_of_it)).refused
            # Only now are the sources known to be what their digests say.
            if refused:
                return Merged(problem=Problem.of(Reason.MERGE_REFUSED, refused))
            merged = await self._artifacts.put_file(folder / "merged.zip", PACKAGE_TYPE)
            job.progress(len(given.sources), len(given.sources), "packages")
            return Merged(artifact=ArtifactRef.of(merged))
        finally:
            await asyncio.to_thread(_clear, folder)


def _begin_anew(own: Path, epoch: int) -> None:
    """Make the folder of an attempt, and remove what attempts before it have left."""
    own.mkdir(parents=True, exist_ok=True)
    for left in own.iterdir():
        if int(left.name) <= epoch:
            shutil.rmtree(left, ignore_errors=True)
    (own / str(epoch)).mkdir()


def _clear(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # another attempt's folder is in it by now
        folder.parent.rmdir()


def _named(stored: Path, folder: Path, package: str) -> Path:
    """The file under the package's name: what is said of it names the file."""
    folder.mkdir()
    link = folder / package.partition("/")[2]
    link.symlink_to(stored.absolute())
    return link


async def _crashed(error: ChildDied, job: Job) -> Checked:
    """The package brought its check down: tried again, then set aside."""
    times = (Crashes.model_validate(job.checkpoint).times if job.checkpoint else 0) + 1
    await job.reached(Crashes(times=times))
    if times < CRASHES:
        raise Transient(str(error)) from error
    text = f"the check was begun {times} times, and each time {error}; tell support, or check it again later"
    return Checked(problem=Problem.of(Reason.CHECK_CRASHED, text), crashed=True)
