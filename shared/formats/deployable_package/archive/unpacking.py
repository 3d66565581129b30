"""Unpacks entries in memory and holds them against what the directory says."""

import hashlib
import zlib
from collections.abc import Iterator, Sequence

import deflate
import msgspec

from shared.formats.deployable_package.archive.directory import (
    DEFLATED,
    ENCRYPTED,
    LOCAL_HEADER,
    LOCAL_SIGNATURE,
    STORED,
)
from shared.formats.deployable_package.archive.entry import Entry
from shared.formats.deployable_package.archive.sources import Bytes, Source, decompressor
from shared.formats.deployable_package.limits import INFLATE_AT_ONCE, READ_TOGETHER, STREAM_CHUNK

# An entry's own header repeats its name and may carry more extra fields than the directory.
_USUAL_EXTRA = 256
_SIZES_FOLLOW = 0x8
_IN_ZIP64 = 0xFFFFFFFF


class EntryError(Exception):
    """An entry is not what the directory says; `rule` is DP113 or DP117."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message


class Unpacked(msgspec.Struct, frozen=True, gc=False):
    """One entry after unpacking: its SHA-256 (32 bytes), and its content where that was small enough."""

    entry: Entry
    sha256: bytes
    content: Bytes | None


def read_whole(source: Source, entry: Entry) -> Bytes:
    """Return an entry's content. Raises EntryError; callers bound `entry.size` beforehand."""
    start = data_offset(source, entry)
    return _inflate(entry, source.read_at(start, entry.packed))


def read_chunks(source: Source, entry: Entry) -> Iterator[Bytes]:
    """Yield an entry's content in chunks of at most a mebibyte, counting and checking it on the way."""
    start = data_offset(source, entry)
    crc = size = 0
    pieces = _stored_chunks(source, start, entry.packed)
    if entry.method != STORED:
        pieces = _inflated_chunks(pieces, entry.method)
    try:
        for chunk in pieces:
            size += len(chunk)
            if size > entry.size:
                break
            crc = deflate.crc32(chunk, crc)
            yield chunk
    except zlib.error as error:
        raise EntryError("DP113", f"the compressed data is damaged: {error}") from error
    _compare(entry, size, crc)


def unpack(source: Source, entries: Sequence[Entry]) -> Iterator[Unpacked | tuple[Entry, EntryError]]:
    """Unpack entries by offset, hashing each; a damaged one is yielded with what is wrong.

    Neighbours are read together: a payload has thousands of small files.
    """
    for group in _groups(entries):
        first, last = group[0], group[-1]
        if len(group) == 1 and max(first.size, first.packed) > INFLATE_AT_ONCE:
            yield _unpack_in_chunks(source, first)
            continue
        view = memoryview(source.read_at(first.offset, _end(last) - first.offset))
        for entry in group:
            try:
                at = entry.offset - first.offset
                start = at + _check_header(view, at, entry)
                packed = view[start : start + entry.packed]
                if len(packed) < entry.packed:
                    packed = memoryview(source.read_at(first.offset + start, entry.packed))
                content = _inflate(entry, packed)
            except EntryError as damage:
                yield entry, damage
                continue
            yield Unpacked(entry, hashlib.sha256(content).digest(), content)


def damaged_entries(source: Source, entries: Sequence[Entry]) -> Iterator[tuple[Entry, EntryError]]:
    """Unpack entries in chunks and yield those that are not what the directory says."""
    for entry in entries:
        if not entry.is_folder:
            try:
                for _ in read_chunks(source, entry):
                    pass
            except EntryError as damage:
                yield entry, damage


def data_offset(source: Source, entry: Entry) -> int:
    """Return where an entry's data begins. Raises EntryError if its own header contradicts the directory."""
    header = source.read_at(entry.offset, LOCAL_HEADER.size + len(entry.name))
    return entry.offset + _check_header(memoryview(header), 0, entry)


