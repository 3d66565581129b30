"""Images unpacked side by side, `releases/<hex of the image's digest>`, and the pointer `current` to one.

A release appears by rename when it is whole; half-unpacked ones have names of their own and are swept. `image.json`
in a release says what it holds, `manifest.json` how every byte of it is to be: whoever adopts one looks.
"""

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event

import msgspec

from services.servicing_executor.runtimes import manifest
from services.servicing_executor.runtimes.port import Step, StepFailedError
from services.servicing_executor.runtimes.unpack import unpack
from shared.artifacts.image import Image, load_image
from shared.artifacts.port import ArtifactStore, digest_hex

_DRAFT = ".unpack-"
_IMAGE = "image.json"
_NAMED = 5


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
            return msgspec.json.decode((self.path(digest) / _IMAGE).read_bytes(), type=Image)
        except FileNotFoundError:
            raise StepFailedError(f"image {digest} was not prepared in this environment") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StepFailedError(_words(self.path(digest), [_IMAGE])) from error

    async def prepare(self, step: Step, store: ArtifactStore, digest: str) -> None:
        """Have the image unpacked, every byte verified; what of it is there and damaged is unpacked again."""
        target = self.path(digest)
        if not target.is_dir():
            async with self._unpacked(step, store, digest) as draft:
                draft.rename(target)
            modules = len(self.image(digest).contents.modules)
            step.log(f"release {target.name[:12]} is ready with {modules} modules")
            return
        damaged = await _damaged(target)
        if damaged == ():
            step.log(f"release {target.name[:12]} is there already, every byte as it was unpacked")
            return
        step.log(_words(target, damaged))
        async with self._unpacked(step, store, digest) as draft:
            await asyncio.to_thread(_replace, draft, target, damaged)
        step.log(f"release {target.name[:12]} is healed")

    async def verify(self, step: Step, digest: str) -> None:
        """Raise StepFailedError where a file of the release is not as it was unpacked."""
        target = self.path(digest)
        damaged = await _damaged(target)
        if damaged:
            raise StepFailedError(_words(target, damaged))
        step.log(_words(target, None) if damaged is None else "every file of the release is as it was unpacked")

    @asynccontextmanager
    async def _unpacked(self, step: Step, store: ArtifactStore, digest: str) -> AsyncIterator[Path]:
        """The image in a folder of its own, which is gone afterwards unless it was moved away."""
        await asyncio.to_thread(self._sweep)
        image = await load_image(store, digest)
        draft = self._folder / f"{_DRAFT}{uuid.uuid4().hex}"
        draft.mkdir(parents=True)
        cancelled = Event()
        files: dict[str, manifest.FileDigest] = {}
        try:
            for layer in image.layers:
                step.log(f"unpacking the {layer.title} ({layer.size / 1e6:.1f} MB)")
                async with store.local_file(layer.digest) as path:
                    files |= await asyncio.to_thread(unpack, path, draft, cancelled, layer.media_type)
            content = msgspec.json.encode(image)
            (draft / _IMAGE).write_bytes(content)
            manifest.write(draft, files | {_IMAGE: manifest.digest_of(content)})
            step.log("all layers are unpacked")
            yield draft
        finally:
            cancelled.set()
            if draft.exists():
                await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)

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


async def _damaged(release: Path) -> tuple[str, ...] | None:
    """See manifest.damaged."""
    cancelled = Event()
    try:
        return await asyncio.to_thread(manifest.damaged, release, cancelled)
    finally:
        cancelled.set()


def _words(release: Path, damaged: Sequence[str] | None) -> str:
    if damaged is None:
        return f"release {release.name[:12]} was unpacked by an earlier version: its files cannot be verified"
    more = f" and {len(damaged) - _NAMED} more" if len(damaged) > _NAMED else ""
    return f"release {release.name[:12]} is damaged, not as it was unpacked: {', '.join(damaged[:_NAMED])}{more}"


def _replace(draft: Path, release: Path, damaged: Sequence[str] | None) -> None:
    """Put the damaged files of a release in order, and its manifest last: who is cut off here finds them again.

    One file after the other, as services may run from the release. Where its manifest says nothing: all of them.
    """
    if damaged is None or manifest.NAME in damaged:
        damaged = [str(path.relative_to(draft)) for path in draft.rglob("*") if path.is_file()]
    for name in (*(name for name in damaged if name != manifest.NAME), manifest.NAME):
        (release / name).parent.mkdir(parents=True, exist_ok=True)
        (draft / name).replace(release / name)
