"""What refers to an artifact: manifests with a subject and an artifact type (image-spec 1.1, manifest.md).

In the index of a store such a manifest is called `referrers/<hex of the subject>/<its own hex>`. It belongs to its
subject: it is kept as long as that is, and collected with it.

The specification wants a manifest as the subject. What is said of another artifact, a package say, names it in an
annotation instead, and is kept with it as well.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import rfc8785

from shared.artifacts.errors import ArtifactCorruptError, ArtifactMissingError
from shared.artifacts.image import MANIFEST
from shared.artifacts.port import ArtifactStore, Descriptor, digest_hex
from shared.artifacts.subject import ABOUT, REFERRERS, referrer_reference, subject_of

EMPTY = "application/vnd.oci.empty.v1+json"
_LIMIT = 16 << 20


@dataclass(frozen=True, slots=True)
class Referrer:
    """A manifest that refers to another artifact, and what it carries: `content` is the descriptor of that."""

    digest: str
    artifact_type: str
    content: Descriptor
    annotations: Mapping[str, str]


async def attach(
    store: ArtifactStore, subject: str, artifact_type: str, content: bytes, annotations: Mapping[str, str]
) -> str:
    """Store `content` as what refers to `subject`, which is stored already; the digest of its manifest.

    The same once more changes nothing. A crash in between leaves what nobody refers to, which is collected.
    """
    about = await store.describe(subject)
    config = await store.put_bytes(b"{}", EMPTY)
    layer = await store.put_bytes(content, artifact_type)
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": artifact_type,
        "config": _values(config),
        "layers": [_values(layer)],
        "annotations": dict(annotations),
    }
    if about.media_type == MANIFEST:
        manifest["subject"] = _values(about)
    else:
        manifest["annotations"] = {**annotations, ABOUT: subject}
    stored = await store.put_bytes(rfc8785.dumps(manifest), MANIFEST)
    await store.set_reference(referrer_reference(subject, stored.digest), stored)
    return stored.digest


async def referrers_of(store: ArtifactStore, subject: str) -> tuple[list[Referrer], list[str]]:
    """What refers to an artifact, by digest; and a sentence for each that is named so and cannot be read."""
    prefix = f"{REFERRERS}{digest_hex(subject)}/"
    found, problems = [], []
    names = await store.references()
    for name in sorted(one for one in names if one.startswith(prefix)):
        try:
            found.append(await _read(store, names[name].digest, subject))
        except (ArtifactMissingError, ArtifactCorruptError) as error:
            problems.append(str(error))
    return found, problems


async def _read(store: ArtifactStore, digest: str, subject: str) -> Referrer:
    try:
        manifest = json.loads(await store.read(digest, limit=_LIMIT))
        if subject_of(manifest) != subject:
            raise ArtifactCorruptError(f"{digest} is said to refer to {subject}, and refers to {subject_of(manifest)}")
        [layer] = manifest["layers"]
        content = Descriptor(layer["mediaType"], layer["digest"], layer["size"])
        annotations = msgspec.convert(manifest.get("annotations", {}), dict[str, str])
        return Referrer(digest, str(manifest.get("artifactType", "")), content, annotations)
    except (ValueError, KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
        raise ArtifactCorruptError(f"{digest} is no manifest of something that refers to {subject}: {error}") from error


def _values(one: Descriptor) -> dict[str, Any]:
    return {"mediaType": one.media_type, "digest": one.digest, "size": one.size}
