"""The real work of extension-compatibility-checker: indexes of bases, and verdicts on extensions.

What a package is at fault for is an answer. What the artifact store or this machine is at fault for is tried again,
and then told as a fault of ours. Cut off and begun again, both pieces of work make the same artifacts.
"""

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace
from pydantic import ValidationError

from services.extension_compatibility_checker import reporting
from services.extension_compatibility_checker.al.checking import Target, check_packages
from services.extension_compatibility_checker.al.container import MAX_FILE, Kind, Package, PackageError, open_package
from services.extension_compatibility_checker.al.finding import Report
from services.extension_compatibility_checker.al.index import App
from services.extension_compatibility_checker.al.version import Version
from services.extension_compatibility_checker.base_indexes import BaseIndexes
from services.extension_compatibility_checker.domain.work import (
    ATTEMPTS,
    CheckDone,
    CheckInput,
    IndexedPackage,
    IndexingDone,
    IndexingInput,
)
from shared.artifacts.errors import ArtifactCorruptError, ArtifactMissingError, ArtifactStoreError
from shared.artifacts.port import ArtifactStore
from shared.contracts.extension_compatibility_checker import Reason
from shared.contracts.parts import ArtifactRef, Extension, ExtensionName, Problem
from shared.contracts.scalars import sentence
from shared.kernel.outcomes import Transient
from shared.kernel.worker import Job

REPORT_TYPE = "application/json"


class Steps:
    """Reads packages from one artifact store, and indexes through one cache."""

    def __init__(self, artifacts: ArtifactStore, indexes: BaseIndexes) -> None:
        self._artifacts = artifacts
        self._indexes = indexes

    async def index(self, given: IndexingInput, job: Job) -> IndexingDone:
        """Index the packages of a base. Raise Transient where the machinery fails and attempts are left."""
        country = _country(given.base)
        indexed = []
        apps = []
        try:
            for done, package in enumerate(given.packages):
                job.progress(done, len(given.packages), "packages")
                index = await self._indexes.read(package, country)
                stored = await self._indexes.store(index)
                indexed.append(IndexedPackage(package=package, app=_named(index.app), index=stored))
                apps.append(index.app)
                job.log(f"{index.app.title}: {len(index)} objects")
        except PackageError as error:
            return IndexingDone(problem=_problem(Reason.BASE_UNREADABLE, str(error)))
        except (ArtifactStoreError, OSError) as error:
            return IndexingDone(problem=_fault(error, Reason.INDEXING_FAILED, job))
        if not _is_base(given.base, apps):
            titles = ", ".join(app.title for app in apps)
            message = f"none of its packages is the base application {_version(given.base)}; they are: {titles}"
            return IndexingDone(problem=_problem(Reason.BASE_MISMATCH, message))
        return IndexingDone(indexed=tuple(indexed))

    async def check(self, given: CheckInput, job: Job) -> CheckDone:
        """Check a set of extensions. Raise Transient where the machinery fails and attempts are left."""
        country = _country(given.base)
        try:
            target = Target([await self._indexes.read(one.package, country, one.index) for one in given.packages])
            packages = [await self._open(extension) for extension in given.extensions]
            job.log(f"checking {len(packages)} extension(s) against {given.base}")
            reports, report = await asyncio.to_thread(_judge, given, packages, target)
            stored = await self._artifacts.put_bytes(report, REPORT_TYPE)
        except PackageError as error:
            return CheckDone(problem=_problem(Reason.BASE_UNREADABLE, str(error)))
        except (ArtifactStoreError, OSError) as error:
            return CheckDone(problem=_fault(error, Reason.CHECK_FAILED, job))
        return CheckDone(
            verdicts=tuple(map(reporting.verdict_on, given.extensions, reports)),
            incompatible=reporting.incompatible(given.extensions, reports),
            report=ArtifactRef(digest=stored.digest, size=stored.size, media_type=stored.media_type),
        )

    async def _open(self, extension: Extension) -> Package:
        """The package of an extension. One that is another app than the set says counts as one that cannot be read."""
        digest, path = extension.artifact.digest, _file(extension)
        size = (await self._artifacts.describe(digest)).size
        if size > MAX_FILE:
            return Package(path, Kind.DAMAGED, digest, problem=f"it has {size} bytes; the limit is {MAX_FILE}")
        content = await self._artifacts.read(digest, limit=size)
        package = await asyncio.to_thread(open_package, content, path)
        manifest = package.manifest
        if manifest and (manifest.id, manifest.version) != (extension.app_id, Version.parse(extension.version)):
            found = f"{manifest.name} {manifest.version} ({manifest.id})"
            problem = f"the file is {found}, not {extension.name} {extension.version} ({extension.app_id})"
            return Package(path, Kind.DAMAGED, digest, problem=problem)
        return package


def _judge(given: CheckInput, packages: Sequence[Package], target: Target) -> tuple[list[Report], bytes]:
    reports = _in_order_of_set(given.extensions, check_packages(packages, target))
    return reports, reporting.report_file(given, reports)


def _in_order_of_set(extensions: Sequence[Extension], found: Sequence[Report]) -> list[Report]:
    """A report for each extension; one whose package names nobody is found by its file, and gets its name."""
    known = {report.id or report.name: report for report in found}
    reports = []
    for extension in extensions:
        report = known.get(extension.app_id)
        if report is None:
            file = _file(extension)
            unread = known[file]
            report = replace(
                unread,
                id=extension.app_id,
                name=extension.name,
                publisher=extension.publisher,
                version=extension.version,
                undecided=tuple(reason.removeprefix(f"{file}: ") for reason in unread.undecided),
            )
        reports.append(report)
    return reports


def _file(extension: Extension) -> str:
    return f"{extension.app_id}.app"


def _named(app: App) -> ExtensionName:
    try:
        return ExtensionName(
            app_id=app.id, name=app.name[:250], publisher=app.publisher[:250] or "unknown", version=str(app.version)
        )
    except ValidationError as error:
        wrong = ", ".join(str(one["loc"][0]) for one in error.errors())
        raise PackageError(f"{app.title}: its manifest has no usable {wrong}") from None


def _is_base(base: str, apps: Sequence[App]) -> bool:
    """Whether one of them is the base application in this version.

    Only major and minor count: the apps of one release have builds of their own.
    """
    wanted = _version(base)
    return any(app.is_base and app.version[:2] == wanted[:2] for app in apps)


def _version(base: str) -> Version:
    return Version.parse(base.rpartition("/")[0])


def _country(base: str) -> str:
    return base.rpartition("/")[2]


def _fault(error: ArtifactStoreError | OSError, otherwise: Reason, job: Job) -> Problem:
    """A fault of ours; Transient while there are attempts left."""
    if job.attempt < ATTEMPTS:
        raise Transient(str(error)) from error
    reasons: dict[type[Exception], Reason] = {
        ArtifactMissingError: Reason.ARTIFACT_MISSING,
        ArtifactCorruptError: Reason.ARTIFACT_DAMAGED,
    }
    return _problem(reasons.get(type(error), otherwise), str(error))


def _problem(reason: Reason, message: str) -> Problem:
    return Problem(reason=reason, message=sentence(message))
