"""Commands in a row from a script that waits for nothing, and commands that meet something that runs."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from deploy.demo.packages import CUSTOMIZATION_V1, CUSTOMIZATION_V2
from deploy.embedded import Endpoints
from deploy.stack import Stack
from shared.contracts.package_validator import PackageValidated
from shared.contracts.promotion_scheduler import CandidateMarked, PromotionCompleted, PromotionScheduled
from shared.contracts.servicing_executor import (
    ApplyImage,
    ApplyUpdate,
    InstallExtension,
    OperationAccepted,
    OperationFinished,
    RestartableService,
    RestartService,
)
from tests.end_to_end.installation import mails
from tests.end_to_end.world import RELEASE, world
from tests.support.services import ServiceProcess

pytestmark = pytest.mark.timeout(300)


async def test_a_script_need_not_wait_between_submit_apply_mark_and_schedule(instant: Stack) -> None:
    async with world(instant) as place:
        await place.provision()
        package = await place.submit(CUSTOMIZATION_V1)
        update = await place.apply(package)
        await place.mark()
        promotion = await place.schedule()
        await place.succeeded(update)
        [marked] = await place.wait(CandidateMarked)
        [completed] = await place.wait(PromotionCompleted)
        assert completed.promotion == promotion
        assert completed.update == marked.update


async def test_a_second_promotion_of_an_environment_is_refused_while_one_is_open(instant: Stack) -> None:
    async with world(instant) as place:
        await place.provision()
        package = await place.submit(CUSTOMIZATION_V1)
        await place.succeeded(await place.apply(package))
        await place.mark()
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        first = await place.schedule(tomorrow)
        second = await place.schedule(tomorrow + timedelta(days=1))
        refusal = await place.refused(second.partition("/")[2])
        assert refusal.reason == "PROMOTION_OPEN"
        assert refusal.facts["promotion"] == first
        assert [one.data.promotion for one in place.seen(PromotionScheduled)] == [first]


async def test_while_an_update_runs_others_are_refused_with_its_name_and_production_takes_no_package(
    instant: Stack,
) -> None:
    async with world(instant) as place:
        await place.provision()
        packages = [await place.submit(CUSTOMIZATION_V1), await place.submit(CUSTOMIZATION_V2)]
        await place.wait(PackageValidated, count=3)
        install = InstallExtension(
            environment=place.sandbox, extension=await place.extension("codeunit 50000 Freight\n{\n}")
        )
        # Nobody builds the image for now, so that the update is still running when the others come.
        builder = instant.processes["image-builder"]
        await asyncio.to_thread(builder.stop)
        try:
            update = await place.apply(packages[0])
            busy = [await place.send(install), await place.apply(packages[1], "December release")]
            for command in busy:
                refusal = await place.refused(command)
                assert refusal.reason == "OPERATION_RUNNING"
                assert refusal.facts == {"operation": update, "operation_kind": "apply"}
        finally:
            await asyncio.to_thread(builder.start)
        await place.succeeded(update)
        direct = await place.send(ApplyUpdate(environment=place.production, package=packages[0], update_name=RELEASE))
        assert (await place.refused(direct)).reason == "PRODUCTION_NEEDS_PROMOTION"
        await place.succeeded(await place.send(install))


async def test_a_start_that_the_executor_slept_through_is_cancelled_and_everybody_is_told(instant: Stack) -> None:
    endpoints = Endpoints(instant.record.kafka, instant.record.mongo)
    short = ServiceProcess("services.promotion_scheduler.app", endpoints, instant.data, start_within="PT1S")
    scheduler, executor = instant.processes["promotion-scheduler"], instant.processes["servicing-executor"]
    async with world(instant) as place:
        await place.provision()
        package = await place.submit(CUSTOMIZATION_V1)
        await place.succeeded(await place.apply(package))
        await place.mark()
        await place.wait(CandidateMarked)
        await asyncio.to_thread(scheduler.stop)
        short.start()
        try:
            await short.ready()
            await asyncio.to_thread(executor.stop)
            promotion = await place.schedule()
            [start] = await place.wait(ApplyImage)
            # It is the clock that must go on: there is no event to wait for.
            await asyncio.sleep(max(0.0, (start.not_after - datetime.now(UTC)).total_seconds()))
            await asyncio.to_thread(executor.start)
            cancelled = await place.cancelled(promotion)
        finally:
            await asyncio.to_thread(executor.start)
            await short.stop()
            await asyncio.to_thread(scheduler.start)
            for process in (executor, scheduler):
                await asyncio.to_thread(process.wait_ready)
        assert cancelled.problem.reason == "START_MISSED"
        assert not place.seen(OperationFinished, lambda told: told.promotion == promotion)
        await place.told_by_mail()
        [mail] = [one for one in mails(instant, place.project) if "promotion cancelled" in one["Subject"]]
        text = mail.get_body(("plain",))
        assert text
        assert cancelled.problem.message in " ".join(text.get_content().split())


async def test_a_promotion_whose_environment_is_busy_at_its_start_is_cancelled(instant: Stack) -> None:
    endpoints = Endpoints(instant.record.kafka, instant.record.mongo)
    environments = str(instant.data / "environments")
    idle = ServiceProcess(
        "services.servicing_executor.app",
        endpoints,
        instant.data,
        work_slots="0",
        runtime="instant",
        artifacts=str(instant.data / "artifacts"),
        environments=environments,
    )
    executor = instant.processes["servicing-executor"]
    async with world(instant) as place:
        await place.provision()
        package = await place.submit(CUSTOMIZATION_V1)
        await place.succeeded(await place.apply(package))
        await place.mark()
        await place.wait(CandidateMarked)
        # One that takes commands and does no work: the restart has begun when the start comes, and does not end.
        await asyncio.to_thread(executor.stop)
        idle.start()
        try:
            await idle.ready()
            restart = await place.send(RestartService(environment=place.production, service=RestartableService.AOS))
            await place.wait(OperationAccepted, lambda told: told.operation == restart)
            promotion = await place.schedule()
            cancelled = await place.cancelled(promotion)
        finally:
            await idle.stop()
            await asyncio.to_thread(executor.start)
            await asyncio.to_thread(executor.wait_ready)
        assert cancelled.problem.reason == "OPERATION_RUNNING"
        assert restart in cancelled.problem.message
        await place.succeeded(restart)
