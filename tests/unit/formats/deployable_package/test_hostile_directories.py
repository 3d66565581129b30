"""Archives whose parts contradict each other are refused from their directory, before anything is unpacked."""

import io
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.formats.deployable_package.archive import unpacking
from shared.formats.deployable_package.archive.directory import (
    DIRECTORY_ENTRY,
    END_RECORD,
    LOCAL_HEADER,
    Allowance,
    DirectoryError,
    read_directory,
)
from shared.formats.deployable_package.archive.sources import MemorySource
from shared.formats.deployable_package.archive.writer import PlannedEntry
from shared.formats.deployable_package.damage.faults import Fault, build_sample, finish_package, sample
from shared.formats.deployable_package.damage.steps import add_entry, overwrite, replace_text
from shared.formats.deployable_package.findings import Findings
from shared.formats.deployable_package.judge.verdict import CheckOutcome
from shared.formats.deployable_package.limits import Limits
from shared.formats.deployable_package.read.kinds import DeployableKind
from shared.formats.deployable_package.write.build import plan_package

from .contexts import broken_rules, check

_MANIFEST = "HotfixInstallationInfo.xml"


@dataclass
class Raw:
    """An entry of an archive that is written as it stands; None means the truth."""

    name: bytes
    content: bytes = b"note"
    size: int | None = None
    extra: bytes = b""
    local_extra: bytes = b""
    local_flags: int | None = None
    local_crc: int | None = None
    local_size: int | None = None
    offset: int | None = None
    before: bytes = b""
    attributes: int = 0


def written(entries: Sequence[Raw], gap: bytes = b"", tail: bytes | None = None) -> bytes:
    """Write stored entries, then `gap`, the directory, and the end record or `tail` instead of it."""
    out, directory = bytearray(), bytearray()
    for entry in entries:
        out += entry.before
        size, crc = len(entry.content), zlib.crc32(entry.content)
        offset = len(out) if entry.offset is None else entry.offset
        local_size = size if entry.local_size is None else entry.local_size
        local_crc = crc if entry.local_crc is None else entry.local_crc
        out += LOCAL_HEADER.pack(b"PK\3\4", 20, entry.local_flags or 0, 0, 0, 0, local_crc, local_size, local_size,
                                 len(entry.name), len(entry.local_extra))  # fmt: skip
        out += entry.name + entry.local_extra + entry.content
        stated = size if entry.size is None else entry.size
        directory += DIRECTORY_ENTRY.pack(b"PK\1\2", 20, 20, 0, 0, 0, 0, crc, stated, stated, len(entry.name),
                                          len(entry.extra), 0, 0, 0, entry.attributes, offset)  # fmt: skip
        directory += entry.name + entry.extra
    out += gap
    end = END_RECORD.pack(b"PK\5\6", 0, 0, len(entries), len(entries), len(directory), len(out), 0)
    return bytes(out + directory + (end if tail is None else tail))


def judged(content: bytes, limits: Limits | None = None) -> list[tuple[str, str]]:
    """Return what is said about an archive's directory."""
    findings = Findings()
    try:
        read_directory(MemorySource(content), "", Allowance(limits or Limits()), findings)
    except DirectoryError:
        assert findings.errors
    return [(finding.rule, finding.path) for finding in findings.sorted()]


def _raw_sample() -> list[Raw]:
    with zipfile.ZipFile(io.BytesIO(build_sample())) as archive:
        return [Raw(info.filename.encode(), archive.read(info)) for info in archive.infolist()]


def test_the_raw_writer_makes_sound_packages() -> None:
    assert check(written(_raw_sample())).findings == ()


def test_an_archive_with_an_end_in_the_comment_of_another_is_refused() -> None:
    """Readers that search from the file's end and readers that search forwards would see two archives."""
    outer, hidden = written([Raw(b"seen")]), written([Raw(b"unseen")])
    comment = hidden[hidden.index(b"PK\1\2") :]
    twofold = outer[:-2] + struct.pack("<H", len(comment)) + comment
    with zipfile.ZipFile(io.BytesIO(twofold[: len(outer) - 2] + bytes(2))) as archive:
        assert archive.namelist() == ["seen"]
    assert judged(twofold) == [("DP102", "")]
    assert judged(outer[:-2] + struct.pack("<H", 30) + b"PK\5\6 is only a part of this one".ljust(30)[:30]) == []


@pytest.mark.parametrize("after", [b"\0", b"PK\5\6", b"x" * 70_000], ids=["a byte", "a signature", "more than fits"])
def test_bytes_after_the_end_are_refused(after: bytes) -> None:
    assert [rule for rule, _ in judged(written([Raw(b"a")]) + after)] in (["DP102"], ["DP101"])


