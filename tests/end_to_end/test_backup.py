"""What becomes due between a backup and its restore is told and done once; what was done before is not done again."""

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.packages import CUSTOMIZATION_V1
from deploy.stack import Stack
from shared.contracts.package_validator import PackageValidated
from shared.contracts.promotion_scheduler import CandidateMarked, PromotionScheduled
from tests.end_to_end.installation import SETTINGS, drydock, installation, mails
from tests.end_to_end.world import RELEASE, World, world
from tests.support.patience import until_now

pytestmark = pytest.mark.timeout(300)

STARTS_IN, RESTORED_AFTER = timedelta(minutes=20), "PT21M"
"""The promotion becomes due between backup and restore."""


async def _until_a_promotion_is_scheduled(stack: Stack) -> tuple[World, str]:
    async with world(stack) as place:
        await place.provision()
        package = await place.submit(CUSTOMIZATION_V1)
        await place.wait(PackageValidated, lambda told: told.package == package)
        await place.succeeded(await place.apply(package))
        await place.mark()
        await place.wait(CandidateMarked)
        promotion = await place.schedule(datetime.now(UTC) + STARTS_IN)
        await place.wait(PromotionScheduled)
        await place.told_by_mail()
        return place, promotion


def _history(stack: Stack, environment: str) -> list[dict[str, Any]]:
    printed = drydock(stack, "environment", "history", environment, "-o", "json")
    assert printed.code == 0, printed
    return list(json.loads(printed.out))


def _heads(stack: Stack, project: str) -> Counter[tuple[str, str, str]]:
    sent = mails(stack, project)
    return Counter((str(mail["Message-ID"]), str(mail["To"]), str(mail["Subject"])) for mail in sent)


def test_a_promotion_that_became_due_before_the_restore_is_told_and_done_once(tmp_path: Path) -> None:
    said: list[str] = []
    backup, data = tmp_path / "backup.tar", tmp_path / "restored"
    with installation(runtime="instant") as stack:
        place, promotion = asyncio.run(_until_a_promotion_is_scheduled(stack))
        history = {one: _history(stack, one) for one in (place.sandbox, place.production)}
        stack.stop()
        before = _heads(stack, place.project)
        for words in (["backup", str(backup)], ["restore", str(backup), str(data)]):
            done = drydock(stack, "installation", *words)
            assert done.code == 0, done
        settings = {**SETTINGS, "DRYDOCK_RUNTIME": "instant", "DRYDOCK_CLOCK_AHEAD": RESTORED_AFTER}
        with Stack(data, say=said.append, settings=settings) as restored:
            waited = drydock(restored, "promotion", "wait", promotion, "--timeout", "200")
            assert waited.code == 0, waited
            assert _history(restored, place.sandbox) == history[place.sandbox]
            production = _history(restored, place.production)
            assert production[:-1] == history[place.production]
            assert (production[-1]["operation_kind"], production[-1]["update_name"]) == ("promote", RELEASE)
            end = f"{place.production}: update succeeded: {RELEASE}"
            until_now(lambda: any(end in head[2] for head in _heads(restored, place.project)))
            after = _heads(restored, place.project)
            doctor = drydock(restored, "doctor").out
            log = (data / "logs" / "notifier.log").read_text()
    assert before < after
    assert len({head[1:] for head in after.elements()}) == after.total(), "somebody was told twice"
    [overdue] = [line for line in said if promotion in line]
    assert "promotion-scheduler" in overdue
    assert overdue.partition(": ")[2].strip() in doctor
    assert "restored_from_backup" in log
