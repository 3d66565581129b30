"""The extensions of an environment in its folder: files `<hex of the digest>.app`, and `installed.json`.

A file appears by rename when it is whole and verified, so one that is there is right; drafts have names of their own
and are swept. `installed.json` is replaced as a whole: that is the moment at which the set is another one.
"""

import asyncio
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

import msgspec

from services.servicing_executor.runtimes.files import write_private
from services.servicing_executor.runtimes.port import ExtensionFile, Step, StepFailedError
from shared.artifacts.port import ArtifactStore, digest_hex

_DRAFT = ".fetch-"


class Extensions:
    """The extensions of one environment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._record = folder / "installed.json"

    def installed(self) -> tuple[ExtensionFile, ...]:
        """What the environment has."""
        return self._read().extensions

    def _read(self) -> "_Record":
        try:
            return msgspec.json.decode(self._record.read_bytes(), type=_Record)
        except FileNotFoundError:
            return _Record()

    async def fetch(self, step: Step, store: ArtifactStore, extensions: Sequence[ExtensionFile]) -> None:
        """Have the files of these extensions, every byte verified, beside those that are there."""
        if not self._folder.parent.is_dir():
            raise StepFailedError(f"environment {step.environment} was not provisioned on this machine")
        await asyncio.to_thread(self._folder.mkdir, exist_ok=True)
        await asyncio.to_thread(self._sweep)
        for one in extensions:
            if not self.path(one).exists():
                step.log(f"fetching {one}: {one.size} bytes")
                await self._fetch(store, one)
                step.log(f"{one} is whole")

    async def _fetch(self, store: ArtifactStore, one: ExtensionFile) -> None:
        draft = self._folder / f"{_DRAFT}{uuid.uuid4().hex}"
        try:
            async with store.local_file(one.digest) as path:
                await asyncio.to_thread(shutil.copyfile, path, draft)
            size = draft.stat().st_size
            if size != one.size:
                raise StepFailedError(f"the file of {one} has {size} bytes, {one.size} were named")
            draft.rename(self.path(one))
        finally:
            draft.unlink(missing_ok=True)

    async def set(self, step: Step, store: ArtifactStore, extensions: Sequence[ExtensionFile]) -> None:
        """Have exactly these extensions."""
        await self.fetch(step, store, extensions)
        record, after = self._read(), tuple(extensions)
        if set(record.extensions) == set(after):
            if record.step == step.key:
                # Whoever did it was ended before its log was kept.
                for line in record.changes:
                    step.log(line)
            step.log(f"the environment has exactly these {len(after)} extensions already")
            return
        changes = _changes(record.extensions, after)
        for line in changes:
            step.log(line)
        write_private(self._record, msgspec.json.encode(_Record(step.key, changes, after)).decode())
        step.log(f"the environment has {len(after)} extensions")

    def check(self, extensions: Sequence[ExtensionFile]) -> None:
        """Raise StepFailedError unless exactly these extensions are installed, and their files are there."""
        installed = {(one.app_id, one.version, one.digest): one for one in self.installed()}
        expected = {(one.app_id, one.version, one.digest): one for one in extensions}
        lacking = [str(expected[key]) for key in expected.keys() - installed.keys()]
        strange = [str(installed[key]) for key in installed.keys() - expected.keys()]
        if lacking or strange:
            raise StepFailedError(
                f"the environment has other extensions: missing {', '.join(sorted(lacking)) or 'none'}, "
                f"not expected {', '.join(sorted(strange)) or 'none'}"
            )
        if gone := [str(one) for one in extensions if not self.path(one).exists()]:
            raise StepFailedError(f"files of extensions are gone: {', '.join(gone)}")

    def discard_unused(self) -> None:
        """Remove the files of extensions that are not installed."""
        used = {self.path(one) for one in self.installed()}
        for path in self._folder.glob("*.app"):
            if path not in used:
                path.unlink(missing_ok=True)
        self._sweep()

    def path(self, one: ExtensionFile) -> Path:
        """The file of an extension; it need not be there."""
        return self._folder / f"{digest_hex(one.digest)}.app"

    def _sweep(self) -> None:
        for draft in self._folder.glob(f"{_DRAFT}*"):
            draft.unlink(missing_ok=True)


class _Record(msgspec.Struct, frozen=True):
    """What is installed; and the step that made it so, with what it changed."""

    step: str = ""
    changes: tuple[str, ...] = ()
    extensions: tuple[ExtensionFile, ...] = ()


def _changes(before: Sequence[ExtensionFile], after: Sequence[ExtensionFile]) -> tuple[str, ...]:
    """A line for each extension that goes or comes."""
    going, coming = {one.app_id: one for one in before}, {one.app_id: one for one in after}
    gone = _dependents_first([one for one in before if one.app_id not in coming])
    new = reversed(_dependents_first([one for one in after if one not in before]))
    return (
        *(f"taking out {one}; its data stays" for one in gone),
        *(
            f"putting in {one}" + (f" in the place of {going[one.app_id].version}" if one.app_id in going else "")
            for one in new
        ),
    )


def _dependents_first(extensions: Sequence[ExtensionFile]) -> list[ExtensionFile]:
    """Those that others of the list need come after these; a circle in the order of the list."""
    left, order = list(extensions), list[ExtensionFile]()
    while left:
        needed = {app_id for one in left for app_id in one.needs if app_id != one.app_id}
        free = [one for one in left if one.app_id not in needed] or left[:1]
        order += free
        left = [one for one in left if one not in free]
    return order
