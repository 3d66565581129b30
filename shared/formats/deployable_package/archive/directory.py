"""The directory of a zip archive, judged before anything is unpacked (PKWARE APPNOTE 6.3.10)."""

import re
import stat
import struct
from collections.abc import Iterator, Sequence
from typing import NoReturn

from shared.formats.deployable_package.archive.entry import Entry, inside, judge_entry_names
from shared.formats.deployable_package.archive.sources import Bytes, Source
from shared.formats.deployable_package.findings import Findings
from shared.formats.deployable_package.limits import Limits

STORED, DEFLATED, DEFLATED64 = 0, 8, 9
_METHOD_NAMES = {12: "12 (bzip2)", 14: "14 (LZMA)", 93: "93 (Zstandard)", 95: "95 (XZ)"}
LOCAL_HEADER = struct.Struct("<4s5H3L2H")
DIRECTORY_ENTRY = struct.Struct("<4s6H3L5H2L")
END_RECORD = struct.Struct("<4s4H2LH")
_ZIP64_LOCATOR = struct.Struct("<4sLQL")
_ZIP64_END = struct.Struct("<4sQ2H2L4Q")
LOCAL_SIGNATURE, DIRECTORY_SIGNATURE, END_SIGNATURE = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_ZIP64_LOCATOR_SIGNATURE, _ZIP64_END_SIGNATURE = b"PK\x06\x07", b"PK\x06\x06"
_IN_ZIP64 = 0xFFFFFFFF
_MAKES_UNIX_MODES = (3, 19)
ENCRYPTED, UTF8_NAME = 0x1, 0x800
# Bytes of directory that one entry takes at least; a directory beyond entries * this many is refused.
_MOST_DIRECTORY_PER_ENTRY = 400

_UNICODE_PATH, _ZIP64_FIELD = 0x7075, 0x0001
_DOS_FOLDER = 0x10
# What a local header may add to an entry's name and data: its extra fields, then a data descriptor.
_MOST_AROUND_DATA = 0xFFFF + 24


class Allowance:
    """What is left of the limits that hold for an archive and all archives inside it together."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.entries = limits.entries
        self.unpacked = limits.unpacked


class DirectoryError(Exception):
    """The archive's directory is damaged or hostile; why is among the findings."""


def read_directory(source: Source, place: str, allowance: Allowance, findings: Findings) -> list[Entry]:
    """Read and judge the directory of the archive in `source`; nothing is unpacked.

    `place` is the archive's own path in the package, empty for the package itself. Breaches of DP101 to DP112
    are added to `findings`; if there is any, DirectoryError is raised and nothing is to be unpacked.
    """
    errors = findings.errors
    count, start, size = _locate(source, place, findings)
    limits = allowance.limits
    if count > min(limits.entries_per_archive, allowance.entries):
        _refuse(findings, "DP109", place, f"{count} entries, at most {limits.entries_per_archive} are allowed")
    if size > limits.entries_per_archive * _MOST_DIRECTORY_PER_ENTRY:
        _refuse(findings, "DP109", place, f"the directory alone has {size} bytes")
    entries = list(_entries(source.read_at(start, size), place, findings))
    if len(entries) != count:
        _refuse(findings, "DP102", place, f"the directory announces {count} entries and has {len(entries)}")
    allowance.entries -= count
    _judge_sizes(entries, place, allowance, findings)
    judge_entry_names(entries, place, findings)
    _judge_overlaps(entries, start, place, findings)
    if findings.errors > errors:
        raise DirectoryError
    return entries


def _refuse(findings: Findings, rule: str, place: str, message: str) -> NoReturn:
    findings.add(rule, place, message)
    raise DirectoryError


