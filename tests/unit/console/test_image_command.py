"""`drydock image`: what is said of images, and their way out of the store and back."""

import asyncio
import hashlib
import json
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.demo.packages import CUSTOMIZATION_V1, CUSTOMIZATION_V2, PLATFORM, DemoModule
from services.console.cli import app
from services.console.cli.running import Exit
from services.console.client import Client
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import Image, verify_image
from shared.artifacts.store_folder import StoreFolder
from shared.contracts.package_validator import PackageSnapshot, PackageStatus
from shared.contracts.parts import ArtifactRef, Module, PackageContents, PackageKind
from tests.support.demo_images import built
from tests.support.oci_images import all_files

Run = Callable[..., tuple[int, str, str]]
LOYALTY = CUSTOMIZATION_V1.modules[0]
REBUILT = replace(CUSTOMIZATION_V1, name="rebuilt", modules=(replace(LOYALTY, size=100),))
LESS = replace(CUSTOMIZATION_V2, name="less", modules=(CUSTOMIZATION_V2.modules[0],), removals=("contosoreports",))


@pytest.fixture
def drydock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on a store of its own: exit code, stdout, stderr."""
    monkeypatch.setenv("DRYDOCK_KAFKA", "127.0.0.1:9")
    monkeypatch.setenv("DRYDOCK_ARTIFACTS", str(tmp_path / "store"))

    def run(*words: object) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, [str(word) for word in words])
        return done.exit_code, done.stdout, done.stderr

    return run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Image]]:
    """A store with some images on each other."""
    folder = tmp_path_factory.mktemp("made")

    async def make() -> dict[str, Image]:
        store = FolderStore(folder / "store")
        base = (await built(store, PLATFORM, folder)).image
        first = (await built(store, CUSTOMIZATION_V1, folder, base.digest)).image
        second = (await built(store, CUSTOMIZATION_V2, folder, first.digest)).image
        return {
            "base": base,
            "first": first,
            "second": second,
            "rebuilt": (await built(store, REBUILT, folder, base.digest)).image,
            "less": (await built(store, LESS, folder, second.digest)).image,
        }

    return folder / "store", asyncio.run(make())


@pytest.fixture
def images(made: tuple[Path, dict[str, Image]], tmp_path: Path) -> dict[str, Image]:
    """Those images, in a copy of that store."""
    shutil.copytree(made[0], tmp_path / "store")
    return made[1]


def test_an_image_is_shown_by_the_first_digits_of_its_digest_with_what_it_lost(
    drydock: Run, images: dict[str, Image]
) -> None:
    image = images["less"]
    code, out, _ = drydock("image", "show", image.digest[:20])
    assert code == 0
    lines = [line.split("  ", 1) for line in out.splitlines()]
    shown = {name: text.strip() for name, text in lines if name != "layer"}
    assert shown["image"] == image.digest
    assert shown["lost"].startswith("ContosoReports, removed by ModuleToRemove.txt of sha256:")
    assert shown["promotable"] == "yes"
    assert [text.strip().split(",")[0] for name, text in lines if name == "layer"] == [
        "platform part",
        "ContosoLoyalty 1.1.0.0",
    ]
    told = json.loads(drydock("image", "show", image.digest, "-o", "json")[1])
    assert (told["digest"], told["promotable"]) == (image.digest, True)


@pytest.mark.parametrize("word", ["sha256:0000000000", "sha256:", "abcdef0"])
def test_what_is_no_image_is_said_to_be_none(drydock: Run, images: dict[str, Image], word: str) -> None:
    code, out, said = drydock("image", "show", word)
    assert (code, out) == (Exit.NOT_FOUND, "")
    assert word in said


def differences(out: str) -> set[tuple[str, str, str]]:
    return {(one["what"], one["name"], one["change"]) for one in json.loads(out)}


def test_two_images_differ_in_modules_versions_and_files(drydock: Run, images: dict[str, Image]) -> None:
    first, second = images["first"].digest, images["second"].digest
    code, out, _ = drydock("image", "diff", first, second, "-o", "json")
    assert code == 0
    assert differences(out) == {
        ("version", "update", "changed"),
        ("module", "ContosoLoyalty", "changed"),
        ("module", "ContosoReports", "added"),
    }
    with_files = differences(drydock("image", "diff", first, second, "--files", "-o", "json")[1])
    assert ("file", "modules/contosoreports/bin/Dynamics.AX.ContosoReports.dll", "added") in with_files
    assert ("file", "modules/contosoloyalty/bin/ContosoLoyalty.md", "changed") in with_files
    assert not any(name.startswith("modules/application") for _, name, _ in with_files)


def test_a_module_of_the_same_version_with_other_files_is_rebuilt(drydock: Run, images: dict[str, Image]) -> None:
    _, out, _ = drydock("image", "diff", images["first"].digest, images["rebuilt"].digest, "-o", "json")
    assert ("module", "ContosoLoyalty", "rebuilt") in differences(out)


def test_an_image_does_not_differ_from_itself(drydock: Run, images: dict[str, Image]) -> None:
    code, out, said = drydock("image", "diff", images["first"].digest, images["first"].digest)
    assert (code, out, said.strip()) == (0, "", "no difference")


def test_all_files_of_an_image_are_unpacked_to_a_new_folder(
    drydock: Run, images: dict[str, Image], tmp_path: Path
) -> None:
    image, target = images["second"], tmp_path / "unpacked"
    code, _, said = drydock("image", "unpack", image.digest, target)
    assert (code, said.split()[1]) == (0, "files")
    found = {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}
    assert found == all_files(tmp_path / "store", image)
    code, _, said = drydock("image", "unpack", image.digest, target)
    assert (code, "is there already" in said) == (Exit.USAGE, True)


def test_a_damaged_layer_is_not_unpacked(drydock: Run, images: dict[str, Image], tmp_path: Path) -> None:
    image = images["second"]
    layer = StoreFolder(tmp_path / "store").blob(image.layers[1].digest)
    content = bytearray(layer.read_bytes())
    content[len(content) // 2] ^= 1
    layer.write_bytes(content)
    code, _, said = drydock("image", "unpack", image.digest, tmp_path / "unpacked")
    assert (code, image.layers[1].digest in said) == (Exit.FAILED, True)
    assert not (tmp_path / "unpacked").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_an_image_goes_as_one_file_to_another_store_the_same_bytes_each_time(
    drydock: Run, images: dict[str, Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = images["second"]
    for name in ("one.tar", "two.tar"):
        assert drydock("image", "export", image.digest, tmp_path / name)[0] == 0
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    monkeypatch.setenv("DRYDOCK_ARTIFACTS", str(tmp_path / "other"))
    other = FolderStore(tmp_path / "other")
    for _ in range(2):
        code, out, _ = drydock("image", "import", tmp_path / "one.tar")
        assert (code, out.strip()) == (0, image.digest)
    assert asyncio.run(verify_image(other, image.digest)) == ()
    assert set(asyncio.run(other.references())) == {f"images/{image.digest[7:]}"}


@pytest.mark.parametrize("damage", ["a layer", "the manifest", "no archive", "a layer is lacking"])
def test_a_damaged_archive_is_not_taken(
    drydock: Run, images: dict[str, Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    image = images["second"]
    drydock("image", "export", image.digest, tmp_path / "good.tar")
    layer = f"blobs/sha256/{image.layers[1].digest[7:]}"
    with tarfile.open(tmp_path / "good.tar") as good, tarfile.open(tmp_path / "bad.tar", "w") as bad:
        for member in good:
            content = good.extractfile(member)
            assert content
            broken = damage == "a layer" if member.name == layer else damage == "the manifest"
            if member.name != layer and not (damage == "the manifest" and image.digest[7:] in member.name):
                broken = False
            if member.name == layer and damage == "a layer is lacking":
                continue
            raw = bytearray(content.read())
            if broken:
                raw[len(raw) // 2] ^= 1
            (tmp_path / "member").write_bytes(raw)
            bad.add(tmp_path / "member", member.name)
    if damage == "no archive":
        (tmp_path / "bad.tar").write_bytes(hashlib.sha256(b"x").digest() * 99)
    monkeypatch.setenv("DRYDOCK_ARTIFACTS", str(tmp_path / "other"))
    other = FolderStore(tmp_path / "other")
    code, out, said = drydock("image", "import", tmp_path / "bad.tar")
    assert (code, out) == (Exit.FAILED, "")
    assert said.startswith("artifact store: ")
    assert asyncio.run(other.references()) == {}


Say = Callable[[PackageSnapshot], None]


@pytest.fixture
def installation(images: dict[str, Image], monkeypatch: pytest.MonkeyPatch) -> Say:
    """Makes the topics say what a package is."""

    def say(package: PackageSnapshot) -> None:
        async def view(self: Client, type_: object, key: str) -> PackageSnapshot | None:
            return package if (type_, key) == (PackageSnapshot, package.package) else None

        monkeypatch.setattr(Client, "view", view)

    return say


def package_of(*modules: DemoModule, removals: tuple[str, ...] = ()) -> PackageSnapshot:
    return PackageSnapshot(
        package="contoso/next",
        project="contoso",
        status=PackageStatus.VALID,
        artifact=ArtifactRef(digest=f"sha256:{'1' * 64}", size=1, media_type="application/zip"),
        file_name="next.zip",
        contents=PackageContents(
            kind=PackageKind.CUSTOMIZATION,
            modules=tuple(Module(name=one.name, version=one.version) for one in modules),
            platform_modules=(),
            removed_modules=removals,
            platform_version=PLATFORM.platform_version,
            application_version=None,
        ),
        findings=(),
        problem=None,
    )


def test_a_plan_says_what_would_happen_to_each_layer_and_builds_nothing(
    drydock: Run,
    images: dict[str, Image],
    tmp_path: Path,
    installation: Say,
) -> None:
    installation(package_of(replace(LOYALTY, version="1.2"), removals=("ContosoReports",)))
    before = sorted((tmp_path / "store/blobs/sha256").iterdir())
    code, out, said = drydock("image", "plan", "contoso/next", "--base", images["second"].digest)
    assert code == 0, said
    assert [line.split(None, 2)[2] for line in out.splitlines()[1:]] == [
        "the platform part as it is, 2 modules",
        "ContosoLoyalty is replaced",
        "ContosoReports is removed: ModuleToRemove.txt of contoso/next names it",
        "ContosoLoyalty 1.1.0.0 becomes 1.2",
    ]
    assert said.splitlines()[-1] == "promotable"
    assert sorted((tmp_path / "store/blobs/sha256").iterdir()) == before


def test_a_plan_that_would_be_refused_says_why_and_what_may_be_acknowledged(
    drydock: Run,
    images: dict[str, Image],
    installation: Say,
) -> None:
    installation(package_of(LOYALTY))
    command = ("image", "plan", "contoso/next", "--base", images["second"].digest)
    code, out, said = drydock(*command)
    assert (code, out) == (Exit.REFUSED, "")
    assert "refused (MODULES_MISSING): the package lacks ContosoReports" in said
    code, _, said = drydock(*command, "--acknowledge-missing", "ContosoReports")
    assert (code, said.splitlines()[-1]) == (0, "not promotable: ContosoReports is dropped")
