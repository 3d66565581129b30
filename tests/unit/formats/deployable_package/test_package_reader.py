"""Who uses a package reads it as whoever checks it: what is damaged or made to harm is refused, and where it is."""

import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from shared.formats.deployable_package.archive.writer import PlannedEntry, write_archive
from shared.formats.deployable_package.findings import InfrastructureError
from shared.formats.deployable_package.limits import Limits
from shared.formats.deployable_package.read import package as package_module
from shared.formats.deployable_package.read.package import PackageReader, PackageRefusedError
from shared.formats.deployable_package.write.build import ModuleSource, placeholder_files, plan_nuget, plan_payload

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


def files(path: Path, limits: Limits | None = None) -> dict[str, bytes]:
    """All that module A 1.0 has, read."""
    with PackageReader(path, limits) as reader:
        return {file.path: bytes(file.read()) for file in reader.payload("A", "1.0")}


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("bin/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("outer", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("inner", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_are_read_whatever_is_stored_or_deflated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outer: int, inner: int, in_memory: bool
) -> None:
    if not in_memory:
        monkeypatch.setattr(package_module, "OPEN_PAYLOADS", 0)
    payload = zipped(("bin\\b.dll", b"b" * 9_000), ("bin/", b""), ("a.txt", b""), method=inner)
    path = package(tmp_path, payload, outer)
    assert files(path) == {"a.txt": b"", "bin/b.dll": b"b" * 9_000}
    with PackageReader(path) as reader:
        found = reader.payload("a", "1.0")
        assert [(file.path, file.size) for file in found] == [("a.txt", 0), ("bin/b.dll", 9_000)]
        assert b"".join(map(bytes, found[1].chunks())) == b"b" * 9_000


