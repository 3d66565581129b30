"""A build that is killed anywhere leaves nothing half; the next one ends it, and only what is needed stays."""

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from deploy.demo.packages import PLATFORM, DemoModule, DemoPackage
from services.image_builder.domain.composition import PackageToApply
from services.image_builder.image_build import BuiltImage, build_image
from shared.artifacts.folder import FolderStore
from shared.artifacts.notes import forget_notes
from shared.artifacts.store_folder import StoreFolder
from shared.artifacts.sweep import GRACE, blobs_of, carry_out, kept, needed, plan
from shared.artifacts.verify import verify
from tests.support.demo_images import built, stored
from tests.support.effort import first_seed, times
from tests.support.killed_builds import build_and_die

NAMES = ("Freight", "Ledger", "Stock", "Tax")
DAY = 24 * 3600.0


def package_of(number: int) -> DemoPackage:
    """One of a few packages that have modules in common."""
    modules = tuple(DemoModule(name, f"1.{(number >> place) & 1}", size=20_000) for place, name in enumerate(NAMES))
    return DemoPackage(f"package{number}", "customization", modules)


@dataclass
class Yard:
    """A store, its packages, and the images that somebody refers to."""

    root: Path
    base: str
    packages: list[PackageToApply]
    live: set[str] = field(default_factory=set)

    async def build(self, number: int) -> BuiltImage:
        # As a process has a store of its own, which tidies up when it is opened.
        return await build_image(
            FolderStore(self.root), self.packages[number], update_name=f"update {number}", base=self.base
        )

    def build_and_die(self, number: int, after: int) -> bool:
        """See there."""
        return build_and_die(self.root, self.packages[number], f"update {number}", self.base, after)

    @property
    def folder(self) -> StoreFolder:
        return StoreFolder(self.root)

    def pass_a_day(self) -> None:
        for place in (self.folder.blobs, self.folder.trash, self.folder.notes):
            for path in place.iterdir():
                then = path.stat().st_mtime - DAY
                os.utime(path, (then, then))

    def collect(self, roots: set[str]) -> None:
        now = datetime.now(UTC).timestamp()
        found = blobs_of(self.folder)
        stays = kept(self.folder, found, roots, now=now, grace=GRACE)
        list(carry_out(self.folder, plan(found, stays, now=now, trash_for=GRACE)))
        forget_notes(self.folder, unread_since=now - GRACE)

    def roots(self) -> set[str]:
        return {self.base, *self.live, *(one.digest for one in self.packages)}


async def yard_in(folder: Path) -> Yard:
    store = FolderStore(folder / "store")
    base = (await built(store, PLATFORM, folder)).image.digest
    packages = [await stored(store, package_of(number), folder) for number in range(4)]
    return Yard(folder / "store", base, packages)


async def whole(folder: Path) -> AsyncIterator[str]:
    """The digests that the builds have where nothing is killed."""
    yard = await yard_in(folder)
    for number in range(len(yard.packages)):
        yield (await yard.build(number)).image.digest


@pytest.fixture(scope="module")
def expected() -> list[str]:
    async def every(folder: Path) -> list[str]:
        return [one async for one in whole(folder)]

    with TemporaryDirectory() as folder:
        return asyncio.run(every(Path(folder)))


@pytest.mark.effort
@pytest.mark.parametrize("seed", range(first_seed(1), first_seed(1) + times(3)))
def test_wherever_builds_are_killed_the_next_ends_them_and_no_garbage_stays(seed: int, expected: list[str]) -> None:
    async def live(folder: Path) -> None:
        yard = await yard_in(folder)
        draw = random.Random(seed)
        for _ in range(5):
            number = draw.randrange(4)
            yard.build_and_die(number, draw.randrange(70))
            # Whatever is there is whole, and nobody sees an image that is not.
            assert [flaw.message for flaw in verify(yard.folder)] == []
            others = asyncio.gather(*(yard.build(number) for _ in range(2)))
            if draw.random() < 0.5:
                yard.collect(yard.roots())
            done = await others
            # Once at most: what the one has built, the other takes.
            assert sum(bool(one.built) for one in done) <= 1
            assert {one.image.digest for one in done} == {expected[number]}
            yard.live.add(expected[number])
            if draw.random() < 0.3:
                yard.live.discard(draw.choice(sorted(yard.live)))
            if draw.random() < 0.3:
                yard.pass_a_day()
                yard.collect(yard.roots())
            found = blobs_of(yard.folder)
            assert yard.live <= found.keys()
        FolderStore(yard.root)
        for _ in range(3):
            yard.pass_a_day()
            yard.collect(yard.roots())
        assert [flaw.message for flaw in verify(yard.folder)] == []
        found = blobs_of(yard.folder)
        assert found.keys() == needed(yard.folder, found, yard.roots())
        assert list(yard.folder.incoming.iterdir()) == []
        assert list(yard.folder.notes.iterdir()) == []
        index = json.loads(yard.folder.index.read_bytes())["manifests"]
        assert {entry["digest"] for entry in index} == {yard.base, *yard.live}

    with TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder)))


@pytest.mark.parametrize("share", range(4))
def test_a_build_is_killed_at_each_change_of_the_disk_in_turn(share: int, expected: list[str]) -> None:
    async def live(folder: Path) -> int:
        deaths = 0
        after = share
        while True:
            place = folder / str(after)
            place.mkdir()
            yard = await yard_in(place)
            died = yard.build_and_die(3, after)
            deaths += died
            assert [flaw.message for flaw in verify(yard.folder)] == []
            assert (await yard.build(3)).image.digest == expected[3]
            assert list(yard.folder.incoming.iterdir()) == []
            if not died:
                return deaths
            after += 4 * 4

    with TemporaryDirectory() as folder:
        assert asyncio.run(live(Path(folder))) > 2
