"""What a package costs is bounded, and failures of the machine are never blamed on it."""

import hashlib
import io
import random
import tracemalloc
import zipfile
from pathlib import Path

import deflate
import msgspec
import pytest

from shared.formats.deployable_package.archive import unpacking
from shared.formats.deployable_package.archive.directory import DEFLATED, LOCAL_HEADER, Allowance, read_directory
from shared.formats.deployable_package.archive.entry import Entry
from shared.formats.deployable_package.archive.sources import DeflatedSource, MemorySource, Source, WindowSource
from shared.formats.deployable_package.archive.unpacking import EntryError, data_offset, read_chunks
from shared.formats.deployable_package.archive.writer import PlannedEntry, write_archive
from shared.formats.deployable_package.damage.faults import build_sample, sample
from shared.formats.deployable_package.findings import Findings, InfrastructureError
from shared.formats.deployable_package.judge.check import check_package
from shared.formats.deployable_package.limits import Limits
from shared.formats.deployable_package.read import content_reader
from shared.formats.deployable_package.write.build import ModuleSource, placeholder_files, plan_package

from .contexts import broken_rules, check


def _deflated(content: bytes) -> bytes:
    """Compress everything once more, payloads included, as the vendor's tools do."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
    return out.getvalue()


def _directory(source: Source, limits: Limits) -> list[Entry]:
    return read_directory(source, "", Allowance(limits), Findings())


def _with_files(*files: tuple[str, bytes]) -> bytes:
    chosen = sample()
    module = ModuleSource("Big", "1.0.0.0", (), (*placeholder_files("Big"), *files))
    out = io.BytesIO()
    write_archive(plan_package([module], chosen.options), out)
    return out.getvalue()


@pytest.mark.parametrize("big", [False, True], ids=["in memory", "streamed"])
def test_compressed_payloads_give_the_same_verdict_as_stored_ones(big: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [(f"Resources/{number}", hashlib.sha256(bytes([number])).digest() * 3000) for number in range(9)]
    stored = _with_files(*files)
    expected = check(stored, limits=Limits(ratio=10_000))
    assert expected.findings == ()
    if big:
        monkeypatch.setattr(content_reader, "OPEN_PAYLOADS", 1)
        monkeypatch.setattr(unpacking, "INFLATE_AT_ONCE", 1000)
    found = check(_deflated(stored), limits=Limits(ratio=10_000))
    assert (found.findings, found.modules) == ((), expected.modules)


@pytest.mark.parametrize("big", [False, True], ids=["in memory", "streamed"])
def test_a_flipped_byte_in_a_file_is_found_wherever_the_file_is_unpacked(
    big: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = random.Random(1).randbytes(4000)
    package = bytearray(_with_files(("Resources/x", marker)))
    position = package.index(marker[:200])
    package[position + 3] ^= 0xFF
    if big:
        monkeypatch.setattr(unpacking, "INFLATE_AT_ONCE", 1)
    paths = {path for rule, path in broken_rules(check(bytes(package))) if rule == "DP113"}
    assert "AOSService/Packages/files/dynamicsax-big.1.0.0.0.zip!Resources/x" in paths


def test_limits_are_counted_over_all_archives_of_a_package() -> None:
    content = build_sample()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        outer = len(archive.infolist())
    assert "DP109" in dict(broken_rules(check(content, limits=Limits(entries=outer + 1))))
    assert "DP110" in dict(broken_rules(check(content, limits=Limits(unpacked=len(content)))))


def test_a_bomb_in_a_payload_is_refused_without_unpacking_it() -> None:
    package = _with_files(("Resources/zeros", bytes(60 << 20)))
    tracemalloc.start()
    try:
        verdict = check(package)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert broken_rules(verdict) == [("DP111", "AOSService/Packages/files/dynamicsax-big.1.0.0.0.zip!Resources/zeros")]
    assert peak < 10 << 20


def test_a_lying_size_is_found_by_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"0123456789" * 100
    for limit in (1 << 20, 1):
        monkeypatch.setattr(unpacking, "INFLATE_AT_ONCE", limit)
        for size in (10, 2000):
            chosen = sample()
            entries = plan_package(chosen.modules, chosen.options)
            entry = PlannedEntry("AOSService/Scripts/note.txt", content)
            entry.header.size = size
            out = io.BytesIO()
            write_archive([*entries, entry], out)
            assert broken_rules(check(out.getvalue())) == [("DP113", entry.path)]


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("..\\evil.txt", "DP103"),
        ("C:\\evil.txt", "DP103"),
        ("/etc/evil.txt", "DP103"),
        ("AOSService/./../../evil.txt", "DP103"),
        ("nul\0.txt", "DP103"),
        ("HOTFIXINSTALLATIONINFO.XML", "DP105"),
        ("DefaultTopologyData.xml/inside.txt", "DP105"),
    ],
)
def test_names_that_would_harm_when_unpacked_are_refused(name: str, rule: str) -> None:
    chosen = sample()
    entries = [*plan_package(chosen.modules, chosen.options), PlannedEntry(name, b"x")]
    out = io.BytesIO()
    write_archive(entries, out)
    assert [found for found, _ in broken_rules(check(out.getvalue()))] == [rule]


def test_a_rule_that_is_broken_a_thousand_times_is_told_a_hundred_times_and_counted() -> None:
    chosen = sample()
    entries = plan_package(chosen.modules, chosen.options)
    entries += [PlannedEntry(f"../{number}", b"") for number in range(1000)]
    out = io.BytesIO()
    write_archive(entries, out)
    findings = check(out.getvalue()).findings
    assert len(findings) == 101
    assert any(finding.message.startswith("and 900 more") for finding in findings)


@pytest.mark.timeout(20)
def test_long_names_cost_neither_their_square_in_time_nor_a_long_report() -> None:
    chosen = sample()
    entries = plan_package(chosen.modules, chosen.options)
    manifest, long = entries[0], b"1." * 900_000 + b"x"
    assert isinstance(manifest.content, bytes)
    manifest.content = manifest.content.replace(
        b"<MetadataModuleList>", b"<MetadataModuleList><string>" + long + b"</string>"
    ).replace(b"<PlatformVersion>", b"<PlatformVersion>" + long)
    nupkg = next(entry for entry in entries if entry.path.endswith(".nupkg"))
    assert isinstance(nupkg.content, list)
    for part in nupkg.content:
        if part.path.endswith(".nuspec") and isinstance(part.content, bytes):
            part.content = part.content.replace(b"<summary>", b"<summary>" + long)
    entries.append(PlannedEntry("AOSService/Packages/files/" + "1." * 30_000 + "x.zip", b""))
    out = io.BytesIO()
    write_archive(entries, out)
    verdict = check(out.getvalue(), limits=Limits(ratio=10_000))
    assert {"DP207", "DP209", "DP304", "DP312"} <= {finding.rule for finding in verdict.findings}
    assert all(len(finding.message) + len(finding.path) < 2100 for finding in verdict.findings)


class _FailingFile(io.BytesIO):
    """A file on a disk that fails from some byte on."""

    def __init__(self, content: bytes, good: int) -> None:
        super().__init__(content)
        self._good = good

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() + (size or 0) > self._good and self._good < self.getbuffer().nbytes:
            raise OSError(5, "Input/output error")
        return super().read(size)


def test_a_failing_disk_is_never_the_packages_fault() -> None:
    content = build_sample()
    for good in range(0, len(content), 97):
        with pytest.raises(InfrastructureError, match="Input/output error"):
            check_package(_FailingFile(content, good))
    assert check_package(_FailingFile(content, len(content))).findings == ()


def test_a_file_that_shrinks_while_it_is_read_is_not_the_packages_fault(tmp_path: Path) -> None:
    content = build_sample()
    path = tmp_path / "package.zip"
    path.write_bytes(content)

    class Shrinking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(size)[:-1] if self.tell() < 2000 else super().read(size)

    with pytest.raises(InfrastructureError, match="shorter"):
        check_package(Shrinking(content))
    with pytest.raises(InfrastructureError, match="cannot be read"):
        check_package(tmp_path / "missing.zip")
    with pytest.raises(InfrastructureError, match="cannot be read"):
        check_package(tmp_path)


def test_a_check_that_runs_out_of_time_is_undecided_wherever_it_is() -> None:
    for content in (build_sample(), _deflated(build_sample())):
        for known in (None, "0" * 64):
            with pytest.raises(InfrastructureError, match="time"):
                check(content, limits=Limits(seconds=0.0), sha256=known)


def test_unpacking_stops_at_the_stated_size() -> None:
    content = bytearray(_with_files(("Resources/zeros", bytes(20 << 20))))
    # The entry's own header says nothing of its size, so that only counting can tell.
    header = content.index(b"Resources/zeros") - LOCAL_HEADER.size
    content[header + 22 : header + 26] = bytes(4)
    source = MemorySource(bytes(content))
    limits = Limits(ratio=10_000)
    payload = next(one for one in _directory(source, limits) if one.path.endswith(".zip"))
    inner = WindowSource(source, data_offset(source, payload), payload.packed)
    entry = next(one for one in _directory(inner, limits) if one.size > 1 << 20)
    chunks = read_chunks(inner, msgspec.structs.replace(entry, size=3 << 20))
    seen: list[int] = []
    with pytest.raises(EntryError, match="more bytes"):
        seen.extend(len(chunk) for chunk in chunks)
    assert sum(seen) == 3 << 20


def test_a_compressed_archive_can_be_read_at_any_offset() -> None:
    content = random.Random(3).randbytes(5 << 20)
    packed = deflate.deflate_compress(content, 1)
    source = DeflatedSource(MemorySource(packed), 0, len(packed), DEFLATED, len(content), 1000)
    assert (source.size, source.complete) == (len(content), True)
    for offset in (0, 3 << 20, 10, (5 << 20) - 900, 1 << 20, (5 << 20) - 1100, 5 << 20, 6 << 20):
        assert bytes(source.read_at(offset, 2000)) == content[offset : offset + 2000]


@pytest.mark.parametrize("big", [False, True], ids=["in memory", "streamed"])
def test_a_compressed_payload_with_a_wrong_checksum_is_found(big: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if big:
        monkeypatch.setattr(content_reader, "OPEN_PAYLOADS", 1)
    chosen = sample()
    entries = plan_package(chosen.modules, chosen.options)
    payload = entries[-1]
    with zipfile.ZipFile(io.BytesIO(_deflated(build_sample()))) as archive:
        payload.content = archive.read(payload.path)
    payload.header.crc = 1
    out = io.BytesIO()
    write_archive(entries, out)
    assert broken_rules(check(out.getvalue())) == [("DP113", payload.path)]


def test_progress_reaches_the_end_and_never_passes_it() -> None:
    seen: list[tuple[int, int]] = []
    content = _deflated(_with_files(*[(f"Resources/{n}", bytes([n % 256]) * 50) for n in range(2000)]))
    check(content, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(content), len(content))
    assert all(0 <= done <= total == len(content) for done, total in seen)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
