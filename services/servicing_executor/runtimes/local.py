"""Environments as processes, folders and databases of this machine.

Each has a folder below `root` (environment_folder.py), services as processes (application.py), and a database
in the one cluster (databases.py). Safe against kill -9 of the executor at any moment. Releases are not synced
to the disk: what a power loss costs them is found by its hash, and unpacked again.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from services.servicing_executor.runtimes.application import Application, RunningServices
from services.servicing_executor.runtimes.databases import EnvironmentDatabases
from services.servicing_executor.runtimes.environment_folder import EnvironmentFolder
from services.servicing_executor.runtimes.front import FrontClient
from services.servicing_executor.runtimes.maintenance import set_maintenance_mode
from services.servicing_executor.runtimes.migrations import migrate
from services.servicing_executor.runtimes.port import (
    ExtensionFile,
    RuntimeUnavailableError,
    Step,
    StepFailedError,
    time_limit,
)
from services.servicing_executor.runtimes.postgres import PostgresCluster
from shared.artifacts.port import ArtifactStore


class LocalRuntime:
    """The Runtime of one machine; `root` is the folder of all its environments."""

    def __init__(self, root: Path, store: ArtifactStore, application: Application, cluster: PostgresCluster) -> None:
        self._root = root
        self._store = store
        self._application = application
        self._databases = EnvironmentDatabases(cluster)

    async def provision(self, step: Step) -> None:
        async with self._limited(step) as place:
            place.make()
            step.log("the environment's folder is ready")
            await self._databases.create(step.environment, place.database_password)
            step.log("the environment's database is ready")

    async def prepare_release(self, step: Step, image: str) -> None:
        async with self._limited(step, needs_database=False) as place:
            await place.releases.prepare(step, self._store, image)

    async def stop_services(self, step: Step) -> None:
        async with self._limited(step, needs_database=False) as place:
            await self._services(place).stop(step)
            step.log("all services are stopped")

    async def snapshot_database(self, step: Step) -> str:
        async with self._limited(step) as place:
            self._services(place).check_stopped()
            return await self._databases.snapshot(step)

    async def switch_release(self, step: Step, image: str) -> None:
        async with self._limited(step, needs_database=False) as place:
            before = place.releases.current()
            if before == image:
                step.log("the image is the current one already")
                return
            step.log(f"switching from {before or 'nothing'} to {image}")
            place.releases.switch(image)
            step.log("switched")

    async def migrate_database(self, step: Step, image: str) -> tuple[str, ...]:
        async with self._limited(step) as place:
            releases = place.releases
            return await migrate(self.conninfo(step.environment), releases.image(image), releases.path(image), step)

    async def start_services(self, step: Step) -> None:
        async with self._limited(step) as place:
            await self._services(place).start(step, self.conninfo(step.environment))

    async def restart_service(self, step: Step, service: str) -> None:
        async with self._limited(step) as place:
            await self._services(place).restart(step, service, self.conninfo(step.environment))

    async def fetch_extensions(self, step: Step, extensions: Sequence[ExtensionFile]) -> None:
        async with self._limited(step, needs_database=False) as place:
            await place.extensions.fetch(step, self._store, extensions)

    async def set_extensions(self, step: Step, extensions: Sequence[ExtensionFile]) -> None:
        async with self._limited(step, needs_database=False) as place:
            await place.extensions.set(step, self._store, extensions)

    async def discard_extensions(self, step: Step) -> None:
        async with self._limited(step, needs_database=False) as place:
            await asyncio.to_thread(place.extensions.discard_unused)

    async def verify(self, step: Step, image: str, extensions: Sequence[ExtensionFile]) -> None:
        async with self._limited(step) as place:
            current = place.releases.current()
            if current != image:
                raise StepFailedError(f"the environment's current image is {current}, not {image}")
            await place.releases.verify(step, image)
            modules = place.releases.image(image).contents.modules
            services = self._services(place)
            services.check_release(image)
            try:
                await FrontClient(place).check_modules({module.name: module.version for module in modules})
                step.log(f"the environment reports exactly the image's {len(modules)} modules")
                place.extensions.check(extensions)
                await FrontClient(place).check_extensions(extensions)
                step.log(f"the environment reports exactly the {len(extensions)} extensions that it is to have")
            except StepFailedError:
                services.tell_last_words(step)
                raise

    async def restore_snapshot(self, step: Step, snapshot: str) -> None:
        async with self._limited(step) as place:
            self._services(place).check_stopped()
            await self._databases.restore(step, snapshot)

    async def drop_snapshot(self, step: Step, snapshot: str) -> None:
        async with self._limited(step):
            await self._databases.drop_snapshot(step, snapshot)
            step.log(f"snapshot {snapshot} is dropped")

    async def discard_release(self, step: Step, image: str) -> None:
        async with self._limited(step, needs_database=False) as place:
            await asyncio.to_thread(place.releases.discard, image)

    async def set_maintenance_mode(self, step: Step, *, enabled: bool) -> None:
        async with self._limited(step):
            await set_maintenance_mode(self.conninfo(step.environment), enabled=enabled)
            step.log(f"maintenance mode is {'on' if enabled else 'off'}")

    async def destroy(self, step: Step) -> None:
        await self.stop_services(step)
        async with self._limited(step) as place:
            await self._databases.destroy(step.environment)
            await asyncio.to_thread(place.remove)
            step.log("the environment is gone")

    async def current_image(self, environment: str) -> str | None:
        return self._place(environment).releases.current()

    async def database_size(self, environment: str) -> int:
        await self._databases.have_server()
        return await self._databases.size(environment)

    async def close(self) -> None:
        """Environments and their database server keep running; `shutdown` ends them."""

    async def shutdown(self) -> None:
        """Stop all services of all environments, then the database server."""
        environments = [path.name for path in self._root.iterdir()] if self._root.exists() else []
        for environment in environments:
            await self._services(self._place(environment)).stop()
        await self._databases.stop_server()

    def conninfo(self, environment: str) -> str:
        """How the environment's own role reaches its database; contains the password."""
        return self._databases.conninfo(environment, self._place(environment).database_password)

    def address(self, environment: str) -> str:
        """Where the environment serves HTTP."""
        return FrontClient(self._place(environment)).address

    def administrator_token(self, environment: str) -> str:
        """What the front service accepts from administrators, as a bearer token, in maintenance mode too."""
        return self._place(environment).administrator_token

    def data_folder(self, environment: str) -> Path:
        """The folder with the services' own files: `inbox` for imports, `reports`."""
        return self._place(environment).data

    def _place(self, environment: str) -> EnvironmentFolder:
        return EnvironmentFolder.below(self._root, environment)

    def _services(self, place: EnvironmentFolder) -> RunningServices:
        return RunningServices(self._application, place)

    @asynccontextmanager
    async def _limited(self, step: Step, *, needs_database: bool = True) -> AsyncIterator[EnvironmentFolder]:
        """The place that the step works on, for as long as its time limit lets it."""
        async with time_limit(step):
            try:
                if needs_database:
                    await self._databases.have_server()
                yield self._place(step.environment)
            except RuntimeUnavailableError:
                self._databases.server_failed()
                raise
            except OSError as error:
                raise RuntimeUnavailableError(f"the machine failed in step {step.name}: {error}") from error
