"""A project of its own for each test: what its users send, and what is said about it."""

import asyncio
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from deploy.demo.packages import CUSTOMIZATION_V1, PLATFORM, DemoPackage
from deploy.embedded import Endpoints
from deploy.stack import Stack
from services.console.client import Client as Console
from shared.artifacts.folder import FolderStore
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import Envelope, new_id
from shared.contracts.extension_compatibility_checker import BaseIndexed, PublishBase
from shared.contracts.message import Command, Message, MessageKind
from shared.contracts.notifier import (
    AddRecipient,
    AudienceChanged,
    DeliveryStatus,
    NotificationSent,
    NotificationSnapshot,
)
from shared.contracts.package_validator import PackageRejected, PackageValidated, SubmitPackage
from shared.contracts.parts import ArtifactRef, EnvironmentKind, Extension, ExtensionScope
from shared.contracts.promotion_scheduler import (
    CandidateMarked,
    MarkCandidate,
    PromotionCancelled,
    PromotionCompleted,
    PublishRelease,
    ReleasePublished,
    SchedulePromotion,
)
from shared.contracts.registry import CATALOGUE
from shared.contracts.servicing_executor import (
    ApplyUpdate,
    OperationFinished,
    Outcome,
    RegisterEnvironment,
    SignOff,
    SignOffUpdate,
    UpdateSignedOff,
)
from shared.contracts.topics import SERVICES, topic_name
from tests.chaos.history import documents
from tests.support import al_packages
from tests.support.patience import until_answered
from tests.support.services import Client, Seen, client

T = TypeVar("T", bound=Message)

SECONDS = 90.0
"""How long an answer may take: the machine may be busy, and services are killed."""
RELEASE, VENDOR = "November release", "Vendor 10.0.45"
NEXT_PLATFORM = replace(
    PLATFORM, name="vendor-10.0.45", platform_version="7.0.7690.21", application_version="10.0.2345.9"
)
_READ = (MessageKind.COMMAND, MessageKind.EVENT, MessageKind.SNAPSHOT, MessageKind.DEAD_LETTER)


