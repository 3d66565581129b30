"""What the validator asks of the processes that open packages, and what they answer."""

import msgspec

from shared.formats.deployable_package.judge.verdict import PackageVerdict


class ReadVersion(msgspec.Struct, frozen=True, tag=True):
    """Say which platform version the package in the file `path` states."""

    path: str


class CheckPackage(msgspec.Struct, frozen=True, tag=True):
    """Check the package in the file `path`, whose hash is known, within `seconds`.

    `release`: a release file, to hold it against.
    """

    path: str
    sha256: str
    release: bytes | None
    seconds: float


class MergeFiles(msgspec.Struct, frozen=True, tag=True):
    """Merge the packages in the files `paths` into the file `out`; `take`: modules, and the path that each is from."""

    paths: tuple[str, ...]
    out: str
    take: dict[str, str]


class StatedVersion(msgspec.Struct, frozen=True, tag=True):
    """The answer to ReadVersion; None: the package states none that can be read."""

    platform_version: str | None


class PackageChecked(msgspec.Struct, frozen=True, tag=True):
    """The answer to CheckPackage."""

    verdict: PackageVerdict


class FilesMerged(msgspec.Struct, frozen=True, tag=True):
    """The answer to MergeFiles; `refused` says why the packages do not go together, and is empty if they do."""

    refused: str


INFRASTRUCTURE = "infrastructure"
"""Kind of failure: a task could not be done, for no reason that lies in the package."""

Request = ReadVersion | CheckPackage | MergeFiles
