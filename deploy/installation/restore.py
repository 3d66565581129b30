"""Makes an installation of a backup."""

import os
import pwd
import shutil
import tarfile
from datetime import UTC, datetime
from pathlib import Path

from deploy.embedded.data_folder import BEING_MADE
from deploy.installation.backup import check, check_space, opened
from deploy.installation.manifest import BackupError, Manifest, copy, entries, read_manifest
from deploy.installation.record import RESTORED, Record, write_record


def restore(path: Path, to: Path) -> Manifest:
    """Make the data folder `to`, which must not exist or be empty, of a backup. Raise BackupError where it cannot be.

    Every byte is verified on its way. Until all of them are there the folder has another name, so that what was cut
    off is never taken for an installation.
    """
    target = to.absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BackupError(f"{to} is there already; name a folder that does not exist, or is empty")
    draft = target.with_name(f".{target.name}.restoring")
    with opened(path) as archive:
        manifest = read_manifest(archive, path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            check_space(target.parent, manifest.size)
            if draft.exists():  # of one that was cut off
                shutil.rmtree(draft)
            draft.mkdir(mode=0o700)
            (draft / BEING_MADE).touch()  # before anything else: nothing starts on a folder that holds it
            _extract(archive, manifest, path, draft)
            write_record(draft / RESTORED, Record(manifest.taken_at, str(path.absolute()), datetime.now(UTC)))
            (draft / BEING_MADE).unlink()
            if target.exists():
                target.rmdir()
            draft.replace(target)
        except PermissionError as error:
            raise BackupError(f"{to} cannot be made: {error}") from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return manifest


def _extract(archive: tarfile.TarFile, manifest: Manifest, path: Path, draft: Path) -> None:
    folders: list[tarfile.TarInfo] = []
    for entry in entries(archive, manifest, path):
        place = draft / entry.name
        if entry.isdir():
            place.mkdir(mode=0o700)
            folders.append(entry)
        elif entry.issym():
            place.symlink_to(entry.linkname)
        else:
            stream = archive.extractfile(entry)
            assert stream is not None
            with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
                check(copy(stream, target), entry.name, manifest, path)
                target.flush()
                os.fsync(target.fileno())
            _own(place, entry)
    for entry in reversed(folders):  # at last: a folder that may not be written to could take nothing
        _own(draft / entry.name, entry)


def _own(place: Path, entry: tarfile.TarInfo) -> None:
    """Give a file its rights, its time, and where this program may, its owner: by name, as numbers differ."""
    if os.geteuid() == 0:
        try:
            user = pwd.getpwnam(entry.uname)
            os.chown(place, user.pw_uid, user.pw_gid)
        except KeyError:
            os.chown(place, entry.uid, entry.gid)
    place.chmod(entry.mode & 0o7777)
    os.utime(place, (entry.mtime, entry.mtime))
