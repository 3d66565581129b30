"""A runtime that does nothing but remember: for measuring the control plane without environments.

It runs no service and has no database; what it says about an environment is what it was told to do. It
keeps the port's rules, so that a wrong order of steps fails here too.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel

from services.servicing_executor.runtimes.port import ExtensionFile, Step, StepFailedError


class _Environment(BaseModel):
    prepared: set[str] = set()
    current: str | None = None
    running: str | None = None
    database: str | None = None
    snapshots: dict[str, str | None] = {}
    restored: str | None = None
    extensions: dict[str, str] = {}
    """Digests by app id."""


class InstantRuntime:
    """Keeps a small file per environment in `folder`, so that any executor can go on where another was ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def provision(self, step: Step) -> None:
        if not self._file(step.environment).exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write(step.environment, _Environment())

    async def prepare_release(self, step: Step, image: str) -> None:
        with self._changed(step) as environment:
            environment.prepared.add(image)

    async def stop_services(self, step: Step) -> None:
        with self._changed(step) as environment:
            environment.running = None

    async def snapshot_database(self, step: Step) -> str:
        with self._changed(step) as environment:
            _check_stopped(environment)
            snapshot = hashlib.sha256(step.key.encode()).hexdigest()[:12]
            environment.snapshots.setdefault(snapshot, environment.database)
        return snapshot

    async def switch_release(self, step: Step, image: str) -> None:
        with self._changed(step) as environment:
            _check_prepared(environment, image)
            environment.current = image

    async def migrate_database(self, step: Step, image: str) -> tuple[str, ...]:
        with self._changed(step) as environment:
            _check_prepared(environment, image)
            environment.database = image
        return ()

    async def start_services(self, step: Step) -> None:
        with self._changed(step) as environment:
            if environment.current is None:
                raise StepFailedError("the environment has no current image: switch to a prepared one first")
            environment.running = environment.current

    async def fetch_extensions(self, step: Step, extensions: Sequence[ExtensionFile]) -> None:
        self._read(step.environment)

    async def set_extensions(self, step: Step, extensions: Sequence[ExtensionFile]) -> None:
        with self._changed(step) as environment:
            environment.extensions = {one.app_id: one.digest for one in extensions}

    async def discard_extensions(self, step: Step) -> None:
        self._read(step.environment)

    async def verify(self, step: Step, image: str, extensions: Sequence[ExtensionFile]) -> None:
        environment = self._read(step.environment)
        if not environment.current == environment.running == environment.database == image:
            raise StepFailedError(f"the environment does not run image {image}")
        if environment.extensions != {one.app_id: one.digest for one in extensions}:
            raise StepFailedError("the environment does not have the extensions that it was to have")

    async def restore_snapshot(self, step: Step, snapshot: str) -> None:
        with self._changed(step) as environment:
            _check_stopped(environment)
            if environment.restored == step.key:
                return
            if snapshot not in environment.snapshots:
                raise StepFailedError(f"snapshot {snapshot} is gone: the database cannot be restored from it")
            environment.database = environment.snapshots[snapshot]
            environment.restored = step.key

    async def drop_snapshot(self, step: Step, snapshot: str) -> None:
        with self._changed(step) as environment:
            environment.snapshots.pop(snapshot, None)

    async def discard_release(self, step: Step, image: str) -> None:
        with self._changed(step) as environment:
            if environment.current == image:
                raise StepFailedError(f"image {image} is the current one: switch to another before discarding it")
            environment.prepared.discard(image)

    async def restart_service(self, step: Step, service: str) -> None:
        self._read(step.environment)

    async def set_maintenance_mode(self, step: Step, *, enabled: bool) -> None:
        self._read(step.environment)

    async def destroy(self, step: Step) -> None:
        self._file(step.environment).unlink(missing_ok=True)

    async def current_image(self, environment: str) -> str | None:
        return self._read(environment).current if self._file(environment).exists() else None

    async def database_size(self, environment: str) -> int:
        return 0

    async def close(self) -> None:
        """There is nothing to let go of."""

    @contextmanager
    def _changed(self, step: Step) -> Iterator[_Environment]:
        """An environment to change; it is kept when the block ends without an error."""
        environment = self._read(step.environment)
        before = environment.model_copy(deep=True)
        yield environment
        if environment != before:
            self._write(step.environment, environment)

    def _read(self, name: str) -> _Environment:
        try:
            return _Environment.model_validate_json(self._file(name).read_bytes())
        except FileNotFoundError:
            raise StepFailedError(f"environment {name} was not provisioned") from None

    def _write(self, name: str, environment: _Environment) -> None:
        part = self._file(name).with_suffix(f".{os.getpid()}.part")
        part.write_text(environment.model_dump_json())
        part.replace(self._file(name))

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def _check_stopped(environment: _Environment) -> None:
    if environment.running is not None:
        raise StepFailedError("services run: stop them before copying the database")


def _check_prepared(environment: _Environment, image: str) -> None:
    if image not in environment.prepared:
        raise StepFailedError(f"image {image} was not prepared in this environment")
