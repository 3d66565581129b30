"""Pushing to and pulling from a registry that asks who it is, damages bytes, or has no referrers API.

Real registries: tests/integration/image_tools.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest

from deploy.demo.packages import PLATFORM
from shared.artifacts.errors import ArtifactCorruptError, ArtifactMissingError
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import MANIFEST, Image
from shared.artifacts.registry import Registry, RegistryError, RegistryPlace
from tests.support.demo_images import built

PLACE = RegistryPlace.parse("registry.example/contoso/erp:x")
REPOSITORY = "/v2/contoso/erp/"


@dataclass
class Small:
    """As much of a registry as the client speaks to. With a `secret`, it wants a token that is got for it."""

    secret: str = ""
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    unknown: int = 0
    uploads: str = ""
    """Another host that takes uploads."""

    async def answer(self, request: httpx.Request) -> httpx.Response:
        path, method = request.url.path, request.method
        if path == "/token":
            assert parse_qs(request.url.query.decode())["scope"] == ["repository:contoso/erp:push,pull"]
            good = request.headers.get("Authorization", "").startswith("Basic ")
            return httpx.Response(200, json={"token": self.secret}) if good else httpx.Response(401)
        if request.url.host != PLACE.host:
            assert "Authorization" not in request.headers
        elif self.secret and request.headers.get("Authorization") != f"Bearer {self.secret}":
            self.unknown += 1
            realm = 'Bearer realm="https://tokens.example/token",service="r",scope="repository:contoso/erp:push,pull"'
            return httpx.Response(401, headers={"WWW-Authenticate": realm})
        content = await request.aread()
        what, _, name = path.removeprefix(REPOSITORY).partition("/")
        if what == "blobs" and method == "POST":
            return httpx.Response(202, headers={"Location": f"{self.uploads}{REPOSITORY}blobs/uploads/1?state=a"})
        if what == "blobs" and method == "PUT":
            assert parse_qs(request.url.query.decode())["state"] == ["a"]
            digest = parse_qs(request.url.query.decode())["digest"][0]
            assert digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
            self.blobs[digest] = content
            return httpx.Response(201)
        if what == "blobs":
            found = self.blobs.get(name)
            return httpx.Response(404) if found is None else httpx.Response(200, stream=httpx.ByteStream(found))
        if what == "manifests" and method == "PUT":
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
            self.manifests[name] = self.manifests[digest] = (request.headers["Content-Type"], content)
            return httpx.Response(201)
        if what == "manifests" and name in self.manifests:
            kind, document = self.manifests[name]
            return httpx.Response(200, headers={"Content-Type": kind}, content=document)
        return httpx.Response(404, json={"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]})

    def client(self, *, user: str = "", password: str = "") -> Registry:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        return Registry(PLACE, user=user, password=password, client=http)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
async def image(store: FolderStore, tmp_path: Path) -> Image:
    return (await built(store, PLATFORM, tmp_path)).image


async def test_a_registry_that_asks_gets_a_token_and_one_that_is_not_satisfied_is_told_of(
    store: FolderStore, image: Image, tmp_path: Path
) -> None:
    small = Small(secret="s3")
    async with small.client(user="ci", password="pw") as registry:
        await registry.push(store, image, "x")
        assert small.unknown == 1
        assert await registry.pull(FolderStore(tmp_path / "other"), "x") == image
    async with small.client() as registry:
        with pytest.raises(RegistryError, match=r"registry.example/contoso/erp answers 401"):
            await registry.pull(FolderStore(tmp_path / "third"), "x")


async def test_another_host_that_takes_uploads_does_not_get_the_token(store: FolderStore, image: Image) -> None:
    small = Small(secret="s3", uploads="https://uploads.example")
    async with small.client(user="ci", password="pw") as registry:
        await registry.push(store, image, "x")
    assert len(small.blobs) == 2


@pytest.mark.parametrize("what", ["a layer", "the config"])
async def test_bytes_that_a_registry_has_damaged_are_not_taken(
    store: FolderStore, image: Image, tmp_path: Path, what: str
) -> None:
    small = Small()
    async with small.client() as registry:
        await registry.push(store, image, "x")
        manifest = json.loads(await store.read(image.digest, limit=1 << 20))
        digest = manifest["config"]["digest"] if what == "the config" else image.layers[0].digest
        small.blobs[digest] = small.blobs[digest][:-1] + b"?"
        other = FolderStore(tmp_path / "other")
        with pytest.raises(ArtifactCorruptError, match=f"other bytes under {digest}"):
            await registry.pull(other, "x")
        assert await other.references() == {}


async def test_another_image_than_the_digest_asked_for_is_not_taken(store: FolderStore, image: Image) -> None:
    small = Small()
    async with small.client() as registry:
        await registry.push(store, image, "x")
        kind, document = small.manifests[image.digest]
        small.manifests[image.digest] = (kind, document + b" ")
        with pytest.raises(ArtifactCorruptError, match="other bytes under sha256"):
            await registry.pull(store, image.digest)
        with pytest.raises(ArtifactMissingError, match="has no y"):
            await registry.pull(store, "y")


async def test_referrers_stand_under_a_tag_where_there_is_no_api_each_once(store: FolderStore, image: Image) -> None:
    empty = await store.put_bytes(b"{}", "application/vnd.oci.empty.v1+json")
    part = {"mediaType": empty.media_type, "digest": empty.digest, "size": empty.size}
    subject = {"mediaType": MANIFEST, "digest": image.digest, "size": 1}
    kept = []
    for kind in ("a/x", "a/y"):
        document = {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": kind, "config": part, "layers": [part]}
        stored = await store.put_bytes(json.dumps({**document, "subject": subject}).encode(), MANIFEST)
        await store.set_reference(f"note/{stored.digest[7:]}", stored)
        kept.append((stored.digest, kind))
    small = Small()
    async with small.client() as registry:
        for _ in range(2):
            await registry.push(store, image, "x")
        found = [(one["digest"], one["artifactType"]) for one in await registry.referrers(image.digest)]
    assert sorted(found) == sorted(kept)
    assert image.digest.replace(":", "-") in small.manifests


@pytest.mark.parametrize(
    ("text", "here", "reference"),
    [
        ("127.0.0.1:5000/a/b:tag", True, "tag"),
        ("localhost/a", True, None),
        ("[::1]:5000/a:1", True, "1"),
        (f"registry.example/a/b-c/d@sha256:{'0' * 64}", False, f"sha256:{'0' * 64}"),
        ("127.example:443/a", False, None),
    ],
)
def test_a_place_says_its_host_and_whether_it_is_on_this_machine(text: str, here: bool, reference: str | None) -> None:
    place = RegistryPlace.parse(text)
    assert (place.is_here, place.reference) == (here, reference)


@pytest.mark.parametrize("text", ["a", "host/Upper", "host/a:", "http://host/a", "host/a@sha256:12", "host/../a"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no place in a registry"):
        RegistryPlace.parse(text)