def _zip64(content: bytes, count: int | None = None, start: int | None = None, masked: bool = True) -> bytes:
    *_, stated, size, begin, _ = END_RECORD.unpack(content[-END_RECORD.size :])
    end = len(content) - END_RECORD.size
    number, first = stated if count is None else count, begin if start is None else start
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, number, number, size, first)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    seen = (0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF) if masked else (stated, stated, size, begin)
    return content[:end] + record + locator + END_RECORD.pack(b"PK\5\6", 0, 0, *seen, 0)


def test_64_bit_ends_are_read_and_must_agree_with_the_end() -> None:
    plain = written(_raw_sample())
    assert check(_zip64(plain)).findings == ()
    assert check(_zip64(plain, masked=False)).findings == ()
    one = written([Raw(b"a")])
    assert judged(_zip64(one, count=2, masked=False)) == [("DP102", "")]
    assert judged(_zip64(one, start=1, masked=False)) == [("DP102", "")]
    assert judged(_zip64(one, count=2)) == [("DP102", "")]
    assert judged(_zip64(one, start=2**63)) == [("DP102", "")]
    assert judged(_zip64(one, count=2**40)) == [("DP109", "")]


def test_an_archive_whose_two_ends_name_two_directories_is_refused() -> None:
    """Readers that know the 64-bit form would see one set of entries, all others another."""
    plain = written([Raw(b"seen")])
    *_, size, start, _ = END_RECORD.unpack(plain[-END_RECORD.size :])
    directory = plain[start : start + size]
    body = plain[: start + size] + directory.replace(b"seen", b"SEEN")
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, size, start + size)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(body), 1)
    end = END_RECORD.pack(b"PK\5\6", 0, 0, 1, 1, size, start, 0)
    assert judged(body + record + locator + end) == [("DP102", "")]
    masked = END_RECORD.pack(b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    assert judged(body + record + locator + masked) == []


def test_64_bit_sizes_of_entries_are_read_from_their_field() -> None:
    field = struct.pack("<HHQQ", 1, 16, 4, 4)
    entry = Raw(b"AOSService/Scripts/note.txt", size=0xFFFFFFFF, extra=field)
    assert check(written([*_raw_sample(), entry])).findings == ()
    huge = Raw(b"note", size=0xFFFFFFFF, extra=struct.pack("<HHQQ", 1, 16, 2**63, 2**63))
    assert {rule for rule, _ in judged(written([huge]))} == {"DP110", "DP112", "DP113"} - {"DP113"}
    assert {rule for rule, _ in judged(written([Raw(b"note", size=0xFFFFFFFF)]))} == {"DP110", "DP112"}


def test_a_unicode_path_field_must_give_the_same_name() -> None:
    def field(name: bytes) -> bytes:
        return struct.pack("<HHBL", 0x7075, 5 + len(name), 1, zlib.crc32(b"note")) + name

    assert judged(written([Raw(b"note", extra=field(b"note"))])) == []
    assert judged(written([Raw(b"note", extra=field(b"../evil"))])) == [("DP117", "note")]


@pytest.mark.parametrize(
    "change", [{"local_size": 3}, {"local_crc": 7}, {"local_flags": 1}], ids=["size", "checksum", "encrypted"]
)
@pytest.mark.parametrize("streamed", [False, True])
def test_an_entrys_own_header_must_not_contradict_the_directory(
    change: dict[str, int], streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if streamed:
        monkeypatch.setattr(unpacking, "INFLATE_AT_ONCE", 0)
    path = "AOSService/Scripts/note.txt"
    sound = Raw(path.encode(), local_flags=8, local_size=0, local_crc=0)
    assert check(written([*_raw_sample(), sound])).findings == ()
    broken = Raw(path.encode(), **change)  # type: ignore[arg-type]  # fields of Raw
    assert broken_rules(check(written([*_raw_sample(), broken]))) == [("DP117", path)]


def test_bytes_that_belong_to_no_entry_are_refused() -> None:
    first, second = Raw(b"a"), Raw(b"b")
    hidden = b"MZ" + bytes(70_000)
    assert judged(written([first, second])) == []
    assert judged(written([first, Raw(b"b", before=bytes(24), local_extra=bytes(60_000))])) == []
    assert judged(written([Raw(b"a", before=b"#"), second])) == [("DP118", "a")]
    assert judged(written([first, Raw(b"b", before=hidden)])) == [("DP118", "b")]
    assert judged(written([first, second], gap=hidden)) == [("DP118", "")]
    assert judged(b"MZ" + written([first])) == [("DP102", "")]


def test_entries_that_share_bytes_are_refused() -> None:
    kernel = bytes(range(256)) * 40
    inner = written([Raw(b"inside", kernel)])
    overlapping = Raw(b"b", b"", size=len(kernel), offset=0)
    assert judged(written([Raw(b"a", inner), overlapping])) == [("DP112", "b")]
    assert judged(written([Raw(b"a"), Raw(b"b", offset=0)])) == [("DP112", "b")]
    assert judged(written([Raw(b"a", size=10_000)])) == [("DP112", "a")]
    assert judged(written([Raw(b"a", offset=2**31)])) == [("DP112", "a")]


@pytest.mark.parametrize(
    "name",
    ["a//b", "a/./b", "./a", "a/..", ".. /a", "... /a", "a/ ", "a.", "con", "a/NUL.txt", "lpt1.log/b", "a:b",
     "a/b:$DATA", "a*", "a\tb", "\\\\server\\share\\a", "C:a", "\\a", "a\\..\\..\\b", "<a>", "/", "\\\\?\\C:\\a"],
)  # fmt: skip
def test_names_that_windows_reads_as_others_are_refused(name: str) -> None:
    entry = Raw(name.encode())
    assert [rule for rule, _ in judged(written([entry]))] == ["DP103"]
    assert judged(written([Raw(b"console/NULL.txt"), Raw(b"..a/b..c"), Raw(b"a b/.gitignore"), Raw(b"com10")])) == []


@given(st.lists(st.text("ab.: /\\\x00\n~cCoOnN1*", min_size=1, max_size=12), min_size=1, max_size=6))
def test_a_bad_name_is_found_among_any_others(names: list[str]) -> None:
    """Names are first looked at together; what one by one is refused must not pass in company."""
    alone = {name for name in names if ("DP103", name.replace("\\", "/")) in judged(written([Raw(name.encode())]))}
    together = {path for rule, path in judged(written([Raw(name.encode()) for name in names])) if rule == "DP103"}
    assert together == {name.replace("\\", "/") for name in alone}


def test_names_collide_in_any_case_and_form() -> None:
    for one, two in (("a", "A"), ("stra\u00dfe", "STRASSE"), ("e\u0301", "\u00c9"), ("\u212a", "k"), ("a\\b", "A/B")):
        assert [rule for rule, _ in judged(written([Raw(one.encode()), Raw(two.encode())]))] == ["DP105"]
    folders = [Raw(name, b"", attributes=0x10) for name in (b"A/", b"a/", b"B", b"b/")]
    assert judged(written([*folders, Raw(b"a/x"), Raw(b"b/x")])) == []
    assert judged(written([Raw(b"A/", b""), Raw(b"a")])) == [("DP105", "a")]


@pytest.mark.parametrize("content", [b"", b"P", b"PK\5\6", b"PK\5\6" + bytes(18), b"\0" * 100_000, b"PK\3\4" * 9_000])
def test_what_is_empty_or_no_archive_is_refused_by_its_own_rule(content: bytes) -> None:
    (finding,) = check(content).findings
    empty_archive = content == b"PK\5\6" + bytes(18)
    assert finding.rule == ("DP201" if empty_archive else "DP102" if content[:4] in (b"PK\3\4", b"PK\5\6") else "DP101")


@pytest.mark.parametrize("cut", [1, 21, 22, 30, 100, 1000, 3000])
def test_a_package_that_is_cut_off_is_refused_wherever_it_is_cut(cut: int) -> None:
    assert [rule for rule, _ in broken_rules(check(build_sample()[:-cut]))] == ["DP102"]


def test_every_flipped_byte_of_a_directory_ends_in_a_verdict() -> None:
    content = bytearray(written([Raw(b"a/b.txt", extra=struct.pack("<HHQ", 1, 8, 4)), Raw(b"c")]))
    start = content.index(b"PK\1\2")
    for position in range(start, len(content)):
        for value in (0, 0x7F, 0xFF):
            old, content[position] = content[position], value
            assert check(bytes(content)).verdict is CheckOutcome.INVALID
            content[position] = old


def test_a_huge_directory_is_refused_without_being_read() -> None:
    """The directory claims more bytes than the entries that are allowed could take."""
    limits = Limits(entries_per_archive=10)
    assert judged(written([Raw(b"n" * 2000, b""), Raw(b"m" * 2000, b"")]), limits) == [("DP109", "")]
    assert judged(written([Raw(str(number).encode(), b"") for number in range(11)]), limits) == [("DP109", "")]
    assert judged(written([Raw(str(number).encode(), b"") for number in range(10)]), limits) == []


@pytest.mark.timeout(60)
def test_the_largest_directory_that_is_allowed_is_judged_in_bounded_memory() -> None:
    entries = [Raw(f"AOSService/Scripts/{number:0200}".encode(), b"") for number in range(30_000)]
    content = written(entries)
    del entries
    tracemalloc.start()
    try:
        assert judged(content) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The default allows 100,000 of them.
    assert peak * 100_000 / 30_000 < 200 << 20


def _bomb(path: str, content: bytes | list[PlannedEntry]) -> list[tuple[str, str]]:
    fault = Fault("DP111", path, entries=add_entry(path, content))
    package = build_sample(fault)
    tracemalloc.start()
    try:
        verdict = check(package)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20
    return broken_rules(verdict)


def test_bombs_are_refused_in_the_package_in_nuget_packages_and_in_payloads() -> None:
    stem, zeros = "dynamicsax-contososales.1.2.3.0", bytes(50 << 20)
    for path in (
        "AOSService/Scripts/zeros",
        f"AOSService/Packages/{stem}.nupkg!tools/zeros",
        f"AOSService/Packages/files/{stem}.zip!Resources/zeros",
    ):
        assert ("DP111", path) in _bomb(path, zeros)


def test_an_archive_inside_a_payload_is_never_opened() -> None:
    path = "AOSService/Packages/files/dynamicsax-contososales.1.2.3.0.zip!AdditionalFiles/more.zip"
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(200 << 20))
    assert _bomb(path, bomb.getvalue()) == [("DP116", path)]


_ENTITIES = (
    '<!DOCTYPE x [<!ENTITY a "' + "a" * 1000 + '">' + "".join(
        f'<!ENTITY {chr(98 + n)} "' + f"&{chr(97 + n)};" * 20 + '">' for n in range(8)
    ) + "]>"
)  # fmt: skip
_OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.timeout(20)
@pytest.mark.parametrize("document_type", [_ENTITIES, _OUTSIDE, "<!DOCTYPE x>"], ids=["bomb", "outside", "plain"])
@pytest.mark.parametrize(
    "path",
    [
        _MANIFEST,
        "DefaultServiceModelData.xml",
        "DefaultTopologyData.xml",
        "ReleasedPackages.xml",
        "DevInstallServiceModelData.xml",
        "AOSService/Packages/dynamicsax-contososales.1.2.3.0.nupkg!dynamicsax-contososales.nuspec",
        "AOSService/Scripts/License/contososales.xml",
    ],
)
def test_a_document_type_is_refused_in_every_xml_file(path: str, document_type: str) -> None:
    entries = plan_package(sample().modules, sample().options)
    if path.endswith("contososales.xml"):
        add_entry(path, b"<?xml version='1.0'?><x>ContosoSales</x>")(entries)
    replace_text(path, "?>", "?>" + document_type)(entries)
    assert broken_rules(check(finish_package(entries, None))) == [("DP203", path)]


def test_damage_anywhere_in_a_nuget_package_is_found() -> None:
    path = "AOSService/Packages/dynamicsax-contososales.1.2.3.0.nupkg!tools/InstallPackage.ps1"
    assert check(build_sample(Fault("", "", entries=add_entry(path, b"# sound")))).findings == ()
    assert broken_rules(check(build_sample(Fault("", "", entries=add_entry(path, b"# x", crc=1))))) == [("DP113", path)]


def test_a_package_of_any_kind_survives_every_document_being_replaced() -> None:
    nothing: Callable[[str], bytes]
    for nothing in (lambda _: b"", lambda _: b"\xff\xfe", lambda name: name.encode("utf-16"), lambda _: b"[]" * 9999):
        for kind in (DeployableKind.CUSTOMIZATION, DeployableKind.PLATFORM):
            chosen = sample(kind)
            for number, entry in enumerate(plan_package(chosen.modules, chosen.options)):
                entries = plan_package(chosen.modules, chosen.options)
                overwrite(entries[number].path, nothing(entry.path))(entries)
                assert check(finish_package(entries, None)).verdict is CheckOutcome.INVALID or entry.path.startswith(
                    "Dev"
                )


def test_limits_below_zero_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="limit entries is -1"):
        Limits(entries=-1)


def test_every_limit_is_a_value_that_callers_choose() -> None:
    content = build_sample()
    assert check(content, limits=Limits(document=100_000, nuget_package=100_000)).findings == ()
    for limits, rule in (
        (Limits(entries=5), "DP109"),
        (Limits(entries_per_archive=5), "DP109"),
        (Limits(unpacked=5), "DP110"),
        (Limits(unpacked_entry=5), "DP110"),
        (Limits(ratio=1, ratio_floor=0), "DP111"),
        (Limits(document=5), "DP214"),
        (Limits(nuget_package=5), "DP214"),
    ):
        assert rule in {found for found, _ in broken_rules(check(content, limits=limits))}
