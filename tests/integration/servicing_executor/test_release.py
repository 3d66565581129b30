"""A release of the vendor comes to a real production environment, and extensions leave it."""

import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deploy.demo.packages import PLATFORM, DemoModule, DemoPackage
from shared.contracts.parts import Extension
from shared.contracts.servicing_executor import (
    ApplyRelease,
    EnvironmentSnapshot,
    ExtensionSetChanged,
    InstallExtension,
    OperationFinished,
    Outcome,
    StagedExtension,
    StageExtension,
    StageFor,
    StepStarted,
)
from tests.integration.servicing_executor.world import World

pytestmark = pytest.mark.timeout(240)

_FOUNDATION, _SYSTEM = PLATFORM.modules
REGIONS = "alter table customers add column region text not null default 'none';\n"
_PIECE = 6
"""What the executor does itself before it removes: prepare-release, fetch-extensions, stop-, snapshot-, switch-."""
LOSES_AND_FAILS = "delete from customers;\nselect 1 / 0;\n"


def vendor(name: str, number: int, migration: str) -> DemoPackage:
    """The vendor's platform in a higher version, with one more migration."""
    version = f"7.0.{number}.1"
    foundation = DemoModule(
        _FOUNDATION.name, version, _FOUNDATION.references, {**_FOUNDATION.migrations, "002_next.sql": migration}
    )
    return replace(
        PLATFORM,
        name=name,
        modules=(foundation, replace(_SYSTEM, version=version)),
        platform_version=version,
        application_version=f"10.0.{number}.1",
    )


def release(place: World, version: str, package: str, removed: list[Extension], set_version: int) -> ApplyRelease:
    return ApplyRelease(
        environment=place.environment,
        release=version,
        package=package,
        update_name=f"Release {version}",
        not_after=datetime.now(UTC) + timedelta(minutes=10),
        remove_extensions=tuple(one.app_id for one in removed),
        set_version=set_version,
    )


async def test_a_release_that_fails_puts_everything_back_and_one_that_succeeds_survives_a_kill(world: World) -> None:
    platform = await world.package(PLATFORM, release="10.0.44", base="26.0.0.0")
    bad = await world.package(vendor("vendor-bad", 9000, LOSES_AND_FAILS), release="10.0.90", base="27.0.0.0")
    good = await world.package(vendor("vendor-good", 9100, REGIONS), release="10.0.91", base="27.0.0.0")
    await world.register(platform)
    ledger = await world.extension("Ledger")
    freight = await world.extension("Freight", "1.0.0.0", "Ledger")
    rates = await world.extension("Rates", "1.0.0.0", "Freight")
    newer = await world.extension("Ledger", "2.0.0.0")
    for one in (ledger, freight, rates):
        await world.do(InstallExtension(environment=world.environment, extension=one))
    staged = await world.do(
        StageExtension(environment=world.environment, extension=newer, stage_for=StageFor.NEXT_MAJOR)
    )
    assert staged.steps == ()
    world.sql("insert into customers values ('C-1', 'Fabrikam') returning account")
    before = await world.view()
    assert (before.set_version, before.extensions) == (4, (ledger, freight, rates))
    assert before.staged == (StagedExtension(extension=newer, stage_for=StageFor.NEXT_MAJOR),)

    await _an_extension_that_is_not_what_it_says(world, before)
    await _what_nobody_announced(world, bad, before)
    await _one_that_fails(world, bad, before)
    stale = await world.refused(await world.roll_out(release(world, "10.0.91", good, [rates], 3)))
    assert (stale.reason, stale.facts) == ("EXTENSION_SET_CHANGED", {"set_version": 4})
    needed = await world.refused(await world.roll_out(release(world, "10.0.91", good, [freight], 4)))
    assert (needed.reason, needed.facts["app_ids"]) == ("EXTENSION_NEEDED", [rates.app_id])

    told = len(world.seen(ExtensionSetChanged))
    finished = await _one_that_survives(world, release(world, "10.0.91", good, [freight, rates], 4))
    assert finished.removed_extensions == (rates.app_id, freight.app_id)
    lines = await world.log(finished)
    order = [lines.index(f"set-extensions: {what} ({one.app_id})" + end) for what, one, end in (
        ("taking out Rates 1.0.0.0", rates, "; its data stays"),
        ("taking out Freight 1.0.0.0", freight, "; its data stays"),
        ("putting in Ledger 2.0.0.0", ledger, " in the place of 1.0.0.0"),
    )]  # fmt: skip
    assert order == sorted(order)
    after = await world.view()
    assert (after.set_version, after.extensions, after.staged) == (5, (newer,), ())
    assert after.running == finished.running
    assert await world.running_extensions() == {newer.app_id: "2.0.0.0"}
    assert world.sql("select account, name, region from customers") == [("C-1", "Fabrikam", "none")]
    assert len(world.seen(ExtensionSetChanged)) == told + 1


