"""Folders in the cache for work that either completes or leaves nothing."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


@contextmanager
def scratch_folder(cache: Path, purpose: str) -> Iterator[Path]:
    """A private folder on the cache's file system. Those of processes that were killed are swept first."""
    for left in cache.glob("scratch-*-*"):
        if not psutil.pid_exists(int(left.name.split("-")[1])):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"scratch-{os.getpid()}-{purpose}-", dir=cache))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
