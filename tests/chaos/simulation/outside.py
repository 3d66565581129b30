"""What services touch beside stores and topics: environments, a mail server, artifacts, packages. All is noted."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from services.extension_compatibility_checker import app as checker
from services.extension_compatibility_checker.domain.work import (
    CompatibilityCheckDone,
    CompatibilityCheckInput,
    IndexingDone,
    IndexingInput,
)
from services.image_builder import app as builder
from services.image_builder.domain.work import BuildInput, Built
from services.notifier import app as notifier
from services.notifier.channels.smtp import MailDeferredError, MailRefusedError
from services.notifier.steps import Steps as MailSteps
from services.package_validator import app as validator
from services.package_validator.domain.work import Checked, Merged, MergeInput, PackageCheckInput
from services.promotion_scheduler import app as scheduler
from services.servicing_executor import app as executor
from services.servicing_executor.runtimes.instant import InstantRuntime
from services.servicing_executor.runtimes.port import RuntimeUnavailableError, Step
from services.servicing_executor.steps import Steps
from shared.artifacts.errors import ArtifactStoreError
from shared.artifacts.port import Descriptor
from shared.contracts.parts import ArtifactRef, ImageContents, PackageContents, PackageKind, Problem
from shared.kernel import Transient
from shared.kernel.app import Job, OnWork, Service
from tests.chaos.simulation.history import Effect, Mail
from tests.chaos.simulation.process import Surroundings, current

DISTURBED_SECONDS = 1.0
"""So long after it has stood still a process may begin what it had claimed before."""


class Outside:
    """Everything outside, and what the services did to it."""

    def __init__(self, world: Surroundings, folder: Path) -> None:
        self.packages: dict[str, PackageContents] = {}
        """What the check of a package finds."""
        self.effects: list[Effect] = []
        self.mails: list[Mail] = []
        self._world = world
        self._folder = folder
        self._artifacts: dict[str, bytes] = {}

    def services(self) -> list[Service]:
        """The tables of all services, as their processes make them, with their work done here."""
        files = self._folder / "files"
        steps = Steps(_RecordedRuntime(self, self._folder / "environments"), self, None)  # type: ignore[arg-type]
        mails = MailSteps(self, "drydock@example.org")  # type: ignore[arg-type]
        runs: dict[str, Callable[..., Awaitable[Any]]] = {
            "step": steps.run_step,
            "closing": steps.close,
            "deliver": mails.deliver,
            "build": self.build,
            "merge": self.merge,
            "indexing": self.index,
        }
        made = [
            (validator.make(validator.ValidatorSettings(artifacts=files)), {**runs, "check": self.check}),
            (builder.make(builder.BuilderSettings(artifacts=files)), runs),
            (executor.make(executor.ExecutorSettings(artifacts=files, runtime="instant")), runs),
            (scheduler.make(scheduler.SchedulerSettings()), runs),
            (
                checker.make(checker.CheckerSettings(artifacts=files, bases=files)),
                {**runs, "check": self.check_extensions},
            ),
            (notifier.make(notifier.NotifierSettings()), runs),
        ]
        return [_with_work(service, runs) for service, runs in made]

    async def takes_time(self, seconds: float) -> None:
        """Something takes about so long, or the process stands still or ends meanwhile."""
        await current.get().passes(self._world.draw.expovariate(1 / seconds))

    def fails(self, chance: float) -> bool:
        """Whether something fails now; nothing does in quiet times."""
        return self._world.rough and self._world.draw.random() < chance

    async def check(self, given: PackageCheckInput, job: Job) -> Checked:
        """Check a package."""
        await self.takes_time(2)
        if self.fails(0.1):
            raise Transient("the store of artifacts is away")
        report = ArtifactRef(digest="sha256:" + "1" * 64, size=1, media_type="application/json")
        return Checked(contents=self.packages[given.package], report=report, rules="simulated")

    async def merge(self, given: MergeInput, job: Job) -> Merged:
        """Merge packages: they never go together."""
        await self.takes_time(2)
        return Merged(problem=Problem(reason="MERGE_REFUSED", message="they do not go together"))

    async def build(self, given: BuildInput, job: Job) -> Built:
        """Build an image: the same from the same."""
        await self.takes_time(1)
        if self.fails(0.1):
            raise Transient("the store of artifacts is away")
        request = given.request
        contents = _combined(given.base, request.package, request.contents)
        named = f"{request.base_image} {request.package} {request.update_name}"
        return Built(image="sha256:" + hashlib.sha256(named.encode()).hexdigest(), contents=contents)

    async def index(self, given: IndexingInput, job: Job) -> IndexingDone:
        """Index a base: none can be read."""
        await self.takes_time(2)
        return IndexingDone(problem=Problem(reason="BASE_UNREADABLE", message="it cannot be read"))

    async def check_extensions(self, given: CompatibilityCheckInput, job: Job) -> CompatibilityCheckDone:
        """Check extensions: there are none."""
        await self.takes_time(1)
        return CompatibilityCheckDone()

    async def put_bytes(self, content: bytes, media_type: str) -> Descriptor:
        """Keep an artifact."""
        await self.takes_time(0.02)
        if self.fails(0.02):
            raise ArtifactStoreError("the disk is full")
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        self._artifacts[digest] = content
        return Descriptor(media_type, digest, len(content))

    async def read(self, digest: str, *, limit: int) -> bytes:
        """An artifact."""
        await self.takes_time(0.01)
        return self._artifacts[digest]

    async def send(self, mail: bytes, sender: str, address: str) -> str:
        """Take a mail, as a mail server does: not now, never, or without an answer that arrives."""
        await self.takes_time(0.3)
        if self.fails(0.1):
            raise MailDeferredError("421 come back later")
        if self.fails(0.02):
            raise MailRefusedError("550 nobody of that name")
        self.mails.append(Mail(address, mail))
        if self.fails(0.1):
            raise MailDeferredError("the answer was lost")
        await self.takes_time(0.1)
        return "250 taken"

    @contextmanager
    def effect(self, step: Step) -> Iterator[None]:
        """Note what is done to an environment, from its beginning to its end, whatever that is."""
        process, loop = current.get(), asyncio.get_running_loop()
        noted = Effect(
            step.environment, step.operation, step.name, process.name, loop.time(), len(self._world.topics.log)
        )
        self.effects.append(noted)
        try:
            yield
            noted.completed = True
        finally:
            noted.ended = loop.time()
            noted.disturbed = noted.began - process.disturbed_at < DISTURBED_SECONDS


class _RecordedRuntime(InstantRuntime):
    """The instant runtime, with steps that take a while, fail now and then, and are noted."""

    def __init__(self, outside: Outside, folder: Path) -> None:
        super().__init__(folder)
        self._outside = outside

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return _noted(self, found) if name in _STEPS else found


_STEPS = frozenset(
    {
        "provision",
        "prepare_release",
        "stop_services",
        "snapshot_database",
        "switch_release",
        "migrate_database",
        "start_services",
        "fetch_extensions",
        "set_extensions",
        "verify",
        "restore_snapshot",
        "restart_service",
        "set_maintenance_mode",
    }
)


def _noted(runtime: _RecordedRuntime, action: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    outside = runtime._outside

    async def act(step: Step, *given: Any, **more: Any) -> Any:
        with outside.effect(step):
            await outside.takes_time(1.5)
            if outside.fails(0.02):
                raise RuntimeUnavailableError("the machine is away")
            result = await action(step, *given, **more)
            await outside.takes_time(0.5)
            return result

    return act


def _with_work(service: Service, runs: dict[str, Callable[..., Awaitable[Any]]]) -> Service:
    lines = [replace(line, run=runs[line.kind]) if isinstance(line, OnWork) else line for line in service.table]
    return Service(service.name, service.catalogue, lines, builtin=service.builtin, kept=service.kept)


def _combined(base: ImageContents | None, package: str, contents: PackageContents) -> ImageContents:
    """A package on an image: a customization replaces the customization, a platform the platform."""
    if contents.kind is PackageKind.PLATFORM or base is None:
        return ImageContents(
            platform_package=package,
            customization_package=base.customization_package if base else None,
            platform_version=contents.platform_version or "0.0",
            application_version=contents.application_version or "0.0",
            base_version=None,
            modules=base.modules if base else (),
            dropped=base.dropped if base else (),
        )
    kept = {module.name for module in contents.modules}
    before = {*base.dropped, *(module.name for module in base.modules)}
    return ImageContents(
        platform_package=base.platform_package,
        customization_package=package,
        platform_version=base.platform_version,
        application_version=base.application_version,
        base_version=base.base_version,
        modules=contents.modules,
        dropped=tuple(sorted(before - kept - set(contents.removed_modules))),
    )
