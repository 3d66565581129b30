"""The service's child processes, seen from outside: they die or hang, and nothing else does."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest

from shared.contracts.extension_compatibility_checker import ExtensionChecked
from shared.contracts.parts import Verdict
from tests.integration.extension_compatibility_checker.conftest import Asker, SmallBase
from tests.support.al_packages import EXTENSION_ID, extension
from tests.support.patience import until
from tests.support.services import ServiceProcess

Checker = Callable[[], ServiceProcess]
GOOD = "codeunit 50000 Good { var C: Record Customer; }"


def children_of(service: ServiceProcess) -> list[psutil.Process]:
    return [one for one in psutil.Process(service.pid).children() if _runs(one)]


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
async def test_no_process_is_left_behind(
    asker: Asker, checker: Checker, small_base: SmallBase, number: signal.Signals
) -> None:
    service = await checker().start().ready()
    await asker.publish(small_base.id, await asker.put(small_base.package))
    await asker.indexed(small_base.id)
    children = children_of(service)
    assert children
    service.kill(number)
    assert await service.ended() == (0 if number is signal.SIGTERM else -9)
    await until(lambda: not any(map(_runs, children)))


async def test_a_child_that_dies_costs_an_attempt_and_the_check_is_answered(
    asker: Asker, checker: Checker, small_base: SmallBase, environment: str
) -> None:
    service = await checker().start().ready()
    await asker.publish(small_base.id, await asker.put(small_base.package))
    await asker.indexed(small_base.id)
    one = await asker.extension(extension(GOOD), EXTENSION_ID, "Contoso Extension")
    frozen = children_of(service)
    for child in frozen:
        child.suspend()
    await asker.ask(environment, small_base.id, one, operation="operation-1")
    # It has the request and does not answer; while it stands still the service is alive and well.
    await asyncio.sleep(2.5)
    assert "drydock" in service.get("/metrics")
    assert await asker.told(ExtensionChecked, environment) == []
    for child in frozen:
        os.kill(child.pid, signal.SIGKILL)
    [answer] = await asker.answers(environment)
    assert (answer.verdict, answer.operation) == (Verdict.COMPATIBLE, "operation-1")
    failed = service.logged("work_attempt_failed")
    assert len(failed) == 1
    assert "ended by SIGKILL" in failed[0]["error"]


async def test_what_was_judged_for_one_environment_is_reused_for_another(
    asker: Asker, checker: Checker, small_base: SmallBase, environment: str
) -> None:
    await checker().start().ready()
    await asker.publish(small_base.id, await asker.put(small_base.package))
    one = await asker.extension(extension(GOOD), EXTENSION_ID, "Contoso Extension")
    other = f"{environment}-2"
    await asker.ask(environment, small_base.id, one)
    await asker.answers(environment)
    await asker.ask(other, small_base.id, one)
    await asker.answers(other)
    assert [told.reused for told in await asker.told(ExtensionChecked, environment)] == [False]
    assert [told.reused for told in await asker.told(ExtensionChecked, other)] == [True]
