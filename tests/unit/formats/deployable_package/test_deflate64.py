"""Packages that Windows Explorer zipped: above 2 GB it compresses with Deflate64."""

import io
import zipfile
import zlib
from pathlib import Path

import inflate64
import pytest

from shared.formats.deployable_package.archive import unpacking
from shared.formats.deployable_package.archive.deflate64 import Deflate64Decompressor
from shared.formats.deployable_package.archive.directory import (
    DEFLATED64,
    DIRECTORY_ENTRY,
    DIRECTORY_SIGNATURE,
    END_RECORD,
    END_SIGNATURE,
    LOCAL_HEADER,
    LOCAL_SIGNATURE,
)
from shared.formats.deployable_package.read import content_reader
from shared.formats.deployable_package.read import package as package_module
from shared.formats.deployable_package.read.package import PackageReader

from .contexts import broken_rules, check
from .vendor_like import vendor_package

_PAYLOAD = "AosService\\Packages\\files\\dynamicsax-contososales.7.0.7606.108.zip"


def packed(content: bytes) -> bytes:
    deflater = inflate64.Deflater()
    return bytes(deflater.deflate(content) + deflater.flush())


def as_explorer(content: bytes, longer: int = 0, damaged: str = "") -> bytes:
    """Zip an archive again with Deflate64; the entry `damaged` is cut off, sizes are off by `longer` bytes."""
    out, directory = io.BytesIO(), b""
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        for info in old.infolist():
            raw, name = old.read(info), info.orig_filename.encode()
            data = packed(raw)[: 20 if info.orig_filename == damaged else None]
            facts = (0, DEFLATED64, 0, 0, zlib.crc32(raw), len(data), max(0, len(raw) - longer), len(name), 0)
            offset = out.tell()
            out.write(LOCAL_HEADER.pack(LOCAL_SIGNATURE, 21, *facts) + name + data)
            directory += DIRECTORY_ENTRY.pack(DIRECTORY_SIGNATURE, 21, 21, *facts, 0, 0, 0, 0, offset) + name
        count, start = len(old.infolist()), out.tell()
    out.write(directory + END_RECORD.pack(END_SIGNATURE, 0, 0, count, count, len(directory), start, 0))
    return out.getvalue()


@pytest.mark.parametrize("big", [False, True], ids=["in memory", "streamed"])
def test_a_package_that_explorer_zipped_is_what_it_was(
    big: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    expected = check(vendor_package("customization"))
    if big:
        monkeypatch.setattr(content_reader, "OPEN_PAYLOADS", 1)
        monkeypatch.setattr(package_module, "OPEN_PAYLOADS", 0)
        monkeypatch.setattr(unpacking, "INFLATE_AT_ONCE", 100)
    content = as_explorer(vendor_package("customization"))
    found = check(content)
    assert (found.findings, found.modules) == ((), expected.modules)
    (tmp_path / "package.zip").write_bytes(content)
    with PackageReader(tmp_path / "package.zip") as reader:
        files = {one.path: bytes(one.read()) for one in reader.payload("ContosoSales", "7.0.7606.108")}
    assert files["bin/Dynamics.AX.ContosoSales.dll"] == b"MZ" + bytes(400)


@pytest.mark.parametrize("big", [False, True], ids=["in memory", "streamed"])
def test_what_is_damaged_or_longer_than_it_says_is_found(big: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if big:
        monkeypatch.setattr(content_reader, "OPEN_PAYLOADS", 1)
    damaged = as_explorer(vendor_package("customization"), damaged=_PAYLOAD)
    assert broken_rules(check(damaged)) == [("DP113", _PAYLOAD.replace("\\", "/"))]
    assert {rule for rule, _ in broken_rules(check(as_explorer(vendor_package("customization"), longer=1)))} == {
        "DP113"
    }


def test_a_bomb_is_inflated_piece_by_piece() -> None:
    bomb = packed(bytes(100 << 20))
    decompressor = Deflate64Decompressor()
    assert len(decompressor.decompress(bomb, 1 << 20)) < 40 << 20
    assert decompressor.unconsumed_tail
    assert not decompressor.eof
