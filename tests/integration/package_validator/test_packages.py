"""package-validator does what its messages say, on real engines."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from shared.contracts.common import CommandRejected, WorkProgressed
from shared.contracts.package_validator import (
    MergePackages,
    PackageCheckFailed,
    PackageMergeFailed,
    PackageRejected,
    PackageRetired,
    PackageSnapshot,
    PackageStatus,
    PackageSubmitted,
    PackageValidated,
    Reason,
    RetirePackage,
    RevalidatePackage,
    SubmitPackage,
)
from shared.contracts.parts import PackageKind as Kind
from shared.contracts.promotion_scheduler import ReleasePublished
from shared.formats.deployable_package.damage.faults import FAULTS, build_sample, sample
from shared.formats.deployable_package.read.kinds import DeployableKind
from shared.formats.deployable_package.read.release import Release, ReleaseModule, encode_release
from shared.formats.deployable_package.write.build import plan_package, write_package
from tests.integration.package_validator.conftest import Submitter
from tests.support.big_packages import big_package
from tests.support.services import ServiceProcess

Validator = Callable[..., ServiceProcess]
INVALID = build_sample(next(fault for fault in FAULTS if fault.rule == "DP303"))


@pytest.fixture
def platform() -> str:
    """A platform version that nobody else's packages state: releases outlive a test."""
    return f"7.0.{random.randrange(10**8)}.1"


def built_for(platform: str, path: Path) -> Path:
    """A sound package that was built for a platform."""
    write_package(plan_package(sample().modules, replace(sample().options, platform_version=platform)), path)
    return path


async def test_a_verdict_comes_with_its_report_and_both_say_the_same(
    submitter: Submitter, validator: Validator
) -> None:
    await validator().start().ready()
    artifact = await submitter.submit("bad", INVALID)
    [rejected] = await submitter.told(PackageRejected, "bad")
    assert rejected.judged
    report = json.loads(await submitter.store.read(rejected.judged.report.digest, limit=1 << 20))
    assert report["verdict"] == "invalid"
    assert f"sha256:{report['sha256']}" == artifact.digest
    assert [one.rule for one in rejected.findings] == ["DP303"] == [one["rule"] for one in report["findings"]]
    assert (rejected.judged.errors, rejected.judged.warnings, rejected.judged.release) == (1, 0, None)
    snapshots = await submitter.told(PackageSnapshot, "bad", 2)
    assert [one.status for one in snapshots] == [PackageStatus.CHECKING, PackageStatus.INVALID]
    assert snapshots[-1].judged == rejected.judged


async def test_a_package_is_checked_again_by_itself_when_its_release_becomes_known_and_changes(
    submitter: Submitter, validator: Validator, platform: str, tmp_path: Path
) -> None:
    await validator(recheck_every="PT0.3S").start().ready()
    await submitter.submit("own", built_for(platform, tmp_path / "own.zip"))
    [first] = await submitter.told(PackageValidated, "own")
    assert first.judged
    assert first.judged.release is None

    version = platform.replace("7.", "10.", 1)
    vendors = ("ApplicationPlatform",)
    # In the second list a module of the release has the name of one that the package brings.
    lists = [vendors, (*vendors, "ContosoSales")]
    stored = [await submitter.put(_release_file(version, platform, names)) for names in lists]
    told = ReleasePublished(
        version=version,
        package=submitter.name("platform"),
        platform_version=platform,
        application_version="10.0.1",
        base_version=None,
    )
    services = [told.model_copy(update={"modules": one}) for one in stored]
    scheduler = submitter.played()
    await scheduler.tell(services[0])
    second = (await submitter.told(PackageValidated, "own", 2))[1]
    assert second.judged
    assert (second.judged.release, second.contents) == (version, first.contents)
    await scheduler.tell(services[1])
    [rejected] = await submitter.told(PackageRejected, "own")
    assert [one.rule for one in rejected.findings] == ["DP709"]
    # Nobody asked for these checks, and while they ran the package was what it had been before.
    assert len(submitter.seen(PackageSubmitted, "own")) == 1
    statuses = [one.status for one in await submitter.told(PackageSnapshot, "own", 4)]
    assert statuses == ["checking", "valid", "valid", "invalid"]


def _release_file(version: str, platform: str, modules: tuple[str, ...]) -> bytes:
    known = tuple(ReleaseModule(name=name) for name in modules)
    return encode_release(
        Release(version=version, platform_version=platform, application_version="10.0.1", modules=known)
    )


async def test_a_verdict_that_does_not_change_is_the_answer_to_who_asked_for_it(
    submitter: Submitter, validator: Validator
) -> None:
    await validator().start().ready()
    await submitter.submit("own", build_sample())
    [first] = await submitter.told(PackageValidated, "own")
    again = await submitter.answer(RevalidatePackage(package=submitter.name("own")), PackageValidated)
    assert first.judged
    assert again.judged
    assert again.judged.checked_at > first.judged.checked_at
    assert again.judged.report == first.judged.report
    accepted = submitter.seen(PackageSubmitted, "own")[-1]
    assert accepted.standing is PackageStatus.VALID


