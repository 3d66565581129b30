"""What the service and its child processes say to each other: a request, an answer, each a frame on a pipe."""

import struct
from typing import BinaryIO

import msgspec

from shared.formats.al.finding import Report
from shared.formats.al.symbols.index import App

_LENGTH = struct.Struct(">Q")


class PackageFile(msgspec.Struct, frozen=True):
    """An extension's package. `label` names it in reports; `problem` says why it is not to be opened, else empty."""

    label: str
    digest: str
    path: str
    problem: str = ""


class MakeIndex(msgspec.Struct, frozen=True, tag=True):
    """Index a package of a base; the index is written to `target`. Answered by Indexed."""

    package: str
    label: str
    country: str
    target: str


class LoadIndex(msgspec.Struct, frozen=True, tag=True):
    """Is there a whole index of today's format? Answered by Indexed, or Failed with DAMAGED_INDEX."""

    path: str


class LookInto(msgspec.Struct, frozen=True, tag=True):
    """What do packages show to others? Answered by Seen."""

    packages: tuple[PackageFile, ...]


class Judge(msgspec.Struct, frozen=True, tag=True):
    """Judge packages together against a target set; `bases` and `old` are index files. Answered by Judged."""

    packages: tuple[PackageFile, ...]
    replaced: tuple[PackageFile, ...]
    """Installed versions of some of them."""
    bases: tuple[str, ...]
    old: tuple[str, ...]


Request = MakeIndex | LoadIndex | LookInto | Judge


class Indexed(msgspec.Struct, frozen=True, tag=True):
    """An index: whose, and of how many objects."""

    app: App
    objects: int


class Sight(msgspec.Struct, frozen=True):
    """What a package shows to others. `app` is None and `problem` set if it cannot be read.

    `marks` are 64 bits each for what may clash with another extension: objects, and members added to others' objects.
    Two packages without a common mark do not clash.
    """

    app: App | None
    problem: str = ""
    marks: frozenset[int] = frozenset()


class Seen(msgspec.Struct, frozen=True, tag=True):
    """What packages show, by their labels."""

    sights: dict[str, Sight]


class Judged(msgspec.Struct, frozen=True, tag=True):
    """What is said of packages, by their labels."""

    reports: dict[str, Report]


UNREADABLE_PACKAGE, DAMAGED_INDEX, FAULT = "unreadable-package", "damaged-index", "fault"


class Failed(msgspec.Struct, frozen=True, tag=True):
    """There is no answer: the package of a base is none, an index file is damaged, or it is a fault of ours."""

    kind: str
    message: str
    path: str = ""


Answer = Indexed | Seen | Judged | Failed

_encoder = msgspec.msgpack.Encoder()
_requests: "msgspec.msgpack.Decoder[Request]" = msgspec.msgpack.Decoder(Request)
_answers: "msgspec.msgpack.Decoder[Answer]" = msgspec.msgpack.Decoder(Answer)


def write(pipe: BinaryIO, message: Request | Answer) -> None:
    """Write a frame. OSError if the other side is gone."""
    content = _encoder.encode(message)
    pipe.write(_LENGTH.pack(len(content)) + content)
    pipe.flush()


def read_request(pipe: BinaryIO) -> Request | None:
    """The next request; None once the other side is gone."""
    content = _read(pipe)
    return None if content is None else _requests.decode(content)


def read_answer(pipe: BinaryIO) -> Answer | None:
    """The next answer; None once the other side is gone."""
    content = _read(pipe)
    return None if content is None else _answers.decode(content)


def _read(pipe: BinaryIO) -> bytes | None:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    content = pipe.read(length)
    return content if len(content) == length else None
