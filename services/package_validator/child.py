"""`python -m services.package_validator.child`: opens packages for the validator, each in a process of its own."""

from pathlib import Path

import msgspec

from services.package_validator.requests import (
    INFRASTRUCTURE,
    CheckPackage,
    FilesMerged,
    MergeFiles,
    PackageChecked,
    ReadVersion,
    Request,
    StatedVersion,
)
from shared.children import Failed, Tell, serve
from shared.formats.deployable_package.archive.directory import Allowance, DirectoryError, read_directory
from shared.formats.deployable_package.archive.sources import FileSource
from shared.formats.deployable_package.archive.unpacking import EntryError, read_whole
from shared.formats.deployable_package.findings import Findings, InfrastructureError
from shared.formats.deployable_package.judge.check import check_package
from shared.formats.deployable_package.limits import Limits
from shared.formats.deployable_package.read.layout import lay_out
from shared.formats.deployable_package.read.manifest import read_manifest
from shared.formats.deployable_package.read.release import ReleaseError, decode_release
from shared.formats.deployable_package.write.build import BuildError
from shared.formats.deployable_package.write.merge import merge_packages


def stated_platform_version(path: Path) -> str | None:
    """The platform version in a package's manifest; None where there is none, or the check will say what is wrong.

    Reads the archive's directory and the manifest alone. Raise InfrastructureError if the file cannot be read.
    """
    limits, findings = Limits(), Findings()
    with FileSource(path) as source:
        try:
            layout = lay_out(read_directory(source, "", Allowance(limits), findings), findings)
            entry = layout.manifest if layout else None
            if entry is None or entry.size > limits.document:
                return None
            manifest = read_manifest(read_whole(source, entry), entry.path, findings)
        except (DirectoryError, EntryError):
            return None
    return (manifest.platform_version or None) if manifest else None


class PackageTasks:
    """Does the validator's tasks; nothing is kept from one to the next."""

    def prepare(self, request: Request) -> None:
        """Every package is foreign."""

    def answer(self, request: Request, tell: Tell) -> msgspec.Struct:
        """Do a task; what is not the package's fault is an answer as well."""
        try:
            match request:
                case ReadVersion():
                    return StatedVersion(stated_platform_version(Path(request.path)))
                case CheckPackage():
                    return _check(request, tell)
                case MergeFiles():
                    return _merge(request)
        except (InfrastructureError, ReleaseError, OSError) as error:
            return Failed(INFRASTRUCTURE, str(error))


def _check(request: CheckPackage, tell: Tell) -> PackageChecked:
    release = decode_release(request.release) if request.release is not None else None
    path, limits = Path(request.path), Limits(seconds=request.seconds)
    verdict = check_package(path, release=release, limits=limits, sha256=request.sha256, progress=tell)
    size = path.stat().st_size
    tell(size, size)
    return PackageChecked(verdict)


def _merge(request: MergeFiles) -> FilesMerged:
    try:
        take = {module: Path(path) for module, path in request.take.items()}
        merge_packages([Path(path) for path in request.paths], Path(request.out), take=take)
    except BuildError as error:
        return FilesMerged(str(error))
    return FilesMerged("")


if __name__ == "__main__":
    serve(Request, PackageTasks())
