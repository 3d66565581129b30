"""Checks and merges on a real store and real processes: what is the package's fault, and what is ours."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from services.console.cli import app
from services.package_validator import reporting
from services.package_validator.app import CHILD
from services.package_validator.child import stated_platform_version
from services.package_validator.domain.projections import CheckableRelease
from services.package_validator.domain.work import (
    CRASHES,
    Checked,
    Crashes,
    Merged,
    MergeInput,
    MergeSource,
    PackageCheckInput,
)
from services.package_validator.reporting import rules_fingerprint
from services.package_validator.steps import Steps
from shared.artifacts.errors import (
    ArtifactCorruptError,
    ArtifactMissingError,
    ArtifactStoreError,
    StoreFullError,
    StoreUnavailableError,
)
from shared.artifacts.folder import FolderStore
from shared.artifacts.port import Descriptor
from shared.children import Pool, TaskFailed
from shared.contracts.package_validator import Reason, TakenModule
from shared.contracts.parts import ArtifactRef
from shared.formats.deployable_package import rules
from shared.formats.deployable_package.damage.faults import FAULTS, build_sample, sample
from shared.formats.deployable_package.findings import InfrastructureError
from shared.formats.deployable_package.judge.check import check_package
from shared.formats.deployable_package.read.kinds import DeployableKind
from shared.formats.deployable_package.read.release import encode_release
from shared.formats.deployable_package.write.build import plan_package, write_package
from shared.kernel import Transient
from tests.support.big_packages import big_package
from tests.support.patience import until
from tests.support.readers import kill_reader, linux_only, readers_of
from tests.unit.formats.deployable_package.contexts import RELEASE

NAME = "contoso/november"


@dataclass
class Attempt:
    """What a step is given of the kernel, and what it said to it."""

    attempt: int = 1
    checkpoint: dict[str, Any] | None = None
    label: str = f"{NAME}.check"
    epoch: int = 1
    told: list[tuple[float, float]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def reached(self, checkpoint: BaseModel) -> None:
        self.checkpoint = checkpoint.model_dump(mode="json")

    def log(self, text: str) -> None:
        self.lines.append(text)

    def progress(self, done: float, total: float, unit: str) -> None:
        self.told.append((done, total))
        self.begun.set()


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "artifacts")


@pytest.fixture
async def steps(store: FolderStore, tmp_path: Path) -> AsyncIterator[Steps]:
    children = Pool(CHILD, 4)
    yield Steps(store, children, tmp_path / "merging", timedelta(minutes=10))
    children.close()


async def put(store: FolderStore, content: bytes | Path) -> ArtifactRef:
    if isinstance(content, Path):
        kept = await store.put_file(content, "application/zip")
    else:
        kept = await store.put_bytes(content, "application/zip")
    return ArtifactRef.of(kept)


async def check(
    steps: Steps, artifact: ArtifactRef, *releases: CheckableRelease, job: Attempt | None = None
) -> Checked:
    given = PackageCheckInput(package=NAME, artifact=artifact, releases=releases)
    return await steps.check(given, job or Attempt())  # type: ignore[arg-type]  # as much of a job as a step asks for


def path_of(store: FolderStore, artifact: ArtifactRef) -> Path:
    return store._layout.blob(artifact.digest)


def package(rule: str | None = None, kind: DeployableKind = DeployableKind.CUSTOMIZATION) -> bytes:
    fault = next((one for one in FAULTS if one.rule == rule), None)
    return build_sample(fault) if fault else build_sample(kind=kind)


async def known_release(store: FolderStore, content: bytes | None = None) -> CheckableRelease:
    modules = await put(store, encode_release(RELEASE) if content is None else content)
    return CheckableRelease(version="10.0.45", platform_version=RELEASE.platform_version, modules=modules)


# -- reports

CASES = [
    None,
    *(fault.rule for fault in FAULTS if fault.rule in ("DP101", "DP113", "DP201", "DP303", "DP402", "DP501")),
]


@pytest.mark.parametrize("rule", CASES, ids=str)
async def test_the_report_is_what_the_check_of_the_file_prints(
    rule: str | None, steps: Steps, store: FolderStore, tmp_path: Path
) -> None:
    file = tmp_path / "package.zip"
    file.write_bytes(package(rule))
    checked = await check(steps, await put(store, file))
    assert checked.report
    report = await store.read(checked.report.digest, limit=1 << 20)
    printed = CliRunner().invoke(app, ["package", "check", str(file), "-o", "json"])
    # The service knows the file's hash from its digest; offline it is known once all of the file was read.
    assert json.loads(report) == json.loads(printed.stdout)
    counted = [one["severity"] for one in json.loads(report)["findings"]]
    assert (checked.errors, checked.warnings) == (counted.count("error"), counted.count("warning"))
    assert (checked.contents is None) == (json.loads(report)["verdict"] == "invalid")
    assert [one.rule for one in checked.findings] == [
        one["rule"] for one in json.loads(report)["findings"] if one["severity"] != "info"
    ]


@pytest.mark.parametrize("rule", [None, *(one.rule for one in FAULTS if one.context == "release")], ids=str)
async def test_held_against_a_release_it_finds_what_the_check_with_that_release_finds(
    rule: str | None, steps: Steps, store: FolderStore, tmp_path: Path
) -> None:
    file, module_list = tmp_path / "package.zip", tmp_path / "release.json"
    file.write_bytes(package(rule))
    module_list.write_bytes(encode_release(RELEASE))
    job = Attempt()
    checked = await check(steps, await put(store, file), await known_release(store), job=job)
    assert checked.report
    report = json.loads(await store.read(checked.report.digest, limit=1 << 20))
    printed = CliRunner().invoke(app, ["package", "check", str(file), "--release", str(module_list), "-o", "json"])
    assert report == json.loads(printed.stdout)
    assert checked.release
    assert checked.release.version == "10.0.45"
    assert job.lines == ["held against release 10.0.45"]


async def test_a_package_of_another_platform_is_held_against_no_release(steps: Steps, store: FolderStore) -> None:
    other = (await known_release(store)).model_copy(update={"platform_version": "7.0.7700.1"})
    artifact = await put(store, package())
    checked = await check(steps, artifact, other)
    assert checked.release is None
    assert (checked.report, checked.platform_version) == ((await check(steps, artifact)).report, "7.0.7606.108")


@pytest.mark.parametrize("rule", [None, *(one.rule for one in FAULTS)], ids=str)
def test_whatever_a_package_holds_its_platform_version_can_be_asked_for(rule: str | None, tmp_path: Path) -> None:
    file = tmp_path / "package.zip"
    file.write_bytes(package(rule))
    stated = stated_platform_version(file)
    verdict = check_package(file)
    if verdict.sha256:  # it was read to its end
        assert stated == (verdict.platform_version or None)


def test_another_rule_is_another_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = rules_fingerprint()
    assert len(before) == 64
    assert before == rules_fingerprint()
    for changed in ({"fix": "another way out"}, {"severity": rules.RuleSeverity.INFO}, {"title": "another title"}):
        other = {**rules.RULES, "DP101": replace(rules.RULES["DP101"], **changed)}
        monkeypatch.setattr(reporting, "RULES", other)
        assert rules_fingerprint() != before
    monkeypatch.setattr(reporting, "RULES", dict(reversed(rules.RULES.items())))
    assert rules_fingerprint() == before


# -- what is not the package's fault


class Failing(FolderStore):
    """A store whose method `where` raises an error that the port documents."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.where = ""
        self.error: Exception = ArtifactMissingError("")

    def _fail(self, where: str) -> None:
        if where == self.where:
            raise self.error

    async def put_bytes(self, content: bytes, media_type: str) -> Descriptor:
        self._fail("put_bytes")
        return await super().put_bytes(content, media_type)

    async def put_file(self, path: Path, media_type: str) -> Descriptor:
        self._fail("put_file")
        return await super().put_file(path, media_type)

    async def read(self, digest: str, *, limit: int) -> bytes:
        self._fail("read")
        return await super().read(digest, limit=limit)

    @asynccontextmanager
    async def local_file(self, digest: str) -> AsyncIterator[Path]:
        self._fail("local_file")
        async with super().local_file(digest) as path:
            yield path
        self._fail("local_file ends")