async def test_a_retired_package_is_offered_no_longer_and_keeps_its_file(
    submitter: Submitter, validator: Validator
) -> None:
    await validator().start().ready()
    own = submitter.name("own")
    artifact = await submitter.submit("own", build_sample())
    await submitter.told(PackageValidated, "own")
    for _ in range(2):
        retired = await submitter.answer(RetirePackage(package=own, note="superseded"), PackageRetired)
        assert (retired.artifact, retired.note, retired.actor) == (artifact, "superseded", "tester")
    for command in (
        RevalidatePackage(package=own),
        SubmitPackage(package=own, artifact=artifact, file_name="own.zip"),
    ):
        refused = await submitter.answer(command, CommandRejected)
        assert refused.reason == Reason.PACKAGE_RETIRED
    assert await submitter.store.exists(artifact.digest)
    snapshot = (await submitter.told(PackageSnapshot, "own", 3))[-1]
    assert (snapshot.status, snapshot.contents is None) == (PackageStatus.RETIRED, False)
    await submitter.submit("other-name", artifact)
    await submitter.told(PackageValidated, "other-name")


async def test_what_the_store_lost_is_a_fault_of_ours_and_is_checked_once_it_is_back(
    submitter: Submitter, validator: Validator
) -> None:
    await validator().start().ready()
    artifact = await submitter.put(build_sample())
    submitter.path(artifact).unlink()
    await submitter.submit("own", artifact)
    [failed] = await submitter.told(PackageCheckFailed, "own")
    assert (failed.problem.reason, failed.standing) == (Reason.ARTIFACT_MISSING, None)
    await submitter.submit("own", await submitter.put(build_sample()))
    await submitter.told(PackageValidated, "own")
    # Lost again, a check that is asked for fails; the verdict stands.
    submitter.path(artifact).unlink()
    failed = await submitter.answer(RevalidatePackage(package=submitter.name("own")), PackageCheckFailed)
    assert (failed.problem.reason, failed.standing) == (Reason.ARTIFACT_MISSING, PackageStatus.VALID)
    assert (await submitter.told(PackageSnapshot, "own", 3))[-1].status is PackageStatus.VALID
    assert not submitter.seen(PackageRejected, "own")


async def test_packages_are_merged_into_one_that_is_checked(submitter: Submitter, validator: Validator) -> None:
    # How long a check takes is this machine's affair.
    await validator(patience="PT2M").start().ready()
    await submitter.submit("own", build_sample())
    await submitter.submit("platform", build_sample(kind=DeployableKind.PLATFORM))
    sources = (submitter.name("own"), submitter.name("platform"))
    # The sources are still being checked: it waits for them.
    command = MergePackages(package=submitter.name("both"), sources=sources)
    valid = await submitter.answer(command, PackageValidated)
    assert valid.contents.kind is Kind.MERGED
    assert [one.name for one in valid.contents.modules] == ["ContosoCore", "ContosoSales"]
    [submitted] = submitter.seen(PackageSubmitted, "both")
    assert (submitted.merged_from, submitted.artifact, submitted.file_name) == (sources, valid.artifact, "both.zip")
    again = await submitter.answer(command, PackageValidated)
    assert again == valid


async def test_packages_that_do_not_go_together_leave_none_and_the_name_free(
    submitter: Submitter, validator: Validator
) -> None:
    await validator(patience="PT2M").start().ready()
    await submitter.submit("one", build_sample(kind=DeployableKind.PLATFORM))
    await submitter.submit("two", build_sample(kind=DeployableKind.PLATFORM))
    both = submitter.name("both")
    failed = await submitter.answer(
        MergePackages(package=both, sources=(submitter.name("one"), submitter.name("two"))), PackageMergeFailed
    )
    assert failed.problem.reason == Reason.MERGE_REFUSED
    assert failed.problem.message == "only one platform package can be merged, not one and two"
    await submitter.submit("both", build_sample())
    await submitter.told(PackageValidated, "both")
    refused = await submitter.answer(
        MergePackages(package=submitter.name("more"), sources=(submitter.name("one"), "elsewhere/two")), CommandRejected
    )
    assert refused.reason == Reason.OTHER_PROJECT


async def test_the_progress_of_a_big_package_is_told_and_ends_at_its_total(
    submitter: Submitter, validator: Validator, tmp_path: Path
) -> None:
    await validator().start().ready()
    artifact = await submitter.submit("big", big_package(tmp_path / "big.zip", 48))
    await submitter.told(PackageValidated, "big")
    await submitter.user.caught_up()
    told = submitter.seen(WorkProgressed, "big")
    assert len(told) > 1
    done = [one.done for one in told]
    assert done == sorted(done)
    assert (done[-1], {one.total for one in told}, {one.unit for one in told}) == (
        artifact.size,
        {artifact.size},
        {"bytes"},
    )
