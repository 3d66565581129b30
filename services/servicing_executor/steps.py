"""The real work of an operation's steps, behind the runtime of the environment and the artifact store.

A step that fails by its own fault brings back its log and the reason; one that the machinery below fails is tried
again. Each may be cut off anywhere and begun again: the runtime looks first and adopts what it finds.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from services.servicing_executor.domain.plans import StepName
from services.servicing_executor.domain.work import ClosingDone, ClosingInput, StepDone, StepInput, StepReached
from services.servicing_executor.free_space import FreeSpace
from services.servicing_executor.runtimes.port import (
    ExtensionFile,
    Runtime,
    RuntimeUnavailableError,
    Step,
    StepFailedError,
)
from shared.artifacts.errors import ArtifactStoreError, ArtifactUnusableError
from shared.artifacts.port import ArtifactStore
from shared.contracts.parts import ArtifactRef
from shared.kernel import Transient
from shared.kernel.app import Job

LOG_TYPE = "text/plain; charset=utf-8"
LOG_LIMIT = 16 * 1024 * 1024
LOG_CARRIED = 64 * 1024
"""Characters of a log that cannot be stored which are carried over into the next attempt to store it."""
LOG_RETRIED_FOR = timedelta(seconds=30)
"""How long the next step waits for the log of one that has ended."""
_CLOSING_SECONDS = 600.0


class Steps:
    """Does steps on one runtime. A database above `hold_above` bytes is not rolled back without asking.

    Where `free_space` is given, an operation must find what it needs there before it touches the environment.
    """

    def __init__(
        self, runtime: Runtime, artifacts: ArtifactStore, hold_above: int | None, free_space: FreeSpace | None = None
    ) -> None:
        self._runtime = runtime
        self._artifacts = artifacts
        self._hold_above = hold_above
        self._free_space = free_space
        self._actions: dict[StepName, Callable[[Step, StepInput], Awaitable[StepDone]]] = {
            StepName.CREATE_ENVIRONMENT: lambda step, given: self._plain(runtime.provision(step)),
            StepName.PREPARE_RELEASE: self._prepare,
            StepName.STOP_SERVICES: lambda step, given: self._plain(runtime.stop_services(step)),
            StepName.SNAPSHOT_DATABASE: self._snapshot,
            StepName.SWITCH_RELEASE: lambda step, given: self._plain(runtime.switch_release(step, _image(given))),
            StepName.MIGRATE_DATABASE: self._migrate,
            StepName.START_SERVICES: lambda step, given: self._plain(runtime.start_services(step)),
            StepName.VERIFY: self._verify,
            StepName.RESTART_SERVICE: self._restart,
            StepName.ENABLE_MAINTENANCE: lambda step, given: self._maintenance(step, enabled=True),
            StepName.DISABLE_MAINTENANCE: lambda step, given: self._maintenance(step, enabled=False),
            StepName.FETCH_EXTENSIONS: lambda step, given: self._plain(runtime.fetch_extensions(step, _files(given))),
            StepName.SET_EXTENSIONS: self._set_extensions,
            StepName.INSTALL_EXTENSION: self._set_extensions,
            StepName.UNINSTALL_EXTENSION: self._set_extensions,
            StepName.STOP_AGAIN: lambda step, given: self._plain(runtime.stop_services(step)),
            StepName.RESTORE_DATABASE: self._restore,
            StepName.SWITCH_BACK: self._switch_back,
            StepName.SET_EXTENSIONS_BACK: self._set_extensions,
            StepName.START_AGAIN: lambda step, given: self._plain(runtime.start_services(step)),
            StepName.VERIFY_AGAIN: self._verify,
        }

    async def run_step(self, given: StepInput, job: Job) -> StepDone:
        """Do one step, and keep its log. Raise Transient where the machinery fails."""
        log = _Log(job, given.step)
        if job.checkpoint:
            ended = StepReached.model_validate(job.checkpoint)
            return await self._keep_log(ended.done, ended.log, job)
        step = Step(given.environment, given.operation, given.step, given.seconds, log.line)
        try:
            done = await self._actions[StepName(given.step)](step, given)
        except StepFailedError as error:
            log.line(f"failed: {error}")
            done = StepDone(log=None, failed=str(error))
        except (RuntimeUnavailableError, ArtifactStoreError) as error:
            raise Transient(str(error)) from error
        return await self._keep_log(done, log.text, job)

    async def _keep_log(self, done: StepDone, text: str, job: Job) -> StepDone:
        """The result with its log; without, where the store does not take it for too long: a step is worth more."""
        try:
            stored = await self._artifacts.put_bytes(text.encode(), LOG_TYPE)
        except (ArtifactStoreError, OSError) as error:
            if job.failing_since and job.now() - job.failing_since >= LOG_RETRIED_FOR:
                job.log(f"the log of this step is lost: {error}", "warning")
                return done
            if not job.checkpoint:
                await job.reached(StepReached(done=done, log=text[-LOG_CARRIED:]))
            raise Transient(f"the log cannot be kept: {error}") from error
        return done.replace(log=stored.digest)

    async def close(self, given: ClosingInput, job: Job) -> ClosingDone:
        """Put the logs of the steps together, and remove what nobody needs any more. Raise Transient as `run_step`."""
        log = _Log(job, "closing")
        step = Step(given.environment, given.operation, "closing", _CLOSING_SECONDS, log.line)
        try:
            await self._tidy_up(given, step)
            return ClosingDone(log=await self._whole_log(given, log))
        except (RuntimeUnavailableError, ArtifactStoreError, OSError) as error:
            raise Transient(str(error)) from error

    async def _tidy_up(self, given: ClosingInput, step: Step) -> None:
        try:
            if given.snapshot:
                await self._runtime.drop_snapshot(step, given.snapshot)
            if given.discard:
                await self._runtime.discard_release(step, given.discard)
            if given.tidy_extensions:
                await self._runtime.discard_extensions(step)
        except StepFailedError as error:
            step.log(f"not tidied up: {error}")

    async def _whole_log(self, given: ClosingInput, log: "_Log") -> ArtifactRef | None:
        if not given.logs:
            return None
        parts = []
        for digest in given.logs:
            try:
                parts.append(await self._artifacts.read(digest, limit=LOG_LIMIT))
            except ArtifactUnusableError as error:
                log.line(f"the log of a step is lost: {error}")
        whole = await self._artifacts.put_bytes(b"".join(parts) + log.text.encode(), LOG_TYPE)
        return ArtifactRef.of(whole)

    @staticmethod
    async def _plain(action: Awaitable[None]) -> StepDone:
        await action
        return StepDone(log=None)

    async def _prepare(self, step: Step, given: StepInput) -> StepDone:
        image = _image(given)
        if self._free_space:
            await self._free_space.require(image, await self._runtime.database_size(given.environment))
        return await self._plain(self._runtime.prepare_release(step, image))

    async def _snapshot(self, step: Step, given: StepInput) -> StepDone:
        size = await self._runtime.database_size(given.environment)
        name = await self._runtime.snapshot_database(step)
        return StepDone(log=None, snapshot=name, hold=self._hold_above is not None and size > self._hold_above)

    async def _migrate(self, step: Step, given: StepInput) -> StepDone:
        names = await self._runtime.migrate_database(step, _image(given))
        step.log(f"{len(names)} migration(s) were run")
        return StepDone(log=None)

    async def _restart(self, step: Step, given: StepInput) -> StepDone:
        assert given.service
        await self._runtime.restart_service(step, given.service.value)
        return StepDone(log=None)

    async def _maintenance(self, step: Step, *, enabled: bool) -> StepDone:
        await self._runtime.set_maintenance_mode(step, enabled=enabled)
        return StepDone(log=None)

    async def _set_extensions(self, step: Step, given: StepInput) -> StepDone:
        await self._runtime.set_extensions(step, _files(given))
        return StepDone(log=None)

    async def _verify(self, step: Step, given: StepInput) -> StepDone:
        await self._runtime.verify(step, _image(given), _files(given))
        return StepDone(log=None)

    async def _switch_back(self, step: Step, given: StepInput) -> StepDone:
        """To a release that has lain there for long: perhaps it is not whole any more."""
        await self._runtime.prepare_release(step, _image(given))
        await self._runtime.switch_release(step, _image(given))
        return StepDone(log=None)

    async def _restore(self, step: Step, given: StepInput) -> StepDone:
        assert given.snapshot
        await self._runtime.restore_snapshot(step, given.snapshot)
        return StepDone(log=None)


class _Log:
    """The log of one attempt: told line by line, and kept as a whole."""

    def __init__(self, job: Job, step: str) -> None:
        self._job = job
        self._step = step
        self._lines: list[str] = []

    def line(self, text: str) -> None:
        """A line without its end."""
        now = datetime.now(UTC)
        self._lines.append(f"{now:%Y-%m-%dT%H:%M:%S.%f}Z {self._step}: {text}\n")
        self._job.log(text)

    @property
    def text(self) -> str:
        """All lines, each with its time and step."""
        return "".join(self._lines)


def _image(given: StepInput) -> str:
    assert given.image
    return given.image


def _files(given: StepInput) -> tuple[ExtensionFile, ...]:
    return tuple(
        ExtensionFile(
            app_id=one.app_id,
            name=one.name,
            version=one.version,
            digest=one.artifact.digest,
            size=one.artifact.size,
            needs=tuple(need.app_id for need in one.dependencies),
        )
        for one in given.extensions
    )
