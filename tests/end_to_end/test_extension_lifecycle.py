"""An extension that nobody mends: found early, told, reminded of, taken out with the update, all on real engines.

The clock of the services is put forward from start to start; nothing else is played.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.demo.packages import PLATFORM
from deploy.stack import Stack
from shared.contracts.extension_compatibility_checker import (
    RemediationEnded,
    RemediationEnding,
    RemediationReminded,
    RemediationStarted,
    RemovalDue,
)
from shared.contracts.notifier import NotificationSent, Occasion
from shared.contracts.promotion_scheduler import RolloutFinished, RolloutPlanned
from shared.contracts.servicing_executor import (
    ExtensionSetChanged,
    InstallExtension,
    OperationFinished,
    OperationKind,
    Outcome,
)
from tests.end_to_end.installation import SETTINGS, mails, warm_parts
from tests.end_to_end.world import NEXT_PLATFORM, World, world
from tests.support import al_packages

pytestmark = pytest.mark.timeout(420)

BROKEN = "codeunit 50000 Freight\n{\n    var C: Record Customer;\n}"


@pytest.fixture
def data() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="drydock-e2e-"))
    yield folder
    shutil.rmtree(folder)


@asynccontextmanager
async def days_later(data: Path, days: float, project: str | None = None) -> AsyncIterator[World]:
    """Everything started on the same folder, so many days after the first start."""
    settings = {
        **SETTINGS,
        "DRYDOCK_RUNTIME": "instant",
        "DRYDOCK_CLOCK_AHEAD": f"P{int(days)}DT{round(days % 1 * 24)}H",
        "DRYDOCK_LOOK_AHEAD": "PT1S",
    }
    with warm_parts(), Stack(data, say=print, settings=settings) as stack:
        async with world(stack) as place:
            if project:
                place.project, place.told_before = project, frozenset()
                await place.user.consumer.seek_to_beginning()  # services go on before anybody reads
            yield place


async def test_an_extension_that_nobody_mends_is_removed_after_ninety_days_with_the_update(data: Path) -> None:
    async with days_later(data, 0) as place:
        project = place.project
        customer = al_packages.table(18, "Customer", al_packages.field(1, "No.", "Code[20]"))
        await place.release(al_packages.base_app(customer, version="25.0.0.0"), PLATFORM, major=25)
        await place.provision()
        extension = await place.extension(BROKEN)
        await place.succeeded(await place.send(InstallExtension(environment=place.production, extension=extension)))
        await place.release(al_packages.base_app(version="26.0.0.0"))
        [started] = await place.wait(RemediationStarted)
        assert started.environment == place.production
        assert started.dates.first_notified_at
        assert started.dates.removal_due_at
        assert started.dates.removal_due_at - started.dates.first_notified_at == timedelta(days=90)
        await place.told_by_mail()
        [mail] = [one for one in mails(place.stack, project) if "not compatible" in str(one["Subject"])]
        assert mail["To"] == place.mailbox

    async with days_later(data, 61, project) as place:
        [reminded, *_] = await place.wait(RemediationReminded)
        assert reminded.dates == started.dates
        await place.told_by_mail()
        assert not place.seen(RemovalDue)

    async with days_later(data, 90.5, project) as place:
        [due] = await place.wait(RemovalDue)
        assert due.dates == started.dates
        [planned] = await place.wait(RolloutPlanned)
        assert planned.remove_extensions == (extension.app_id,)
        assert planned.start >= started.dates.removal_due_at
        opens = planned.start

    ahead = (opens - datetime.now(UTC)) / timedelta(days=1) + 1 / 24
    async with days_later(data, ahead, project) as place:
        [finished] = await place.wait(OperationFinished, lambda told: told.operation_kind is OperationKind.ROLL_OUT)
        assert finished.outcome is Outcome.SUCCEEDED, finished.problem
        assert finished.removed_extensions == (extension.app_id,)
        assert finished.running
        assert finished.running.contents.application_version == NEXT_PLATFORM.application_version
        [changed] = await place.wait(ExtensionSetChanged, lambda told: told.operation == finished.operation)
        assert changed.extensions == ()
        [ended] = await place.wait(RemediationEnded)
        assert ended.ending is RemediationEnding.REMOVED
        [rolled] = await place.wait(RolloutFinished)
        assert rolled.problem is None
        await place.told_by_mail()
    told = [envelope.data.occasion for envelope in place.seen(NotificationSent)]
    assert Occasion.UPDATE_SUCCEEDED in told
