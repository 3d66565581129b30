"""What the state server and who watches it say about its file: how it ended, and how new the file has to be.

Beside the file stands a record of the newest commit that was surely in it. A file that holds less went back in time,
by a torn end, an old copy or a lost disk: it is not served before a person has accepted that.
"""

import os
import shutil
import zlib
from enum import IntEnum
from pathlib import Path

_FORM = "drydock-state-generation 1"


class StoreEnd(IntEnum):
    """Exit codes of the state server; where there is one, the number that sysexits.h gives to the like."""

    OUT_OF_MEMORY = 3
    OLDER = 65
    NO_SPACE = 73
    FAILED = 74


def why(code: int, folder: Path) -> str | None:
    """In words why the server over `folder` ended with `code`, and the way out; None where the code says nothing."""
    match code:
        case StoreEnd.NO_SPACE:
            free = shutil.disk_usage(folder).free
            return (
                f"there is no space left for {folder} ({free / 1e6:.1f} MB free on its disk). Make room; "
                "it goes on by itself, and nothing that was acknowledged is lost"
            )
        case StoreEnd.FAILED:
            return f"its file in {folder} cannot be read or written; its log says why. Damaged: put back a backup of it"
        case StoreEnd.OLDER:
            return f"its file in {folder} is older than what it acknowledged, see its log"
        case StoreEnd.OUT_OF_MEMORY:
            return "it ran out of memory; nothing that was acknowledged is lost"
    return None


def record_of(file: Path) -> Path:
    """Where the record of a state file is."""
    return file.with_suffix(".generation")


def recorded(record: Path) -> int | None:
    """The recorded commit; None where there is no record. Raise ValueError where it cannot be read."""
    try:
        text = record.read_bytes()
    except FileNotFoundError:
        return None
    number = text.decode("ascii", "replace").removeprefix(_FORM).split()[:1]
    if not number or not number[0].isdecimal() or text != _line(int(number[0])):
        raise ValueError(f"{record} is no record of a state file's newest commit")
    return int(number[0])


def write_record(record: Path, generation: int) -> None:
    """Record a commit that is on the disk. Raise OSError where that cannot be written.

    An existing record is written over in place: that takes no space, and is less than a sector, so never half done.
    """
    if record.exists():
        _write(record, generation, os.O_WRONLY)
        return
    draft = record.with_suffix(".draft")
    _write(draft, generation, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    draft.replace(record)
    folder = os.open(record.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def refusal(file: Path, found: int) -> str | None:
    """Why a state file whose newest commit is `found` must not be served, and the way out; None where it may be."""
    try:
        known = recorded(record_of(file))
    except ValueError as error:
        return f"{error}. {_way_out(file)}"
    if known is None or found >= known:
        return None
    return (
        f"{file} holds {found} commits, but {known} were acknowledged: it was cut off, or replaced by an older one. "
        f"{_way_out(file)}"
    )


def _way_out(file: Path) -> str:
    return (
        "Put back the newest backup of the whole data folder; or, if what is missing may be lost (services then know "
        f"less than the topics tell), run `drydock engines accept-older-state --data {file.parent.parent}`."
    )


def _line(generation: int) -> bytes:
    text = f"{_FORM} {generation:020d}"
    return f"{text} {zlib.crc32(text.encode()):08x}\n".encode()


def _write(path: Path, generation: int, flags: int) -> None:
    descriptor = os.open(path, flags, 0o600)
    try:
        os.pwrite(descriptor, _line(generation), 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