FAULTS_OF_OURS: list[tuple[str, ArtifactStoreError, Reason | None]] = [
    ("local_file", ArtifactMissingError("no artifact has this digest"), Reason.ARTIFACT_MISSING),
    ("local_file ends", ArtifactCorruptError("other bytes"), Reason.ARTIFACT_DAMAGED),
    ("local_file", StoreUnavailableError("permission denied"), None),
    ("put_bytes", StoreFullError("no space is left"), None),
    ("read", ArtifactMissingError("no artifact has this digest"), Reason.ARTIFACT_MISSING),
    ("read", StoreUnavailableError("permission denied"), None),
]
"""Where the store fails, how, and the answer; None: it is an outage, which is waited for."""


@pytest.mark.parametrize(
    ("where", "error", "reason"), FAULTS_OF_OURS, ids=lambda one: type(one).__name__ + str(one)[:9]
)
@pytest.mark.parametrize("rule", [None, "DP303"], ids=["sound", "invalid"])
async def test_a_fault_of_the_store_is_never_one_of_the_package(
    rule: str | None, where: str, error: Exception, reason: Reason | None, tmp_path: Path
) -> None:
    store = Failing(tmp_path / "artifacts")
    children = Pool(CHILD, 4)
    steps = Steps(store, children, tmp_path / "merging", timedelta(minutes=10))
    artifact, release = await put(store, package(rule)), await known_release(store)
    store.where, store.error = where, error
    try:
        if reason is None:
            with pytest.raises(Transient, match=str(error)):
                await check(steps, artifact, release)
        else:
            checked = await check(steps, artifact, release)
            assert checked.problem
            assert checked.problem.reason == reason
            assert str(error) in checked.problem.message
            assert (checked.contents, checked.findings, checked.report, checked.crashed) == (None, (), None, False)
        store.where = ""
        assert (await check(steps, artifact, release)).problem is None
    finally:
        children.close()


