"""Promotions as their users and the executor see them."""

import asyncio
from datetime import UTC, datetime, timedelta

from shared.contracts.parts import Problem
from shared.contracts.promotion_scheduler import (
    CancelPromotion,
    CandidateMarked,
    PromotionCancelled,
    PromotionCompleted,
    PromotionFailed,
    PromotionScheduled,
    PromotionSnapshot,
    PromotionStarted,
)
from shared.contracts.servicing_executor import ApplyImage, OperationKind, Outcome
from tests.integration.promotion_scheduler.world import NAME, World
from tests.support.services import ServiceProcess
from tests.unit.promotion_scheduler.story import update


def now() -> datetime:
    return datetime.now(UTC)


async def test_schedule_and_mark_may_be_sent_before_the_update_is_known(world: World) -> None:
    command = await world.schedule(now())
    await world.mark()
    await world.provision()
    await world.service(world.sandbox, update())

    assert (await world.one(CandidateMarked)).update == update()
    [scheduled] = await world.seen(PromotionScheduled)
    promotion = f"{world.production}/{command}"
    assert (scheduled.data.promotion, scheduled.causation, scheduled.actor) == (promotion, command, "tester")
    [start] = await world.seen(ApplyImage)
    assert start.data.image == update().image
    assert start.data.not_after == scheduled.data.downtime.start + timedelta(seconds=2)
    assert start.correlation == scheduled.correlation

    await world.service(
        world.production, update(), OperationKind.PROMOTE, operation=start.id, promotion=start.data.promotion
    )
    assert (await world.one(PromotionStarted)).operation == start.id
    assert (await world.one(PromotionCompleted)).promotion == promotion
    assert await world.statuses(promotion, "completed") == ["scheduled", "starting", "started", "completed"]


async def test_a_promotion_starts_by_its_timer_and_may_fail(world: World) -> None:
    await world.have_candidate()
    start = now() + timedelta(seconds=2)
    await world.schedule(start)
    scheduled = await world.one(PromotionScheduled)
    assert (scheduled.downtime.start, scheduled.downtime.end) == (start, start + timedelta(hours=3))
    [command] = await world.seen(ApplyImage)
    assert start <= command.time <= start + timedelta(seconds=5)

    problem = Problem(reason="STEP_FAILED", message="AOS does not answer")
    await world.service(
        world.production,
        update("Initial deployment", digit="0"),
        OperationKind.PROMOTE,
        promotion=command.data.promotion,
        outcome=Outcome.ROLLED_BACK,
        problem=problem,
    )
    assert (await world.one(PromotionFailed)).problem == problem


async def test_the_longest_of_three_known_downtimes_is_expected(world: World) -> None:
    await world.have_candidate()
    for digit, seconds in (("4", 60.0), ("5", 300.0), ("6", 90.0)):
        await world.service(
            world.production, update(f"Update {digit}", digit=digit), OperationKind.PROMOTE, downtime=seconds
        )
    await world.known()
    start = now() + timedelta(hours=1)
    await world.schedule(start)
    assert (await world.one(PromotionScheduled)).downtime.end == start + timedelta(seconds=300)


async def test_an_executor_that_returns_too_late_refuses_and_the_promotion_is_cancelled(world: World) -> None:
    await world.have_candidate()
    await world.schedule(now())
    [command] = await world.seen(ApplyImage)
    late = command.data.not_after + timedelta(seconds=0.5)
    await asyncio.sleep((late - now()).total_seconds())
    await world.user.caught_up()
    assert not [seen for seen in world.user.seen if isinstance(seen.envelope.data, PromotionCancelled)]

    await world.refuse(command, "START_MISSED")
    cancelled = await world.one(PromotionCancelled)
    assert cancelled.problem == Problem(reason="START_MISSED", message="it cannot be done now")
    assert (await world.statuses(cancelled.promotion, "cancelled"))[-1] == "cancelled"


async def test_one_promotion_of_an_environment_is_open_at_a_time(world: World) -> None:
    await world.have_candidate()
    first = await world.schedule(now() + timedelta(hours=1))
    second = await world.schedule(now() + timedelta(hours=2))
    refused = await world.refusal(second)
    assert refused.reason == "PROMOTION_OPEN"
    assert refused.facts["promotion"] == f"{world.production}/{first}"


async def test_a_cancelled_promotion_never_starts_and_stays_in_the_history(world: World) -> None:
    await world.have_candidate()
    first = await world.schedule(now() + timedelta(seconds=6))
    await world.one(PromotionScheduled)
    await world.user.send(CancelPromotion(environment=world.production))
    cancelled = await world.one(PromotionCancelled)
    assert cancelled.problem.reason == "CANCELLED_BY_USER"
    again = await world.user.send(CancelPromotion(environment=world.production))
    assert (await world.refusal(again)).reason == "NO_OPEN_PROMOTION"

    # Its moment passes: the next promotion, seconds later, is the only one that starts.
    second = await world.schedule(now() + timedelta(seconds=7))
    [command] = await world.seen(ApplyImage)
    assert command.data.promotion == f"{world.production}/{second}"
    too_late = await world.user.send(CancelPromotion(environment=world.production))
    assert (await world.refusal(too_late)).reason == "STARTED_ALREADY"
    await world.statuses(f"{world.production}/{second}", "starting")
    latest = {
        seen.key: seen.envelope.data.status.value
        for seen in world.user.seen
        if isinstance(seen.envelope.data, PromotionSnapshot) and seen.envelope.data.environment == world.production
    }
    assert latest == {
        f"{world.production}/{first}".encode(): "cancelled",
        f"{world.production}/{second}".encode(): "starting",
    }


async def test_a_scheduler_that_is_killed_starts_a_promotion_once(world: World, process: ServiceProcess) -> None:
    await world.have_candidate()
    start = now() + timedelta(seconds=3)
    await world.schedule(start)
    await world.one(PromotionScheduled)
    process.kill()
    await process.ended()
    await process.start().ready()

    [command] = await world.seen(ApplyImage)
    assert command.time >= start
    await world.service(world.production, update(), OperationKind.PROMOTE, promotion=command.data.promotion)
    await world.one(PromotionCompleted)
    await world.user.caught_up()
    assert len({envelope.id for envelope in world.starts()}) == 1


async def test_what_does_not_become_true_in_time_is_refused(world: World) -> None:
    await world.provision()
    await world.service(world.sandbox, update())
    await world.accept(world.sandbox, "December release", OperationKind.APPLY, operation="operation-1")
    never_marked = await world.schedule(now())
    still_running = await world.mark("December release")
    unknown = await world.mark("January release")

    assert (await world.refusal(never_marked)).reason == "NOT_A_CANDIDATE"
    running = await world.refusal(still_running)
    assert running.reason == "UPDATE_NOT_SUCCEEDED"
    assert "operation-1" in running.message
    assert (await world.refusal(unknown)).reason == "UNKNOWN"
    assert NAME in (await world.refusal(never_marked)).message
