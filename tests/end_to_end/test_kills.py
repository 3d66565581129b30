"""The main job while each service in turn is killed once: the same end, nobody is told twice, nothing is done twice."""

import asyncio
import json
import random
from collections import Counter

import pytest

from deploy.stack import Stack
from services.console.client import Client
from shared.contracts.extension_compatibility_checker import CompatibilityChecked
from shared.contracts.notifier import NotificationSent
from shared.contracts.parts import Verdict
from shared.contracts.promotion_scheduler import PromotionCompleted, PromotionScheduled, PromotionStarted
from shared.contracts.servicing_executor import (
    EnvironmentSnapshot,
    EnvironmentStatus,
    InstallExtension,
    OperationAccepted,
    OperationFinished,
    OperationSnapshot,
    Outcome,
    StepFinished,
    StepStarted,
)
from shared.contracts.topics import SERVICES
from tests.end_to_end.installation import mails
from tests.end_to_end.world import RELEASE, VENDOR, World, world
from tests.support import al_packages
from tests.support.effort import SEED

pytestmark = pytest.mark.timeout(300)

JOB_SECONDS = 4.0
"""About how long the job takes on a machine that does nothing else: a kill comes in its first part at least."""


@pytest.mark.parametrize("service", SERVICES)
async def test_the_main_job_ends_the_same_when_a_service_is_killed(instant: Stack, service: str) -> None:
    after = random.Random(f"{SEED}/{service}").uniform(0, JOB_SECONDS)
    print(f"DRYDOCK_TEST_SEED={SEED}: {service} is killed {after:.2f} s after the job's begin")
    async with world(instant) as place:
        async with asyncio.TaskGroup() as both:
            job = both.create_task(_job(place))
            both.create_task(_kill(instant, service, after))
        await place.told_by_mail()
        await _check_end(place, job.result())


async def _job(place: World) -> str:
    """The main job, then a release of the vendor whose base an extension is checked against; the promotion."""
    promotion = await place.main_job()
    extension = await place.extension("codeunit 50000 Freight\n{\n    var C: Record Customer;\n}")
    await place.succeeded(await place.send(InstallExtension(environment=place.sandbox, extension=extension)))
    customer = al_packages.table(18, "Customer", al_packages.field(1, "No.", "Code[20]"))
    package = await place.release(al_packages.base_app(customer, version="26.0.0.0"))
    await place.succeeded(await place.apply(package, VENDOR))
    return promotion


async def _kill(stack: Stack, service: str, after: float) -> None:
    process = stack.processes[service]
    await asyncio.sleep(after)
    before = process.pid
    await asyncio.to_thread(process.kill)
    await asyncio.to_thread(process.wait_ready)
    assert process.pid != before


async def _check_end(place: World, promotion: str) -> None:
    history = await _check_views(place)
    succeeded = Outcome.SUCCEEDED
    assert history == {
        place.sandbox: [
            ("provision", succeeded),
            ("apply", succeeded),
            ("install-extension", succeeded),
            ("apply", succeeded),
        ],
        place.production: [("provision", succeeded), ("promote", succeeded)],
    }
    [checked] = place.seen(CompatibilityChecked)
    assert checked.data.verdict is Verdict.COMPATIBLE
    for message in (PromotionScheduled, PromotionStarted, PromotionCompleted):
        assert [one.data.model_dump()["promotion"] for one in place.seen(message)] == [promotion]
    for told in (OperationAccepted, OperationFinished):
        operations = Counter(one.data.model_dump()["operation"] for one in place.seen(told))
        assert set(operations.values()) == {1}
    begun = Counter((one.data.operation, one.data.step) for one in place.seen(StepStarted))
    ended = Counter((one.data.operation, one.data.record.name) for one in place.seen(StepFinished))
    assert begun == ended
    assert set(begun.values()) == {1}
    _check_mails(place)


async def _check_views(place: World) -> dict[str, list[tuple[str, str]]]:
    """What a dashboard that starts now sees: the environments, and their histories in short."""
    views = await Client(place.user.bootstrap, "ada").read(EnvironmentSnapshot, OperationSnapshot)
    environments = {view.environment: view for view in views.all(EnvironmentSnapshot) if view.project == place.project}
    assert set(environments) == {place.sandbox, place.production}
    for view in environments.values():
        assert view.status is EnvironmentStatus.DEPLOYED
        assert view.operation is None
        assert view.running
        assert view.running.name == (VENDOR if view.environment == place.sandbox else RELEASE)
    entries = [one for one in views.all(OperationSnapshot) if one.project == place.project]
    assert len({one.running.image for one in entries if one.update_name == RELEASE and one.running}) == 1
    history: dict[str, list[tuple[str, str]]] = {}
    for entry in sorted(entries, key=lambda one: one.accepted_at):
        history.setdefault(entry.environment, []).append((entry.operation_kind.value, entry.outcome))
    return history


def _check_mails(place: World) -> None:
    """Each transition is told in one mail. The server may have got it again, but under the same Message-ID."""
    by_id = {str(mail["Message-ID"]): str(mail["Subject"]) for mail in mails(place.stack, place.project)}
    told = sorted(subject.partition(" / ")[2].partition(" for ")[0].split(": ")[:2] for subject in by_id.values())
    assert told == sorted(
        [
            *2 * [[place.sandbox, f"update {what}"] for what in ("queued", "started", "succeeded")],
            [place.production, "promotion scheduled"],
            *([place.production, f"update {what}"] for what in ("queued", "started", "succeeded")),
        ]
    ), json.dumps(by_id, indent=2)
    sent = Counter(one.data.message_id for one in place.seen(NotificationSent))
    assert sent == Counter(by_id.keys())
