"""A package that brings down what checks it is set aside, and the others are checked meanwhile."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from services.package_validator.domain.work import ATTEMPTS, CRASHES
from shared.contracts.package_validator import (
    PackageCheckFailed,
    PackageQuarantined,
    PackageRejected,
    PackageSnapshot,
    PackageStatus,
    PackageSubmitted,
    PackageValidated,
    Reason,
    RevalidatePackage,
)
from shared.formats.deployable_package.damage.faults import build_sample
from tests.integration.package_validator.conftest import Submitter
from tests.support.big_packages import big_package
from tests.support.readers import ended, kill_reader, linux_only, wait_for_reader
from tests.support.services import ServiceProcess

pytestmark = linux_only

Validator = Callable[..., ServiceProcess]
MEGABYTES = 128
"""So big that its check takes longer than it takes to find who does it."""


async def is_in_quarantine(submitter: Submitter, package: str) -> None:
    """The package is set aside, as a fault of nobody; asked for, it is checked again and found valid."""
    [quarantined] = await submitter.told(PackageQuarantined, package)
    assert quarantined.problem.reason == Reason.CHECK_CRASHED
    snapshot = submitter.seen(PackageSnapshot, package)[-1]
    assert (snapshot.status, snapshot.problem) == (PackageStatus.QUARANTINED, quarantined.problem)
    for message in (PackageCheckFailed, PackageRejected, PackageValidated):
        assert not submitter.seen(message, package)
    command = RevalidatePackage(package=submitter.name(package))
    accepted = await submitter.answer(command, PackageSubmitted)
    assert accepted.standing is None
    await submitter.told(PackageValidated, package)


@pytest.mark.timeout(300)
async def test_one_that_brings_its_process_down_is_set_aside_and_its_neighbours_are_not(
    submitter: Submitter, validator: Validator, tmp_path: Path
) -> None:
    process = await validator().start().ready()
    poison = await submitter.put(big_package(tmp_path / "big.zip", MEGABYTES))
    await submitter.submit("poison", poison)
    for number in range(CRASHES):
        await submitter.submit(f"neighbour-{number}", build_sample())
        await kill_reader(submitter.path(poison), other_than=process.pid)
    # Only now: it is checked again meanwhile, and has to be met every time.
    for number in range(CRASHES):
        await submitter.told(PackageValidated, f"neighbour-{number}")
    await is_in_quarantine(submitter, "poison")
    assert process.running


@pytest.mark.timeout(300)
async def test_one_whose_check_is_cut_off_with_the_whole_validator_is_set_aside_and_its_neighbour_is_not(
    submitter: Submitter, validator: Validator, tmp_path: Path
) -> None:
    poison = await submitter.put(big_package(tmp_path / "big.zip", MEGABYTES))
    process = await validator().start().ready()
    await submitter.submit("poison", poison)
    await submitter.submit("neighbour", build_sample())
    for number in range(ATTEMPTS):
        examiner = await wait_for_reader(submitter.path(poison), other_than=process.pid)
        if number == 1:  # cut off once like the other, the neighbour's check now comes to its end
            os.kill(examiner, signal.SIGSTOP)
            await submitter.told(PackageValidated, "neighbour")
        process.kill()
        assert await process.ended() == -signal.SIGKILL
        await ended(examiner)
        process.start()
    await is_in_quarantine(submitter, "poison")