def _locate(source: Source, place: str, findings: Findings) -> tuple[int, int, int]:
    """Return number of entries, offset and size of the directory."""
    tail_start = max(0, source.size - END_RECORD.size - 0xFFFF)
    tail = bytes(source.read_at(tail_start, source.size - tail_start))
    ends = [match.start() for match in re.finditer(END_SIGNATURE, tail) if _ends_there(tail, match.start())]
    if not ends:
        _refuse_without_end(source, tail, place, findings)
    if len(ends) > 1:
        # One of them lies in the comment of another: tools disagree on which is the archive's.
        _refuse(findings, "DP102", place, f"the archive has {len(ends)} ends, one in the comment of another")
    _, disk, first_disk, on_disk, count, size, start, _ = END_RECORD.unpack_from(tail, ends[0])
    end = tail_start + ends[0]
    large = _locate_zip64(source, end)
    if large is not None:
        stated = (disk, first_disk, on_disk, count, size, start)
        disk, first_disk, on_disk, count, size, start, end = large
        limits = (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, _IN_ZIP64, _IN_ZIP64)
        if any(one not in (most, two) for one, most, two in zip(stated, limits, large, strict=False)):
            _refuse(findings, "DP102", place, "the archive's end and its 64-bit end contradict each other")
    if disk or first_disk or on_disk != count:
        _refuse(findings, "DP102", place, "the archive is one part of several")
    if start + size != end:
        _refuse(
            findings,
            "DP102",
            place,
            f"the directory should end at byte {end} and ends at byte {start + size}",
        )
    return count, start, size


def _ends_there(tail: bytes, position: int) -> bool:
    """Whether an end record at this position, with its comment, reaches to the end of the file exactly."""
    if position + END_RECORD.size > len(tail):
        return False
    comment: int = END_RECORD.unpack_from(tail, position)[-1]
    return position + END_RECORD.size + comment == len(tail)


def _refuse_without_end(source: Source, tail: bytes, place: str, findings: Findings) -> NoReturn:
    if END_SIGNATURE in tail:
        _refuse(findings, "DP102", place, "bytes follow the end of the archive or its comment is cut off")
    if bytes(source.read_at(0, 4)) == LOCAL_SIGNATURE:
        _refuse(findings, "DP102", place, "the archive ends before its directory: it is cut off")
    _refuse(findings, "DP101", place, f"the file {'is empty' if source.size == 0 else 'is not a zip archive'}")


def _locate_zip64(source: Source, end: int) -> tuple[int, int, int, int, int, int, int] | None:
    """Return disks, counts, size, start and own offset of the 64-bit end record before the end record."""
    locator = source.read_at(max(0, end - _ZIP64_LOCATOR.size), _ZIP64_LOCATOR.size)
    if len(locator) < _ZIP64_LOCATOR.size or end < _ZIP64_LOCATOR.size:
        return None
    signature, _, record_start, _ = _ZIP64_LOCATOR.unpack(locator)
    record = source.read_at(record_start, _ZIP64_END.size)
    if signature != _ZIP64_LOCATOR_SIGNATURE or len(record) < _ZIP64_END.size:
        return None
    signature, _, _, _, disk, first_disk, on_disk, count, size, start = _ZIP64_END.unpack(record)
    if signature != _ZIP64_END_SIGNATURE:
        return None
    return disk, first_disk, on_disk, count, size, start, record_start


