"""A runtime that does nothing but remember: for measuring the control plane without environments.

It runs no service and has no database; what it says about an environment is what it was told to do. It
keeps the port's rules, so that a wrong order of steps fails here too.
"""

import hashlib
from dataclasses import dataclass, field

from services.servicing_executor.runtimes.port import Step, StepFailedError


@dataclass(slots=True)
class _Environment:
    prepared: set[str] = field(default_factory=set)
    current: str | None = None
    running: str | None = None
    database: str | None = None
    snapshots: dict[str, str | None] = field(default_factory=dict)
    restored: str | None = None


class InstantRuntime:
    """All state is in this object and gone with it; `steps` lists the keys of the steps it was asked for."""

    def __init__(self) -> None:
        self._environments: dict[str, _Environment] = {}
        self.steps: list[str] = []

    async def provision(self, step: Step) -> None:
        self.steps.append(step.key)
        self._environments.setdefault(step.environment, _Environment())

    async def prepare_release(self, step: Step, image: str) -> None:
        self._of(step).prepared.add(image)

    async def stop_services(self, step: Step) -> None:
        self._of(step).running = None

    async def snapshot_database(self, step: Step) -> str:
        environment = self._stopped(step)
        snapshot = hashlib.sha256(step.key.encode()).hexdigest()[:12]
        environment.snapshots.setdefault(snapshot, environment.database)
        return snapshot

    async def switch_release(self, step: Step, image: str) -> None:
        environment = self._of(step)
        if image not in environment.prepared:
            raise StepFailedError(f"image {image} was not prepared in this environment")
        environment.current = image

    async def migrate_database(self, step: Step, image: str) -> tuple[str, ...]:
        environment = self._of(step)
        if image not in environment.prepared:
            raise StepFailedError(f"image {image} was not prepared in this environment")
        environment.database = image
        return ()

    async def start_services(self, step: Step) -> None:
        environment = self._of(step)
        if environment.current is None:
            raise StepFailedError("the environment has no current image: switch to a prepared one first")
        environment.running = environment.current

    async def verify(self, step: Step, image: str) -> None:
        environment = self._of(step)
        if not environment.current == environment.running == environment.database == image:
            raise StepFailedError(f"the environment does not run image {image}")

    async def restore_snapshot(self, step: Step, snapshot: str) -> None:
        environment = self._stopped(step)
        if environment.restored == step.key:
            return
        if snapshot not in environment.snapshots:
            raise StepFailedError(f"snapshot {snapshot} is gone: the database cannot be restored from it")
        environment.database = environment.snapshots[snapshot]
        environment.restored = step.key

    async def drop_snapshot(self, step: Step, snapshot: str) -> None:
        self._of(step).snapshots.pop(snapshot, None)

    async def discard_release(self, step: Step, image: str) -> None:
        environment = self._of(step)
        if environment.current == image:
            raise StepFailedError(f"image {image} is the current one: switch to another before discarding it")
        environment.prepared.discard(image)

    async def restart_service(self, step: Step, service: str) -> None:
        self._of(step)

    async def set_maintenance_mode(self, step: Step, *, enabled: bool) -> None:
        self._of(step)

    async def destroy(self, step: Step) -> None:
        self.steps.append(step.key)
        self._environments.pop(step.environment, None)

    async def current_image(self, environment: str) -> str | None:
        found = self._environments.get(environment)
        return None if found is None else found.current

    async def database_size(self, environment: str) -> int:
        return 0

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _of(self, step: Step) -> _Environment:
        self.steps.append(step.key)
        try:
            return self._environments[step.environment]
        except KeyError:
            raise StepFailedError(f"environment {step.environment} was not provisioned") from None

    def _stopped(self, step: Step) -> _Environment:
        environment = self._of(step)
        if environment.running is not None:
            raise StepFailedError("services run: stop them before copying the database")
        return environment
