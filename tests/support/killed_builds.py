"""A process that builds an image and is killed before one of its changes of the file system."""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.image_builder.domain.composition import PackageToApply
from services.image_builder.image_build import build_image
from shared.artifacts.folder import FolderStore


def build_and_die(root: Path, package: PackageToApply, name: str, base: str, after: int) -> bool:
    """Build in a process of its own that is killed (SIGKILL) after so many changes; whether it came to that."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["services.image_builder.image_build"])
    process = context.Process(target=_build, args=(root, package, name, base, after))
    process.start()
    process.join()
    code = process.exitcode
    process.close()
    assert code in (0, -signal.SIGKILL)
    return code != 0


def _build(root: Path, package: PackageToApply, name: str, base: str, after: int) -> None:
    lock, done = threading.Lock(), 0

    def met() -> None:
        nonlocal done
        with lock:
            done += 1
            if done > after:
                os.kill(os.getpid(), signal.SIGKILL)

    def mortal(change: Callable[..., Any]) -> Callable[..., Any]:
        def attempt(*arguments: Any, **options: Any) -> Any:
            met()
            return change(*arguments, **options)

        return attempt

    for own in ("rename", "unlink"):
        setattr(Path, own, mortal(getattr(Path, own)))
    for own in ("utime", "fsync"):
        setattr(os, own, mortal(getattr(os, own)))
    asyncio.run(build_image(FolderStore(root), package, update_name=name, base=base))
