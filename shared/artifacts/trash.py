"""How a blob goes into the trash, comes back, or is deleted: each under the lock that keeps everybody else away."""

import os
from contextlib import suppress

from shared.artifacts.image import MANIFEST
from shared.artifacts.index import LayoutIndex
from shared.artifacts.port import Descriptor
from shared.artifacts.store_folder import StoreFolder
from shared.artifacts.subject import manifest_reference, subject_in
from shared.files import sync_folder


def bring_back(folder: StoreFolder, digest: str) -> bool:
    """A blob that was to be deleted is wanted after all; whether it is there now. Called under a lock."""
    trashed, blob = folder.trashed(digest), folder.blob(digest)
    try:
        os.utime(trashed)
        trashed.rename(blob)
    except FileNotFoundError:
        return blob.exists()  # another was faster
    sync_folder(folder.blobs)
    if folder.media_type(digest) == MANIFEST:
        content = blob.read_bytes()
        LayoutIndex(folder).set(manifest_reference(digest, content), Descriptor(MANIFEST, digest, len(content)))
        if subject_in(content) is None:
            for referrer in _referrers_in_trash(folder, digest):
                bring_back(folder, referrer)
    return True


def _referrers_in_trash(folder: StoreFolder, subject: str) -> list[str]:
    """What refers to an image and was put aside with it: its evidence comes back with it."""
    found = []
    for path in folder.trash.iterdir():
        digest = f"sha256:{path.name}"
        with suppress(FileNotFoundError):
            if folder.media_type(digest) == MANIFEST and subject_in(path.read_bytes()) == subject:
                found.append(digest)
    return found


def put_aside(folder: StoreFolder, digest: str, *, used: float, named: bool) -> bool:
    """Put a blob into the trash, unless it was used since `used`; whether it was put there.

    `named`: the index had an entry of it then; an entry that was made since is a use of it. A kill in between leaves a
    blob that is younger than it was, or no longer named: it is met again.
    """
    blob = folder.blob(digest)
    with folder.collecting():
        try:
            if blob.stat().st_mtime != used:
                return False
        except FileNotFoundError:
            return False
        if named:
            LayoutIndex(folder).drop({digest})
        os.utime(blob)  # from now on it says how long it has been in the trash
        blob.rename(folder.trashed(digest))
        return True


def delete(folder: StoreFolder, digest: str) -> bool:
    """Delete a blob that is in the trash; whether it was still there."""
    with folder.collecting():
        try:
            folder.trashed(digest).unlink()
        except FileNotFoundError:
            return False
        if not folder.blob(digest).exists():
            (folder.media_types / folder.blob(digest).name).unlink(missing_ok=True)
        return True
