"""What is collected: never anything that somebody refers to, whatever goes on beside it and wherever it is killed."""

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest

from shared.artifacts.errors import ArtifactCorruptError, ArtifactMissingError
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import CACHED_LAYER, LAYER, ImageLayer, ImageParts, load_image, write_image
from shared.artifacts.notes import forget_notes
from shared.artifacts.store_folder import StoreFolder
from shared.artifacts.sweep import GRACE, Deed, Step, blobs_of, carry_out, kept, needed, plan
from tests.support.effort import first_seed, times

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = 24 * 3600.0


def pass_time(folder: StoreFolder, seconds: float) -> None:
    """Everything was stored that much earlier."""
    for path in (*folder.blobs.iterdir(), *folder.trash.iterdir()):
        then = path.stat().st_mtime - seconds
        os.utime(path, (then, then))


def now() -> float:
    return datetime.now(UTC).timestamp()


def collect(folder: StoreFolder, roots: set[str], trash_for: float = GRACE) -> Iterator[Step]:
    """A whole run, step by step."""
    moment = now()
    found = blobs_of(folder)
    stays = kept(folder, found, roots, now=moment, grace=GRACE)
    return carry_out(folder, plan(found, stays, now=moment, trash_for=trash_for))


async def layer_of(store: FolderStore, number: int) -> ImageLayer:
    """The layer of a package, from the builder's cache if it is there."""
    name = f"cached-layers/{number}"
    if noted := (await store.noted([name])).get(name):
        cached = msgspec.json.decode(noted, type=ImageLayer)
        if not await store.missing([cached.digest]):
            return cached
    made = await store.put_bytes(b"layer %d" % number, LAYER)
    layer = ImageLayer(part="platform", digest=made.digest, size=made.size, diff_id=made.digest)
    content = msgspec.json.encode(layer)
    await store.note(name, content)
    # Earlier versions kept such a record among the artifacts, with a name.
    await store.set_reference(name, await store.put_bytes(content, CACHED_LAYER))
    return layer


def parts(number: int, package: str) -> ImageParts:
    return ImageParts(
        update_name=f"update {number}",
        platform_version="7.0",
        application_version="10.0",
        modules=(),
        packages={"platform": f"contoso/p@{package}"},
    )


async def building(store: FolderStore, number: int, refer: set[str]) -> AsyncIterator[None]:
    """Build an image of one of a few layers, with a pause after each effect, and refer to it at last."""
    package = await store.put_bytes(b"package %d" % (number % 3), "application/zip")
    yield
    layer = await layer_of(store, number % 3)
    yield
    image = await write_image(store, parts(number, package.digest), [layer], NOW)
    yield
    refer.add(image.digest)


class KilledError(BaseException):
    """The process is dead."""


@contextmanager
def killed_before(effect: int) -> Iterator[None]:
    """The `effect`-th change of the file system, counted from 0, and all after it do not happen."""
    real = Path.rename, Path.unlink, os.utime
    done = 0

    def dying(change: Callable[..., Any]) -> Callable[..., Any]:
        def attempt(*arguments: Any, **options: Any) -> Any:
            nonlocal done
            done += 1
            if done > effect:
                raise KilledError
            return change(*arguments, **options)

        return attempt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", dying(real[0]))
        patch.setattr(Path, "unlink", dying(real[1]))
        patch.setattr(os, "utime", dying(real[2]))
        yield


