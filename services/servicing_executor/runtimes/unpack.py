"""Unpacks a layer of an image: files and folders below one folder, and nothing else.

`tarfile` has an extraction filter for this only since Python 3.11.4 (PEP 706), and tells no version without it.
"""

import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath
from threading import Event

from services.servicing_executor.runtimes.manifest import FileDigest, HashedFile
from services.servicing_executor.runtimes.port import StepFailedError
from shared.artifacts.image import LAYER, LAYER_ERRORS, opened_layer


def unpack(layer: Path, target: Path, cancelled: Event, media_type: str = LAYER) -> dict[str, FileDigest]:
    """Unpack a layer, compressed as its media type says; what each file holds, by its name in `target`.

    Stops soon after `cancelled` is set.

    A member that is anything else than a plain file or a folder, or whose name leads out of `target`, is refused
    with StepFailedError. Files never get set-user-ID, set-group-ID or sticky bits, nor may others change them.
    """
    files: dict[str, FileDigest] = {}
    try:
        with (
            opened_layer(layer, media_type) as stream,
            tarfile.open(fileobj=stream, mode="r|") as tar,
        ):
            for member in tar:
                if cancelled.is_set():
                    break
                if (digest := _place(tar, member, target)) is not None:
                    files[str(PurePosixPath(member.name))] = digest
    except (*LAYER_ERRORS, FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        raise StepFailedError(f"layer sha256:{layer.name} cannot be unpacked: {error}") from error
    return files


def _place(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> FileDigest | None:
    """Put a member in its place; what it holds, None for a folder."""
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or "\0" in member.name:
        raise tarfile.ReadError(f"member {member.name!r} leads out of the release")
    path = target / name
    # Nothing but files and folders is ever made here, so no part of a path can be a link.
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return None
    if member.isreg() and not member.issparse() and (content := tar.extractfile(member)) is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with content, path.open("wb") as file:
            hashed = HashedFile(file)
            shutil.copyfileobj(content, hashed, 1 << 20)
            os.fchmod(file.fileno(), 0o755 if member.mode & 0o100 else 0o644)
        os.utime(path, (member.mtime, member.mtime))
        return hashed.digest
    raise tarfile.ReadError(f"member {member.name!r} is neither a plain file nor a folder")
