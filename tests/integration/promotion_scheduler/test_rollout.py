"""From extensions whose time is over to the release without them, as the checker, the executor and users see it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path

import pytest

from deploy.embedded import Endpoints
from shared.contracts.package_validator import PackageSubmitted, PackageValidated
from shared.contracts.parts import Problem
from shared.contracts.promotion_scheduler import (
    PublishRelease,
    ReleasePublished,
    RolloutFinished,
    RolloutPlanned,
    RolloutSkipped,
    RolloutSnapshot,
    RolloutStarted,
    SetUpdateWindow,
    UpdateWindow,
    UpdateWindowSet,
)
from shared.contracts.servicing_executor import ApplyRelease, OperationKind, Outcome
from tests.integration.promotion_scheduler.test_release import ARTIFACT, CONTENTS
from tests.integration.promotion_scheduler.world import World
from tests.support.services import ServiceProcess
from tests.unit.promotion_scheduler.rollout_story import FREIGHT, LABELS, SCALES, due, ended
from tests.unit.promotion_scheduler.story import update

CHECKER = "extension-compatibility-checker"


async def publish(world: World) -> tuple[str, str]:
    """A release with a base of the test's own; the versions of both."""
    number = int(world.project[-7:], 16)
    version, base = f"27.0.{number}", f"27.1.{number}.0"
    package = f"{world.project}/service-update"
    await world.tell(
        PackageSubmitted(package=package, project=world.project, artifact=ARTIFACT, file_name="one.zip"),
        "package-validator",
    )
    await world.tell(
        PackageValidated(package=package, project=world.project, artifact=ARTIFACT, contents=CONTENTS, warnings=()),
        "package-validator",
    )
    command = await world.user.send(PublishRelease(version=version, package=package, base_version=base))
    await world.user.wait_for(
        lambda seen: isinstance(seen.envelope.data, ReleasePublished) and seen.envelope.causation == command
    )
    await world.user.no_lag("promotion-scheduler", ["drydock.promotion-scheduler.events"])  # it takes its own word
    return version, base


@pytest.fixture
def process(engines: Endpoints, tmp_path: Path) -> Iterator[ServiceProcess]:
    """A scheduler whose clock a test may put forward."""
    scheduler = ServiceProcess("services.promotion_scheduler.app", engines, tmp_path)
    scheduler.start()
    yield scheduler
    assert scheduler.end() == 0


def next_hour() -> datetime:
    """A whole minute that does not come while a test runs, unless the clock is put forward."""
    return datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(hours=1)


async def put_forward(world: World, process: ServiceProcess, until: datetime) -> None:
    """Start the scheduler anew where it is `until`, once it has taken all that the checker has told."""
    await world.user.no_lag("promotion-scheduler", [f"drydock.{CHECKER}.events"])
    assert await process.stop() == 0
    process.settings["DRYDOCK_CLOCK_AHEAD"] = f"PT{ceil((until - datetime.now(UTC)).total_seconds())}S"
    await process.start().ready()


async def views(world: World, environment: str) -> list[RolloutSnapshot]:
    """The views of a rollout until now."""
    seen = [one.envelope.data for one in await world.user.caught_up()]
    return [one for one in seen if isinstance(one, RolloutSnapshot) and one.rollout == environment]


