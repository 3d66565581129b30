"""Environments as processes, folders and databases of this machine.

    <root>/<environment>/
        releases/<hex>/  current          unpacked images, and the one that services start from
        extensions/                       files of extensions, and which are installed: see extensions.py
        services/                         what runs: see processes.py
        data/inbox  data/reports          the services' own files
        port  database-password  administrator-token

Safe against kill -9 of the executor at any moment. Releases are not synced to the disk: a power loss may
cost them, and they are unpacked again after removing their folder.
"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from services.servicing_executor.runtimes.databases import EnvironmentDatabases
from services.servicing_executor.runtimes.extensions import Extensions
from services.servicing_executor.runtimes.files import remove_folder, write_private
from services.servicing_executor.runtimes.migrations import migrate
from services.servicing_executor.runtimes.port import (
    ExtensionFile,
    RuntimeUnavailableError,
    Step,
    StepFailedError,
    time_limit,
)
from services.servicing_executor.runtimes.postgres import PostgresCluster, free_port, port_is_free
from services.servicing_executor.runtimes.processes import ServiceDefinition, ServiceProcesses
from services.servicing_executor.runtimes.releases import Releases
from shared.artifacts.port import ArtifactStore

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Application:
    """What an environment consists of: its services in the order in which they start.

    `front` is the one that serves HTTP on the environment's port: GET /health, GET /modules, which answers
    {"database": {name: version}, "release": {name: version}}, and GET /extensions: {"extensions": {app id: version}}.
    It learns of a change of `installed.json` in the folder of extensions while it runs.
    """

    services: tuple[ServiceDefinition, ...]
    front: str


class LocalRuntime:
    """The Runtime of one machine; `root` is the folder of all its environments."""

    def __init__(self, root: Path, store: ArtifactStore, application: Application, cluster: PostgresCluster) -> None:
        self._root = root
        self._store = store
        self._application = application
        self._cluster = cluster
        self._databases = EnvironmentDatabases(cluster)
        self._cluster_lock = asyncio.Lock()
        self._cluster_started = False

    async def provision(self, step: Step) -> None:
        async with self._limited(step):
            folder = self._folder(step.environment)
            for part in ("releases", "extensions", "services", "data/inbox", "data/reports"):
                (folder / part).mkdir(parents=True, exist_ok=True)
            for name in ("database-password", "administrator-token"):
                if not (folder / name).exists():
                    write_private(folder / name, secrets.token_urlsafe(32))
            if not (folder / "port").exists():
                write_private(folder / "port", str(free_port()))
            step.log("the environment's folder is ready")
            await self._databases.create(step.environment, self._secret(step.environment, "database-password"))
            step.log("the environment's database is ready")

    async def prepare_release(self, step: Step, image: str) -> None:
        async with self._limited(step, needs_database=False):
            await self._releases(step.environment).prepare(step, self._store, image)

    async def stop_services(self, step: Step) -> None:
        async with self._limited(step, needs_database=False):
            processes = self._processes(step.environment)
            for service in reversed(self._application.services):
                step.log(f"stopping {service.name}")
                await processes.stop(service.name)
            step.log("all services are stopped")

    async def snapshot_database(self, step: Step) -> str:
        async with self._limited(step):
            self._check_stopped(step.environment)
            return await self._databases.snapshot(step)

    async def switch_release(self, step: Step, image: str) -> None:
        async with self._limited(step, needs_database=False):
            releases = self._releases(step.environment)
            if releases.current() == image:
                step.log("the image is the current one already")
                return
            step.log(f"switching from {releases.current() or 'nothing'} to {image}")
            releases.switch(image)
            step.log("switched")

    async def migrate_database(self, step: Step, image: str) -> tuple[str, ...]:
        async with self._limited(step):
            releases = self._releases(step.environment)
            return await migrate(self.conninfo(step.environment), releases.image(image), releases.path(image), step)

    async def start_services(self, step: Step) -> None:
        async with self._limited(step):
            for service in self._application.services:
                await self._launch(step, service)
            for service in self._application.services:
                await self._wait_ready(step, service)

    async def restart_service(self, step: Step, service: str) -> None:
        async with self._limited(step):
            definition = self._definition(service)
            processes = self._processes(step.environment)
            running = processes.running(service)
            if running is not None and running.tag != step.key:
                step.log(f"stopping {service}")
                await processes.stop(service)
                step.log(f"{service} is stopped")
            await self._launch(step, definition)
            await self._wait_ready(step, definition)

    async def fetch_extensions(self, step: Step, extensions: Sequence[ExtensionFile]) -> None:
        async with self._limited(step, needs_database=False):
            await self._extensions(step.environment).fetch(step, self._store, extensions)

    async def set_extensions(self, step: Step, extensions: Sequence[ExtensionFile]) -> None:
        async with self._limited(step, needs_database=False):
            await self._extensions(step.environment).set(step, self._store, extensions)

    async def discard_extensions(self, step: Step) -> None:
        async with self._limited(step, needs_database=False):
            await asyncio.to_thread(self._extensions(step.environment).discard_unused)

    async def verify(self, step: Step, image: str, extensions: Sequence[ExtensionFile]) -> None:
        async with self._limited(step):
            current = self._releases(step.environment).current()
            if current != image:
                raise StepFailedError(f"the environment's current image is {current}, not {image}")
            modules = self._releases(step.environment).image(image).contents.modules
            expected = {module.name: module.version for module in modules}
            for service in self._application.services:
                process = self._processes(step.environment).running(service.name)
                if process is None or process.release != image:
                    raise StepFailedError(f"service {service.name} does not run from image {image}")
            reported = await self._ask(step.environment, "/modules")
            for place in ("database", "release"):
                if differences := _differences(expected, reported.get(place)):
                    raise StepFailedError(f"the {place} does not have the image's modules: {differences}")
            step.log(f"the environment reports exactly the image's {len(expected)} modules")
            await self._verify_extensions(step, extensions)

    async def restore_snapshot(self, step: Step, snapshot: str) -> None:
        async with self._limited(step):
            self._check_stopped(step.environment)
            await self._databases.restore(step, snapshot)

    async def drop_snapshot(self, step: Step, snapshot: str) -> None:
        async with self._limited(step):
            await self._databases.drop_snapshot(step, snapshot)
            step.log(f"snapshot {snapshot} is dropped")

    async def discard_release(self, step: Step, image: str) -> None:
        async with self._limited(step, needs_database=False):
            await asyncio.to_thread(self._releases(step.environment).discard, image)

    async def set_maintenance_mode(self, step: Step, *, enabled: bool) -> None:
        async with self._limited(step):
            try:
                async with await psycopg.AsyncConnection.connect(
                    self.conninfo(step.environment), autocommit=True
                ) as connection:
                    cursor = await connection.execute(
                        "update system_settings set value = %s where name = 'CONFIGURATIONMODE'",
                        ("1" if enabled else "0",),
                    )
            except psycopg.errors.UndefinedTable as error:
                raise StepFailedError("the database has no system_settings: no platform was applied") from error
            except psycopg.Error as error:
                raise RuntimeUnavailableError(f"maintenance mode could not be set: {error}") from error
            if cursor.rowcount != 1:
                raise StepFailedError("system_settings of the database lacks CONFIGURATIONMODE")
            step.log(f"maintenance mode is {'on' if enabled else 'off'}")

    async def destroy(self, step: Step) -> None:
        await self.stop_services(step)
        async with self._limited(step):
            await self._databases.destroy(step.environment)
            await asyncio.to_thread(remove_folder, self._folder(step.environment))
            step.log("the environment is gone")

    async def current_image(self, environment: str) -> str | None:
        return self._releases(environment).current()

    async def database_size(self, environment: str) -> int:
        await self._have_cluster()
        return await self._databases.size(environment)

    async def close(self) -> None:
        """Environments and their database server keep running; `shutdown` ends them."""

    async def shutdown(self) -> None:
        """Stop all services of all environments, then the database server."""
        environments = [path.name for path in self._root.iterdir()] if self._root.exists() else []
        for environment in environments:
            processes = self._processes(environment)
            for service in reversed(self._application.services):
                await processes.stop(service.name)
        await self._cluster.stop()
        self._cluster_started = False

    def conninfo(self, environment: str) -> str:
        """How the environment's own role reaches its database; contains the password."""
        return self._databases.conninfo(environment, self._secret(environment, "database-password"))

    def address(self, environment: str) -> str:
        """Where the environment serves HTTP."""
        return f"http://127.0.0.1:{int(self._secret(environment, 'port'))}"

    def administrator_token(self, environment: str) -> str:
        """What the front service accepts from administrators, as a bearer token, in maintenance mode too."""
        return self._secret(environment, "administrator-token")

    def data_folder(self, environment: str) -> Path:
        """The folder with the services' own files: `inbox` for imports, `reports`."""
        return self._folder(environment) / "data"

    async def _launch(self, step: Step, service: ServiceDefinition) -> None:
        processes = self._processes(step.environment)
        image = self._releases(step.environment).current()
        if image is None:
            raise StepFailedError("the environment has no current image: switch to a prepared one first")
        running = processes.running(service.name)
        if running is not None and running.release != image:
            step.log(f"{service.name} runs from another image: stopping it")
            await processes.stop(service.name)
            running = None
        if running is None:
            step.log(f"starting {service.name}")
            settings = self._settings(step.environment, service, image)
            running = await processes.start(service, settings, image, step.key)
            step.log(f"{service.name} runs as process {running.pid}")
        else:
            step.log(f"{service.name} runs already as process {running.pid}")

    async def _wait_ready(self, step: Step, service: ServiceDefinition) -> None:
        await self._processes(step.environment).wait_ready(service.name)
        step.log(f"{service.name} is ready")

    def _settings(self, environment: str, service: ServiceDefinition, image: str) -> dict[str, object]:
        folder = self._folder(environment)
        if service.name == self._application.front and not port_is_free(int(self._secret(environment, "port"))):
            write_private(folder / "port", str(free_port()))
        return {
            "environment": environment,
            "service": service.name,
            "release": str(self._releases(environment).path(image)),
            "extensions": str(folder / "extensions"),
            "database": self.conninfo(environment),
            "data": str(self.data_folder(environment)),
            "port": int(self._secret(environment, "port")),
            "administrator_token": self.administrator_token(environment),
        }

    async def _verify_extensions(self, step: Step, extensions: Sequence[ExtensionFile]) -> None:
        self._extensions(step.environment).check(extensions)
        reported = await self._ask(step.environment, "/extensions")
        expected = {one.app_id: one.version for one in extensions}
        if differences := _differences(expected, _padded(expected, reported.get("extensions"))):
            raise StepFailedError(f"the environment does not run the extensions that it has: {differences}")
        step.log(f"the environment reports exactly the {len(extensions)} extensions that it is to have")

    async def _ask(self, environment: str, path: str) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {self.administrator_token(environment)}"}
        try:
            async with httpx.AsyncClient(
                base_url=self.address(environment), headers=headers, timeout=30, trust_env=False
            ) as client:
                (await client.get("/health")).raise_for_status()
                answer = (await client.get(path)).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise StepFailedError(f"the environment does not answer at {self.address(environment)}: {error}") from error
        if not isinstance(answer, dict):
            raise StepFailedError(f"the environment answered GET {path} with something else than an object")
        return answer

    def _check_stopped(self, environment: str) -> None:
        processes = self._processes(environment)
        if running := [s.name for s in self._application.services if processes.running(s.name) is not None]:
            raise StepFailedError(f"services run ({', '.join(running)}): stop them before copying the database")

    def _definition(self, name: str) -> ServiceDefinition:
        for service in self._application.services:
            if service.name == name:
                return service
        known = ", ".join(service.name for service in self._application.services)
        raise StepFailedError(f"there is no service {name!r}: choose one of {known}")

    def _folder(self, environment: str) -> Path:
        if not _SLUG.fullmatch(environment):
            raise StepFailedError(f"{environment!r} is no environment: use lower-case letters, digits and -")
        return self._root / environment

    def _secret(self, environment: str, name: str) -> str:
        try:
            return (self._folder(environment) / name).read_text()
        except FileNotFoundError:
            raise StepFailedError(f"environment {environment} was not provisioned on this machine") from None

    def _releases(self, environment: str) -> Releases:
        return Releases(self._folder(environment))

    def _extensions(self, environment: str) -> Extensions:
        return Extensions(self._folder(environment) / "extensions")

    def _processes(self, environment: str) -> ServiceProcesses:
        return ServiceProcesses(self._folder(environment) / "services")

    async def _have_cluster(self) -> None:
        async with self._cluster_lock:
            if not self._cluster_started:
                await self._cluster.start()
                self._cluster_started = True

    @asynccontextmanager
    async def _limited(self, step: Step, *, needs_database: bool = True) -> AsyncIterator[None]:
        async with time_limit(step):
            try:
                if needs_database:
                    await self._have_cluster()
                yield
            except RuntimeUnavailableError:
                self._cluster_started = False  # look again, and start it again, at the next attempt
                raise
            except OSError as error:
                raise RuntimeUnavailableError(f"the machine failed in step {step.name}: {error}") from error


def _differences(expected: dict[str, str], reported: object) -> str:
    if not isinstance(reported, dict):
        return "it reports none"
    lines = [
        f"{name} {expected.get(name, 'not expected')} is {reported.get(name, 'missing')}"
        for name in sorted(expected.keys() | reported.keys())
        if expected.get(name) != reported.get(name)
    ]
    return ", ".join(lines)


def _padded(expected: dict[str, str], reported: object) -> object:
    """What is reported, with versions as they are expected where they differ in zeros at their ends only."""
    if not isinstance(reported, dict):
        return reported
    return {
        name: expected[name] if name in expected and _bare(version) == _bare(expected[name]) else version
        for name, version in reported.items()
    }


def _bare(version: object) -> str:
    return re.sub(r"(\.0+)+$", "", str(version))