async def _an_extension_that_is_not_what_it_says(world: World, before: EnvironmentSnapshot) -> None:
    """The environment reports another version than was installed: the set goes back."""
    sales = (await world.extension("Sales")).model_copy(update={"version": "2.0.0.0"})
    install = InstallExtension(environment=world.environment, extension=sales)
    refused = await world.finished(await world.user.send(install))
    assert refused.outcome is Outcome.ROLLED_BACK
    assert refused.problem
    assert f"{sales.app_id} 2.0.0.0 is 1.0.0.0" in refused.problem.message
    assert [step.name for step in refused.steps] == [
        "fetch-extensions",
        "install-extension",
        "verify",
        "rollback-set-extensions",
        "rollback-verify",
    ]
    assert await world.view() == before
    assert await world.running_extensions() == {one.app_id: one.version for one in before.extensions}


async def _what_nobody_announced(world: World, package: str, before: EnvironmentSnapshot) -> None:
    """Without the scheduler's word nothing begins, whoever the sender says he is."""
    command = release(world, "10.0.90", package, [], before.set_version)
    forged = await world.user.send(command, source="drydock/promotion-scheduler")
    assert (await world.refused(forged)).reason == "ROLLOUT_UNKNOWN"
    other = await world.refused(await world.roll_out(command, f"{world.project}/another"))
    assert other.reason == "OTHER_RELEASE"
    assert await world.view() == before


async def _one_that_fails(world: World, package: str, before: EnvironmentSnapshot) -> None:
    """Its migration loses data, then fails; nothing is seen of it afterwards."""
    ledger, freight, rates = before.extensions
    [staged] = before.staged
    operation = await world.roll_out(release(world, "10.0.90", package, [rates, freight], before.set_version))
    asked = await world.judge(operation)
    assert (asked.extensions, asked.replaced) == ((staged.extension,), (ledger,))
    assert (asked.base, asked.current_base) == ("27.0.0.0/DE", "26.0.0.0/DE")
    failed = await world.finished(operation)
    assert failed.outcome is Outcome.ROLLED_BACK
    assert failed.problem
    assert "002_next.sql" in failed.problem.message
    assert failed.removed_extensions == ()
    assert [step.name for step in failed.steps] == [
        "check-extensions",
        "build-image",
        "prepare-release",
        "fetch-extensions",
        "stop-services",
        "snapshot-database",
        "switch-release",
        "set-extensions",
        "migrate-database",
        "rollback-stop-services",
        "rollback-restore-database",
        "rollback-switch-release",
        "rollback-set-extensions",
        "rollback-start-services",
        "rollback-verify",
    ]
    assert await world.view() == before
    assert await world.running_extensions() == {one.app_id: one.version for one in before.extensions}
    assert before.running
    assert await world.runtime.current_image(world.environment) == before.running.image
    assert world.sql("select * from customers") == [("C-1", "Fabrikam")]


async def _one_that_survives(world: World, command: ApplyRelease) -> OperationFinished:
    """The executor is killed before the removal, then after it and before it is recorded; a third one ends it."""
    extensions = (await world.view()).extensions
    await world.executor.stop()
    world.executor.start(DRYDOCK_CRASH_AT=f"work.claimed#{_PIECE}")
    operation = await world.roll_out(command)
    await world.judge(operation)
    assert await world.executor.ended(60) == -signal.SIGKILL
    assert world.installed() == {one.app_id for one in extensions}
    world.executor.start(DRYDOCK_CRASH_AT="work.done")
    assert await world.executor.ended(60) == -signal.SIGKILL
    assert world.installed() == {one.app_id for one in extensions} - set(command.remove_extensions)
    await world.executor.start().ready()
    finished = await world.succeeded(operation)
    steps = [one.step for one in world.seen(StepStarted) if one.operation == operation]
    assert steps == [step.name for step in finished.steps]
    ends = [one for one in world.seen(OperationFinished) if one.operation == operation]
    assert len(ends) == 1
    return finished
