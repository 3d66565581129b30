"""The index of an artifact store: the OCI image index at its top, which names images and what else has a name."""

import json
from collections.abc import Callable, Collection
from typing import Any

import rfc8785

from shared.artifacts.errors import ArtifactCorruptError
from shared.artifacts.image import CACHED_LAYERS, IMAGES, MANIFEST
from shared.artifacts.port import Descriptor, digest_hex
from shared.artifacts.store_folder import StoreFolder, write_atomically
from shared.artifacts.subject import REFERRERS, manifest_reference

_MEDIA_TYPE = "application/vnd.oci.image.index.v1+json"
_REF_NAME = "org.opencontainers.image.ref.name"
# Stands in the index once every image of the store does.
_COMPLETE = {"dev.drydock.index": "images"}

Entry = dict[str, Any]


class LayoutIndex:
    """index.json of a folder. Any number of processes may use it at once."""

    def __init__(self, layout: StoreFolder) -> None:
        self._layout = layout

    def prepare(self) -> None:
        """Make the index where there is none, and one of all images where they were not named yet."""
        try:
            if self._read().get("annotations") == _COMPLETE:
                return
        except FileNotFoundError:
            pass
        with self._layout.changing_index():
            entries = self.entries() if self._layout.index.exists() else []
            named = {entry["digest"] for entry in entries}
            self._write(
                [*entries, *(_entry(one, self._name(one)) for one in self._images() if one.digest not in named)]
            )

    def entries(self) -> list[Entry]:
        """The descriptors as they stand there; raise ArtifactCorruptError where it is no index."""
        found: list[Entry] = self._read()["manifests"]
        return found

    def references(self) -> dict[str, Descriptor]:
        """What has a name, by it."""
        return {
            entry["annotations"][_REF_NAME]: Descriptor(entry["mediaType"], entry["digest"], entry["size"])
            for entry in self.entries()
            if _REF_NAME in entry.get("annotations", {})
        }

    def named_by_others(self) -> set[str]:
        """The digests of what another tool has put there, an image say: its names are none of ours."""
        names = ((entry["digest"], entry.get("annotations", {}).get(_REF_NAME, "")) for entry in self.entries())
        return {digest for digest, name in names if not name.startswith((IMAGES, CACHED_LAYERS, REFERRERS))}

    def set(self, name: str, target: Descriptor) -> None:
        """Let a name mean this and nothing else."""
        new = _entry(target, name)
        self._change(lambda entry: entry == new or entry.get("annotations", {}).get(_REF_NAME) != name, [new])

    def drop(self, digests: Collection[str]) -> None:
        """Forget every entry of these artifacts."""
        self._change(lambda entry: entry["digest"] not in digests, [])

    def _change(self, keep: Callable[[Entry], bool], new: list[Entry]) -> None:
        with self._layout.changing_index():
            before = self.entries()
            after = [entry for entry in before if keep(entry)]
            after += [entry for entry in new if entry not in after]
            if after != before:
                self._write(after)

    def _images(self) -> list[Descriptor]:
        """The image manifests among the blobs, the oldest first."""
        found = []
        for path in self._layout.media_types.iterdir():
            digest = f"sha256:{path.name}"
            blob = self._layout.blobs / path.name
            if path.name.startswith(".") or not blob.exists() or self._layout.media_type(digest) != MANIFEST:
                continue
            status = blob.stat()
            found.append((status.st_mtime, digest, status.st_size))
        return [Descriptor(MANIFEST, digest, size) for _, digest, size in sorted(found)]

    def _name(self, manifest: Descriptor) -> str:
        return manifest_reference(manifest.digest, self._layout.blob(manifest.digest).read_bytes())

    def _read(self) -> dict[str, Any]:
        path = self._layout.index
        try:
            found: dict[str, Any] = json.loads(path.read_bytes())
            for entry in found["manifests"]:
                digest_hex(entry["digest"])
        except (ValueError, KeyError, TypeError) as error:
            raise ArtifactCorruptError(f"{path} is no OCI index: {error}") from error
        return found

    def _write(self, entries: list[Entry]) -> None:
        index: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": _MEDIA_TYPE,
            "manifests": entries,
            "annotations": _COMPLETE,
        }
        write_atomically(self._layout.index, rfc8785.dumps(index))


def _entry(target: Descriptor, name: str) -> Entry:
    return {
        "mediaType": target.media_type,
        "digest": target.digest,
        "size": target.size,
        "annotations": {_REF_NAME: name},
    }
