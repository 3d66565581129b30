"""The step of a build, on packages as the library writes them: what an image says of them, and whose fault it is."""

from pathlib import Path

import msgspec
import pytest

from services.image_builder.domain.work import BuildInput, Built
from services.image_builder.steps import Steps
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import load_image, verify_image
from shared.contracts.image_builder import BuildImage, Reason
from shared.contracts.parts import ArtifactRef, ImageContents, Module, PackageContents, PackageKind
from shared.formats.deployable_package.damage.faults import build_sample
from shared.formats.deployable_package.judge.check import check_package
from shared.formats.deployable_package.judge.target import TargetImage, TargetModule
from shared.formats.deployable_package.read.kinds import DeployableKind as SampleKind
from shared.formats.deployable_package.write.build import (
    BuildOptions,
    ModuleSource,
    placeholder_files,
    plan_package,
    write_package,
)
from shared.kernel import Transient

PLATFORM, APPLICATION = "7.0.7606.108", "10.0.2345.10"


class Attempt:
    """As much of a job as the step asks for."""

    def log(self, text: str) -> None:
        """Nobody listens."""

    def progress(self, done: float, total: float, unit: str) -> None:
        """Nor here."""


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def modules(*found: ModuleSource) -> tuple[Module, ...]:
    return tuple(Module(name=one.name, version=one.version) for one in found)


async def request(store: FolderStore, package: bytes, contents: PackageContents, base: str | None) -> BuildImage:
    kept = await store.put_bytes(package, "application/zip")
    return BuildImage(
        environment="contoso-test",
        operation="op-1",
        update_name="U1",
        base_image=base,
        package="contoso/one",
        artifact=ArtifactRef.of(kept),
        contents=contents,
        base_version=None,
        may_drop=(),
    )


def contents(kind: PackageKind, *own: ModuleSource, platform: tuple[ModuleSource, ...] = ()) -> PackageContents:
    return PackageContents(
        kind=kind,
        modules=modules(*own),
        platform_modules=modules(*platform),
        removed_modules=(),
        platform_version=PLATFORM,
        application_version=APPLICATION,
    )


async def build(store: FolderStore, asked: BuildImage, base: ImageContents | None = None) -> Built:
    return await Steps(store).build(BuildInput(request=asked, base=base), Attempt())  # type: ignore[arg-type]  # see there


VENDORS = (
    ModuleSource("ApplicationPlatform", "7.0.0.0", (), placeholder_files("ApplicationPlatform"), is_vendors=True),
    ModuleSource("ApplicationSuite", "10.0.5.0", (), placeholder_files("ApplicationSuite"), is_vendors=True),
)
OLD = ModuleSource("ContosoOld", "1.2.3.0", ("ApplicationPlatform",), placeholder_files("ContosoOld"))


async def platform_image(store: FolderStore) -> Built:
    asked = await request(
        store, build_sample(kind=SampleKind.PLATFORM), contents(PackageKind.PLATFORM, platform=VENDORS), None
    )
    built = await build(store, asked)
    assert built.image
    return built


async def custom_image(store: FolderStore, folder: Path) -> Built:
    """The image of a module that refers to the platform alone."""
    base = await platform_image(store)
    write_package(plan_package([OLD], BuildOptions(SampleKind.CUSTOMIZATION, PLATFORM)), folder / "old.zip")
    content = (folder / "old.zip").read_bytes()
    asked = await request(store, content, contents(PackageKind.CUSTOMIZATION, OLD), base.image)
    return await build(store, asked, base.contents)


async def test_an_image_says_which_modules_a_module_refers_to_and_no_more(store: FolderStore, tmp_path: Path) -> None:
    built = await custom_image(store, tmp_path)
    assert built.image
    (old,) = (await load_image(store, built.image)).contents.part("customization")
    # Every nuspec names the vendor's framework-staticmetadata as well, which is no module.
    assert old.references == ("applicationplatform",)
    assert built.contents
    assert built.contents.modules == (Module(name="ContosoOld", version="1.2.3.0"),)