async def test_a_damaged_file_says_nothing_about_the_package(steps: Steps, store: FolderStore) -> None:
    artifact = await put(store, package())
    path_of(store, artifact).write_bytes(package()[:-100])  # cut off: as it stands, an invalid package
    checked = await check(steps, artifact)
    assert checked.problem
    assert (checked.problem.reason, checked.contents, checked.findings) == (Reason.ARTIFACT_DAMAGED, None, ())


async def test_a_file_of_another_size_than_was_stated_is_damaged(steps: Steps, store: FolderStore) -> None:
    artifact = (await put(store, package())).model_copy(update={"size": 7})
    checked = await check(steps, artifact)
    assert checked.problem
    assert checked.problem.reason == Reason.ARTIFACT_DAMAGED
    assert "not the 7 stated" in checked.problem.message


async def test_a_module_list_that_is_none_is_named(steps: Steps, store: FolderStore) -> None:
    release = await known_release(store, b"<html>")
    with pytest.raises(InfrastructureError, match=r"module list of release 10\.0\.45.*publish the release again"):
        await check(steps, await put(store, package()), release)


async def test_a_check_without_time_left_decides_nothing(steps: Steps, store: FolderStore) -> None:
    artifact = await put(store, package())
    steps._seconds = 0
    with pytest.raises(TaskFailed, match="the time for this check ran out"):
        await check(steps, artifact)


# -- the process that opens packages


@linux_only
async def test_a_package_that_brings_its_check_down_each_time_is_told_so_and_its_neighbour_is_checked(
    steps: Steps, store: FolderStore, tmp_path: Path
) -> None:
    artifact = await put(store, big_package(tmp_path / "big.zip", 192))
    neighbour = await put(store, package("DP303"))
    job = Attempt()
    for times in range(1, CRASHES + 1):
        job.attempt = times
        checking = asyncio.create_task(check(steps, artifact, job=job))
        _, beside = await asyncio.gather(kill_reader(path_of(store, artifact)), check(steps, neighbour))
        assert (beside.problem, beside.errors) == (None, 1)
        await asyncio.wait([checking])
        if times < CRASHES:
            with pytest.raises(Transient, match="SIGKILL"):
                checking.result()
        assert job.checkpoint == Crashes(times=times).model_dump()
    checked = checking.result()
    assert checked.problem
    assert (checked.problem.reason, checked.crashed) == (Reason.CHECK_CRASHED, True)
    assert "SIGKILL" in checked.problem.message
    assert (await check(steps, artifact)).problem is None


@linux_only
async def test_a_check_that_is_called_off_leaves_no_process_behind(
    steps: Steps, store: FolderStore, tmp_path: Path
) -> None:
    artifact = await put(store, big_package(tmp_path / "big.zip", 64))
    job = Attempt()
    checking = asyncio.create_task(check(steps, artifact, job=job))
    await job.begun.wait()
    checking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await checking
    await until(lambda: not readers_of(path_of(store, artifact)))


async def test_the_progress_of_a_big_package_never_goes_back_and_ends_at_its_total(
    steps: Steps, store: FolderStore, tmp_path: Path
) -> None:
    artifact = await put(store, big_package(tmp_path / "big.zip", 48))
    job = Attempt()
    await check(steps, artifact, job=job)
    done = [one for one, _ in job.told]
    assert done == sorted(set(done))
    assert len(done) > 1
    assert {total for _, total in job.told} == {artifact.size}
    assert done[-1] == artifact.size