@dataclass
class World:
    """A store with whoever uses it. `live` are the images that somebody refers to, `ever` all that ever were."""

    folder: StoreFolder
    trash_for: float
    live: set[str] = field(default_factory=set)
    ever: set[str] = field(default_factory=set)
    builds: list[AsyncIterator[None]] = field(default_factory=list)
    runs: list[Iterator[Step]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = FolderStore(self.folder.root)

    async def act(self, what: str, number: int) -> None:
        if what == "build":
            self.builds.append(building(self.store, number, self.live))
        elif what == "go on" and self.builds:
            if await anext(self.builds[number % len(self.builds)], "ended"):
                self.builds.pop(number % len(self.builds))
        elif what == "kill a build" and self.builds:
            self.builds.pop(number % len(self.builds))
            FolderStore(self.folder.root)
        elif what == "refer no longer" and self.live:
            self.live.discard(sorted(self.live)[number % len(self.live)])
        elif what == "refer again" and self.ever:
            await self._refer_again(sorted(self.ever)[number % len(self.ever)])
        elif what == "collect":
            self.runs.append(collect(self.folder, set(self.live), self.trash_for))
        elif what == "sweep on" and self.runs:
            next(self.runs[number % len(self.runs)], None)
        elif what == "collect at once":
            list(collect(self.folder, set(self.live), self.trash_for))
        elif what == "collect and be killed":
            with killed_before(number), suppress(KilledError):
                list(collect(self.folder, set(self.live), self.trash_for))
        elif what == "a day passes":  # builds and runs take less
            self.builds.clear()
            self.runs.clear()
            pass_time(self.folder, DAY)
        self.ever |= self.live

    async def _refer_again(self, image: str) -> None:
        """As whoever has it from somewhere: he asks whether all of it is there before he says that he needs it."""
        try:
            found = await load_image(self.store, image)
        except ArtifactMissingError:
            return
        if all([await self.store.exists(layer.digest) for layer in found.layers]):
            packages = found.contents.packages.values()
            if all([await self.store.exists(name.rpartition("@")[2]) for name in packages]):
                self.live.add(image)

    def check(self) -> None:
        """All that is referred to can still be read."""
        found = blobs_of(self.folder)
        for image in self.live:
            assert image in found
            assert len(needed(self.folder, found, {image})) == 4  # with its config, layer and package


WEIGHTS = {
    "build": 3,
    "go on": 12,
    "kill a build": 1,
    "refer no longer": 2,
    "refer again": 2,
    "collect": 4,
    "collect at once": 6,
    "sweep on": 16,
    "collect and be killed": 2,
    "a day passes": 2,
}


@pytest.mark.parametrize("trash_for", [0.0, GRACE])
@pytest.mark.parametrize("seed", range(first_seed(1), first_seed(1) + times(2)))
def test_nothing_that_is_referred_to_is_ever_gone_and_garbage_is_in_the_end(trash_for: float, seed: int) -> None:
    # Without a time in the trash it must hold as well: that is a second line, for what nobody has thought of.
    async def live(root: Path) -> None:
        world = World(StoreFolder(root), trash_for)
        draw = random.Random(seed)
        for what in draw.choices(list(WEIGHTS), list(WEIGHTS.values()), k=300):
            await world.act(what, draw.randrange(24))
            world.check()
        for _ in range(3):
            pass_time(world.folder, DAY)
            list(collect(world.folder, world.live))
        world.check()
        found = blobs_of(world.folder)
        stays = needed(world.folder, found, world.live)
        assert {one.digest for one in found.values() if one.media_type != CACHED_LAYER} == stays
        assert not any(one.trashed for one in found.values())
        index = json.loads(world.folder.index.read_bytes())["manifests"]
        named = {entry["digest"] for entry in index if "manifest" in entry["mediaType"]}
        assert named == world.live
        assert len(index) - len(named) <= len(world.live)  # records of cached layers go with the layers

    with TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder)))


@pytest.fixture
def folder(tmp_path: Path) -> StoreFolder:
    return StoreFolder(tmp_path / "store")


async def image_in(folder: StoreFolder, number: int = 0) -> str:
    referred: set[str] = set()
    async for _ in building(FolderStore(folder.root), number, referred):
        pass
    return referred.pop()


def deeds(steps: Iterator[Step]) -> dict[Deed, int]:
    """How many blobs each was done with."""
    return dict(Counter(deed for deed, _ in steps))


