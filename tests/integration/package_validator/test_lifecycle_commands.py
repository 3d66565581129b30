"""`drydock package retire|revalidate|combine`: what is printed, and the exit codes."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.embedded import Endpoints
from services.package_validator.domain.work import CRASHES
from shared.contracts.package_validator import PackageQuarantined, PackageRejected, PackageValidated
from shared.formats.deployable_package.damage.faults import FAULTS, build_sample
from shared.formats.deployable_package.read.kinds import DeployableKind
from tests.integration.package_validator.conftest import Submitter
from tests.support import warm
from tests.support.big_packages import big_package
from tests.support.readers import kill_reader, linux_only
from tests.support.services import ServiceProcess

Validator = Callable[..., ServiceProcess]
INVALID = build_sample(next(fault for fault in FAULTS if fault.rule == "DP303"))


@dataclass(frozen=True)
class Printed:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Drydock = Callable[..., Awaitable[Printed]]


@pytest.fixture
def drydock(engines: Endpoints, submitter: Submitter) -> Drydock:
    """Types `drydock package ...`, as ada."""
    own = {"DRYDOCK_KAFKA": engines.kafka, "DRYDOCK_ARTIFACTS": str(submitter.root), "DRYDOCK_ACTOR": "ada"}

    async def run(*arguments: str) -> Printed:
        process = await asyncio.create_subprocess_exec(
            *warm.drydock("package", *arguments),
            env={**os.environ, **own},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        assert "Traceback" not in err.decode()
        return Printed(process.returncode, out.decode(), err.decode())

    return run


async def test_a_package_is_checked_again_and_retired(
    submitter: Submitter, validator: Validator, drydock: Drydock
) -> None:
    await validator().start().ready()
    own = submitter.name("own")
    await submitter.submit("own", build_sample())
    await submitter.submit("bad", INVALID)
    await submitter.told(PackageValidated, "own")
    await submitter.told(PackageRejected, "bad")

    started = await drydock("revalidate", own)
    assert (started.code, started.out.split()) == (
        0,
        ["package", own, "status", "checking", "stands", "valid", "meanwhile"],
    )
    valid = await drydock("revalidate", own, "--wait", "-o", "json")
    assert valid.code == 0
    assert json.loads(valid.out)["judged"]["errors"] == 0
    assert valid.err == f"{own} is being checked; it is valid meanwhile\n"
    invalid = await drydock("revalidate", submitter.name("bad"), "--wait")
    assert invalid.code == 1
    assert "DP303" in invalid.out
    assert "report" in invalid.out

    retired = await drydock("retire", own, "--note", "superseded")
    assert retired.code == 0
    assert retired.out.splitlines()[1:] == ["status   retired", "by       ada", "note     superseded"]
    refused = await drydock("revalidate", own, "--wait")
    assert (refused.code, refused.out) == (4, "")
    assert "refused (PACKAGE_RETIRED)" in refused.err
    assert "was retired by ada" in refused.err
    unknown = await drydock("retire", submitter.name("nothing"))
    assert unknown.code == 3
    assert f"there is no package {submitter.name('nothing')}" in unknown.err


async def test_packages_are_combined(submitter: Submitter, validator: Validator, drydock: Drydock) -> None:
    await validator(patience="PT2M").start().ready()
    own, platform, both = map(submitter.name, ("own", "platform", "both"))
    await submitter.submit("own", build_sample())
    await submitter.submit("platform", build_sample(kind=DeployableKind.PLATFORM))
    await submitter.told(PackageValidated, "platform")
    made = await drydock("combine", both, own, platform, "--wait", "-o", "json")
    assert made.code == 0
    assert json.loads(made.out)["contents"]["kind"] == "merged"
    again = await drydock("combine", both, own, platform)
    assert (again.code, again.out.split()[:4]) == (0, ["package", both, "verdict", "valid"])
    taken = await drydock("combine", both, platform, own)
    assert taken.code == 4
    assert "refused (NAME_TAKEN)" in taken.err
    apart = await drydock("combine", submitter.name("apart"), platform, both, "--wait")
    assert apart.code == 1
    assert "MERGE_REFUSED" in apart.out
    assert "both is merged already; merge the packages that it was made of" in apart.out
    assert (await drydock("combine", both, own)).code == 2


@linux_only
@pytest.mark.timeout(300)
async def test_what_could_not_be_decided_exits_with_10(
    submitter: Submitter, validator: Validator, drydock: Drydock, tmp_path: Path
) -> None:
    process = await validator().start().ready()
    artifact = await submitter.submit("own", build_sample())
    await submitter.told(PackageValidated, "own")
    submitter.path(artifact).unlink()
    failed = await drydock("revalidate", submitter.name("own"), "--wait")
    assert failed.code == 10
    assert [line.split()[:2] for line in failed.out.splitlines()[1:]] == [
        ["verdict", "check-failed"],
        ["stands", "valid"],
        ["ARTIFACT_MISSING", "artifact"],
    ]

    poison = await submitter.put(big_package(tmp_path / "big.zip", 128))

    async def bring_it_down() -> None:
        for _ in range(CRASHES):
            await kill_reader(submitter.path(poison), other_than=process.pid)

    await submitter.submit("poison", poison)
    await bring_it_down()
    await submitter.told(PackageQuarantined, "poison")
    _, again = await asyncio.gather(bring_it_down(), drydock("revalidate", submitter.name("poison"), "--wait"))
    assert again.code == 10
    assert "quarantined" in again.out
    assert "CHECK_CRASHED" in again.out
