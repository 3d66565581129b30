"""What a step does when the machinery below it is away: it waits, and nothing that was done is done again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from services.servicing_executor.domain.plans import ASKED, AT_REST, StepName
from services.servicing_executor.domain.work import ClosingInput, StepInput, closing_retried_for, step_retried_for
from services.servicing_executor.free_space import FreeSpace
from services.servicing_executor.runtimes.instant import InstantRuntime
from services.servicing_executor.runtimes.port import RuntimeUnavailableError, Step
from services.servicing_executor.steps import LOG_RETRIED_FOR, Steps
from shared.artifacts.errors import StoreFullError
from shared.artifacts.folder import FolderStore
from shared.artifacts.port import Descriptor
from shared.kernel import Transient

IMAGE = f"sha256:{'a' * 64}"


class Attempt:
    """One attempt of a step, as far as the kernel tells a step of it."""

    def __init__(self, after: "Attempt | None" = None, failing_for: timedelta | None = None) -> None:
        self.checkpoint: dict[str, Any] | None = after.checkpoint if after else None
        self.failing_since = None if failing_for is None else self.now() - failing_for
        self.said: list[str] = []

    def now(self) -> datetime:
        return datetime(2026, 11, 21, 12, tzinfo=UTC)

    async def reached(self, checkpoint: BaseModel) -> None:
        self.checkpoint = checkpoint.model_dump(mode="json")

    def log(self, text: str, level: str = "info") -> None:
        self.said.append(text)


class Full(FolderStore):
    """A store whose disk is full, or not."""

    full = False

    async def put_bytes(self, content: bytes, media_type: str) -> Descriptor:
        if self.full:
            raise StoreFullError("no space is left")
        return await super().put_bytes(content, media_type)


class Machinery:
    """A runtime with one environment, a store, and the steps on both."""

    def __init__(self, folder: Path) -> None:
        self.runtime = InstantRuntime(folder / "environments")
        self.store = Full(folder / "artifacts")
        self.steps = Steps(self.runtime, self.store, None)

    async def do(self, name: StepName, attempt: Attempt) -> Any:
        return await self.steps.run_step(given(name), attempt)  # type: ignore[arg-type]  # all that a step asks of a job

    async def log_of(self, done: Any) -> str:
        return (await self.store.read(done.log, limit=1 << 20)).decode()


def given(name: StepName) -> StepInput:
    return StepInput(
        environment="test", operation="one", step=name, seconds=60, image=IMAGE, snapshot=None, service=None
    )


class FullDisk(FreeSpace):
    """A disk on which nothing has room."""

    async def require(self, image: str, database: int) -> None:
        raise StoreFullError(f"no room for {image}")


async def test_an_operation_without_room_waits_before_it_touches_anything(tmp_path: Path) -> None:
    machinery = Machinery(tmp_path)
    machinery.steps = Steps(machinery.runtime, machinery.store, None, FullDisk(tmp_path, machinery.store))
    await machinery.do(StepName.CREATE_ENVIRONMENT, Attempt())
    with pytest.raises(Transient, match="no room for"):
        await machinery.do(StepName.PREPARE_RELEASE, Attempt())
    assert StepName.PREPARE_RELEASE in AT_REST


@pytest.fixture
async def machinery(tmp_path: Path) -> Machinery:
    machinery = Machinery(tmp_path)
    for name in (StepName.CREATE_ENVIRONMENT, StepName.PREPARE_RELEASE, StepName.SWITCH_RELEASE):
        await machinery.do(name, Attempt())
    return machinery


async def test_a_step_whose_log_cannot_be_kept_is_done_once_and_keeps_its_log_later(
    machinery: Machinery, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    migrate = machinery.runtime.migrate_database

    async def migrate_and_count(step: Step, image: str) -> tuple[str, ...]:
        begun.append(step.key)
        return await migrate(step, image)

    monkeypatch.setattr(machinery.runtime, "migrate_database", migrate_and_count)
    machinery.store.full = True
    first = Attempt()
    with pytest.raises(Transient, match="the log cannot be kept: no space is left"):
        await machinery.do(StepName.MIGRATE_DATABASE, first)
    with pytest.raises(Transient):
        await machinery.do(StepName.MIGRATE_DATABASE, Attempt(first, failing_for=LOG_RETRIED_FOR / 2))
    machinery.store.full = False
    done = await machinery.do(StepName.MIGRATE_DATABASE, Attempt(first))
    assert done.failed is None
    assert "0 migration(s) were run" in await machinery.log_of(done)
    assert len(begun) == 1


async def test_a_log_that_cannot_be_kept_for_long_is_lost_and_the_step_is_not(machinery: Machinery) -> None:
    machinery.store.full = True
    first = Attempt()
    with pytest.raises(Transient):
        await machinery.do(StepName.MIGRATE_DATABASE, first)
    late = Attempt(first, failing_for=LOG_RETRIED_FOR)
    done = await machinery.do(StepName.MIGRATE_DATABASE, late)
    assert (done.failed, done.log) == (None, None)
    assert late.said == ["the log of this step is lost: no space is left"]


async def test_a_database_that_is_away_is_no_fault_of_the_step(
    machinery: Machinery, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(step: Step, image: str) -> tuple[str, ...]:
        raise RuntimeUnavailableError("the database server does not answer")

    monkeypatch.setattr(machinery.runtime, "migrate_database", away)
    with pytest.raises(Transient, match="the database server does not answer"):
        await machinery.do(StepName.MIGRATE_DATABASE, Attempt(failing_for=timedelta(minutes=50)))


async def test_closing_waits_for_the_machinery_and_does_without_logs_that_are_gone(machinery: Machinery) -> None:
    kept = (await machinery.do(StepName.START_SERVICES, Attempt())).log
    left = ClosingInput(
        environment="test", operation="one", logs=(kept, f"sha256:{'f' * 64}"), snapshot=None, discard=None
    )
    machinery.store.full = True
    with pytest.raises(Transient):
        await machinery.steps.close(left, Attempt())  # type: ignore[arg-type]
    machinery.store.full = False
    done = await machinery.steps.close(left, Attempt())  # type: ignore[arg-type]
    assert done.log
    whole = (await machinery.store.read(done.log.digest, limit=1 << 20)).decode()
    assert "the log of a step is lost" in whole


def test_who_goes_back_waits_without_end_and_who_has_changed_nothing_waits_shortly() -> None:
    waits = {name: step_retried_for(given(name)) for name in StepName if name not in ASKED}
    assert {name for name, wait in waits.items() if wait is None} == {
        name for name in StepName if name.startswith("rollback-")
    }
    assert {name for name, wait in waits.items() if wait == timedelta(minutes=5)} == AT_REST
    left = ClosingInput(environment="test", operation="one", logs=(), snapshot=None, discard=None)
    assert closing_retried_for(left) is None


async def test_the_way_back_has_the_old_release_whole_before_it_switches_to_it(tmp_path: Path) -> None:
    machinery = Machinery(tmp_path)
    await machinery.do(StepName.CREATE_ENVIRONMENT, Attempt())
    done = await machinery.do(StepName.SWITCH_BACK, Attempt())
    assert done.failed is None
    assert await machinery.runtime.current_image("test") == IMAGE
