"""What the validator asks of the process that opens packages, and what it hears from it."""

from typing import IO

import msgspec

from shared.formats.deployable_package.judge.verdict import Verdict

_LENGTH = 4


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
    """Merge the packages in the files `paths` into the file `out`."""

    paths: tuple[str, ...]
    out: str


class Advanced(msgspec.Struct, frozen=True, tag=True):
    """How far a check is, in bytes; there may be any number of these before the answer."""

    done: int
    total: int


class Version(msgspec.Struct, frozen=True, tag=True):
    """The answer to ReadVersion; None: the package states none that can be read."""

    platform_version: str | None


class Judgement(msgspec.Struct, frozen=True, tag=True):
    """The answer to CheckPackage."""

    verdict: Verdict


class MergeEnded(msgspec.Struct, frozen=True, tag=True):
    """The answer to MergeFiles; `refused` says why the packages do not go together, and is empty if they do."""

    refused: str


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The answer to any task that could not be done, for no reason that lies in the package."""

    message: str


Task = ReadVersion | CheckPackage | MergeFiles
Answer = Version | Judgement | MergeEnded | Failed
Word = Advanced | Answer


def write(stream: IO[bytes], said: Task | Word) -> None:
    """Send one task or word."""
    content = msgspec.msgpack.encode(said)
    stream.write(len(content).to_bytes(_LENGTH, "big") + content)
    stream.flush()


def read(stream: IO[bytes]) -> bytes | None:
    """Receive one, as it travels; None at the end of the stream, also where that comes in the middle."""
    head = stream.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    length = int.from_bytes(head, "big")
    content = stream.read(length)
    return content if len(content) == length else None