def test_a_package_made_on_windows_is_read_the_same(tmp_path: Path) -> None:
    written = PAYLOAD.replace("/", "\\").replace("AOSService", "AosService")
    (tmp_path / "package.zip").write_bytes(zipped((written, zipped(("a", b"1")))))
    assert list(files(tmp_path / "package.zip")) == ["a"]
    (tmp_path / "package.zip").write_bytes(zipped((written, b""), (PAYLOAD, b"")))
    with pytest.raises(PackageRefusedError, match=r"DP105 .* collides with"):
        PackageReader(tmp_path / "package.zip")


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (zipped(("../evil", b"x")), r"DP103 .*a\.1\.0\.zip!\.\./evil: "),
        (zipped(("bin/../../evil", b"x")), "DP103"),
        (zipped(("/etc/passwd", b"x")), "DP103"),
        (zipped(("C:\\evil", b"x")), "DP103"),
        (zipped(("bin//x", b"x")), "DP103"),
        (zipped((link(), b"/etc/passwd")), "DP108 .*!bin/link: the entry is a link"),
        (zipped(("bin/a", b"x"), ("BIN/A", b"y")), "DP105 .*!BIN/A"),
        (zipped(("bin/a", b"x"), ("bin\\a", b"y")), "DP104 .*!bin/a"),
        (zipped(("bomb", bytes(20 << 20))), "DP11[01] .*!bomb: "),
        (zipped(*((str(number), b"") for number in range(21))), r"DP109 .*a\.1\.0\.zip: 21 entries"),
        (zipped(*((str(number), bytes(range(256)) * 256) for number in range(20))), "DP110 .*everything together"),
        (zipped(("a", b"x" * 99), method=zipfile.ZIP_BZIP2), "DP107 .*!a: compression method 12"),
        (b"no zip at all", r"DP101 .*a\.1\.0\.zip: "),
        (zipped(("a", b"x" * 99))[:-4], "DP102"),
    ],
)
def test_what_is_unsafe_is_refused_before_anything_is_unpacked(tmp_path: Path, payload: bytes, message: str) -> None:
    limits = Limits(entries_per_archive=20, unpacked=21 << 20, unpacked_entry=1 << 20)
    if "everything" in message:
        limits = Limits(unpacked=1 << 20)
    path = package(tmp_path, payload)
    with PackageReader(path, limits) as reader, pytest.raises(PackageRefusedError, match=message):
        reader.payload("A", "1.0")


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    payload = bytearray(zipped(("a", b"x" * 99)))
    payload[payload.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(PackageRefusedError, match=r"DP106 .*!a: the entry is encrypted"):
        files(package(tmp_path, bytes(payload)))


@pytest.mark.parametrize("claimed", [98, 100])
@pytest.mark.parametrize("whole", [True, False])
def test_an_entry_that_lies_about_its_size_is_refused(tmp_path: Path, claimed: int, whole: bool) -> None:
    payload = bytearray(zipped(("a", b"x" * 99)))
    for signature, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        struct.pack_into("<L", payload, payload.index(signature) + at, claimed)
    with PackageReader(package(tmp_path, bytes(payload))) as reader:
        (file,) = reader.payload("A", "1.0")
        with pytest.raises(PackageRefusedError, match=r"DP113 .*!a: "):
            file.read() if whole else list(file.chunks())


def test_changed_content_is_refused(tmp_path: Path) -> None:
    payload = bytearray(zipped(("a", b"x" * 99), method=zipfile.ZIP_STORED))
    payload[payload.index(b"xxx")] = ord("y")
    with pytest.raises(PackageRefusedError, match=r"DP113 .*!a: the checksum is"):
        files(package(tmp_path, bytes(payload)))


def test_an_entry_outside_its_zip_is_refused(tmp_path: Path) -> None:
    payload = bytearray(zipped(("a", b"x" * 99)))
    struct.pack_into("<L", payload, payload.index(b"PK\x01\x02") + 42, 1 << 30)
    with pytest.raises(PackageRefusedError, match=r"DP112 .*!a"):
        files(package(tmp_path, bytes(payload)))


@pytest.mark.parametrize(("content", "rule"), [(b"", "DP101"), (b"PK\x05\x06", "DP102")])
def test_a_package_that_is_no_zip_is_refused(tmp_path: Path, content: bytes, rule: str) -> None:
    (tmp_path / "package.zip").write_bytes(content)
    with pytest.raises(PackageRefusedError, match=f"{rule} the package: "):
        PackageReader(tmp_path / "package.zip")


def test_a_package_that_cannot_be_read_is_no_fault_of_the_package(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="cannot be read"):
        PackageReader(tmp_path / "none.zip")


def planned(folder: Path, *entries: PlannedEntry) -> Path:
    path = folder / "planned.zip"
    with path.open("w+b") as file:
        write_archive(entries, file)
    return path


def test_a_module_refers_to_modules_alone_each_once(tmp_path: Path) -> None:
    module = ModuleSource("Sales", "1.2.0.0", ("ApplicationPlatform", "Core", "CORE"), placeholder_files("Sales"))
    with PackageReader(planned(tmp_path, plan_nuget(module), plan_payload(module))) as reader:
        assert reader.references("SALES", "1.2.0.0") == ("applicationplatform", "core")
        assert [file.path for file in reader.payload("Sales", "1.2.0.0")] == [
            "bin/Dynamics.AX.Sales.dll",
            "bin/Sales.md",
        ]


def test_a_module_that_the_package_lacks_or_whose_nuspec_cannot_be_read_is_refused(tmp_path: Path) -> None:
    module = ModuleSource("Sales", "1.2.0.0", (), placeholder_files("Sales"))
    nuget = plan_nuget(module)
    assert isinstance(nuget.content, list)
    nuget.content[:] = [entry for entry in nuget.content if not entry.path.endswith(".nuspec")]
    with PackageReader(planned(tmp_path, nuget)) as reader:
        with pytest.raises(PackageRefusedError, match=r"DP308 .*holds 0 nuspec files"):
            reader.references("Sales", "1.2.0.0")
        with pytest.raises(PackageRefusedError, match=r"DP301 .*no such file"):
            reader.references("Sales", "1.2.0.1")
        with pytest.raises(PackageRefusedError, match=r"DP303 .*no such file"):
            reader.payload("Sales", "1.2.0.0")