async def test_what_nobody_refers_to_goes_into_the_trash_and_after_a_day_there_is_deleted(folder: StoreFolder) -> None:
    gone, stays = await image_in(folder, 1), await image_in(folder, 2)
    assert deeds(collect(folder, {stays})) == {}
    pass_time(folder, DAY)
    assert deeds(collect(folder, {stays})) == {Deed.PUT_ASIDE: 5}
    assert deeds(collect(folder, {stays})) == {}
    pass_time(folder, DAY)
    assert deeds(collect(folder, {stays})) == {Deed.DELETE: 5}
    found = {one.media_type for one in blobs_of(folder).values()}
    assert CACHED_LAYER in found  # the layer's record stays with it
    assert len(blobs_of(folder)) == len(list(folder.media_types.iterdir())) == 5
    with pytest.raises(ArtifactMissingError):
        await load_image(FolderStore(folder.root), gone)


@pytest.mark.parametrize("by", ["asking for it", "a run that finds it referred to"])
async def test_what_is_in_the_trash_comes_back_with_its_name(folder: StoreFolder, by: str) -> None:
    image = await image_in(folder)
    store = FolderStore(folder.root)
    pass_time(folder, DAY)
    list(collect(folder, set()))
    assert await store.references() == {}
    if by == "asking for it":
        assert await store.exists(image)
    else:
        assert deeds(collect(folder, {image})) == {Deed.BRING_BACK: 4}
    assert set(await store.references()) == {f"images/{image[7:]}"}
    pass_time(folder, DAY / 2)
    assert Deed.PUT_ASIDE not in deeds(collect(folder, set()))


async def test_what_is_used_after_a_run_has_listed_it_stays(folder: StoreFolder) -> None:
    image = await image_in(folder)
    pass_time(folder, DAY)
    run = collect(folder, set())
    found = await load_image(FolderStore(folder.root), image)
    swept = {blob.digest for _, blob in run}
    assert image not in swept
    assert found.layers[0].digest in swept  # nobody has asked for it


async def test_nothing_is_collected_where_an_image_cannot_be_read_that_is_needed(folder: StoreFolder) -> None:
    image = await image_in(folder)
    folder.blob(image).write_bytes(b"{")
    with pytest.raises(ArtifactCorruptError, match="nothing is collected"):
        collect(folder, {image})


async def test_a_layer_that_a_build_takes_from_the_cache_stays_until_its_image_is_there(folder: StoreFolder) -> None:
    await image_in(folder)
    pass_time(folder, DAY)
    referred: set[str] = set()
    build = building(FolderStore(folder.root), 3, referred)  # another image with that layer
    await anext(build)
    await anext(build)
    for _ in range(2):
        list(collect(folder, set(), trash_for=0))
    await anext(build)
    await anext(build, None)
    found = blobs_of(folder)
    assert len(needed(folder, found, referred)) == 4
    assert not any(found[one].trashed for one in needed(folder, found, referred))


async def test_what_another_tool_has_named_in_the_index_stays(folder: StoreFolder) -> None:
    image = await image_in(folder)
    index = json.loads(folder.index.read_bytes())
    for entry in index["manifests"]:
        if entry["digest"] == image:
            entry["annotations"] = {"org.opencontainers.image.ref.name": "mine"}
    folder.index.write_text(json.dumps(index))
    pass_time(folder, DAY)
    assert deeds(collect(folder, set())) == {}


async def test_notes_that_nobody_has_read_for_long_are_forgotten(folder: StoreFolder) -> None:
    store = FolderStore(folder.root)
    for name in ("read", "unread"):
        await store.note(name, b"x")
    for path in folder.notes.iterdir():
        os.utime(path, (now() - 2 * DAY, now() - 2 * DAY))
    await store.noted(["read"])
    assert forget_notes(folder, unread_since=now() - DAY) == 1
    assert await store.noted(["read", "unread"]) == {"read": b"x"}
