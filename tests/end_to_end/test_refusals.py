"""What the command line prints when a command is refused or a promotion is cancelled: one sentence with its reason."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from deploy.commands import app
from deploy.demo.packages import CUSTOMIZATION_V1, PLATFORM, DemoModule, DemoPackage
from deploy.stack import Stack
from shared.contracts.package_validator import PackageRejected, PackageValidated
from shared.contracts.parts import EnvironmentKind
from shared.contracts.promotion_scheduler import PromotionScheduled
from shared.contracts.servicing_executor import OperationAccepted
from tests.end_to_end.installation import Printed, drydock
from tests.end_to_end.world import World, world

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

OTHER = DemoPackage("fabrikam", "customization", (DemoModule("Fabrikam", "1.0.0.0"),))
LOWER = replace(PLATFORM, name="vendor-old", platform_version="7.0.7000.1", application_version="10.0.2000.1")
HIGHER = replace(PLATFORM, name="vendor-new", platform_version="7.0.7700.1", application_version="10.0.2300.1")
NOT_FOUND, REFUSED, CANCELLED = 3, 4, 6


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(instant: Stack) -> AsyncIterator[World]:
    """A sandbox whose candidate is in production already, and a production environment that is ahead of it."""
    async with world(instant) as made:
        await made.main_job()
        for package in (OTHER, LOWER, HIGHER):
            await made.submit(package)
        await made.submit_wrapped(OTHER)
        await made.wait(PackageValidated, count=5)
        await made.wait(PackageRejected)
        ahead = await made.register(_ahead(made), EnvironmentKind.PRODUCTION, f"{made.project}/{HIGHER.name}")
        await made.succeeded(ahead)
        yield made


def _ahead(place: World) -> str:
    return f"{place.project}-ahead"


async def run(place: World, line: str) -> Printed:
    """A command in this process, as it is typed; `{...}` are what the project calls it, `_` is a blank in a name."""
    names = {"project": place.project, "sandbox": place.sandbox, "production": place.production, "ahead": _ahead(place)}
    words = [word.format(**names).replace("_", " ") for word in line.split()]
    environment = {"DRYDOCK_DATA": str(place.stack.data), "DRYDOCK_ACTOR": "ada"}
    done = await asyncio.to_thread(CliRunner().invoke, app, words, env=environment)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Printed(done.exit_code, done.stdout, done.stderr)


def check_refused(printed: Printed, reason: str, *, code: int = REFUSED, word: str = "refused") -> None:
    """Nothing on stdout; one sentence with the reason code on stderr, behind what it was waited for."""
    assert (printed.code, printed.out) == (code, ""), printed
    *waited, line = printed.err.strip().splitlines()
    assert [one for one in waited if "waiting for" not in one] == [], printed
    assert line.startswith(f"{word} ({reason}): "), line
    assert "  " not in line


APPLY = "update apply {project}/%s --to {sandbox} --name %s"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (APPLY % (CUSTOMIZATION_V1.name, "november_RELEASE"), "UPDATE_NAME_TAKEN"),
        (APPLY % (f"{OTHER.name}-wrapped", "next"), "PACKAGE_NOT_VALID"),
        (APPLY % (OTHER.name, "next"), "MODULES_MISSING"),
        (APPLY % (OTHER.name, "next --acknowledge-missing Another"), "MODULES_MISSING"),
        (
            APPLY % (OTHER.name, "next --acknowledge-missing ContosoLoyalty --acknowledge-missing Another"),
            "MODULES_MISSING",
        ),
        (APPLY % (LOWER.name, "next"), "LOWER_VERSION"),
        (f"update apply {{project}}/{OTHER.name} --to {{production}} --name next", "PRODUCTION_NEEDS_PROMOTION"),
        ("maintenance off {sandbox}", "NOT_IN_MAINTENANCE"),
        ("promotion schedule {sandbox}/November_release --to {ahead} --start now --yes", "LOWER_VERSION"),
        ("promotion schedule {sandbox}/November_release --to {sandbox} --start now --yes", "NOT_PRODUCTION"),
        (
            "promotion schedule {sandbox}/November_release --to {production} --start 2026-01-01T00:00Z --yes",
            "START_IN_PAST",
        ),
        ("promotion cancel {production}", "NO_OPEN_PROMOTION"),
        ("update mark-candidate {production}/November_release", "NOT_SANDBOX"),
    ],
)
async def test_a_refused_command_says_why_in_one_sentence(place: World, line: str, reason: str) -> None:
    check_refused(await run(place, line), reason)


async def test_what_nobody_knows_is_refused_after_the_services_patience(place: World) -> None:
    apply = ("update", "apply", f"{place.project}/nothing", "--to", place.sandbox, "--name", "next")
    schedule = (
        *("promotion", "schedule", f"{place.sandbox}/Initial deployment"),
        *("--to", place.production, "--start", "now", "--yes"),
    )
    applied, scheduled = await asyncio.gather(
        asyncio.to_thread(drydock, place.stack, *apply), asyncio.to_thread(drydock, place.stack, *schedule)
    )
    check_refused(applied, "UNKNOWN", code=NOT_FOUND)
    assert f"{place.project}/nothing" in applied.err
    check_refused(scheduled, "NOT_A_CANDIDATE")


async def test_a_busy_environment_refuses_with_the_operation_that_runs(place: World) -> None:
    builder = place.stack.processes["image-builder"]
    await asyncio.to_thread(builder.stop)
    try:
        operation = await place.apply(f"{place.project}/{CUSTOMIZATION_V1.name}", "Busy")
        await place.wait(OperationAccepted, lambda told: told.operation == operation)
        for line in (APPLY % (CUSTOMIZATION_V1.name, "next"), "service restart {sandbox} AOS --yes"):
            printed = await run(place, line)
            check_refused(printed, "OPERATION_RUNNING")
            assert operation in printed.err
        cancelled = await run(place, f"operation cancel {operation}")
        assert cancelled.code == 0, cancelled
        assert (await place.finished(operation)).outcome == "cancelled"
    finally:
        await asyncio.to_thread(builder.start)
        await asyncio.to_thread(builder.wait_ready)


async def test_modules_acknowledged_exactly_are_dropped_and_the_update_cannot_be_promoted(place: World) -> None:
    applied = await run(place, APPLY % (OTHER.name, "Fabrikam_only --acknowledge-missing ContosoLoyalty --wait"))
    assert applied.code == 0, applied
    update = await place.succeeded(applied.out.strip())
    assert update.running
    assert [module.name for module in update.running.contents.modules] == ["Fabrikam"]
    assert update.running.contents.dropped == ("ContosoLoyalty",)
    marked = await run(place, "update mark-candidate {sandbox}/Fabrikam_only")
    assert marked.code == 0, marked
    printed = await run(place, "promotion schedule {sandbox}/Fabrikam_only --to {production} --start now --yes")
    check_refused(printed, "NOT_PROMOTABLE")
    assert "ContosoLoyalty" in printed.err


async def test_a_promotion_that_a_user_cancels_ends_as_cancelled(place: World) -> None:
    promotion = await place.schedule(datetime.now(UTC) + timedelta(hours=1))
    await place.wait(PromotionScheduled, lambda told: told.promotion == promotion)
    cancelled = await run(place, "promotion cancel {production}")
    assert cancelled.code == 0, cancelled
    assert promotion in cancelled.out
    await _check_cancelled(place, promotion, "CANCELLED_BY_USER")


async def test_a_promotion_is_cancelled_at_its_start_in_maintenance_and_where_its_image_runs_already(
    place: World,
) -> None:
    again = await place.schedule()
    assert (await place.cancelled(again)).problem.reason == "SAME_IMAGE"
    await _check_cancelled(place, again, "SAME_IMAGE")
    assert (await run(place, "maintenance on {production} --wait")).code == 0
    closed = await place.schedule()
    assert (await place.cancelled(closed)).problem.reason == "IN_MAINTENANCE"
    await _check_cancelled(place, closed, "IN_MAINTENANCE")
    assert (await run(place, "maintenance off {production} --wait")).code == 0


async def _check_cancelled(place: World, promotion: str, reason: str) -> None:
    """`promotion wait` shows the promotion on stdout and says in one sentence why it was cancelled."""
    printed = await run(place, f"promotion wait {promotion}")
    assert printed.code == CANCELLED, printed
    assert "cancelled" in printed.out
    *told, line = printed.err.strip().splitlines()
    assert [one for one in told if promotion not in one and "waiting for" not in one] == [], printed
    assert line.startswith(f"cancelled ({reason}): "), line
    listed = await run(place, "promotion list -o id")
    assert promotion in listed.out.split()
