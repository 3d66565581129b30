"""An OCI registry (distribution-spec 1.1) as a place that images are pushed to and pulled from.

What refers to an image, evidence say, goes with it: by the registry's referrers API, and where it has none by the tag
that the specification names instead (`sha256-<hex>`, an index of the referrers).
"""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin

import httpx
import rfc8785

from shared.artifacts.errors import ArtifactCorruptError, ArtifactMissingError, ArtifactStoreError
from shared.artifacts.image import MANIFEST, Image
from shared.artifacts.image_files import adopt_image
from shared.artifacts.port import ArtifactStore, Descriptor
from shared.artifacts.subject import referrer_reference

_INDEX = "application/vnd.oci.image.index.v1+json"
_JSON_LIMIT = 16 << 20
_CHUNK = 1 << 20
_REPLACED = 3
"""How often the index of referrers under a tag is written again because another wrote meanwhile."""
# The grammar of the distribution specification, with a tag or a digest behind.
_PLACE = re.compile(
    r"(?P<host>[A-Za-z0-9.-]+(?::\d+)?|\[[0-9a-fA-F:]+\](?::\d+)?)/"
    r"(?P<name>[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127})|@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


class RegistryError(ArtifactStoreError):
    """The registry did not do what was asked of it; the message says what it answered."""


@dataclass(frozen=True, slots=True)
class RegistryPlace:
    """`HOST[:PORT]/NAME[:TAG|@DIGEST]`."""

    host: str
    name: str
    reference: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raise ValueError where it is none."""
        found = _PLACE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no place in a registry: give HOST[:PORT]/NAME[:TAG], in small letters")
        return cls(found["host"], found["name"], found["tag"] or found["digest"])

    def __str__(self) -> str:
        return f"{self.host}/{self.name}"

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine: then it is spoken to without TLS."""
        name = self.host.rpartition(":")[0] if re.search(r":\d+$", self.host) else self.host
        try:
            return name == "localhost" or ip_address(name.strip("[]")).is_loopback
        except ValueError:
            return False


class Registry:
    """One repository of a registry. `user` and `password`: what it asks for, if it asks."""

    def __init__(
        self, place: RegistryPlace, *, user: str = "", password: str = "", client: httpx.AsyncClient | None = None
    ) -> None:
        self._place = place
        self._login = httpx.BasicAuth(user, password) if user else None
        scheme = "http" if place.is_here else "https"
        self._base = f"{scheme}://{place.host}/v2/{place.name}/"
        self._client = client or httpx.AsyncClient(timeout=httpx.Timeout(60.0), follow_redirects=True)
        self._authorization: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def push(self, store: ArtifactStore, image: Image, tag: str | None) -> int:
        """Bring an image there with what refers to it in the store; how many bytes went. Raise ArtifactStoreError."""
        sent = await self._push_manifest(store, image.digest, tag)
        for referrer in await _referrers_in(store, image.digest):
            sent += await self._push_manifest(store, referrer.digest, None)
            await self._announce(store, image.digest, referrer)
        return sent

    async def pull(self, store: ArtifactStore, reference: str) -> Image:
        """Store the image that a tag or digest means there, with what refers to it; every byte is checked."""
        content = await self._manifest(reference)
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if reference.startswith("sha256:") and digest != reference:
            raise ArtifactCorruptError(f"{self._place} has other bytes under {reference}, with digest {digest}")
        await self._pull_parts(store, content)
        image = await adopt_image(store, digest, content)
        for one in await self.referrers(digest):
            document = await self._manifest(one["digest"])
            await self._pull_parts(store, document)
            stored = await store.put_bytes(document, one["mediaType"])
            if stored.digest != one["digest"]:
                raise ArtifactCorruptError(f"{self._place} has other bytes under {one['digest']}")
            await store.set_reference(referrer_reference(digest, stored.digest), stored)
        return image

    async def referrers(self, digest: str) -> list[dict[str, Any]]:
        """The descriptors of what refers to an artifact."""
        answer = await self._ask("GET", f"referrers/{digest}", good=(200, 404))
        if answer.status_code == 404:
            return (await self._tagged(digest))[0]
        found: list[dict[str, Any]] = answer.json().get("manifests", [])
        return found

    async def _tagged(self, digest: str) -> tuple[list[dict[str, Any]], bytes]:
        tag = digest.replace(":", "-")
        answer = await self._ask("GET", f"manifests/{tag}", good=(200, 404), headers={"Accept": _INDEX})
        if answer.status_code == 404:
            return [], b""
        found: list[dict[str, Any]] = answer.json().get("manifests", [])
        return found, answer.content

    async def _announce(self, store: ArtifactStore, subject: str, referrer: Descriptor) -> None:
        """Put a referrer under the tag that stands for the referrers API, where there is no such API."""
        answer = await self._ask("GET", f"referrers/{subject}", good=(200, 404))
        if answer.status_code == 200:
            return
        document = json.loads(await store.read(referrer.digest, limit=_JSON_LIMIT))
        entry = {"mediaType": referrer.media_type, "digest": referrer.digest, "size": referrer.size}
        kind = document.get("artifactType") or document["config"]["mediaType"]
        entry |= {"artifactType": kind}
        if notes := document.get("annotations"):
            entry |= {"annotations": notes}
        for _ in range(_REPLACED):
            there, _content = await self._tagged(subject)
            if any(one["digest"] == referrer.digest for one in there):
                return
            index: dict[str, Any] = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [*there, entry]}
            await self._put_manifest(subject.replace(":", "-"), rfc8785.dumps(index), _INDEX)
        # Another process wrote at the same time; the last look decides.
        if not any(one["digest"] == referrer.digest for one in (await self._tagged(subject))[0]):
            raise RegistryError(f"{self._place}: others write the referrers of {subject} all the time; push again")

    async def _push_manifest(self, store: ArtifactStore, digest: str, tag: str | None) -> int:
        content = await store.read(digest, limit=_JSON_LIMIT)
        manifest = json.loads(content)
        sent = 0
        for one in (manifest["config"], *manifest["layers"]):
            sent += await self._push_blob(store, one["digest"], one["size"])
        await self._put_manifest(tag or digest, content, manifest.get("mediaType", MANIFEST))
        return sent + len(content)

    async def _put_manifest(self, reference: str, content: bytes, media_type: str) -> None:
        headers = {"Content-Type": media_type}
        await self._ask("PUT", f"manifests/{reference}", good=(201,), headers=headers, content=content)

    async def _push_blob(self, store: ArtifactStore, digest: str, size: int) -> int:
        there = await self._ask("HEAD", f"blobs/{digest}", good=(200, 404))
        if there.status_code == 200:
            return 0
        begun = await self._ask("POST", "blobs/uploads/", good=(202,))
        target = httpx.URL(urljoin(self._base, begun.headers["Location"])).copy_merge_params({"digest": digest})
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        await self._ask("PUT", str(target), good=(201,), headers=headers, content=store.open(digest))
        return size

    async def _manifest(self, reference: str) -> bytes:
        answer = await self._ask(
            "GET", f"manifests/{reference}", good=(200, 404), headers={"Accept": f"{MANIFEST}, {_INDEX}"}
        )
        if answer.status_code == 404:
            raise ArtifactMissingError(f"{self._place} has no {reference}")
        return answer.content

    async def _pull_parts(self, store: ArtifactStore, content: bytes) -> None:
        try:
            manifest = json.loads(content)
            parts = [
                (one["digest"], one["mediaType"], one["size"]) for one in (manifest["config"], *manifest["layers"])
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise ArtifactCorruptError(f"{self._place}: this is no image manifest: {error}") from error
        gone = await store.missing([digest for digest, _, _ in parts])
        await store.require_room(sum(size for digest, _, size in parts if digest in gone), f"pull from {self._place}")
        for digest, media_type, _ in parts:
            if digest in gone:
                stored = await store.put(self._blob(digest), media_type)
                if stored.digest != digest:
                    raise ArtifactCorruptError(f"{self._place} has other bytes under {digest}: {stored.digest}")

    async def _blob(self, digest: str) -> AsyncIterator[bytes]:
        await self._ask("HEAD", f"blobs/{digest}", good=(200,))  # so the right to read it is there
        url = urljoin(self._base, f"blobs/{digest}")
        try:
            async with self._client.stream("GET", url, headers=self._authorization) as answer:
                if answer.status_code != 200:
                    raise RegistryError(f"{self._place} answers {answer.status_code} to {digest}")
                async for chunk in answer.aiter_raw(_CHUNK):
                    yield chunk
        except httpx.HTTPError as error:
            raise self._failed(error) from error

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        good: tuple[int, ...],
        headers: Mapping[str, str] | None = None,
        content: bytes | AsyncIterator[bytes] | None = None,
    ) -> httpx.Response:
        """Ask once, and once more with a token where the registry wants one. Raise RegistryError."""
        url = urljoin(self._base, path)
        try:
            if isinstance(content, AsyncIterator):  # can be sent once only; what came before has brought the token
                answer = await self._send(method, url, headers, content)
            else:
                answer = await self._send(method, url, headers, content)
                if answer.status_code == 401 and await self._log_in(answer.headers.get("WWW-Authenticate", "")):
                    answer = await self._send(method, url, headers, content)
        except httpx.HTTPError as error:
            raise self._failed(error) from error
        if answer.status_code not in good:
            raise RegistryError(f"{self._place} answers {answer.status_code} to {method} {path}: {_said(answer)}")
        return answer

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str] | None, content: bytes | AsyncIterator[bytes] | None
    ) -> httpx.Response:
        # Uploads may go to another host, whose business our right to this one is not.
        own = httpx.URL(url).netloc == httpx.URL(self._base).netloc
        given = {**(headers or {}), **(self._authorization if own else {})}
        return await self._client.request(method, url, headers=given, content=content)

    async def _log_in(self, challenge: str) -> bool:
        """Get what a registry asks for; whether there is anything to try again with."""
        kind, _, rest = challenge.partition(" ")
        if kind.lower() == "basic" and self._login is not None:
            request = httpx.Request("GET", self._base)
            self._authorization = {"Authorization": next(self._login.auth_flow(request)).headers["Authorization"]}
            return True
        if kind.lower() != "bearer":
            return False
        asked = dict(_CHALLENGE.findall(rest))
        realm = asked.pop("realm", "")
        if not self._place.is_here and not realm.startswith("https://"):
            raise RegistryError(f"{self._place} sends its callers to {realm!r} for a token: only https is taken")
        answer = await self._client.get(realm, params=asked, auth=self._login)
        if answer.status_code != 200:
            return False
        token = answer.json()
        self._authorization = {"Authorization": f"Bearer {token.get('token') or token.get('access_token')}"}
        return True

    def _failed(self, error: httpx.HTTPError) -> RegistryError:
        return RegistryError(f"{self._place} does not answer: {error or type(error).__name__}")


def _said(answer: httpx.Response) -> str:
    try:
        return "; ".join(f"{one['code']} {one.get('message', '')}" for one in answer.json()["errors"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase


async def _referrers_in(store: ArtifactStore, digest: str) -> list[Descriptor]:
    """What in the index of a store has the artifact as its subject."""
    found: dict[str, Descriptor] = {}
    for one in (await store.references()).values():
        if one.media_type == MANIFEST and one.digest != digest:
            document = json.loads(await store.read(one.digest, limit=_JSON_LIMIT))
            if document.get("subject", {}).get("digest") == digest:
                found[one.digest] = one
        await asyncio.sleep(0)
    return sorted(found.values(), key=lambda one: one.digest)
