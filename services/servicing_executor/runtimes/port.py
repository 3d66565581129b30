"""What the steps of an operation need of the place where an environment runs.

Every method is idempotent under its step: it looks first and adopts what an executor that died has left, so
a step may be run again from its start at any time. One operation at a time works on an environment; that is
the caller's lock. Images are named by digest.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol


class StepFailedError(Exception):
    """The step's own work failed, and would again: the operation rolls back. The message is for people."""


class StepTimedOutError(StepFailedError):
    """The step did not end within its time limit."""


class RuntimeUnavailableError(Exception):
    """The machinery below the environment does not work: says nothing about the image; may be tried again."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one operation. `timeout` is in seconds; `log` takes lines without line end."""

    environment: str
    operation: str
    name: str
    timeout: float
    log: Callable[[str], None]

    @property
    def key(self) -> str:
        """Names what the step makes, the same in every attempt."""
        return f"{self.operation}/{self.name}"


@dataclass(frozen=True, slots=True)
class ExtensionFile:
    """An extension in one version: an `.app` file of `size` bytes in the artifact store. `needs` are app ids."""

    app_id: str
    name: str
    version: str
    digest: str
    size: int
    needs: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.app_id})"


class Runtime(Protocol):
    """Each method that takes a step may raise StepFailedError and RuntimeUnavailableError."""

    async def provision(self, step: Step) -> None:
        """Make the environment's place and its empty database."""
        ...

    async def prepare_release(self, step: Step, image: str) -> None:
        """Have an image unpacked and whole beside the running one; also raises ArtifactStoreError.

        What is there already is verified, and healed where it is damaged.
        """
        ...

    async def stop_services(self, step: Step) -> None: ...

    async def snapshot_database(self, step: Step) -> str:
        """Copy the database while its services are stopped; the snapshot's name follows from the step."""
        ...

    async def switch_release(self, step: Step, image: str) -> None:
        """Make a prepared image the one that services start from."""
        ...

    async def migrate_database(self, step: Step, image: str) -> tuple[str, ...]:
        """Run the image's migrations that did not run yet; returns their names as `<module>/<file>`."""
        ...

    async def start_services(self, step: Step) -> None:
        """Start all services from the current image, and wait until each is ready."""
        ...

    async def fetch_extensions(self, step: Step, extensions: Sequence[ExtensionFile]) -> None:
        """Bring files of extensions beside those that are installed; also raises ArtifactStoreError."""
        ...

    async def set_extensions(self, step: Step, extensions: Sequence[ExtensionFile]) -> None:
        """Have exactly these extensions, all at once, whatever there was; the data of those that go stays.

        Files that were not fetched are fetched now; also raises ArtifactStoreError.
        """
        ...

    async def discard_extensions(self, step: Step) -> None:
        """Remove the files of extensions that are not installed."""
        ...

    async def verify(self, step: Step, image: str, extensions: Sequence[ExtensionFile]) -> None:
        """Every file of the release is as it was unpacked; and the environment, asked over HTTP, runs exactly the
        image's modules and these extensions, by version.
        """
        ...

    async def restore_snapshot(self, step: Step, snapshot: str) -> None:
        """Replace the database with the snapshot, which stays; services must be stopped."""
        ...

    async def drop_snapshot(self, step: Step, snapshot: str) -> None: ...

    async def discard_release(self, step: Step, image: str) -> None:
        """Remove a release that is not the current one."""
        ...

    async def restart_service(self, step: Step, service: str) -> None: ...

    async def set_maintenance_mode(self, step: Step, *, enabled: bool) -> None: ...

    async def destroy(self, step: Step) -> None:
        """Stop the services and remove the environment's place, database and snapshots."""
        ...

    async def current_image(self, environment: str) -> str | None:
        """The digest that services start from; None before the first switch."""
        ...

    async def database_size(self, environment: str) -> int:
        """Bytes, all of the environment's database."""
        ...

    async def close(self) -> None:
        """Let go of this process's resources; environments keep running."""
        ...


@asynccontextmanager
async def time_limit(step: Step) -> AsyncIterator[None]:
    """Cancel what runs inside after the step's timeout, and raise StepTimedOutError."""
    try:
        async with asyncio.timeout(step.timeout) as limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise StepTimedOutError(
            f"step {step.name} did not end within its {step.timeout:g} seconds; its log tells how far it came"
        ) from None
