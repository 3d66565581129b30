"""Files that a command line names, and how they and what is in them are said."""

import os
import stat
from pathlib import Path

from shared.formats.deployable_package.findings import InfrastructureError, printable


def shown(file: Path) -> str:
    """A file's path as text that can be printed, whatever bytes it has."""
    return printable(os.fsencode(file).decode("utf-8", "replace"))


def require_file(file: Path) -> None:
    """Refuse pipes and devices, which may never end: raise InfrastructureError.

    What is not there at all, and folders, are told by whoever opens them.
    """
    try:
        mode = file.stat().st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise InfrastructureError(f"{shown(file)} cannot be read: it is no file but a pipe or a device")


def require_folder_of(file: Path) -> None:
    """Refuse to begin what could not be written at the end: raise InfrastructureError."""
    if not file.parent.is_dir():
        raise InfrastructureError(f"{shown(file)} cannot be written: there is no folder {shown(file.parent)}")
