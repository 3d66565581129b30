"""The environments that run on this machine, when everything around them stops and starts again."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from services.servicing_executor.runtimes.application import REFERENCE_APPLICATION, load_application
from services.servicing_executor.runtimes.local import LocalRuntime
from services.servicing_executor.runtimes.port import RuntimeUnavailableError, Step, StepFailedError
from services.servicing_executor.runtimes.postgres import PostgresCluster
from shared.artifacts.folder import FolderStore

# A service that ends is told at once; a machine that does much else gets this long.
START_SECONDS = 600.0


def resume_environments(environments: Path, artifacts: Path, say: Callable[[str], None]) -> None:
    """Start the services of every environment that was running when `stop_environments` ended them."""
    installed = _installed(environments)
    if installed:
        asyncio.run(_resume(environments, artifacts, installed, say))


def stop_environments(environments: Path, artifacts: Path) -> None:
    """End the services of all environments, and their database server."""
    if (environments / "postgres").exists():
        asyncio.run(_runtime(environments, artifacts).shutdown())


async def _resume(environments: Path, artifacts: Path, installed: list[str], say: Callable[[str], None]) -> None:
    runtime = _runtime(environments, artifacts)
    try:
        for environment in installed:
            if await runtime.current_image(environment) is None:
                continue
            step = Step(environment, "resume", "start-services", START_SECONDS, lambda _line: None)
            try:
                await runtime.start_services(step)
                say(f"{environment} runs again")
            except (StepFailedError, RuntimeUnavailableError) as error:
                say(f"{environment} could not be started again: {error}")
    finally:
        await runtime.close()


def _installed(environments: Path) -> list[str]:
    folder = environments / "installed"
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.exists() else []


def _runtime(environments: Path, artifacts: Path) -> LocalRuntime:
    store = FolderStore(artifacts)
    application = load_application(os.environ.get("DRYDOCK_APPLICATION", REFERENCE_APPLICATION))
    return LocalRuntime(environments / "installed", store, application, PostgresCluster(environments / "postgres"))
