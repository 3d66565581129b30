"""Small files of an environment's folder that must be whole, or private, or both."""

import os
import shutil
import uuid
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user may read; readers see the old content or the new, never a part."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.rename(path)


def remove_folder(folder: Path) -> None:
    """Remove a folder and all in it; that it is gone already is fine."""
    if folder.exists():
        shutil.rmtree(folder)
