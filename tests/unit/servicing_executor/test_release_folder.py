"""An unpacked release is what its image says, or that is found, named, and healed."""

import hashlib
import io
import tarfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard

from services.servicing_executor.runtimes.port import Step, StepFailedError
from services.servicing_executor.runtimes.releases import Releases
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import LAYER, ImageLayer, ImageModule, ImageParts, write_image

FILES = {
    "modules/ledger/bin/ledger.dll": b"\0" * 4096,
    "modules/ledger/sql/001.sql": b"select 1;",
    "modules/freight/bin/freight.dll": b"freight" * 99,
    "modules/freight/empty": b"",
}
DLL = "modules/ledger/bin/ledger.dll"


class DiedError(Exception):
    """The executor was ended; nothing of it goes on."""


class Environment:
    """An environment's releases, and the one that is prepared in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = FolderStore(folder / "artifacts")
        self.releases = Releases(folder / "environment")
        self.lines: list[str] = []

    async def make(self) -> None:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for name, content in FILES.items():
                info = tarfile.TarInfo(name)
                info.size, info.mode = len(content), 0o644
                tar.addfile(info, io.BytesIO(content))
        stored = await self.store.put_bytes(zstandard.compress(packed.getvalue()), LAYER)
        diff_id = f"sha256:{hashlib.sha256(packed.getvalue()).hexdigest()}"
        layer = ImageLayer(part="platform", digest=stored.digest, size=stored.size, diff_id=diff_id)
        contents = ImageParts(
            update_name="First",
            platform_version="7.0.1.0",
            application_version="10.0.1.0",
            modules=tuple(ImageModule(name=name, version="1.0.0.0", part="platform") for name in ("Ledger", "Freight")),
            packages={"platform": "contoso/vendor"},
        )
        self.image = (await write_image(self.store, contents, [layer], datetime(2026, 11, 21, tzinfo=UTC))).digest

    async def prepare(self, *, dies_at: int | None = None, store: FolderStore | None = None) -> None:
        await self.releases.prepare(self._step(dies_at), store or self.store, self.image)

    async def verify(self) -> None:
        await self.releases.verify(self._step(None), self.image)

    def _step(self, dies_at: int | None) -> Step:
        self.lines = []

        def log(line: str) -> None:
            self.lines.append(line)
            if len(self.lines) == dies_at:
                raise DiedError

        return Step("contoso-test", "apply", "prepare", 30, log)

    @property
    def release(self) -> Path:
        return self.releases.path(self.image)

    def holds(self) -> dict[str, bytes]:
        """All files of the modules, and nothing unpacked half beside the release."""
        assert [path.name for path in self.release.parent.iterdir()] == [self.release.name]
        found = (path for path in (self.release / "modules").rglob("*") if path.is_file())
        return {str(path.relative_to(self.release)): path.read_bytes() for path in found}


@pytest.fixture
async def environment(tmp_path: Path) -> Environment:
    made = Environment(tmp_path)
    await made.make()
    await made.prepare()
    return made


def flip(path: Path, at: int = 0) -> None:
    """One bit, as a disk would: the times of the file stay."""
    content = bytearray(path.read_bytes())
    content[at] ^= 0b100
    path.write_bytes(content)


def gone(path: Path) -> None:
    path.unlink()


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def shorter(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *((name, gone) for name in FILES),
        *((name, longer) for name in FILES),
        *((name, change) for name in FILES if FILES[name] for change in (flip, shorter)),
        (DLL, lambda path: flip(path, 4000)),
        ("image.json", flip),
        ("image.json", gone),
        ("manifest.json", flip),
        ("manifest.json", shorter),
    ],
)
async def test_damage_is_found_named_and_healed_at_whatever_line_the_executor_dies(
    environment: Environment, name: str, damage: Callable[[Path], None]
) -> None:
    damage(environment.release / name)
    with pytest.raises(StepFailedError, match=rf"damaged.*{name}$"):
        await environment.verify()
    for line in (1, 2, 3):
        with suppress(DiedError):
            await environment.prepare(dies_at=line)
        with pytest.raises(StepFailedError):
            await environment.verify()
    await environment.prepare()
    assert name in environment.lines[0]
    await environment.verify()
    assert environment.holds() == FILES


async def test_a_flipped_digit_of_the_manifest_itself_is_healed(environment: Environment) -> None:
    manifest = environment.release / "manifest.json"
    digest = hashlib.sha256(FILES[DLL]).hexdigest()
    manifest.write_text(manifest.read_text().replace(digest, digest[:-1] + ("1" if digest[-1] == "0" else "0")))
    await environment.prepare()
    await environment.verify()


async def test_a_whole_release_is_adopted_without_the_store_and_with_what_services_put_into_it(
    environment: Environment, tmp_path: Path
) -> None:
    (environment.release / "modules" / "ledger" / "cache").write_bytes(b"made at the first start")
    await environment.prepare(store=FolderStore(tmp_path / "empty"))
    await environment.verify()
    assert len(environment.lines) == 1


async def test_a_release_of_an_earlier_version_is_told_of_and_verified_from_its_next_preparation_on(
    environment: Environment,
) -> None:
    (environment.release / "manifest.json").unlink()
    flip(environment.release / DLL)
    await environment.verify()
    assert "cannot be verified" in environment.lines[0]
    await environment.prepare()
    await environment.verify()
    assert environment.holds() == FILES


async def test_of_many_damaged_files_some_are_named(environment: Environment) -> None:
    for name in (*FILES, "image.json", "manifest.json"):
        (environment.release / name).write_bytes(b"?")
    with pytest.raises(StepFailedError, match=r"manifest\.json$"):
        await environment.verify()
    await environment.prepare()
    assert environment.holds() == FILES
