"""Payloads of packages that are damaged or made to harm are refused with the rule and the entry."""

import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from services.image_builder.layers.payload import Limits, PackageFile, PayloadRefusedError

PAYLOAD = "AOSService/Packages/files/dynamicsax-a.1.0.zip"


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content, method)
    return target.getvalue()


def package(folder: Path, payload: bytes, method: int = zipfile.ZIP_STORED) -> Path:
    path = folder / "package.zip"
    path.write_bytes(zipped((PAYLOAD, payload), method=method))
    return path


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("bin/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize("outer", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("inner", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_are_read_whatever_is_stored_or_deflated(tmp_path: Path, outer: int, inner: int) -> None:
    payload = zipped(("bin\\b.dll", b"b" * 9_000), ("bin/", b""), ("a.txt", b""), method=inner)
    found = PackageFile(package(tmp_path, payload, outer)).payload(PAYLOAD)
    assert {path: bytes(entry.read()) for path, entry in found.items()} == {
        "a.txt": b"",
        "bin/b.dll": b"b" * 9_000,
    }
    assert list(found) == ["a.txt", "bin/b.dll"]
    assert b"".join(map(bytes, found["bin/b.dll"].chunks())) == b"b" * 9_000


def test_a_package_made_on_windows_is_read_the_same(tmp_path: Path) -> None:
    written = PAYLOAD.replace("/", "\\").replace("AOSService", "AosService")
    (tmp_path / "package.zip").write_bytes(zipped((written, zipped(("a", b"1")))))
    assert list(PackageFile(tmp_path / "package.zip").payload(PAYLOAD)) == ["a"]
    (tmp_path / "package.zip").write_bytes(zipped((written, b""), (PAYLOAD, b"")))
    with pytest.raises(PayloadRefusedError, match="duplicate: the package has"):
        PackageFile(tmp_path / "package.zip")


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (zipped(("../evil", b"x")), r"path: '../evil' in .*a\.1\.0\.zip leads outside"),
        (zipped(("bin/../../evil", b"x")), "leads outside"),
        (zipped(("/etc/passwd", b"x")), "leads outside"),
        (zipped(("C:\\evil", b"x")), "leads outside"),
        (zipped(("bin//x", b"x")), "leads outside"),
        (zipped((link(), b"/etc/passwd")), "link: 'bin/link'"),
        (zipped(("bin/a", b"x"), ("BIN/A", b"y")), "duplicate: .* has BIN/A twice"),
        (zipped(("bin/a", b"x"), ("bin\\a", b"y")), "duplicate"),
        (zipped(("bomb", bytes(20 << 20))), "zip bomb: bomb in"),
        (zipped(*((str(number), b"") for number in range(21))), "too many entries: .* has 21"),
        (zipped(*((str(number), bytes(range(256)) * 256) for number in range(20))), "zip bomb: 16 in"),
        (zipped(("a", b"x" * 99), method=zipfile.ZIP_BZIP2), "compression: a in .* method 12"),
        (b"no zip at all", "damaged: .* is no readable zip"),
        (zipped(("a", b"x" * 99))[:-4], "damaged"),
    ],
)
def test_what_is_unsafe_is_refused_before_anything_is_unpacked(tmp_path: Path, payload: bytes, message: str) -> None:
    limits = Limits(entries=20, unpacked=1 << 20, ratio=1_000)
    with pytest.raises(PayloadRefusedError, match=message):
        PackageFile(package(tmp_path, payload), limits).payload(PAYLOAD)


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    payload = bytearray(zipped(("a", b"x" * 99)))
    payload[payload.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(PayloadRefusedError, match="encrypted: a in"):
        PackageFile(package(tmp_path, bytes(payload))).payload(PAYLOAD)


@pytest.mark.parametrize("claimed", [98, 100])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_entry_that_lies_about_its_size_is_refused(tmp_path: Path, claimed: int, method: int) -> None:
    payload = bytearray(zipped(("a", b"x" * 99), method=method))
    struct.pack_into("<L", payload, payload.index(b"PK\x01\x02") + 24, claimed)
    with pytest.raises(PayloadRefusedError, match="damaged: a "):
        PackageFile(package(tmp_path, bytes(payload))).payload(PAYLOAD)["a"].read()
    if method == zipfile.ZIP_DEFLATED:
        entry = PackageFile(package(tmp_path, bytes(payload))).payload(PAYLOAD)["a"]
        with pytest.raises(PayloadRefusedError, match="damaged: a "):
            list(entry.chunks())


def test_changed_content_is_refused(tmp_path: Path) -> None:
    payload = bytearray(zipped(("a", b"x" * 99), method=zipfile.ZIP_STORED))
    payload[payload.index(b"xxx")] = ord("y")
    with pytest.raises(PayloadRefusedError, match="differs from the size or checksum"):
        PackageFile(package(tmp_path, bytes(payload))).payload(PAYLOAD)["a"].read()


def test_an_entry_outside_its_zip_is_refused(tmp_path: Path) -> None:
    payload = bytearray(zipped(("a", b"x" * 99)))
    struct.pack_into("<L", payload, payload.index(b"PK\x01\x02") + 42, 1 << 30)
    with pytest.raises(PayloadRefusedError, match="damaged"):
        PackageFile(package(tmp_path, bytes(payload))).payload(PAYLOAD)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06"])
def test_a_package_that_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "package.zip").write_bytes(content)
    with pytest.raises(PayloadRefusedError, match="damaged: the package"):
        PackageFile(tmp_path / "package.zip")