def _entries(directory: Bytes, place: str, findings: Findings) -> Iterator[Entry]:
    data = bytes(directory)
    position = 0
    while position < len(data):
        if position + DIRECTORY_ENTRY.size > len(data):
            _refuse(findings, "DP102", place, "the directory is cut off")
        (signature, made_by, _, flags, method, _, _, crc, packed, size, name_length, extra_length,
         comment_length, disk, _, attributes,
         offset) = DIRECTORY_ENTRY.unpack_from(data, position)  # fmt: skip
        name_start = position + DIRECTORY_ENTRY.size
        extra_start = name_start + name_length
        position = extra_start + extra_length + comment_length
        if signature != DIRECTORY_SIGNATURE or position > len(data) or disk not in (0, 0xFFFF):
            _refuse(findings, "DP102", place, "the directory is damaged")
        name = data[name_start:extra_start]
        path = _decode(name, flags).replace("\\", "/")
        if extra_length:
            extra = dict(_extra_fields(data[extra_start : extra_start + extra_length]))
            if _IN_ZIP64 in (size, packed, offset):
                size, packed, offset = _zip64_sizes(extra.get(_ZIP64_FIELD, b""), size, packed, offset)
            if extra.get(_UNICODE_PATH, b"")[5:] not in (b"", path.encode(), name):
                findings.add("DP117", inside(place, path), "a Unicode path field gives the entry another name")
        if flags & ENCRYPTED:
            findings.add("DP106", inside(place, path), "the entry is encrypted")
        elif method not in (STORED, DEFLATED, DEFLATED64):
            findings.add("DP107", inside(place, path), f"compression method {_METHOD_NAMES.get(method, method)}")
        elif method == STORED and size != packed:
            stated = f"a stored entry of {size} bytes takes {packed} bytes"
            findings.add("DP113", inside(place, path), stated)
        mode = attributes >> 16
        if mode and made_by >> 8 in _MAKES_UNIX_MODES and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            what = "a link" if stat.S_ISLNK(mode) else "no file"
            findings.add("DP108", inside(place, path), f"the entry is {what}")
        is_folder = size == 0 and (path.endswith("/") or bool(attributes & _DOS_FOLDER and not mode))
        yield Entry(path, name, method, crc, packed, size, offset, is_folder)


def _decode(name: bytes, flags: int) -> str:
    # Without the UTF-8 flag a name is in the code page of old DOS; many tools write UTF-8 all the same.
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("utf-8", "backslashreplace") if flags & UTF8_NAME else name.decode("cp437")


def _extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        yield kind, extra[position + 4 : position + 4 + length]
        position += 4 + length


def _zip64_sizes(field: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    values = iter(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
    size = next(values, size) if size == _IN_ZIP64 else size
    packed = next(values, packed) if packed == _IN_ZIP64 else packed
    offset = next(values, offset) if offset == _IN_ZIP64 else offset
    return size, packed, offset


def _judge_sizes(entries: Sequence[Entry], place: str, allowance: Allowance, findings: Findings) -> None:
    limits = allowance.limits
    for entry in entries:
        if entry.size > limits.unpacked_entry:
            excess = f"unpacks to {entry.size} bytes, at most {limits.unpacked_entry} are allowed"
            findings.add("DP110", inside(place, entry.path), excess)
        elif entry.size > limits.ratio_floor and entry.size > limits.ratio * entry.packed:
            ratio = f"{entry.packed} bytes unpack to {entry.size}, more than {limits.ratio}:1"
            findings.add("DP111", inside(place, entry.path), ratio)
    allowance.unpacked -= sum(entry.size for entry in entries)
    if allowance.unpacked < 0:
        findings.add("DP110", place, f"everything together unpacks to more than {limits.unpacked} bytes")


def _judge_overlaps(entries: Sequence[Entry], directory_start: int, place: str, findings: Findings) -> None:
    """Judge where entries lie by what the directory says: DP112 where they share bytes, DP118 where none lies."""
    free = before = 0
    for entry in sorted(entries, key=lambda one: one.offset):
        end = entry.offset + LOCAL_HEADER.size + len(entry.name) + entry.packed
        if end > directory_start:
            findings.add("DP112", inside(place, entry.path), "reaches into the archive's directory")
        elif entry.offset < free:
            findings.add("DP112", inside(place, entry.path), "shares bytes with the entry before it")
        elif entry.offset > free + before:
            findings.add("DP118", inside(place, entry.path), f"{entry.offset - free} bytes before it are of no entry")
        free, before = max(free, end), _MOST_AROUND_DATA
    if directory_start > free + before:
        findings.add("DP118", place, f"{directory_start - free} bytes before the directory are of no entry")
