"""What we write is read by the tools and registries of others: `make image-tools-test` brings those and runs this."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it has no types
import pytest

from deploy.demo.packages import CUSTOMIZATION_V1, CUSTOMIZATION_V2, PLATFORM
from services.image_builder.image_build import build_image
from shared.artifacts.errors import ArtifactMissingError
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import MANIFEST, Image, verify_image
from shared.artifacts.image_files import export_image
from shared.artifacts.port import Descriptor
from shared.artifacts.registry import Registry, RegistryError, RegistryPlace
from shared.artifacts.store_folder import StoreFolder
from shared.formats.oci_image import Compression
from tests.support.demo_images import stored
from tests.support.oci_images import all_files

pytestmark = [
    pytest.mark.image_tools,
    pytest.mark.skipif(
        "DRYDOCK_IMAGE_TOOLS_TEST" not in os.environ, reason="needs tools of others: run `make image-tools-test`"
    ),
]
LESS = replace(CUSTOMIZATION_V2, name="less", modules=(CUSTOMIZATION_V2.modules[0],), removals=("contosoreports",))


def needs(tool: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"{tool} is not installed")


async def made(folder: Path, compression: Compression = "zstd") -> Image:
    """An image that has lost a module, in a store of its own."""
    store = FolderStore(folder / "store")
    image: Image | None = None
    for package in (PLATFORM, CUSTOMIZATION_V1, CUSTOMIZATION_V2, LESS):
        image = (
            await build_image(
                store,
                await stored(store, package, folder),
                update_name=package.name,
                base=image.digest if image else None,
                compression=compression,
            )
        ).image
    assert image
    return image


def run(*words: object, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def named(folder: Path, image: Image) -> str:
    return f"{folder / 'store'}:images/{image.digest[7:]}"


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@needs("skopeo")
@pytest.mark.parametrize("compression", ["zstd", "gzip", "none"])
async def test_skopeo_reads_and_copies_an_image_from_the_store_as_it_is(
    tmp_path: Path, compression: Compression
) -> None:
    image = await made(tmp_path, compression)
    told = json.loads(run("skopeo", "inspect", f"oci:{named(tmp_path, image)}"))
    assert (told["Digest"], told["Layers"]) == (image.digest, [one.digest for one in image.layers])
    copy = f"oci:{tmp_path / 'copy'}:copy"
    run("skopeo", "copy", "--preserve-digests", f"oci:{named(tmp_path, image)}", copy)
    (copied,) = json.loads((tmp_path / "copy/index.json").read_bytes())["manifests"]
    assert copied["digest"] == image.digest


@needs("skopeo")
async def test_skopeo_reads_what_is_exported(tmp_path: Path) -> None:
    image = await made(tmp_path)
    await export_image(FolderStore(tmp_path / "store"), image, tmp_path / "image.tar")
    told = json.loads(run("skopeo", "inspect", f"oci-archive:{tmp_path / 'image.tar'}"))
    assert told["Digest"] == image.digest


@needs("umoci")
@pytest.mark.parametrize("compression", ["gzip", "none"])
async def test_umoci_unpacks_the_files_and_none_of_a_removed_module(tmp_path: Path, compression: Compression) -> None:
    image = await made(tmp_path, compression)
    # umoci takes no slash in a name.
    run("skopeo", "copy", f"oci:{named(tmp_path, image)}", f"oci:{tmp_path / 'plain'}:image")
    run("umoci", "unpack", "--rootless", "--image", f"{tmp_path / 'plain'}:image", tmp_path / "bundle")
    found = files_in(tmp_path / "bundle/rootfs")
    assert found == all_files(tmp_path / "store", image)
    assert not any("reports" in name for name in found)


@needs("buildah")
async def test_buildah_pulls_an_image_and_sees_its_files(tmp_path: Path) -> None:
    image = await made(tmp_path)
    (tmp_path / "run").mkdir()
    storage = ("--root", tmp_path / "containers", "--runroot", tmp_path / "run", "--storage-driver", "vfs")
    policy = tmp_path / "policy.json"
    policy.write_text('{"default":[{"type":"insecureAcceptAnything"}]}')
    container = run("buildah", *storage, "from", "--signature-policy", policy, f"oci:{named(tmp_path, image)}").strip()
    try:
        place = Path(run("buildah", *storage, "mount", container).strip())
        found = {name: content for name, content in files_in(place).items() if name.startswith("modules/")}
        assert found == all_files(tmp_path / "store", image)
    finally:
        run("buildah", *storage, "rm", container)


def schema(name: str) -> dict[str, Any]:
    """A schema of the image-spec, what it refers to put in its place."""
    folder = Path(os.environ["DRYDOCK_OCI_SCHEMAS"])

    def whole(node: Any, file: str) -> Any:
        if isinstance(node, list):
            return [whole(one, file) for one in node]
        if not isinstance(node, dict):
            return node
        if isinstance(reference := node.get("$ref"), str):
            other, _, path = reference.partition("#")
            target = json.loads((folder / (other or file)).read_text())
            for step in path.split("/")[1:]:
                target = target[step]
            return whole(target, other or file)
        return {
            name: whole(value, file) for name, value in node.items() if not (name == "id" and isinstance(value, str))
        }

    found: dict[str, Any] = whole(json.loads((folder / name).read_text()), name)
    return found


@pytest.mark.skipif("DRYDOCK_OCI_SCHEMAS" not in os.environ, reason="DRYDOCK_OCI_SCHEMAS names no folder")
async def test_every_document_of_an_image_is_as_the_schemas_of_the_specification_say(tmp_path: Path) -> None:
    image = await made(tmp_path)
    folder = StoreFolder(tmp_path / "store")
    manifest = json.loads(folder.blob(image.digest).read_bytes())
    config = json.loads(folder.blob(manifest["config"]["digest"]).read_bytes())
    for name, document in (
        ("image-manifest-schema.json", manifest),
        ("config-schema.json", config),
        ("image-index-schema.json", json.loads(folder.index.read_bytes())),
        ("image-layout-schema.json", json.loads((folder.root / "oci-layout").read_bytes())),
    ):
        jsonschema.Draft4Validator(schema(name)).validate(document)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(schema("image-manifest-schema.json")).validate({**manifest, "schemaVersion": 1})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(params=["docker-registry", "with the referrers API"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The host of a registry: of Debian, without the referrers API; and one that has it."""
    if request.param == "docker-registry":
        if (program := shutil.which("docker-registry")) is None:
            pytest.skip("docker-registry is not installed")
        port = free_port()
        config = tmp_path / "registry.yml"
        config.write_text(
            "version: 0.1\nlog: {level: error}\n"
            f"storage: {{filesystem: {{rootdirectory: {tmp_path / 'registry'}}}}}\n"
            f"http: {{addr: '127.0.0.1:{port}'}}\n"
        )
        process = subprocess.Popen(
            [program, "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
        )
    else:
        if (program := os.environ.get("DRYDOCK_REFERRERS_REGISTRY")) is None:
            pytest.skip("DRYDOCK_REFERRERS_REGISTRY names no program")
        process = subprocess.Popen([program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout
        port = int(process.stdout.readline())
    try:
        while process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except ConnectionRefusedError:
                continue
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
        if process.stdout:
            process.stdout.close()


async def refer(store: FolderStore, image: Image, text: bytes) -> Descriptor:
    """Something that has the image as its subject."""
    empty = await store.put_bytes(b"{}", "application/vnd.oci.empty.v1+json")
    said = await store.put_bytes(text, "text/plain")
    size = (await store.describe(image.digest)).size
    described = [{"mediaType": one.media_type, "digest": one.digest, "size": one.size} for one in (empty, said)]
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": "application/vnd.example.note",
        "config": described[0],
        "layers": described[1:],
        "subject": {"mediaType": MANIFEST, "digest": image.digest, "size": size},
    }
    kept = await store.put_bytes(json.dumps(document, sort_keys=True).encode(), MANIFEST)
    await store.set_reference(f"referrers/{image.digest[7:]}/{kept.digest[7:]}", kept)
    return kept


async def test_an_image_goes_to_a_registry_and_comes_back_with_what_refers_to_it(registry: str, tmp_path: Path) -> None:
    image = await made(tmp_path)
    store = FolderStore(tmp_path / "store")
    notes = [await refer(store, image, text) for text in (b"first", b"second")]
    place = RegistryPlace.parse(f"{registry}/contoso/erp:november")
    async with Registry(place) as there:
        assert await there.push(store, image, place.reference) > sum(one.size for one in image.layers)
        # What is there is not sent again.
        assert await there.push(store, image, place.reference) < 30_000
        assert {one["digest"] for one in await there.referrers(image.digest)} == {one.digest for one in notes}
        other = FolderStore(tmp_path / "other")
        assert await there.pull(other, "november") == image
        assert await there.pull(other, image.digest) == image
        assert await other.missing([one.digest for one in notes]) == frozenset()
        with pytest.raises(ArtifactMissingError, match="has no december"):
            await there.pull(other, "december")
    assert await verify_image(other, image.digest) == ()
    assert all_files(tmp_path / "other", image) == all_files(tmp_path / "store", image)


@needs("skopeo")
async def test_skopeo_takes_what_we_push_and_we_take_what_skopeo_pushes(registry: str, tmp_path: Path) -> None:
    image = await made(tmp_path)
    store = FolderStore(tmp_path / "store")
    place = RegistryPlace.parse(f"{registry}/contoso/erp:ours")
    async with Registry(place) as there:
        await there.push(store, image, "ours")
        told = json.loads(
            await asyncio.to_thread(
                run, "skopeo", "inspect", "--tls-verify=false", f"docker://{registry}/contoso/erp:ours"
            )
        )
        assert told["Digest"] == image.digest
        target = f"docker://{registry}/contoso/erp:theirs"
        source = f"oci:{named(tmp_path, image)}"
        await asyncio.to_thread(run, "skopeo", "copy", "--dest-tls-verify=false", source, target)
        assert (await there.pull(FolderStore(tmp_path / "other"), "theirs")).digest == image.digest


async def test_a_registry_that_is_not_there_is_said_not_to_answer(tmp_path: Path) -> None:
    place = RegistryPlace.parse(f"127.0.0.1:{free_port()}/contoso/erp:x")
    async with Registry(place) as there:
        with pytest.raises(RegistryError, match="does not answer"):
            await there.pull(FolderStore(tmp_path / "store"), "x")
