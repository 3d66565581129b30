"""Files that others read while they are written: they see the old content or the new, never a part."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def draft_of(path: Path) -> Iterator[Path]:
    """An empty file beside `path`, which takes its place at the end of the block, and is removed if that fails.

    Two that write at once do not meet: the last one stays. Only this user may read it unless its mode is changed. A
    process that ends in the middle leaves the old file, and the draft under a hidden name. Raise OSError.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(descriptor)
    draft = Path(name)
    try:
        yield draft
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make renames in a folder outlast a loss of power. Raise OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file as `draft_of` does. It is not forced to the disk: for what may be lost when the machine fails."""
    with draft_of(path) as draft:
        draft.write_bytes(content)
