"""A place of its own for a local runtime in tests: store, database server, images, and killed executors."""

import asyncio
import multiprocessing
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from deploy.demo.packages import CUSTOMIZATION_V1, CUSTOMIZATION_V2, FAILING, PLATFORM
from deploy.demo.reference_application.definition import application
from services.servicing_executor.runtimes.local import LocalRuntime
from services.servicing_executor.runtimes.port import ExtensionFile, Step
from services.servicing_executor.runtimes.postgres import PostgresCluster
from shared.artifacts.folder import FolderStore
from tests.support import al_packages
from tests.support.demo_images import built

# Tests do not lose power: without fsync the server's own work is quicker.
_QUICK = {"fsync": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class Machine:
    """`images` are digests, by the name of the package that was applied last."""

    root: Path
    images: dict[str, str]

    def runtime(self) -> LocalRuntime:
        """A runtime as an executor that starts now would have it."""
        return LocalRuntime(
            self.root / "environments",
            FolderStore(self.root / "artifacts"),
            application(),
            PostgresCluster(self.root / "postgres", _QUICK),
        )


@contextmanager
def machine() -> Iterator[Machine]:
    """Started lazily, stopped and removed at the end."""
    root = Path(tempfile.mkdtemp(prefix="drydock-test-"))
    try:
        made = Machine(root, asyncio.run(_images(root)))
        try:
            yield made
        finally:
            asyncio.run(made.runtime().shutdown())
    finally:
        shutil.rmtree(root)


async def _images(root: Path) -> dict[str, str]:
    store = FolderStore(root / "artifacts")
    platform = await built(store, PLATFORM, root)
    images = {PLATFORM.name: platform.image.digest}
    for package in (CUSTOMIZATION_V1, CUSTOMIZATION_V2, FAILING):
        image = await built(store, package, root, platform.image.digest)
        images[package.name] = image.image.digest
    return images


async def extension(place: Machine, name: str, version: str = "1.0.0.0", needs: tuple[str, ...] = ()) -> ExtensionFile:
    """An extension whose file is in the artifact store; `needs` are names of others."""
    made = al_packages.extension(
        f"codeunit 50000 {name}\n{{\n}}",
        app_id=app_id_of(name),
        name=name,
        version=version,
        dependencies=[(app_id_of(one), one, "Contoso", "1.0.0.0") for one in needs],
    )
    stored = await FolderStore(place.root / "artifacts").put_bytes(made, "application/vnd.drydock.app")
    return ExtensionFile(
        app_id_of(name), name, version, stored.digest, stored.size, tuple(app_id_of(one) for one in needs)
    )


def app_id_of(name: str) -> str:
    """The app id that tests give an extension of this name."""
    return str(uuid5(NAMESPACE_URL, name))


def step(environment: str, operation: str, name: str, lines: list[str] | None = None) -> Step:
    return Step(environment, operation, name, 30, ([] if lines is None else lines).append)


_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


def killed_executor(
    place: Machine, at: float, key: tuple[str, str, str], method: str, *arguments: Any, **options: Any
) -> bool:
    """Run a step in an executor that is killed with SIGKILL at its `at`-th log line, or after `at` seconds
    where that is less than 1; whether it was killed before its end."""
    process = _CONTEXT.Process(target=_run_and_die, args=(place, at, key, method, arguments, options))
    process.start()
    process.join()
    status = process.exitcode
    process.close()
    assert status in (0, -signal.SIGKILL)
    return status != 0


def _run_and_die(
    place: Machine,
    at: float,
    key: tuple[str, str, str],
    method: str,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
) -> None:
    left = at

    def log(_line: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    async def run() -> None:
        if at < 1:
            asyncio.get_running_loop().call_later(at, os.kill, os.getpid(), signal.SIGKILL)
        await getattr(place.runtime(), method)(
            Step(*key, 30, (lambda _line: None) if at < 1 else log), *arguments, **options
        )

    asyncio.run(run())
