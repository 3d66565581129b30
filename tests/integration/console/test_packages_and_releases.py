"""`drydock package` and `drydock release` on a running installation; the test plays its services."""

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.packages import CUSTOMIZATION_V1, CUSTOMIZATION_V2, PLATFORM
from deploy.embedded import Endpoints
from shared.artifacts.folder import FolderStore
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import Envelope, new_id
from shared.contracts.message import Message
from shared.contracts.package_validator import Judged, PackageSnapshot, PackageStatus, PackageSubmitted, SubmitPackage
from shared.contracts.parts import ArtifactRef, Finding, Module, PackageContents, PackageKind, Severity
from shared.contracts.promotion_scheduler import PublishRelease, ReleasePublished, ReleaseSnapshot
from shared.contracts.servicing_executor import EnvironmentSnapshot
from shared.formats.deployable_package.read.release import Release, ReleaseModule, decode_release, encode_release
from tests.support import warm
from tests.support.demo_images import built
from tests.support.played_services import NOON, PlayedServices, environment, update
from tests.support.services import Client
from tests.unit.formats.deployable_package.test_building import descriptor, write

HIGH = "900.0"
"""Releases are everybody's: what these tests publish is newer than what others do."""


@dataclass(frozen=True)
class Printed:
    """What a command line printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one value on stdout."""
        return json.loads(self.out)


