"""The store is an OCI image layout that names every image, as any OCI tool reads it (image-spec 1.1)."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.packages import CUSTOMIZATION_V1, PLATFORM
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import MANIFEST, write_image
from tests.support.demo_images import built

# image-spec: descriptor.md, annotations.md, image-layout.md, manifest.md, config.md
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")
REF_NAME = re.compile(r"[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*(?:/[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*)*")
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYERS = {f"application/vnd.oci.image.layer.v1.tar{compression}" for compression in ("", "+gzip", "+zstd")}
NAME = "org.opencontainers.image.ref.name"


def pointed_at(root: Path, descriptor: Mapping[str, Any]) -> bytes:
    """The content of a descriptor that is one."""
    assert MEDIA_TYPE.fullmatch(descriptor["mediaType"])
    assert DIGEST.fullmatch(descriptor["digest"])
    content: bytes = (root / "blobs/sha256" / descriptor["digest"][7:]).read_bytes()
    assert len(content) == descriptor["size"]
    assert all(isinstance(value, str) for value in descriptor.get("annotations", {}).values())
    return content


def images(root: Path) -> dict[str, str]:
    """Digests of the images that the layout has, by name; the structure of all of it is checked on the way."""
    assert json.loads((root / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads((root / "index.json").read_bytes())
    assert (index["schemaVersion"], index["mediaType"]) == (2, INDEX)
    found = {}
    for entry in index["manifests"]:
        content = pointed_at(root, entry)
        if entry["mediaType"] != MANIFEST:
            continue
        name = entry["annotations"][NAME]
        assert REF_NAME.fullmatch(name)
        assert name not in found
        found[name] = entry["digest"]
        manifest = json.loads(content)
        assert (manifest["schemaVersion"], manifest["mediaType"]) == (2, MANIFEST)
        assert manifest["config"]["mediaType"] == CONFIG
        config = json.loads(pointed_at(root, manifest["config"]))
        assert {"architecture", "os", "rootfs"} <= set(config)
        assert config["rootfs"]["type"] == "layers"
        assert len(config["rootfs"]["diff_ids"]) == len(config["history"]) == len(manifest["layers"])
        for layer in manifest["layers"]:
            assert layer["mediaType"] in LAYERS
            pointed_at(root, layer)
    return found


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


async def test_every_image_stands_in_the_index_under_its_own_name(store: FolderStore, tmp_path: Path) -> None:
    base = (await built(store, PLATFORM, tmp_path)).image
    image = (await built(store, CUSTOMIZATION_V1, tmp_path, base.digest)).image
    named = {f"images/{one.digest[7:]}": one.digest for one in (base, image)}
    assert images(tmp_path / "store") == named
    # Built again it is the same entry.
    before = (tmp_path / "store/index.json").read_bytes()
    await write_image(store, image.contents, image.layers, image.created)
    assert (tmp_path / "store/index.json").read_bytes() == before


async def test_a_store_whose_images_were_never_named_names_them_when_it_is_opened(
    store: FolderStore, tmp_path: Path
) -> None:
    base = (await built(store, PLATFORM, tmp_path)).image
    image = (await built(store, CUSTOMIZATION_V1, tmp_path, base.digest)).image
    await store.set_reference("list", await store.put_bytes(b"{}", "application/json"))
    index = tmp_path / "store/index.json"
    then = json.loads(index.read_bytes())
    del then["annotations"]
    then["manifests"] = others = [one for one in then["manifests"] if one["mediaType"] != MANIFEST]
    assert others
    index.write_text(json.dumps(then))
    FolderStore(tmp_path / "store")
    assert set(images(tmp_path / "store").values()) == {base.digest, image.digest}
    assert all(one in json.loads(index.read_bytes())["manifests"] for one in others)
