"""Notes of a store: a few bytes under a name, as a cache keeps them, and what only one may do at a time.

A note appears whole, but nobody waits until the disk has it: after a loss of power it may be empty. It is never needed,
so what was not read for a while is simply deleted.
"""

import asyncio
import fcntl
import hashlib
import os
import time
import uuid
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO

from shared.artifacts.store_folder import StoreFolder

_LOOK_AGAIN = 0.02
"""Seconds after which whoever waits for a lock tries again."""
_READ_NOTED_EVERY = 600.0


def write_note(folder: StoreFolder, name: str, content: bytes) -> None:
    """Keep `content` under `name`; what was there is replaced."""
    draft = folder.incoming / uuid.uuid4().hex
    with draft.open("xb") as file:
        # Whoever opens the store takes away what no writer holds.
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            file.write(content)
            file.flush()
            draft.rename(_place(folder, name))
        except FileNotFoundError:
            pass  # taken away before it was held: it is a note
        finally:
            draft.unlink(missing_ok=True)


def read_notes(folder: StoreFolder, names: Collection[str]) -> dict[str, bytes]:
    """What is known of the names."""
    found: dict[str, bytes] = {}
    for name in names:
        place = _place(folder, name)
        with suppress(FileNotFoundError):
            found[name] = place.read_bytes()
            if time.time() - place.stat().st_mtime > _READ_NOTED_EVERY:
                with suppress(PermissionError):
                    os.utime(place)
    return found


def forget_notes(folder: StoreFolder, *, unread_since: float) -> int:
    """Delete the notes that nobody has read since, in seconds of the epoch; how many."""
    count = 0
    for place in folder.notes.iterdir() if folder.notes.is_dir() else ():
        with suppress(FileNotFoundError):
            if place.stat().st_mtime < unread_since:
                place.unlink()
                count += 1
    return count


@asynccontextmanager
async def alone(folder: StoreFolder, name: str) -> AsyncIterator[None]:
    """See ArtifactStore.exclusive: a file lock, which the system gives up for whoever dies."""
    path = folder.incoming / f"lock-{hashlib.sha256(name.encode()).hexdigest()}"
    while (held := await asyncio.to_thread(_try_lock, path)) is None:  # noqa: ASYNC110 - a file lock tells nobody that it is free
        await asyncio.sleep(_LOOK_AGAIN)
    with held:
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _try_lock(path: Path) -> IO[bytes] | None:
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    if os.fstat(file.fileno()).st_nlink:
        return file
    file.close()  # whoever had it has just ended: the next one has another file
    return None


def _place(folder: StoreFolder, name: str) -> Path:
    return folder.notes / hashlib.sha256(name.encode()).hexdigest()