async def test_extensions_are_removed_with_the_release_of_their_base_in_the_next_window(
    world: World, process: ServiceProcess
) -> None:
    production, sandbox = world.production, world.sandbox
    await world.provision(base="26.0.1.0")
    await world.known()
    for environment in (production, sandbox):
        await world.tell(
            due(FREIGHT, LABELS, base="27.1.1.0/DE", environment=environment, project=world.project), CHECKER
        )
    unknown = {one.data.environment: one.data for one in await world.seen(RolloutSkipped, 2)}
    assert {one.problem.reason for one in unknown.values()} == {"RELEASE_UNKNOWN"}
    assert {one.release for one in unknown.values()} == {"27.1.1.0"}

    version, base = await publish(world)
    await world.user.caught_up()
    opens = next_hour()
    window = UpdateWindow(opens=f"{opens:%H:%M}", closes=f"{opens + timedelta(hours=8):%H:%M}")
    for environment in (production, sandbox):
        await world.user.send(SetUpdateWindow(environment=environment, window=window))
    await world.seen(UpdateWindowSet, 2)
    for environment in (production, sandbox):
        for app_id in (FREIGHT, SCALES):
            dependents = (LABELS,) if app_id == FREIGHT else ()
            told = due(app_id, *dependents, base=f"{base}/DE", environment=environment, project=world.project)
            await world.tell(told, CHECKER)
    # For production Scales was mended: it stays.
    await world.tell(ended(SCALES, base=f"{base}/DE", environment=production, project=world.project), CHECKER)

    await put_forward(world, process, opens)
    commands = {one.data.environment: one for one in await world.seen(ApplyRelease, 2)}
    await world.user.caught_up()  # what was planned last was told before
    assert min(one.time for one in commands.values()) >= opens
    for environment, removed in ((production, (LABELS, FREIGHT)), (sandbox, (LABELS, FREIGHT, SCALES))):
        command = commands[environment].data
        assert (command.release, command.package) == (version, f"{world.project}/service-update")
        assert (command.remove_extensions, command.set_version) == (removed, 3)
        assert command.not_after == opens + timedelta(hours=8)
        planned = [one.data for one in await world.seen(RolloutPlanned) if one.data.environment == environment]
        assert (planned[-1].start, planned[-1].remove_extensions) == (opens, removed)

    # Production takes it; in the sandbox another operation runs.
    await world.service(
        production, update(f"Release {version}"), OperationKind.ROLL_OUT, operation=commands[production].id
    )
    await world.refuse(commands[sandbox], "OPERATION_RUNNING")
    [started] = await world.seen(RolloutStarted)
    [finished] = await world.seen(RolloutFinished)
    assert (started.data.operation, finished.data.operation) == (commands[production].id, commands[production].id)
    assert (finished.data.problem, finished.data.next_start) == (None, None)
    refused = [one.data for one in await world.seen(RolloutSkipped, 3) if one.data.environment == sandbox][-1]
    assert refused.problem == Problem(reason="OPERATION_RUNNING", message="it cannot be done now")
    assert refused.next_start == opens + timedelta(days=1)

    last = (await views(world, production))[-1]
    assert (last.status, last.release, last.operation) == ("succeeded", version, commands[production].id)
    waiting = (await views(world, sandbox))[-1]
    assert (waiting.status, waiting.start, waiting.window) == ("skipped", refused.next_start, window)
    assert len({one.id for one in await world.seen(ApplyRelease, 2)}) == 2


async def test_a_rollout_that_fails_is_tried_again_seven_days_later_and_called_off_when_nothing_has_to_go(
    world: World, process: ServiceProcess
) -> None:
    production = world.production
    await world.provision(base="26.0.1.0")
    await world.known()
    version, base = await publish(world)
    opens = next_hour()
    window = UpdateWindow(opens=f"{opens:%H:%M}", closes=f"{opens + timedelta(hours=6):%H:%M}")
    await world.user.send(SetUpdateWindow(environment=production, window=window))
    await world.one(UpdateWindowSet)
    await world.tell(due(FREIGHT, base=f"{base}/DE", environment=production, project=world.project), CHECKER)

    await put_forward(world, process, opens)
    [command] = await world.seen(ApplyRelease)
    await world.service(
        production,
        update("Initial deployment", digit="0", base="26.0.1.0"),
        OperationKind.ROLL_OUT,
        operation=command.id,
        outcome=Outcome.ROLLED_BACK,
        problem=Problem(reason="STEP_FAILED", message="migration failed"),
    )
    failed = await world.one(RolloutFinished)
    assert failed.problem == Problem(reason="STEP_FAILED", message="migration failed")
    assert failed.next_start == opens + timedelta(days=7)

    await world.tell(ended(FREIGHT, base=f"{base}/DE", environment=production, project=world.project), CHECKER)
    skipped = await world.one(RolloutSkipped)
    assert (skipped.problem.reason, skipped.next_start, skipped.release) == ("NOT_NEEDED", None, version)


async def test_a_window_that_cannot_be_used_is_refused_and_so_is_one_of_no_environment(world: World) -> None:
    await world.provision()
    await world.known()
    short = UpdateWindow(opens="01:00", closes="06:00")
    refused = await world.refusal(await world.user.send(SetUpdateWindow(environment=world.production, window=short)))
    assert refused.reason == "WINDOW_INVALID"
    elsewhere = UpdateWindow(time_zone="Europe/Atlantis")
    refused = await world.refusal(
        await world.user.send(SetUpdateWindow(environment=world.production, window=elsewhere))
    )
    assert (refused.reason, refused.facts) == ("WINDOW_INVALID", {"time_zone": "Europe/Atlantis"})
    nobody = SetUpdateWindow(environment=f"nobody-{world.project[-8:]}", window=UpdateWindow())
    assert (await world.refusal(await world.user.send(nobody))).reason == "UNKNOWN"