@dataclass
class Place:
    """A project of the test's own, with its files, and what its services say."""

    project: str
    folder: Path
    store: FolderStore
    played: PlayedServices
    user: Client
    number: int
    settings: dict[str, str]

    async def drydock(self, *arguments: object) -> Printed:
        """Type a command, in a process of its own."""
        process = await asyncio.create_subprocess_exec(
            *warm.drydock(*map(str, arguments)),
            env={**os.environ, **self.settings},
            cwd=self.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return Printed(process.returncode or 0, out.decode(), err.decode())

    @property
    def version(self) -> str:
        """A release of the test's own."""
        return f"{HIGH}.{self.number}"

    async def stored(self, content: bytes) -> ArtifactRef:
        found = await self.store.put_bytes(content, "application/octet-stream")
        return ArtifactRef.of(found)

    async def package(self, name: str, content: bytes = b"vendor", **changes: Any) -> PackageSnapshot:
        """A package of the project: the vendor's platform, but for what is said."""
        contents = PackageContents(
            **{
                "kind": PackageKind.PLATFORM,
                "modules": (),
                "platform_modules": (Module(name="ApplicationPlatform", version="7.0.9000.1"),),
                "removed_modules": (),
                "platform_version": "7.0.9000.1",
                "application_version": f"{HIGH}.1.1",
                **changes.pop("contents", {}),
            }
        )
        snapshot = PackageSnapshot(
            **{
                "package": f"{self.project}/{name}",
                "project": self.project,
                "status": PackageStatus.VALID,
                "artifact": await self.stored(content),
                "file_name": f"{name}.zip",
                "contents": contents,
                "findings": (),
                "problem": None,
                **changes,
            }
        )
        await self.played.tell(snapshot)
        return snapshot

    async def release(self, **changes: Any) -> ReleaseSnapshot:
        """A release that was published."""
        snapshot = ReleaseSnapshot(
            **{
                "version": self.version,
                "package": f"{self.project}/vendor",
                "platform_version": "7.0.9000.1",
                "application_version": f"{HIGH}.1.{self.number}",
                "base_version": "27.0.38460.0",
                "published_at": NOON,
                **changes,
            }
        )
        await self.played.tell(snapshot)
        return snapshot

    async def environment(self, **changes: Any) -> EnvironmentSnapshot:
        snapshot = environment(f"{self.project}-test", **{"project": self.project, **changes})
        await self.played.tell(snapshot)
        return snapshot

    async def answered(
        self,
        running: Awaitable["Printed"],
        command: type[Message],
        answer: Callable[[Any], Message],
    ) -> tuple["Printed", Envelope[Message]]:
        """What is printed by a command line that sends a command and is answered, and the command."""
        before = {one.id for one in self.commands()}
        task = asyncio.ensure_future(running)
        await self.user.wait_for(lambda _: any(one.id not in before for one in self.commands()))
        [sent] = [one for one in self.commands() if one.id not in before]
        assert isinstance(sent.data, command)
        told = answer(sent)
        service = sent.data.owner if isinstance(told, CommandRejected) else ""
        await self.played.tell(told, causation=sent.id, service=service)
        return await task, sent

    def commands(self) -> list[Envelope[Message]]:
        """The commands about this project and its release that were sent until now."""
        return [
            one.envelope
            for one in self.user.seen
            if getattr(one.envelope.data, "version", None) == self.version
            or str(getattr(one.envelope.data, "package", "")).startswith(f"{self.project}/")
        ]


@pytest.fixture
async def place(engines: Endpoints, artifacts: Path, user: Client, played: PlayedServices, tmp_path: Path) -> Place:
    """A project of the test's own."""
    id_ = new_id()
    settings = {"DRYDOCK_KAFKA": engines.kafka, "DRYDOCK_ARTIFACTS": str(artifacts), "DRYDOCK_ACTOR": "ada"}
    number = int(id_[-7:], 16)
    return Place(f"p{id_[-8:]}", tmp_path, FolderStore(artifacts), played, user, number, settings)


def published(sent: Envelope[Message]) -> ReleasePublished:
    """What the scheduler says of a release."""
    command = sent.data
    assert isinstance(command, PublishRelease)
    return ReleasePublished(
        version=command.version,
        package=command.package,
        platform_version="7.0.9000.1",
        application_version=f"{HIGH}.1.1",
        base_version=command.base_version,
        modules=command.modules,
        published_at=NOON,
    )


def submitted(sent: Envelope[Message]) -> PackageSubmitted:
    """What the validator says of a package."""
    command = sent.data
    assert isinstance(command, SubmitPackage)
    project = command.package.partition("/")[0]
    return PackageSubmitted(
        package=command.package, project=project, artifact=command.artifact, file_name=command.file_name
    )


def vendors_modules(folder: Path) -> Path:
    """The descriptors of a release of the vendor."""
    write(folder, {"v/Suite/Descriptor/S.xml": descriptor("S", "ApplicationSuite", ["Hole"], publisher="Microsoft")})
    return folder / "v"


# -- release import, publish, list


async def test_an_imported_release_is_published_with_its_module_list_in_the_store(place: Place) -> None:
    vendor = await place.package("vendor")
    out = place.folder / "list.json"
    importing = place.drydock(
        *("release", "import", vendors_modules(place.folder), "--version", place.version, "--package", vendor.package),
        *("--base-version", "27.0.38460.0", "--out", out, "-o", "json"),
    )
    printed, sent = await place.answered(importing, PublishRelease, published)
    assert printed.code == 0, printed.err
    assert printed.json["modules"] == sent.data.model_dump(mode="json")["modules"]
    assert isinstance(sent.data, PublishRelease)
    assert (sent.data.package, sent.data.base_version, sent.actor) == (vendor.package, "27.0.38460.0", "ada")
    assert sent.data.modules
    assert sent.data.modules.media_type == "application/json"
    content = await place.store.read(sent.data.modules.digest, limit=1 << 20)
    assert content == out.read_bytes()
    assert decode_release(content) == Release(
        version=place.version,
        platform_version="7.0.9000.1",
        application_version=f"{HIGH}.1.1",
        modules=(ReleaseModule(name="ApplicationSuite", version="1.2.3.4", references=("Hole",)),),
    )
    assert "1 module refers to hole, which the list lacks" in printed.err
    assert f"not in the list: 1 module of {vendor.package}: ApplicationPlatform" in printed.err


async def test_a_release_that_is_imported_again_keeps_the_base_it_was_published_with(place: Place) -> None:
    vendor = await place.package("vendor")
    await place.release(base_version="28.0.1.0")
    source = vendors_modules(place.folder)
    importing = place.drydock("release", "import", source, "--version", place.version, "--package", vendor.package)
    printed, sent = await place.answered(importing, PublishRelease, published)
    assert printed.code == 0, printed.err
    assert isinstance(sent.data, PublishRelease)
    assert sent.data.base_version == "28.0.1.0"
    assert f"module list  {sent.data.modules.digest if sent.data.modules else None}\n" in printed.out


async def test_a_refused_release_is_told_in_one_sentence(place: Place) -> None:
    vendor = await place.package("vendor")
    importing = place.drydock(
        *("release", "import", vendors_modules(place.folder), "--version", place.version, "--package", vendor.package)
    )
    printed, _ = await place.answered(
        importing,
        PublishRelease,
        lambda sent: CommandRejected(
            command_key=place.version,
            command_id=sent.id,
            command_type=sent.data.type,
            reason="RELEASE_EXISTS",
            message="it is another package",
        ),
    )
    assert (printed.code, printed.out) == (4, "")
    assert printed.err.endswith("refused (RELEASE_EXISTS): it is another package.\n")


async def test_what_cannot_become_a_release_is_refused_before_anything_is_sent(place: Place) -> None:
    vendor = await place.package("vendor")
    broken = await place.package("broken", status=PackageStatus.INVALID, contents={})
    await place.played.tell(broken.model_copy(update={"contents": None}))
    source = vendors_modules(place.folder)
    start = ("release", "import", source, "--version", place.version)
    for options, code, text in (
        (("--package", f"{place.project}/none"), 3, "there is no package"),
        (("--package", broken.package), 4, "is invalid; a release needs a valid platform package"),
        (
            ("--package", vendor.package, "--platform-version", "7.0.1.1"),
            4,
            f"the list is of platform version 7.0.1.1, package {vendor.package} brings 7.0.9000.1",
        ),
    ):
        printed = await place.drydock(*start, *options)
        assert (printed.code, printed.out) == (code, "")
        assert text in printed.err
    assert place.commands() == []


async def test_a_release_is_published_with_a_list_from_a_file_which_must_be_its_own(place: Place) -> None:
    vendor = await place.package("vendor")
    file = place.folder / "a list.json"
    release = Release(version=place.version, modules=(ReleaseModule(name="ApplicationPlatform"),))
    file.write_bytes(encode_release(release))
    other = await place.drydock("release", "publish", "1.2.3", "--package", vendor.package, "--modules", file)
    assert (other.code, other.err) == (1, f"{file} is the list of release {place.version}, not of 1.2.3\n")
    publishing = place.drydock("release", "publish", place.version, "--package", vendor.package, "--modules", file)
    printed, sent = await place.answered(publishing, PublishRelease, published)
    assert printed.code == 0, printed.err
    assert isinstance(sent.data, PublishRelease)
    assert sent.data.modules
    stored = decode_release(await place.store.read(sent.data.modules.digest, limit=1 << 20))
    assert (stored.modules, stored.platform_version) == (release.modules, "7.0.9000.1")
    without = place.drydock("release", "publish", place.version, "--package", vendor.package)
    _, sent = await place.answered(without, PublishRelease, published)
    assert isinstance(sent.data, PublishRelease)
    assert sent.data.modules is None


async def test_releases_are_listed_newest_first(place: Place) -> None:
    older = await place.release(version=f"{place.version}.1", application_version=f"{HIGH}.1.9")
    newer = await place.release(version=f"{place.version}.2", application_version=f"{HIGH}.1.10")
    printed = await place.drydock("release", "list", "-o", "jsonl")
    listed = [json.loads(line)["version"] for line in printed.out.splitlines()]
    assert [one for one in listed if one in (older.version, newer.version)] == [newer.version, older.version]


# -- package check


async def test_a_package_is_checked_against_the_modules_of_a_published_release(place: Place) -> None:
    release = Release(version="0.0", modules=(ReleaseModule(name="ApplicationPlatform"),))
    await place.release(
        modules=await place.stored(encode_release(release)),
        platform_version=CUSTOMIZATION_V1.platform_version,
    )
    file = CUSTOMIZATION_V1.write(place.folder)
    printed = await place.drydock("package", "check", file, "--release", place.version, "-o", "json")
    assert (printed.code, printed.err) == (1, "")
    [finding] = [one for one in printed.json["findings"] if one["severity"] == "error"]
    assert finding["message"] == "ContosoLoyalty refers to applicationfoundation, which nothing provides"
    await place.release(modules=await place.stored(encode_release(release)), platform_version="7.0.1.1")
    printed = await place.drydock("package", "check", file, "--release", place.version, "-o", "json")
    assert "DP701" in {one["rule"] for one in printed.json["findings"]}


async def test_without_the_release_or_its_list_nothing_is_decided(place: Place) -> None:
    file = CUSTOMIZATION_V1.write(place.folder)
    check = ("package", "check", file, "--release", place.version, "-o", "json")
    unknown = await place.drydock(*check)
    assert (unknown.code, unknown.json["verdict"]) == (10, "unchecked")
    assert f"release {place.version} is not published here" in unknown.err
    await place.release()
    without = await place.drydock(*check)
    assert without.code == 10
    assert f"drydock release import SOURCE --version {place.version} --package {place.project}/vendor" in without.err
    await place.release(modules=await place.stored(b"{"))
    damaged = await place.drydock(*check)
    assert (damaged.code, "not a release file" in damaged.json["reason"]) == (10, True)
    lost = ArtifactRef(digest=f"sha256:{'0' * 64}", size=1, media_type="application/json")
    await place.release(modules=lost)
    gone = await place.drydock(*check)
    assert (gone.code, lost.digest in gone.json["reason"]) == (10, True)


async def test_a_package_is_checked_against_what_an_environment_runs(place: Place) -> None:
    base = await built(place.store, PLATFORM, place.folder)
    image = (await built(place.store, CUSTOMIZATION_V2, place.folder, base.image.digest)).image.digest
    running = update().model_copy(update={"image": image})
    there = await place.environment(running=running)
    file = CUSTOMIZATION_V1.write(place.folder)
    printed = await place.drydock("package", "check", file, "--environment", there.environment, "-o", "json")
    assert (printed.code, printed.err) == (0, "")
    target = printed.json["target"]
    assert (target["environment"], target["image"]) == (there.environment, image)
    assert target["modules"]["missing"] == [{"name": "ContosoReports", "version": "1.0.0.0"}]
    none = await place.drydock("package", "check", file, "--environment", "nowhere", "-o", "json")
    assert (none.code, "there is no environment nowhere" in none.json["reason"]) == (10, True)
    await place.environment(running=None)
    empty = await place.drydock("package", "check", file, "--environment", there.environment, "-o", "json")
    assert (empty.code, "runs nothing" in empty.json["reason"]) == (10, True)


# -- release available


async def test_the_release_that_an_environment_is_behind_is_saved_as_a_package_of_its_project(place: Place) -> None:
    there = await place.environment()
    vendor = await place.package("vendor", b"the vendor's file", project="vendors", package=f"vendors/v{place.number}")
    # Newer than those of other tests: its own number counts last.
    release = await place.release(package=vendor.package, application_version=f"{HIGH}.2.{place.number}")
    printed = await place.drydock("release", "available", there.environment, "-o", "json")
    assert (printed.code, printed.err) == (0, "")
    assert printed.json["release"]["version"] == release.version
    assert (printed.json["current"], printed.json["packages"], printed.json["saved"]) == (False, [], None)
    table = await place.drydock("release", "available", there.environment)
    assert "27.0.38460.0, as now" in table.out

    saving = place.drydock("release", "available", there.environment, "--save", "-o", "id")
    printed, sent = await place.answered(saving, SubmitPackage, submitted)
    package = f"{place.project}/v{place.number}"
    assert (printed.code, printed.out) == (0, f"{package}\n")
    assert sent.data == SubmitPackage(package=package, artifact=vendor.artifact, file_name=vendor.file_name)

    await place.package(f"v{place.number}", b"the vendor's file")
    again = await place.drydock("release", "available", there.environment, "--save", "-o", "json")
    assert (again.code, again.json["saved"], again.json["packages"]) == (0, package, [package])
    assert len(place.commands()) == 1
    await place.played.tell(release.model_copy(update={"application_version": "1.0"}))


async def test_a_name_that_another_file_has_is_not_taken_for_the_release(place: Place) -> None:
    there = await place.environment()
    vendor = await place.package("vendor", b"the vendor's file", project="vendors", package=f"vendors/v{place.number}")
    release = await place.release(package=vendor.package, application_version=f"{HIGH}.3.{place.number}")
    await place.package(f"v{place.number}", b"something else")
    saving = place.drydock("release", "available", there.environment, "--save")
    printed, sent = await place.answered(saving, SubmitPackage, submitted)
    package = f"{place.project}/release-{release.version}"
    assert (printed.code, sent.data.key) == (0, package)
    assert ["saved", "as", package] == printed.out.split()[-3:]
    await place.played.tell(release.model_copy(update={"application_version": "1.0"}))


async def test_an_environment_that_is_behind_nothing_is_current(place: Place) -> None:
    there = await place.environment(running=update(version="999.0"))
    for options in ((), ("--save",)):
        printed = await place.drydock("release", "available", there.environment, *options)
        assert (printed.code, "nothing: it is behind no release" in printed.out) == (0, True)
    assert (await place.drydock("release", "available", there.environment, "-o", "json")).json["current"] is True
    assert (await place.drydock("release", "available", "nowhere")).code == 3
    assert place.commands() == []


# -- package list


async def test_packages_are_listed_that_can_be_applied_to_an_environment_and_why_the_others_cannot(
    place: Place,
) -> None:
    there = await place.environment(running=update(version="10.0.1"))
    custom = {"kind": PackageKind.CUSTOMIZATION, "platform_modules": ()}
    fits = await place.package("fits", contents={**custom, "platform_version": "7.0.7690.21"})
    higher = await place.package("higher", contents=custom)
    retired = await place.package("retired", status=PackageStatus.RETIRED)
    here = ("--applicable-to", there.environment)
    printed = await place.drydock("package", "list", place.project, *here, "-o", "id")
    assert (printed.code, printed.out) == (0, f"{fits.package}\n")
    assert f"2 packages of {place.project} cannot be applied; --all shows why" in printed.err
    every = await place.drydock("package", "list", *here, "--all", "-o", "json")
    assert {one["package"]: one["why_not"] for one in every.json} == {
        fits.package: None,
        higher.package: "built for platform 7.0.9000.1, which is higher than 7.0.7690.21",
        retired.package: "was retired",
    }
    table = (await place.drydock("package", "list", *here, "--all")).out
    assert "WHY NOT" in table
    assert "lacks ContosoSales, ContosoWarehouse: acknowledge to drop" in table
    only = await place.drydock("package", "list", place.project, "--status", "retired", "-o", "id")
    assert only.out == f"{retired.package}\n"
    assert (await place.drydock("package", "list", "other", *here)).code == 2
    assert (await place.drydock("package", "list", "--applicable-to", "nowhere")).code == 3
    assert (await place.drydock("package", "list", "--all")).code == 2


# -- package show


async def test_a_submitted_package_is_shown_with_what_was_found_and_what_its_verdict_rests_on(place: Place) -> None:
    finding = Finding(rule="DP704", severity=Severity.WARNING, path="a.xml", message="it lacks a module", fix="Add it.")
    report = await place.stored(b"{}")
    judged = Judged(report=report, errors=0, warnings=1, rules="r1", release="10.0.45", checked_at=NOON)
    found = await place.package("one", findings=(finding,), judged=judged)
    table = (await place.drydock("package", "show", found.package)).out
    rows = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in table.splitlines())
    assert (rows["status"], rows["vendor's modules"], rows["report"]) == ("valid", "1", report.digest)
    assert (rows["against release"], rows["found"]) == ("10.0.45", "0 errors, 1 warning")
    assert rows["warning DP704"] == "a.xml: it lacks a module. Add it."
    shown = await place.drydock("package", "show", found.package, "-o", "json")
    assert shown.json == found.model_dump(mode="json")
    none = await place.drydock("package", "show", f"{place.project}/none")
    assert (none.code, none.err) == (3, f"there is no file and no package {place.project}/none\n")
    file = await place.drydock("package", "show", f"{place.project}/none.zip")
    assert (file.code, "cannot be read" in file.err) == (10, True)


async def test_what_no_topic_names_is_collected_and_nothing_else(place: Place) -> None:
    place.settings["DRYDOCK_ARTIFACTS"] = str(place.folder / "artifacts")
    place.store = FolderStore(place.folder / "artifacts")
    kept = await place.package("vendor", b"kept")
    unnamed = await place.stored(b"unnamed")
    built_image = (await built(place.store, PLATFORM, place.folder)).image
    await place.environment(running=update().model_copy(update={"image": built_image.digest}))
    blobs = place.folder / "artifacts/blobs/sha256"
    for blob in blobs.iterdir():
        os.utime(blob, (NOON.timestamp(), NOON.timestamp()))
    before = {f"sha256:{blob.name}" for blob in blobs.iterdir()}
    done = await place.drydock("store", "gc", "-o", "json")
    assert (done.code, [one["count"] for one in done.json]) == (0, [1])
    assert before - {f"sha256:{blob.name}" for blob in blobs.iterdir()} == {unnamed.digest}
    assert kept.artifact.digest in before
    usage = {one["kind"]: one for one in (await place.drydock("store", "usage", "-o", "json")).json}
    assert (usage["trash"]["count"], usage["layers"]["unreferenced"]) == (1, 0)