@dataclass
class World:
    """A project with a sandbox and production on a running stack; `user` has read everything since it was made."""

    stack: Stack
    user: Client
    project: str = field(default_factory=lambda: f"p{new_id()[-8:]}")
    told_before: frozenset[str] = frozenset()
    """Notifications that were there before the user read anything."""

    @property
    def sandbox(self) -> str:
        return f"{self.project}-test"

    @property
    def production(self) -> str:
        return f"{self.project}-prod"

    @property
    def mailbox(self) -> str:
        return f"team@{self.project}.example"

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.stack.data / "artifacts")

    @property
    def folder(self) -> Path:
        """Where the project's users make their files."""
        folder = self.stack.data / "packages" / self.project
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    # -- what users send; none of these waits for an answer

    async def send(self, command: Command) -> str:
        """Publish a command as the command line does; its id."""
        return await Console(self.user.bootstrap, "ada").publish(command)

    async def put(self, path: Path, media_type: str = "application/zip") -> ArtifactRef:
        """A file in the artifact store."""
        stored = await self.store.put_file(path, media_type)
        return ArtifactRef.of(stored)

    async def submit(self, package: DemoPackage) -> str:
        """Have a package checked; its id."""
        path = package.write(self.folder)
        return await self._submit(path, package.name)

    async def submit_wrapped(self, package: DemoPackage) -> str:
        """Have a package checked that somebody has zipped once more; its id."""
        path = self.folder / f"{package.name}-wrapped.zip"
        with zipfile.ZipFile(path, "w") as outer:
            outer.write(package.write(self.folder), f"{package.name}.zip")
        return await self._submit(path, path.stem)

    async def _submit(self, path: Path, name: str) -> str:
        id_ = f"{self.project}/{name}"
        await self.send(SubmitPackage(package=id_, artifact=await self.put(path), file_name=path.name))
        return id_

    async def register(self, environment: str, kind: EnvironmentKind, package: str) -> str:
        """Have an environment provisioned; the operation."""
        return await self.send(
            RegisterEnvironment(
                environment=environment,
                project=self.project,
                environment_kind=kind,
                country="W1",
                package=package,
            )
        )

    async def apply(self, package: str, name: str = RELEASE, *, drops: tuple[str, ...] = ()) -> str:
        """Apply a package to the sandbox; the operation."""
        return await self.send(
            ApplyUpdate(environment=self.sandbox, package=package, update_name=name, acknowledge_missing_modules=drops)
        )

    async def mark(self, name: str = RELEASE) -> str:
        return await self.send(MarkCandidate(environment=self.sandbox, update_name=name))

    async def schedule(self, start: datetime | None = None, name: str = RELEASE) -> str:
        """Have a candidate promoted, now or at `start`; the promotion."""
        command = await self.send(
            SchedulePromotion(
                environment=self.production,
                sandbox=self.sandbox,
                update_name=name,
                start=start or datetime.now(UTC),
            )
        )
        return f"{self.production}/{command}"

    async def extension(self, source: str) -> Extension:
        """An extension of one source file, which is in the artifact store."""
        file = self.folder / "extension.app"
        file.write_bytes(al_packages.extension(source))
        return Extension(
            app_id=al_packages.EXTENSION_ID,
            name="Contoso Extension",
            publisher="Contoso",
            version="1.0.0.0",
            scope=ExtensionScope.TENANT,
            artifact=await self.put(file, "application/octet-stream"),
            dependencies=(),
        )

    # -- what is said

    def seen(self, message: type[T], where: Callable[[T], bool] = lambda _: True) -> list[Envelope[T]]:
        """The messages of a type about this project that were seen by now, each once."""
        found: dict[str, Envelope[T]] = {}
        for seen in self.user.seen:
            data = seen.envelope.data
            if isinstance(data, message) and self._ours(seen.key) and where(data):
                found.setdefault(seen.envelope.id, seen.envelope)  # type: ignore[arg-type]  # the type was looked at
        return list(found.values())

    def _ours(self, key: bytes | None) -> bool:
        name = (key or b"").decode()
        return name == self.project or name.startswith((f"{self.project}-", f"{self.project}/"))

    async def wait(self, message: type[T], where: Callable[[T], bool] = lambda _: True, count: int = 1) -> list[T]:
        """Wait for messages of a type about this project."""
        await self.user.wait_for(lambda _: len(self.seen(message, where)) >= count, seconds=SECONDS)
        return [envelope.data for envelope in self.seen(message, where)]

    async def finished(self, operation: str) -> OperationFinished:
        """Wait for the end of an operation. A refusal is a failure."""
        await self.user.wait_for(
            lambda _: bool(
                self.seen(OperationFinished, lambda told: told.operation == operation)
                or self.seen(CommandRejected, lambda told: told.command_id == operation)
            ),
            seconds=SECONDS,
        )
        refusals = self.seen(CommandRejected, lambda told: told.command_id == operation)
        assert not refusals, refusals[0].data
        [ended] = self.seen(OperationFinished, lambda told: told.operation == operation)
        return ended.data

    async def succeeded(self, operation: str) -> OperationFinished:
        """Wait for the success of an operation."""
        ended = await self.finished(operation)
        assert ended.outcome is Outcome.SUCCEEDED, ended.problem
        return ended

    async def refused(self, command: str) -> CommandRejected:
        """Wait for the refusal of a command."""
        [answer] = await self.wait(CommandRejected, lambda told: told.command_id == command)
        return answer

    async def cancelled(self, promotion: str) -> PromotionCancelled:
        """Wait until a promotion is cancelled."""
        [told] = await self.wait(PromotionCancelled, lambda told: told.promotion == promotion)
        return told

    async def told_by_mail(self) -> None:
        """Wait until the notifier has dealt with all that was said, and everybody who is to be told was."""
        said = ("servicing-executor", "promotion-scheduler", "extension-compatibility-checker")
        await self.user.no_lag("notifier", [topic_name(one, MessageKind.EVENT) for one in said], SECONDS)

        async def all_told() -> bool:
            await self.user.caught_up()
            return await asyncio.to_thread(self._all_told)

        await until_answered(all_told, SECONDS, progress=lambda: len(self.user.seen), every=0.1)

    def _all_told(self) -> bool:
        """Whether nothing is parked, and what was read shows every notification that is stored, and none pending."""
        stored = _notifications(self.stack)
        ours = [stored[id_] for id_ in stored.keys() - self.told_before if id_.startswith(f"{self.project}/")]
        if any(one.get("parked") for one in ours):
            return False
        latest = {view.data.notification: view.data for view in self._views()}
        wanted = {one["_id"] for one in ours if one["state"] is not None}
        deliveries = [one for view in latest.values() for one in view.deliveries]
        sent = {one.message_id for one in deliveries if one.status is DeliveryStatus.SENT}
        pending = any(one.status is DeliveryStatus.PENDING for one in deliveries)
        told = {one.data.message_id for one in self.seen(NotificationSent)}
        return wanted <= set(latest) and not pending and sent <= told

    def _views(self) -> list[Envelope[NotificationSnapshot]]:
        return sorted(self.seen(NotificationSnapshot), key=lambda view: view.sequence or 0)

    # -- whole ways

    async def provision(self) -> None:
        """Recipient, platform, both environments."""
        await self.send(AddRecipient(project=self.project, address=self.mailbox))
        await self.wait(AudienceChanged)
        platform = await self.submit(PLATFORM)
        await self.wait(PackageValidated | PackageRejected)  # type: ignore[arg-type]  # either is an answer
        operations = [
            await self.register(self.sandbox, EnvironmentKind.SANDBOX, platform),
            await self.register(self.production, EnvironmentKind.PRODUCTION, platform),
        ]
        for operation in operations:
            await self.succeeded(operation)

    async def release(self, base: bytes, platform: DemoPackage = NEXT_PLATFORM, *, major: int = 26) -> str:
        """A platform of the vendor, the next one, becomes available, with a base of its own; the package."""
        number = int(self.project[1:], 16) % 10**8
        version, base_version = f"{major - 16}.0.{number}", f"{major}.0.{number}.0"
        file = self.folder / "base.app"
        file.write_bytes(base)
        packages = (await self.put(file, "application/octet-stream"),)
        await self.send(PublishBase(base=f"{base_version}/W1", packages=packages))
        package = await self.submit(platform)
        await self.wait(PackageValidated, lambda told: told.package == package)
        await self.send(PublishRelease(version=version, package=package, base_version=base_version))
        for wanted, key in ((BaseIndexed, f"{base_version}/W1"), (ReleasePublished, version)):
            await self.user.wait_for(_is(wanted, key), seconds=SECONDS)
        # Its base counts for updates that are accepted once the executor has heard of it.
        events = topic_name("promotion-scheduler", MessageKind.EVENT)
        await self.user.no_lag("servicing-executor", [events], SECONDS)
        return package

    async def main_job(self) -> str:
        """From upload to production, as a script does it that waits for every answer; the promotion."""
        await self.provision()
        package = await self.submit(CUSTOMIZATION_V1)
        await self.wait(PackageValidated, lambda told: told.package == package)
        await self.succeeded(await self.apply(package))
        await self.send(
            SignOffUpdate(environment=self.sandbox, update_name=RELEASE, sign_off=SignOff.CLEAN, note="tried")
        )
        await self.wait(UpdateSignedOff)
        await self.mark()
        await self.wait(CandidateMarked)
        promotion = await self.schedule()
        await self.wait(PromotionCompleted, lambda told: told.promotion == promotion)
        return promotion


def _is(wanted: type[Message], key: str) -> Callable[[Seen], bool]:
    return lambda seen: isinstance(seen.envelope.data, wanted) and seen.envelope.data.key == key


@asynccontextmanager
async def reader(stack: Stack) -> AsyncIterator[Client]:
    """Somebody who reads all that is said from now on; at the end there is no dead letter."""
    endpoints = Endpoints(stack.record.kafka, stack.record.mongo)
    topics = [topic_name(service, kind) for service in SERVICES for kind in _READ]
    async with client(endpoints, CATALOGUE, topics) as someone:
        yield someone
        letters = [seen for seen in await someone.caught_up() if seen.topic.endswith(MessageKind.DEAD_LETTER.value)]
        assert not letters, letters


@asynccontextmanager
async def world(stack: Stack) -> AsyncIterator[World]:
    """A project on a stack."""
    async with reader(stack) as someone:
        before = await asyncio.to_thread(_notifications, stack)
        yield World(stack, someone, told_before=frozenset(before))


def _notifications(stack: Stack) -> dict[str, Any]:
    """The notifier's documents of notifications, by id."""
    return documents(stack.record.mongo, "notifications", database="drydock_notifier")
