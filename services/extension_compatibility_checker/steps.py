"""The real work of extension-compatibility-checker: indexes of bases, and verdicts on extensions.

What a package is at fault for is an answer, and so is an artifact that is not there. An outage is waited for; a
process that dies costs an attempt. Cut off and begun again, both pieces of work make the same artifacts.
"""

from collections.abc import Sequence

from pydantic import ValidationError

from services.extension_compatibility_checker import reporting
from services.extension_compatibility_checker.base_indexes import BaseIndexes, index_key
from services.extension_compatibility_checker.domain.base_ids import country_of, version_of
from services.extension_compatibility_checker.domain.work import (
    CompatibilityCheckDone,
    CompatibilityCheckInput,
    IndexedPackage,
    IndexingDone,
    IndexingInput,
)
from services.extension_compatibility_checker.judging import Judging, TargetIndexes
from services.extension_compatibility_checker.reading import IndexDamaged
from shared.artifacts.errors import ArtifactStoreError, ArtifactUnusableError
from shared.artifacts.port import ArtifactStore
from shared.contracts.extension_compatibility_checker import Reason
from shared.contracts.parts import ArtifactRef, ExtensionName, Problem
from shared.formats.al.package.container import PackageError
from shared.formats.al.package.version import Version
from shared.formats.al.symbols.index import App
from shared.kernel import Transient
from shared.kernel.app import Job

REPORT_TYPE = "application/json"


class Steps:
    """Reads packages from one artifact store, finds indexes in one cache, and has them judged."""

    def __init__(self, artifacts: ArtifactStore, indexes: BaseIndexes, judging: Judging) -> None:
        self._artifacts = artifacts
        self._indexes = indexes
        self._judging = judging

    async def index(self, given: IndexingInput, job: Job) -> IndexingDone:
        """Index the packages of a base. Raise Transient where the store or the machine is at fault."""
        country = country_of(given.base)
        indexed = []
        apps = []
        try:
            for done, package in enumerate(given.packages):
                job.progress(done, len(given.packages), "packages")
                index = await self._indexes.file(package, country)
                stored = await self._indexes.store(index)
                indexed.append(IndexedPackage(package=package, app=_named(index.app), index=stored))
                apps.append(index.app)
                job.log(f"{index.app.title}: {index.objects} objects")
        except PackageError as error:
            return IndexingDone(problem=Problem.of(Reason.BASE_UNREADABLE, str(error)))
        except ArtifactUnusableError as error:
            return IndexingDone(problem=Problem.of(Reason(error.reason), str(error)))
        except (ArtifactStoreError, OSError) as error:
            raise Transient(str(error)) from error
        if not _is_base(given.base, apps):
            titles = ", ".join(app.title for app in apps)
            message = f"none of its packages is the base application {_version(given.base)}; they are: {titles}"
            return IndexingDone(problem=Problem.of(Reason.BASE_MISMATCH, message))
        return IndexingDone(indexed=tuple(indexed))

    async def check(self, given: CompatibilityCheckInput, job: Job) -> CompatibilityCheckDone:
        """Check a set of extensions. Raise Transient as `index` does, IndexDamaged for an index to be made anew."""
        try:
            bases = await self._target(given.base, given.packages)
            old = await self._target(given.current_base or given.base, given.current_packages)
            job.log(f"checking {len(given.extensions)} extension(s) against {given.base}")
            found = await self._judging.judge(given.extensions, given.replaced, bases, old)
            job.log(f"{len(found.reused)} of them were judged before")
            stored = await self._artifacts.put_bytes(reporting.report_file(given, found.reports), REPORT_TYPE)
        except PackageError as error:
            return CompatibilityCheckDone(problem=Problem.of(Reason.BASE_UNREADABLE, str(error)))
        except IndexDamaged as error:
            self._indexes.drop(error.path)
            raise
        except ArtifactUnusableError as error:
            return CompatibilityCheckDone(problem=Problem.of(Reason(error.reason), str(error)))
        except (ArtifactStoreError, OSError) as error:
            raise Transient(str(error)) from error
        return CompatibilityCheckDone(
            judged=reporting.judged(given.extensions, found.reports, found.reused),
            report=ArtifactRef.of(stored),
        )

    async def _target(self, base: str, packages: Sequence[IndexedPackage]) -> TargetIndexes:
        country = country_of(base)
        files = [await self._indexes.file(one.package, country, one.index) for one in packages]
        return TargetIndexes(
            tuple(str(index.path) for index in files),
            tuple(index_key(one.package, country) for one in packages),
        )


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
    return Version.parse(version_of(base))
