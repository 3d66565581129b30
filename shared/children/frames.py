"""What a pool and its processes say to each other: frames on a pipe, each a kind, a length and a content."""

from typing import IO

import msgspec

_MIB = 1 << 20
_LENGTH = 8

ADVANCED = b"p"
ANSWER = b"a"
FAILED = b"f"
DIED = b"d"
"""The process that did the task ended without an answer; the content says how."""
TASK = b"t"

MOST = 256 * _MIB
"""Bytes of one frame, at most."""

FAULT = "fault"
"""Kind of failure: the code that did the task raised something unforeseen."""
MEMORY = "memory"
"""Kind of failure: the task needs more memory than it may have."""


class TaskLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one task may use. 0: no limit."""

    memory: int = 4096 * _MIB
    """Bytes of address space."""
    cpu_seconds: int = 3600
    """Of all its threads together."""
    file_size: int = 4096 * _MIB
    """Bytes of one file that it writes."""
    open_files: int = 256
    processes: int = 4096
    """Processes and threads that its user may have in all; root is not bound by it."""


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """The only files that are there for a task, beside the code: files or folders with all that is in them."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    """Folders in which files may be made, read, changed and removed."""


class Task(msgspec.Struct, frozen=True):
    """A request with what it may use."""

    limits: TaskLimits
    files: Files
    request: msgspec.Raw


class Advanced(msgspec.Struct, frozen=True):
    """How far a task is; there may be any number of these before its answer."""

    done: int
    total: int


class Failed(msgspec.Struct, frozen=True):
    """A task that was not done. `kind` is for programs, `message` for people, `subject` names what it is about."""

    kind: str
    message: str
    subject: str = ""


def write_frame(stream: IO[bytes], kind: bytes, content: object) -> None:
    """Send a frame. Raise OSError if nobody reads it any more."""
    stream.write(pack(kind, msgspec.msgpack.encode(content)))
    stream.flush()


def pack(kind: bytes, content: bytes) -> bytes:
    """A frame as it travels, of what is packed already."""
    return kind + len(content).to_bytes(_LENGTH, "big") + content


def read_frame(stream: IO[bytes]) -> tuple[bytes, bytes] | None:
    """Kind and content of the next frame; None at the end of the stream, also where that comes in the middle.

    Raise ValueError for a frame that nobody would send.
    """
    head = stream.read(1 + _LENGTH)
    if len(head) < 1 + _LENGTH:
        return None
    length = int.from_bytes(head[1:], "big")
    if length > MOST:
        raise ValueError(f"a frame of {length} bytes")
    content = stream.read(length)
    return (head[:1], content) if len(content) == length else None