async def test_a_module_that_was_stripped_to_the_platform_may_be_removed_without_a_warning(
    store: FolderStore, tmp_path: Path
) -> None:
    built = await custom_image(store, tmp_path)
    assert built.image
    image = await load_image(store, built.image)
    running = tuple(
        TargetModule(one.name, one.version, "", one.references) for one in image.contents.part("customization")
    )
    new = ModuleSource("ContosoNew", "1.0.0.0", (), placeholder_files("ContosoNew"))
    options = BuildOptions(SampleKind.CUSTOMIZATION, PLATFORM, removed=("ContosoOld",))
    write_package(plan_package([new], options), tmp_path / "next.zip")
    verdict = check_package(tmp_path / "next.zip", target=TargetImage(PLATFORM, APPLICATION, running))
    assert [finding.rule for finding in verdict.findings] == ["DP706"]


async def test_a_package_that_takes_the_last_module_away_makes_an_image_without_customization(
    store: FolderStore, tmp_path: Path
) -> None:
    before = await custom_image(store, tmp_path)
    options = BuildOptions(SampleKind.CUSTOMIZATION, PLATFORM, removed=("ContosoOld",))
    write_package(plan_package([], options), tmp_path / "none.zip")
    verdict = check_package(tmp_path / "none.zip")
    assert [finding.rule for finding in verdict.findings] == ["DP211"]
    said = contents(PackageKind.CUSTOMIZATION).model_copy(update={"removed_modules": verdict.removed_modules})
    asked = await request(store, (tmp_path / "none.zip").read_bytes(), said, before.image)
    built = await build(store, asked, before.contents)
    assert built.image
    assert built.contents
    assert (built.contents.modules, built.contents.dropped) == ((), ())
    image = await load_image(store, built.image)
    assert [layer.part for layer in image.layers] == ["platform"]
    assert await verify_image(store, built.image) == ()


async def test_why_there_is_no_image_is_told_by_its_reason(store: FolderStore, tmp_path: Path) -> None:
    built = await custom_image(store, tmp_path)
    other = ModuleSource("ContosoNew", "1.0.0.0", (), placeholder_files("ContosoNew"))
    write_package(plan_package([other], BuildOptions(SampleKind.CUSTOMIZATION, PLATFORM)), tmp_path / "new.zip")
    content, said = (tmp_path / "new.zip").read_bytes(), contents(PackageKind.CUSTOMIZATION, other)
    # The package holds another module than what is said of it.
    lying = contents(PackageKind.CUSTOMIZATION, OLD)
    for asked, reason, text in (
        (await request(store, content, said, built.image), Reason.MODULES_MISSING, "lacks ContosoOld"),
        (await request(store, content, said, None), Reason.PLATFORM_NEEDED, "apply a platform package first"),
        (await request(store, content, lying, built.image), Reason.ARTIFACT_DAMAGED, "DP303"),
        (await request(store, b"<html>", lying, built.image), Reason.ARTIFACT_DAMAGED, "DP101"),
    ):
        failed = await build(store, asked, built.contents)
        assert failed.problem, reason
        assert failed.problem.reason == reason
        assert text in failed.problem.message
        assert (failed.image, failed.contents) == (None, None)


async def test_a_file_that_cannot_be_read_is_tried_again(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await request(
        store, build_sample(kind=SampleKind.PLATFORM), contents(PackageKind.PLATFORM, platform=VENDORS), None
    )

    def broken(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.pread", broken)
    with pytest.raises(Transient, match="cannot be read"):
        await build(store, asked)
    monkeypatch.undo()
    assert (await build(store, asked)).image


async def test_the_same_layers_are_taken_from_the_store_for_another_update(store: FolderStore, tmp_path: Path) -> None:
    first = await custom_image(store, tmp_path)
    again = await custom_image(store, tmp_path)
    assert first.image
    assert again.image == first.image
    assert msgspec.json.encode(await load_image(store, first.image))
