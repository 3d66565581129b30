"""Production's extensions are checked before a promotion that brings another base is scheduled."""

from datetime import UTC, datetime, timedelta

from shared.contracts.extension_compatibility_checker import CheckCompatibility, CompatibilityChecked
from shared.contracts.parts import Verdict
from shared.contracts.promotion_scheduler import PromotionCheckStarted, PromotionRefused, PromotionScheduled
from tests.integration.promotion_scheduler.world import World
from tests.unit.promotion_scheduler.story import EXTENSION, NEW_BASE, checked, update

CHECKER = "extension-compatibility-checker"


async def ask_for_check(world: World) -> str:
    """A promotion that is being checked; its id."""
    await world.have_candidate(update(base=NEW_BASE))
    await world.change_extensions(3, EXTENSION)
    await world.known()
    command = await world.schedule(datetime.now(UTC) + timedelta(hours=1))
    return f"{world.production}/{command}"


def answer(world: World, promotion: str, verdict: Verdict, set_version: int) -> CompatibilityChecked:
    told = checked(verdict, set_version=set_version, promotion=promotion)
    return told.model_copy(update={"environment": world.production, "project": world.project})


async def test_extensions_that_change_during_the_check_are_checked_again(world: World) -> None:
    promotion = await ask_for_check(world)
    started = await world.one(PromotionCheckStarted)
    assert (started.promotion, started.set_version, started.base) == (promotion, 3, f"{NEW_BASE}/DE")
    [first] = await world.seen(CheckCompatibility)
    assert (first.data.promotion, first.data.extensions) == (promotion, (EXTENSION,))

    await world.change_extensions(4, EXTENSION)
    await world.known()
    await world.tell(answer(world, promotion, Verdict.INCOMPATIBLE, 3), CHECKER)
    second = (await world.seen(CheckCompatibility, 2))[-1]
    assert second.data.set_version == 4
    assert second.id != first.id
    await world.tell(answer(world, promotion, Verdict.COMPATIBLE, 4), CHECKER)
    assert (await world.one(PromotionScheduled)).promotion == promotion


async def test_an_incompatible_extension_refuses_the_promotion(world: World) -> None:
    promotion = await ask_for_check(world)
    await world.seen(CheckCompatibility)
    await world.tell(answer(world, promotion, Verdict.INCOMPATIBLE, 3), CHECKER)
    refused = await world.one(PromotionRefused)
    assert (refused.promotion, refused.problem.reason) == (promotion, "EXTENSIONS_INCOMPATIBLE")
    assert await world.statuses(promotion, "refused") == ["checking", "refused"]


async def test_a_base_that_nobody_published_refuses_it_for_now(world: World) -> None:
    promotion = await ask_for_check(world)
    [command] = await world.seen(CheckCompatibility)
    await world.refuse(command, "BASE_UNKNOWN", CHECKER)
    refused = await world.one(PromotionRefused)
    assert (refused.promotion, refused.problem.reason) == (promotion, "CHECK_FAILED")