def _groups(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    group: list[Entry] = []
    for entry in sorted(entries, key=lambda one: one.offset):
        if group and _end(entry) - group[0].offset > READ_TOGETHER:
            yield group
            group = []
        group.append(entry)
    if group:
        yield group


def _end(entry: Entry) -> int:
    return entry.offset + LOCAL_HEADER.size + len(entry.name) + _USUAL_EXTRA + entry.packed


def _unpack_in_chunks(source: Source, entry: Entry) -> Unpacked | tuple[Entry, EntryError]:
    digest = hashlib.sha256()
    try:
        for chunk in read_chunks(source, entry):
            digest.update(chunk)
    except EntryError as damage:
        return entry, damage
    return Unpacked(entry, digest.digest(), None)


def _check_header(view: memoryview, at: int, entry: Entry) -> int:
    """Return the length of an entry's own header, which begins at `at` in `view`."""
    if len(view) - at < LOCAL_HEADER.size:
        raise EntryError("DP117", "the entry's header lies beyond the archive")
    (signature, _, flags, method, _, _, crc, packed, size, name_length,
     extra_length) = LOCAL_HEADER.unpack_from(view, at)  # fmt: skip
    if signature != LOCAL_SIGNATURE:
        raise EntryError("DP117", "the directory points to something that is no entry")
    name_start = at + LOCAL_HEADER.size
    name = bytes(view[name_start : name_start + name_length])
    if name != entry.name:
        raise EntryError("DP117", f"the entry's own header names it {name[:200].decode(errors='replace')!r}")
    if method != entry.method or flags & ENCRYPTED:
        raise EntryError("DP117", "the entry's own header names another compression or encryption")
    if not flags & _SIZES_FOLLOW and (crc != entry.crc or packed != entry.packed or size != entry.size):
        stated = zip((crc, packed, size), (entry.crc, entry.packed, entry.size), strict=True)
        # Some writers leave zeros where they should say that the values follow the data.
        if any(one not in (0, _IN_ZIP64, other) for one, other in stated):
            raise EntryError("DP117", "the entry's own header states another size or checksum")
    return int(LOCAL_HEADER.size + name_length + extra_length)


def _inflate(entry: Entry, packed: Bytes) -> Bytes:
    if len(packed) < entry.packed:
        raise EntryError("DP113", "the entry's data is cut off")
    content = packed
    if entry.method == DEFLATED:
        try:
            content = deflate.deflate_decompress(packed, entry.size)
        except deflate.DeflateError as error:
            raise EntryError("DP113", f"the compressed data is damaged or longer than {entry.size} bytes") from error
    elif entry.method != STORED:
        content = _inflate_in_chunks(entry, packed)
    _compare(entry, len(content), deflate.crc32(content))
    return content


def _inflate_in_chunks(entry: Entry, packed: Bytes) -> Bytes:
    content = bytearray()
    try:
        for chunk in _inflated_chunks(iter([packed]), entry.method):
            content += chunk
            if len(content) > entry.size:
                break
    except zlib.error as error:
        raise EntryError("DP113", f"the compressed data is damaged: {error}") from error
    return content


def _compare(entry: Entry, size: int, crc: int) -> None:
    if size != entry.size:
        found = "more" if size > entry.size else str(size)
        raise EntryError("DP113", f"unpacks to {found} bytes instead of {entry.size}")
    if crc != entry.crc:
        raise EntryError("DP113", f"the checksum is {crc:08x} instead of {entry.crc:08x}")


def _stored_chunks(source: Source, start: int, length: int) -> Iterator[Bytes]:
    for offset in range(0, length, STREAM_CHUNK):
        yield source.read_at(start + offset, min(STREAM_CHUNK, length - offset))


def _inflated_chunks(pieces: Iterator[Bytes], method: int) -> Iterator[Bytes]:
    inflater = decompressor(method)
    for piece in pieces:
        packed: Bytes = piece
        while packed and not inflater.eof:
            yield inflater.decompress(packed, STREAM_CHUNK)
            packed = inflater.unconsumed_tail
    while not inflater.eof:
        chunk = inflater.decompress(inflater.unconsumed_tail, STREAM_CHUNK)
        if not chunk:
            break
        yield chunk
