"""Bases, published and indexed by messages on real engines; and both kinds of work through SIGKILL."""

from collections.abc import Callable
from pathlib import Path

import pytest

from shared.contracts.extension_compatibility_checker import BaseIndexed, CompatibilityChecked
from shared.contracts.parts import Verdict
from tests.integration.extension_compatibility_checker.conftest import Asker, SmallBase
from tests.support.al_packages import EXTENSION_ID, extension
from tests.support.services import ServiceProcess

Checker = Callable[[], ServiceProcess]


async def test_a_base_that_is_indexed_keeps_its_packages(asker: Asker, checker: Checker, small_base: SmallBase) -> None:
    await checker().start().ready()
    package = await asker.put(small_base.package)
    await asker.publish(small_base.id, package)
    await asker.indexed(small_base.id)
    await asker.publish(small_base.id, package)
    first, again = await asker.indexed(small_base.id, 2)
    assert again == first
    await asker.publish(small_base.id, package, await asker.put(b"other"))
    refused = await asker.refused(small_base.id)
    assert refused.reason == "BASE_EXISTS"
    assert refused.facts == {"packages": [package.digest]}


async def test_packages_that_make_no_base_are_told_and_others_may_take_their_place(
    asker: Asker, checker: Checker, small_base: SmallBase
) -> None:
    await checker().start().ready()
    await asker.publish(small_base.id, await asker.put(b"no package"))
    [unreadable] = await asker.not_indexed(small_base.id)
    assert unreadable.problem.reason == "BASE_UNREADABLE"
    assert "does not begin with NAVX" in unreadable.problem.message
    stranger = await asker.put(extension("codeunit 50000 X { }", name="Stranger"))
    await asker.publish(small_base.id, stranger)
    *_, mismatch = await asker.not_indexed(small_base.id, 2)
    assert mismatch.problem.reason == "BASE_MISMATCH"
    assert "Stranger 1.0.0.0" in mismatch.problem.message
    await asker.publish(small_base.id, await asker.put(small_base.package))
    assert len(await asker.indexed(small_base.id)) == 1


@pytest.mark.parametrize("point", ["work.claimed", "work.done"])
async def test_work_that_was_killed_is_adopted_and_answered_once(
    asker: Asker, checker: Checker, small_base: SmallBase, environment: str, tmp_path: Path, point: str
) -> None:
    service = checker()
    await service.start(DRYDOCK_CRASH_AT=point).ready()
    await asker.publish(small_base.id, await asker.put(small_base.package))
    assert await service.ended() == -9
    made = _made(tmp_path / "bases")
    await service.start().ready()
    await asker.indexed(small_base.id)
    if point == "work.done":
        assert _made(tmp_path / "bases") == made
    assert await service.stop() == 0

    one = await asker.extension(extension("codeunit 50000 X { }"), EXTENSION_ID, "Contoso Extension")
    await service.start(DRYDOCK_CRASH_AT=point).ready()
    await asker.ask(environment, small_base.id, one, operation="operation-1")
    await asker.ask(environment, small_base.id, one, operation="operation-2")
    assert await service.ended() == -9
    await service.start().ready()
    answers = await asker.answers(environment, 2)
    assert [(one.operation, one.verdict) for one in answers] == [
        ("operation-1", Verdict.COMPATIBLE),
        ("operation-2", Verdict.COMPATIBLE),
    ]
    assert len(await asker.told(BaseIndexed, small_base.id)) == 1
    assert len(await asker.told(CompatibilityChecked, environment)) == 2


def _made(folder: Path) -> list[tuple[str, int]]:
    return [(path.name, path.stat().st_mtime_ns) for path in sorted(folder.glob("*"))]
