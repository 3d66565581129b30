"""Images unpacked side by side, `releases/<hex of the image's digest>`, and the pointer `current` to one.

A release appears by rename when it is whole, so one that is there is right; half-unpacked ones have names
of their own and are swept. `image.json` in a release says what it holds.
"""

import asyncio
import shutil
import uuid
from pathlib import Path
from threading import Event

import msgspec

from services.servicing_executor.runtimes.port import Step, StepFailedError
from services.servicing_executor.runtimes.unpack import unpack
from shared.artifacts.image import Image, load_image
from shared.artifacts.port import ArtifactStore, digest_hex

_DRAFT = ".unpack-"


class Releases:
    """The releases of one environment in its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "releases"
        self._current = folder / "current"

    def path(self, image: str) -> Path:
        return self._folder / digest_hex(image)

    def current(self) -> str | None:
        """The digest of the image that `current` points to."""
        try:
            return f"sha256:{self._current.readlink().name}"
        except FileNotFoundError:
            return None

    def image(self, digest: str) -> Image:
        """What an unpacked release holds; StepFailedError where it is not unpacked."""
        try:
            return msgspec.json.decode((self.path(digest) / "image.json").read_bytes(), type=Image)
        except FileNotFoundError:
            raise StepFailedError(f"image {digest} was not prepared in this environment") from None

    async def prepare(self, step: Step, store: ArtifactStore, digest: str) -> None:
        """Unpack the image, every byte verified, unless it is there already."""
        target = self.path(digest)
        if target.is_dir():
            step.log(f"release {target.name[:12]} is there already")
            return
        await asyncio.to_thread(self._sweep)
        image = await load_image(store, digest)
        draft = self._folder / f"{_DRAFT}{uuid.uuid4().hex}"
        draft.mkdir(parents=True)
        cancelled = Event()
        try:
            for layer in image.layers:
                step.log(f"unpacking the {layer.part} layer ({layer.size / 1e6:.1f} MB)")
                async with store.local_file(layer.digest) as path:
                    await asyncio.to_thread(unpack, path, draft, cancelled)
            (draft / "image.json").write_bytes(msgspec.json.encode(image))
            step.log("all layers are unpacked")
            draft.rename(target)
        finally:
            cancelled.set()
            if draft.exists():
                await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)
        step.log(f"release {target.name[:12]} is ready with {len(image.contents.modules)} modules")

    def switch(self, digest: str) -> None:
        """Let `current` point to a prepared release, in one atomic move."""
        self.image(digest)
        draft = self._current.with_name(f".current-{uuid.uuid4().hex}")
        draft.symlink_to(Path("releases") / digest_hex(digest))
        draft.rename(self._current)

    def discard(self, digest: str) -> None:
        if self.current() == digest:
            raise StepFailedError(f"image {digest} is the current one: switch to another before discarding it")
        target = self.path(digest)
        draft = target.with_name(f"{_DRAFT}{uuid.uuid4().hex}")
        if target.is_dir():
            target.rename(draft)  # first out of sight: half a release must not look whole
            shutil.rmtree(draft)

    def _sweep(self) -> None:
        for draft in self._folder.glob(f"{_DRAFT}*"):
            shutil.rmtree(draft, ignore_errors=True)
        for link in self._current.parent.glob(".current-*"):
            link.unlink(missing_ok=True)
