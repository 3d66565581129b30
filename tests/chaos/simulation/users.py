"""Who asks the services for something: users of sandboxes, of packages and of mails, each with a will of his own.

One command in ten comes twice, at once or much later. Some are made to be refused.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from random import Random
from typing import Any

from shared.contracts.cloudevents import encode
from shared.contracts.envelope import Envelope, new_id
from shared.contracts.extension_compatibility_checker import PublishBase
from shared.contracts.message import Command
from shared.contracts.notifier import AddRecipient, RemoveRecipient
from shared.contracts.package_validator import MergePackages, RetirePackage, RevalidatePackage, SubmitPackage
from shared.contracts.parts import ArtifactRef, EnvironmentKind, Module, PackageContents, PackageKind
from shared.contracts.promotion_scheduler import CancelPromotion, MarkCandidate, SchedulePromotion
from shared.contracts.registry import CATALOGUE
from shared.contracts.servicing_executor import (
    ApplyUpdate,
    CancelOperation,
    DisableMaintenanceMode,
    EnableMaintenanceMode,
    RegisterEnvironment,
    RestartableService,
    RestartService,
    SignOff,
    SignOffUpdate,
)
from shared.kernel.client import OutgoingRecord
from tests.chaos.simulation.process import Surroundings
from tests.chaos.simulation.topics import StoredRecord

PROJECT = "contoso"
PLATFORM = f"{PROJECT}/vendor-10.0.44"
SMALL, LARGE = f"{PROJECT}/contoso-2026.10", f"{PROJECT}/contoso-2026.11"
REPORTS = "ContosoReports"
PATIENCE_SECONDS = 900.0
"""How long a user waits for an answer before he goes on without; the checker misses it then."""


def _contents(kind: PackageKind, *modules: str) -> PackageContents:
    named = tuple(Module(name=name, version="1.0.0.0") for name in modules)
    platform = kind is PackageKind.PLATFORM
    return PackageContents(
        kind=kind,
        modules=() if platform else named,
        platform_modules=named if platform else (),
        removed_modules=(),
        platform_version="7.0.7606.108",
        application_version="10.0.2263.40",
    )


PACKAGES = {
    PLATFORM: _contents(PackageKind.PLATFORM, "ApplicationPlatform"),
    SMALL: _contents(PackageKind.CUSTOMIZATION, "ContosoLoyalty"),
    LARGE: _contents(PackageKind.CUSTOMIZATION, "ContosoLoyalty", REPORTS),
    f"{PROJECT}/spare": _contents(PackageKind.CUSTOMIZATION, "ContosoSpare"),
}
_FILE = ArtifactRef(digest="sha256:" + "0" * 64, size=1, media_type="application/zip")


class Users:
    """All users together send so many commands, and then go home."""

    def __init__(self, world: Surroundings, draw: Random, commands: int) -> None:
        self.sent = 0
        self.copies = 0
        self._world = world
        self._draw = draw
        self._commands = commands
        self._answers: dict[str, dict[str, Any] | None] = {}
        """By the id of a command: its refusal, or None where it was taken."""
        self._ended: dict[str, str] = {}
        """Outcomes of operations."""
        self._late: list[asyncio.Task[None]] = []

    def read(self, record: StoredRecord) -> None:
        """A record was published."""
        if not record.topic.endswith(".events") or record.value is None:
            return
        headers = {name: (value or b"").decode() for name, value in record.headers}
        causation, type_ = headers.get("ce_causationid"), headers["ce_type"]
        if causation is None:
            return
        if type_ == "drydock.command-rejected.v1":
            self._answers.setdefault(causation, json.loads(record.value))
        else:
            self._answers.setdefault(causation, None)
            if type_ == "servicing-executor.operation-finished.v1":
                told = json.loads(record.value)
                self._ended.setdefault(told["operation"], told["outcome"])

    async def prepare(self) -> None:
        """What everything else needs."""
        packages = [SubmitPackage(package=package, artifact=_FILE, file_name="package.zip") for package in PACKAGES]
        await asyncio.gather(*(self._ask(command) for command in packages))
        await self._ask(AddRecipient(project=PROJECT, address="all@example.org"))

    async def live(self, sandboxes: int, productions: int) -> None:
        """Send commands until there were enough."""
        registered = [self._register(f"p{number}", EnvironmentKind.PRODUCTION) for number in range(productions)]
        users: list[Coroutine[Any, Any, None]] = [
            self._user_of_sandbox(f"s{number}", f"p{number % productions}") for number in range(sandboxes)
        ]
        await asyncio.gather(*registered, *users, self._user_of_the_rest())
        await asyncio.gather(*self._late)

    @property
    def _go_on(self) -> bool:
        return self.sent < self._commands

    def _publish(self, command: Command) -> tuple[str, OutgoingRecord]:
        id_ = new_id()
        record = encode(Envelope(id=id_, source="users", time=self._world.clock(), data=command, actor="ada"))
        topic = CATALOGUE.topic_of(type(command), command.owner)
        sent = OutgoingRecord(topic, record.key, record.value, [*record.headers])
        self._world.topics.append(sent)
        return id_, sent

    async def _again(self, record: OutgoingRecord, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._world.topics.append(record)
        self.copies += 1

    async def _ask(self, command: Command, *, to_its_end: bool = False) -> tuple[str, bool]:
        """Send a command and wait for its answer; its id, and whether it was taken, or its operation succeeded."""
        self.sent += 1
        id_, record = self._publish(command)
        if self._draw.random() < 0.1:
            later = self._draw.choice((0, 0.1, 3, 60, 300))
            self._late.append(asyncio.create_task(self._again(record, later)))
        if not await self._until(lambda: id_ in self._answers) or self._answers[id_] is not None:
            return id_, False
        if to_its_end:
            await self._until(lambda: id_ in self._ended)
            return id_, self._ended.get(id_) == "succeeded"
        return id_, True

    async def _until(self, holds: Callable[[], bool]) -> bool:
        left = PATIENCE_SECONDS
        while not holds() and left > 0:
            await asyncio.sleep(0.5)
            left -= 0.5
        return holds()

    async def _register(self, name: str, kind: EnvironmentKind) -> None:
        command = RegisterEnvironment(
            environment=name, project=PROJECT, environment_kind=kind, country="W1", package=PLATFORM
        )
        for _ in range(5):
            if (await self._ask(command, to_its_end=True))[1]:
                return

    async def _user_of_sandbox(self, sandbox: str, production: str) -> None:
        await self._register(sandbox, EnvironmentKind.SANDBOX)
        user = _SandboxUser(self, self._draw, sandbox, production)
        while self._go_on:
            await user.act()
            await asyncio.sleep(self._draw.expovariate(1))

    async def _user_of_the_rest(self) -> None:
        """Packages come and go, and so do recipients."""
        spare = f"{PROJECT}/spare"
        made: Sequence[Callable[[], Command]] = (
            lambda: AddRecipient(project=PROJECT, address=f"x{self._draw.randrange(3)}@example.org"),
            lambda: RemoveRecipient(project=PROJECT, address=f"x{self._draw.randrange(3)}@example.org"),
            lambda: AddRecipient(project="other", address=f"y{self._draw.randrange(9)}@example.org"),
            lambda: RevalidatePackage(package=spare),
            lambda: RetirePackage(package=f"{PROJECT}/not-there"),
            lambda: MergePackages(package=f"{PROJECT}/merged", sources=(SMALL, LARGE)),
            lambda: PublishBase(base=f"27.0.{self._draw.randrange(50)}.0/W1", packages=(_FILE,)),
        )
        while self._go_on:
            await self._ask(self._draw.choice(made)())
            await asyncio.sleep(self._draw.expovariate(0.2))


class _SandboxUser:
    """One user, his sandbox, and the production that he promotes to."""

    def __init__(self, users: Users, draw: Random, sandbox: str, production: str) -> None:
        self._users = users
        self._draw = draw
        self._sandbox = sandbox
        self._production = production
        self._updates = 0
        self._last = ""
        """The update that runs; empty: none yet."""
        self._has_reports = False

    async def act(self) -> None:
        """Do something."""
        acts: tuple[tuple[int, Callable[[], Coroutine[Any, Any, Any]]], ...] = (
            (30, self._update),
            (15, self._restart),
            (8, self._maintain),
            (10, self._sign_off),
            (25, self._promote),
            (12, self._ask_in_vain),
        )
        [act] = self._draw.choices([act for _, act in acts], [weight for weight, _ in acts])
        await act()

    async def _update(self) -> None:
        self._updates += 1
        large = self._draw.random() < 0.6
        drops = self._has_reports and not large and self._draw.random() < 0.7
        name = f"{self._sandbox} update {self._updates}"
        command = ApplyUpdate(
            environment=self._sandbox,
            package=LARGE if large else SMALL,
            update_name=name,
            acknowledge_missing_modules=(REPORTS,) if drops else (),
        )
        if self._draw.random() < 0.3:
            asking = asyncio.create_task(self._users._ask(command, to_its_end=True))
            await asyncio.sleep(self._draw.uniform(0, 6))
            await self._users._ask(RestartService(environment=self._sandbox, service=RestartableService.MR))
            id_, succeeded = await asking
        else:
            id_, succeeded = await self._users._ask(command, to_its_end=True)
        if succeeded:
            self._last, self._has_reports = name, large
        elif self._draw.random() < 0.2:
            await self._users._ask(CancelOperation(environment=self._sandbox, operation=id_))

    async def _restart(self) -> None:
        service = self._draw.choice(list(RestartableService))
        await self._users._ask(RestartService(environment=self._sandbox, service=service), to_its_end=True)

    async def _maintain(self) -> None:
        await self._users._ask(EnableMaintenanceMode(environment=self._sandbox), to_its_end=True)
        await self._users._ask(DisableMaintenanceMode(environment=self._sandbox), to_its_end=True)

    async def _sign_off(self) -> None:
        command = SignOffUpdate(
            environment=self._sandbox, update_name=self._last or "none", sign_off=self._draw.choice(list(SignOff))
        )
        await self._users._ask(command)

    async def _promote(self) -> None:
        if not self._last:
            return
        await self._users._ask(MarkCandidate(environment=self._sandbox, update_name=self._last))
        start = self._users._world.clock() + timedelta(seconds=self._draw.choice((2, 5, 60)))
        command = SchedulePromotion(
            environment=self._production, sandbox=self._sandbox, update_name=self._last, start=start
        )
        _, scheduled = await self._users._ask(command)
        if scheduled and self._draw.random() < 0.3:
            await asyncio.sleep(self._draw.uniform(0, 3))
            await self._users._ask(CancelPromotion(environment=self._production))

    async def _ask_in_vain(self) -> None:
        commands = (
            ApplyUpdate(environment=self._sandbox, package=f"{PROJECT}/unknown", update_name="never"),
            ApplyUpdate(environment=self._production, package=LARGE, update_name="never"),
            RestartService(environment="nowhere", service=RestartableService.AOS),
            DisableMaintenanceMode(environment=self._sandbox),
            CancelOperation(environment=self._sandbox, operation="none"),
        )
        await self._users._ask(self._draw.choice(commands))
