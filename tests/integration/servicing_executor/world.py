"""An environment of its own for each test: real executor, image-builder, PostgreSQL and services of the environment.

The test plays its users, package-validator, promotion-scheduler and the checker.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import httpx
import psycopg

from deploy.demo.packages import DemoPackage
from services.servicing_executor.runtimes.extensions import Extensions
from services.servicing_executor.runtimes.local import LocalRuntime
from shared.artifacts.folder import FolderStore
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import new_id
from shared.contracts.extension_compatibility_checker import CheckCompatibility, CompatibilityChecked, ExtensionVerdict
from shared.contracts.message import Command, Message
from shared.contracts.package_validator import PackageValidated
from shared.contracts.parts import (
    ArtifactRef,
    Dependency,
    EnvironmentKind,
    Extension,
    ExtensionScope,
    Module,
    PackageContents,
    PackageKind,
    Verdict,
)
from shared.contracts.promotion_scheduler import ReleasePublished, RolloutPlanned
from shared.contracts.servicing_executor import (
    ApplyRelease,
    EnvironmentSnapshot,
    OperationFinished,
    Outcome,
    RegisterEnvironment,
)
from tests.support import al_packages
from tests.support.local_machine import app_id_of
from tests.support.patience import until_answered
from tests.support.played_services import PlayedServices
from tests.support.services import Client, Seen, ServiceProcess

T = TypeVar("T", bound=Message)
SECONDS = 90.0


class World:
    """One environment, and what is said about it."""

    def __init__(self, user: Client, executor: ServiceProcess, runtime: LocalRuntime, folder: Path) -> None:
        suffix = new_id()[-8:]
        self.user = user
        self.executor = executor
        self.runtime = runtime
        self.project, self.environment = f"contoso-{suffix}", f"prod-{suffix}"
        self._folder = folder
        self._store = FolderStore(folder / "artifacts")
        self._played = PlayedServices(user)

    # -- what others say

    async def package(self, package: DemoPackage, *, release: str | None = None, base: str | None = None) -> str:
        """A platform package is valid, and published as a release if one is named; its id."""
        path = package.write(self._folder)
        modules = tuple(Module(name=one.name, version=one.version) for one in package.modules)
        platform = package.kind == "platform"
        id_ = f"{self.project}/{package.name}"
        await self._played.tell(
            PackageValidated(
                package=id_,
                project=self.project,
                artifact=await self.put(path.read_bytes(), "application/zip"),
                contents=PackageContents(
                    kind=PackageKind.PLATFORM if platform else PackageKind.CUSTOMIZATION,
                    modules=() if platform else modules,
                    platform_modules=modules if platform else (),
                    removed_modules=package.removals,
                    platform_version=package.platform_version,
                    application_version=package.application_version,
                ),
                warnings=(),
            )
        )
        if release:
            told = ReleasePublished(
                version=release,
                package=id_,
                platform_version=package.platform_version,
                application_version=package.application_version,
                base_version=base,
            )
            await self._played.tell(told)
        return id_

    async def judge(self, operation: str) -> CheckCompatibility:
        """Answer an operation's question for its extensions: all of them work; the question."""
        [seen] = await self.user.wait_for(
            lambda seen: (
                isinstance(seen.envelope.data, CheckCompatibility) and seen.envelope.data.operation == operation
            ),
            seconds=SECONDS,
        )
        asked = seen.envelope.data
        assert isinstance(asked, CheckCompatibility)
        await self._played.tell(
            CompatibilityChecked(
                environment=asked.environment,
                project=asked.project,
                set_version=asked.set_version,
                base=asked.base,
                verdict=Verdict.COMPATIBLE,
                extensions=tuple(
                    ExtensionVerdict(
                        app_id=one.app_id,
                        name=one.name,
                        publisher=one.publisher,
                        version=one.version,
                        verdict=Verdict.COMPATIBLE,
                        blocking=0,
                        summary="it works",
                    )
                    for one in asked.extensions
                ),
                report=None,
                operation=asked.operation,
                promotion=None,
            )
        )
        return asked

    # -- what users send

    async def put(self, content: bytes, media_type: str) -> ArtifactRef:
        """A file in the artifact store."""
        stored = await self._store.put_bytes(content, media_type)
        return ArtifactRef.of(stored)

    async def extension(self, name: str, version: str = "1.0.0.0", *needs: str) -> Extension:
        """An extension with its file; `needs` are names of others."""
        ids = [app_id_of(one) for one in needs]
        content = al_packages.extension(
            f"codeunit 50000 {name}\n{{\n}}",
            app_id=app_id_of(name),
            name=name,
            version=version,
            dependencies=[(id_, one, "Contoso", "1.0.0.0") for id_, one in zip(ids, needs, strict=True)],
        )
        return Extension(
            app_id=app_id_of(name),
            name=name,
            publisher="Contoso",
            version=version,
            scope=ExtensionScope.TENANT,
            artifact=await self.put(content, "application/vnd.drydock.app"),
            dependencies=tuple(Dependency(app_id=one, minimum_version="1.0.0.0") for one in ids),
        )

    async def register(self, package: str) -> None:
        """Have the environment provisioned."""
        command = RegisterEnvironment(
            environment=self.environment,
            project=self.project,
            environment_kind=EnvironmentKind.PRODUCTION,
            country="DE",
            package=package,
        )
        await self.succeeded(await self.user.send(command))
        await self.runtime.database_size(self.environment)  # by this the runtime finds the executor's database server

    async def do(self, command: Command) -> OperationFinished:
        """Send a command whose operation succeeds."""
        return await self.succeeded(await self.user.send(command))

    # -- what is said

    def seen(self, message: type[T]) -> list[T]:
        """The messages of a type about this environment, each once."""
        found = {
            seen.envelope.id: seen.envelope.data
            for seen in self.user.seen
            if isinstance(seen.envelope.data, message) and seen.key == self.environment.encode()
        }
        return list(found.values())

    async def finished(self, operation: str) -> OperationFinished:
        """Wait for the end of an operation."""

        def ends(seen: Seen) -> bool:
            data = seen.envelope.data
            return (isinstance(data, OperationFinished) and data.operation == operation) or (
                isinstance(data, CommandRejected) and data.command_id == operation
            )

        ended = (await self.user.wait_for(ends, seconds=SECONDS))[0].envelope.data
        assert isinstance(ended, OperationFinished), ended
        return ended

    async def succeeded(self, operation: str) -> OperationFinished:
        """Wait for the success of an operation."""
        ended = await self.finished(operation)
        assert ended.outcome is Outcome.SUCCEEDED, ended.problem
        return ended

    async def roll_out(self, command: ApplyRelease, package: str | None = None) -> str:
        """Announce a rollout that starts now, of another package if one is named, and send its command; the id."""
        await self._played.tell(
            RolloutPlanned(
                environment=command.environment,
                project=self.project,
                release=command.release,
                package=package or command.package,
                start=datetime.now(UTC),
                end=command.not_after,
                remove_extensions=command.remove_extensions,
                set_version=command.set_version or 0,
            )
        )
        return await self.user.send(command, source="drydock/promotion-scheduler")

    async def refused(self, id_: str) -> CommandRejected:
        """Wait for the refusal of a command."""
        [seen] = await self.user.wait_for(
            lambda seen: isinstance(seen.envelope.data, CommandRejected) and seen.envelope.data.command_id == id_,
            seconds=SECONDS,
        )
        assert isinstance(seen.envelope.data, CommandRejected)
        return seen.envelope.data

    async def view(self) -> EnvironmentSnapshot:
        """The environment as it stands, while nothing runs on it."""

        async def look() -> EnvironmentSnapshot | None:
            await self.user.caught_up()
            view = self.seen(EnvironmentSnapshot)[-1]
            return view if view.operation is None else None

        return await until_answered(look, SECONDS)

    async def log(self, finished: OperationFinished) -> list[str]:
        """The lines of an operation's log, without times."""
        assert finished.log
        text = (await self._store.read(finished.log.digest, limit=1 << 20)).decode()
        return [line.partition(" ")[2] for line in text.splitlines()]

    # -- the environment itself

    async def running_extensions(self) -> dict[str, str]:
        """Versions by app id, as the environment says over HTTP."""
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{self.runtime.address(self.environment)}/extensions", timeout=30)
        return dict(answer.json()["extensions"])

    def installed(self) -> set[str]:
        """App ids that are in the environment's folder, whether it runs or not."""
        return {
            one.app_id
            for one in Extensions(self.runtime.data_folder(self.environment).parent / "extensions").installed()
        }

    def sql(self, query: str) -> list[tuple[object, ...]]:
        """The rows of a query in the environment's database."""
        with psycopg.connect(self.runtime.conninfo(self.environment)) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []
