"""Images from packages: real OCI images, deterministic, and nothing is built twice."""

import hashlib
import io
import json
import tarfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard

from deploy.demo.packages import CUSTOMIZATION_V1, CUSTOMIZATION_V2, PLATFORM, DemoModule, DemoPackage
from services.image_builder.image_build import build_image
from services.image_builder.layer import LayerStream, file_header
from shared.artifacts.errors import ArtifactCorruptError, ArtifactMissingError
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import ImageLayer, ImageModule, load_image, verify_image, write_image
from shared.formats.deployable_package.read.package import PackageReader, PackageRefusedError
from tests.support.demo_images import built, stored


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def blob(tmp_path: Path, digest: str) -> Path:
    return tmp_path / "store/blobs/sha256" / digest.removeprefix("sha256:")


def members(tmp_path: Path, layer: ImageLayer) -> dict[str, tarfile.TarInfo]:
    packed = blob(tmp_path, layer.digest).read_bytes()
    with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed), read_across_frames=True) as stream:
        content = stream.read()
    assert layer.diff_id == f"sha256:{hashlib.sha256(content).hexdigest()}"
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {member.name: member for member in tar}


async def test_a_layer_holds_the_modules_files_sorted_and_without_time(store: FolderStore, tmp_path: Path) -> None:
    image = (await built(store, PLATFORM, tmp_path)).image
    found = members(tmp_path, image.layers[0])
    assert list(found) == [
        "modules/applicationfoundation/Resources/Migrations/001_customers.sql",
        "modules/applicationfoundation/bin/ApplicationFoundation.md",
        "modules/applicationfoundation/bin/Dynamics.AX.ApplicationFoundation.dll",
        "modules/applicationplatform/Resources/Migrations/001_system_tables.sql",
        "modules/applicationplatform/bin/ApplicationPlatform.md",
        "modules/applicationplatform/bin/Dynamics.AX.ApplicationPlatform.dll",
    ]
    assert {(m.mtime, m.uid, m.gid, m.mode, m.type) for m in found.values()} == {(0, 0, 0, 0o644, tarfile.REGTYPE)}


async def test_the_image_is_an_oci_image_whose_config_says_what_it_is(store: FolderStore, tmp_path: Path) -> None:
    base = await built(store, PLATFORM, tmp_path)
    image = (await built(store, CUSTOMIZATION_V1, tmp_path, base.image.digest)).image
    manifest = json.loads(blob(tmp_path, image.digest).read_bytes())
    config = json.loads(blob(tmp_path, manifest["config"]["digest"]).read_bytes())
    assert manifest["schemaVersion"] == 2
    assert [layer["annotations"]["dev.drydock.part"] for layer in manifest["layers"]] == [
        "platform",
        "customization",
    ]
    assert manifest["annotations"]["org.opencontainers.image.base.digest"] == base.image.digest
    assert manifest["annotations"]["dev.drydock.update-name"] == CUSTOMIZATION_V1.name
    assert config["created"] == "1970-01-01T00:00:00Z"
    assert config["rootfs"]["diff_ids"] == [layer.diff_id for layer in image.layers]
    assert config["dev.drydock.image"]["dropped"] == []
    assert [module["name"] for module in config["dev.drydock.image"]["modules"]] == [
        "ApplicationFoundation",
        "ApplicationPlatform",
        "ContosoLoyalty",
    ]
    assert await load_image(store, image.digest) == image


async def test_the_same_input_gives_the_same_digest_in_another_store(tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        store = FolderStore(folder / "store")
        base = await built(store, PLATFORM, folder)
        digests.add((await built(store, CUSTOMIZATION_V1, folder, base.image.digest)).image.digest)
    assert len(digests) == 1


@pytest.mark.parametrize("change", ["update name", "created", "content"])
async def test_another_input_gives_another_digest(store: FolderStore, tmp_path: Path, change: str) -> None:
    source = await stored(store, PLATFORM, tmp_path)
    first = await build_image(store, source, update_name="November")
    name = "December" if change == "update name" else "November"
    created = datetime(2026, 11, 21 if change == "created" else 1, tzinfo=UTC)
    if change == "content":
        module = replace(PLATFORM.modules[0], size=100)
        source = await stored(store, replace(PLATFORM, modules=(module, *PLATFORM.modules[1:])), tmp_path)
    if change == "created":
        second = await build_image(store, source, update_name=name, created=created)
    else:
        second = await build_image(store, source, update_name=name)
    assert first.image.digest != second.image.digest
    assert (first.image.layers == second.image.layers) == (change != "content")


async def test_no_byte_of_the_base_or_of_a_package_built_before_is_read(store: FolderStore, tmp_path: Path) -> None:
    platform = await stored(store, PLATFORM, tmp_path)
    base = await build_image(store, platform, update_name="base")
    assert base.built == ("platform",)
    (layer,) = base.image.layers
    for digest in (layer.digest, platform.digest):
        blob(tmp_path, digest).write_bytes(b"")  # whoever reads these bytes finds them corrupt

    again = await build_image(store, platform, update_name="base")
    assert (again.built, again.image) == ((), base.image)
    custom = await built(store, CUSTOMIZATION_V2, tmp_path, base.image.digest)
    assert custom.built == ("ContosoLoyalty", "ContosoReports")
    assert custom.image.layers_of("platform") == (layer,)


async def test_a_base_whose_layer_is_gone_or_a_package_that_is_damaged_is_the_machines_failure(
    store: FolderStore, tmp_path: Path
) -> None:
    base = await built(store, PLATFORM, tmp_path)
    source = await stored(store, CUSTOMIZATION_V1, tmp_path)
    package = blob(tmp_path, source.digest)
    content = package.read_bytes()
    for damaged in (content + b"x", content[:-9], b"not even a zip"):
        package.write_bytes(damaged)
        with pytest.raises(ArtifactCorruptError):
            await build_image(store, source, update_name="x", base=base.image.digest)
    package.write_bytes(content)
    assert (await build_image(store, source, update_name="x", base=base.image.digest)).built
    blob(tmp_path, base.image.layers[0].digest).unlink()
    with pytest.raises(ArtifactMissingError, match="of the base image is gone"):
        await built(store, CUSTOMIZATION_V1, tmp_path, base.image.digest)


async def test_verification_names_everything_that_is_wrong_with_an_image(store: FolderStore, tmp_path: Path) -> None:
    base = await built(store, PLATFORM, tmp_path)
    image = (await built(store, CUSTOMIZATION_V1, tmp_path, base.image.digest)).image
    assert await verify_image(store, image.digest) == ()
    platform, customization = image.layers
    blob(tmp_path, platform.digest).write_bytes(b"other")
    blob(tmp_path, customization.digest).unlink()
    problems = await verify_image(store, image.digest)
    assert [layer.digest in problem for layer, problem in zip(image.layers, problems, strict=True)] == [
        True,
        True,
    ]
    assert "other bytes" in problems[0]
    assert "is not in" in problems[1]
    blob(tmp_path, image.digest).write_bytes(b"{}")
    assert len(await verify_image(store, image.digest)) == 1


async def test_an_image_whose_manifest_and_config_lie_about_a_layer_does_not_verify(
    store: FolderStore, tmp_path: Path
) -> None:
    image = (await built(store, PLATFORM, tmp_path)).image
    (layer,) = image.layers
    lying = ImageLayer(part="platform", digest=layer.digest, size=layer.size + 1, diff_id=layer.digest)
    forged = await write_image(store, image.contents, [lying], image.created)
    size, content = await verify_image(store, forged.digest)
    assert f"has {layer.size} bytes, the manifest says {layer.size + 1}" in size
    assert f"unpacks to {layer.diff_id}" in content


async def test_something_that_is_no_image_is_not_loaded(store: FolderStore) -> None:
    descriptor = await store.put_bytes(b'{"schemaVersion":2}', "application/json")
    with pytest.raises(ArtifactCorruptError, match="is no image of Drydock"):
        await load_image(store, descriptor.digest)


def test_a_layer_has_the_same_bytes_with_any_number_of_threads_and_any_size_of_member(tmp_path: Path) -> None:
    module = DemoModule("Large", "1.0", size=70 << 20)  # beyond what is read in one piece
    small = tuple(DemoModule(f"Small{n}", "1.0", size=3 << 20) for n in range(4))
    package = DemoPackage("large", "platform", (module, *small))
    path = package.write(tmp_path)
    results = set()
    for threads in (1, 3):
        with PackageReader(path) as reader:
            members = (
                (f"modules/{m.name.lower()}/{file.path}", file)
                for m in package.modules
                for file in reader.payload(m.name, m.version)
            )
            stream = LayerStream(members, threads=threads)
            frames = list(stream)
            results.add((hashlib.sha256(b"".join(frames)).hexdigest(), stream.diff_id, stream.size))
            # A large file is cut in frames of 4 MiB, whatever chunks it is read in: the cut decides the layer's bytes.
            sizes = [len(zstandard.ZstdDecompressor().decompress(frame)) for frame in frames]
            assert sizes[:20] == [512, *[4 << 20] * 17, 2 << 20, 0]
    ((_, _, size),) = results
    assert size > 82 << 20


@pytest.mark.parametrize("path", ["modules/a/b.txt", "modules/" + "x" * 150 + "/b.txt", "modules/ä/b.txt"])
def test_tar_headers_are_read_back_by_tarfile(path: str) -> None:
    with tarfile.open(fileobj=io.BytesIO(file_header(path, 5) + b"hello".ljust(512, b"\0") + bytes(1024))) as tar:
        (member,) = tar.getmembers()
        assert (member.name, member.size, member.mode, member.mtime) == (path, 5, 0o644, 0)


async def test_a_payload_that_the_package_lacks_is_refused_and_leaves_no_image(
    store: FolderStore, tmp_path: Path
) -> None:
    source = await stored(store, CUSTOMIZATION_V1, tmp_path)
    source = replace(source, modules=(*source.modules, ImageModule(name="Other", version="1.0", part="customization")))
    base = await built(store, PLATFORM, tmp_path)
    with pytest.raises(PackageRefusedError, match=r"DP303 .*other\.1\.0\.zip: the package has no such file"):
        await build_image(store, source, update_name="x", base=base.image.digest)
