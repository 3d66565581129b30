"""A layer becomes files and folders below its release, whatever its archive says and whichever Python unpacks it."""

import io
import tarfile
from pathlib import Path
from threading import Event

import pytest
import zstandard

from services.servicing_executor.runtimes.port import StepFailedError
from services.servicing_executor.runtimes.unpack import unpack


def member(name: str, kind: bytes = tarfile.REGTYPE, *, mode: int = 0o644, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname, info.mtime = kind, mode, link, 1_700_000_000
    return info


def layer(folder: Path, *members: tarfile.TarInfo, content: bytes = b"content") -> Path:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for info in members:
            info.size = len(content) if info.type == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(content))
    path = folder / "layer"
    path.write_bytes(zstandard.compress(packed.getvalue()))
    return path


@pytest.fixture
def release(tmp_path: Path) -> Path:
    folder = tmp_path / "outside" / "release"
    folder.mkdir(parents=True)
    return folder


def test_files_and_folders_are_unpacked_with_their_times(tmp_path: Path, release: Path) -> None:
    unpack(layer(tmp_path, member("Bin", tarfile.DIRTYPE), member("Bin/a/b.dll"), member("c.txt")), release, Event())
    assert sorted(str(path.relative_to(release)) for path in release.rglob("*")) == [
        "Bin",
        "Bin/a",
        "Bin/a/b.dll",
        "c.txt",
    ]
    assert (release / "Bin" / "a" / "b.dll").read_bytes() == b"content"
    assert (release / "c.txt").stat().st_mtime == 1_700_000_000


@pytest.mark.parametrize(
    ("told", "gets"), [(0o4777, 0o755), (0o2755, 0o755), (0o1666, 0o644), (0o000, 0o644), (0o744, 0o755)]
)
def test_no_file_gets_more_rights_than_to_be_read_and_run(tmp_path: Path, release: Path, told: int, gets: int) -> None:
    unpack(layer(tmp_path, member("tool", mode=told)), release, Event())
    assert (release / "tool").stat().st_mode & 0o7777 == gets


@pytest.mark.parametrize("name", ["../escaped", "/tmp/../escaped", "a/../../escaped", "a/b/../../../escaped"])
def test_a_name_that_leads_out_of_the_release_is_refused(tmp_path: Path, release: Path, name: str) -> None:
    with pytest.raises(StepFailedError, match=r"cannot be unpacked: member .* leads out of the release"):
        unpack(layer(tmp_path, member(name)), release, Event())
    assert list(release.parent.iterdir()) == [release]
    assert list(release.iterdir()) == []


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE],
)
def test_what_is_neither_a_file_nor_a_folder_is_refused(tmp_path: Path, release: Path, kind: bytes) -> None:
    with pytest.raises(StepFailedError, match="cannot be unpacked"):
        unpack(layer(tmp_path, member("c.txt"), member("odd", kind, link="c.txt")), release, Event())
    assert [path.name for path in release.iterdir()] == ["c.txt"]


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a")])
def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path, release: Path, names: tuple[str, str]) -> None:
    with pytest.raises(StepFailedError, match="cannot be unpacked"):
        unpack(layer(tmp_path, *map(member, names)), release, Event())


def test_a_layer_that_is_cut_off_is_refused(tmp_path: Path, release: Path) -> None:
    path = layer(tmp_path, member("c.txt"))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(StepFailedError, match="cannot be unpacked"):
        unpack(path, release, Event())


def test_what_is_cancelled_ends_at_the_next_member(tmp_path: Path, release: Path) -> None:
    cancelled = Event()
    cancelled.set()
    unpack(layer(tmp_path, member("c.txt")), release, cancelled)
    assert list(release.iterdir()) == []