# -- merging


async def merge(
    steps: Steps, *sources: tuple[str, ArtifactRef], job: Attempt | None = None, take: tuple[TakenModule, ...] = ()
) -> Merged:
    given = MergeInput(
        package="contoso/both",
        sources=tuple(MergeSource(package=name, artifact=artifact) for name, artifact in sources),
        take=take,
    )
    return await steps.merge(given, job or Attempt())  # type: ignore[arg-type]  # as much of a job as a step asks for


async def test_packages_are_merged_into_one_that_is_valid_and_the_same_each_time(
    steps: Steps, store: FolderStore, tmp_path: Path
) -> None:
    own, platform = await put(store, package()), await put(store, package(kind=DeployableKind.PLATFORM))
    merged = await merge(steps, ("contoso/own", own), ("contoso/platform", platform))
    assert merged.artifact
    assert merged.artifact.media_type == "application/zip"
    checked = await check(steps, merged.artifact)
    assert checked.contents
    assert checked.contents.kind.value == "merged"
    again = await merge(steps, ("contoso/own", own), ("contoso/platform", platform), job=Attempt(2, epoch=2))
    assert again == merged
    assert [*(tmp_path / "merging").iterdir()] == []


async def test_an_attempt_removes_what_earlier_ones_left_and_nothing_of_a_later_one(
    steps: Steps, store: FolderStore, tmp_path: Path
) -> None:
    own, platform = await put(store, package()), await put(store, package(kind=DeployableKind.PLATFORM))
    job = Attempt(3, epoch=5)
    folder = tmp_path / "merging" / hashlib.sha256(job.label.encode()).hexdigest()
    for epoch in ("4", "5", "6"):
        (folder / epoch).mkdir(parents=True)
        (folder / epoch / "merged.zip").write_bytes(b"half of it")
    assert (await merge(steps, ("contoso/own", own), ("contoso/platform", platform), job=job)).artifact
    assert [one.name for one in folder.iterdir()] == ["6"]


async def test_what_does_not_go_together_is_refused_under_the_names_of_the_packages(
    steps: Steps, store: FolderStore, tmp_path: Path
) -> None:
    own = await put(store, package())
    changed = replace(sample().modules[0], version="9.9.9.9")
    write_package(plan_package((changed,), sample().options), tmp_path / "changed.zip")
    other = await put(store, tmp_path / "changed.zip")
    merged = await merge(steps, ("contoso/own", own), ("contoso/isv", other))
    assert merged.problem
    assert merged.problem.reason == Reason.MERGE_REFUSED
    assert merged.problem.message.startswith("own brings ContosoCore 1.2.3.0, isv 9.9.9.9, with different content")
    assert "--take ContosoCore=own" in merged.problem.message
    chosen = (TakenModule(module="contosocore", package="contoso/isv"),)
    merged = await merge(steps, ("contoso/own", own), ("contoso/isv", other), take=chosen)
    assert merged.artifact
    checked = await check(steps, merged.artifact)
    assert checked.contents
    assert [one.version for one in checked.contents.modules] == ["9.9.9.9", "1.2.3.0"]


@pytest.mark.parametrize(
    ("where", "error", "reason"),
    [
        ("local_file", ArtifactMissingError("no artifact has this digest"), Reason.ARTIFACT_MISSING),
        ("local_file ends", ArtifactCorruptError("other bytes"), Reason.ARTIFACT_DAMAGED),
        ("put_file", StoreFullError("no space is left"), None),
    ],
    ids=["missing", "damaged", "full"],
)
async def test_a_merge_that_the_store_fails_leaves_nothing(
    where: str, error: Exception, reason: Reason | None, tmp_path: Path
) -> None:
    store = Failing(tmp_path / "artifacts")
    children = Pool(CHILD, 4)
    steps = Steps(store, children, tmp_path / "merging", timedelta(minutes=10))
    own, platform = await put(store, package()), await put(store, package(kind=DeployableKind.PLATFORM))
    store.where, store.error = where, error
    try:
        if reason is None:
            with pytest.raises(Transient, match=str(error)):
                await merge(steps, ("contoso/own", own), ("contoso/platform", platform))
        else:
            merged = await merge(steps, ("contoso/own", own), ("contoso/platform", platform))
            assert merged.problem
            assert merged.problem.reason == reason
        assert [*(tmp_path / "merging").iterdir()] == []
    finally:
        children.close()
