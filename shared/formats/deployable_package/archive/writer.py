"""Writes zip archives byte for byte the same for the same content."""

import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import deflate

from shared.formats.deployable_package.archive.directory import (
    DEFLATED,
    DIRECTORY_ENTRY,
    DIRECTORY_SIGNATURE,
    END_RECORD,
    END_SIGNATURE,
    LOCAL_HEADER,
    LOCAL_SIGNATURE,
    STORED,
    UTF8_NAME,
)
from shared.formats.deployable_package.archive.entry import Entry
from shared.formats.deployable_package.archive.sources import Source
from shared.formats.deployable_package.limits import INFLATE_AT_ONCE, STREAM_CHUNK

_NEEDED_VERSION = 20
# 1980-01-01 00:00, the earliest that the format can say: builds of the same input must not differ in time.
_DATE, _TIME = 0x0021, 0
_LEVEL = 6
_IN_MEMORY = 32 * STREAM_CHUNK


class ArchiveTooBigError(ValueError):
    """An archive would need the 64-bit form of the format, which the vendor's installer does not read."""


@dataclass
class Header:
    """Values that an entry's headers state instead of the true ones, to make damaged packages for tests."""

    name: str | None = None
    flags: int | None = None
    method: int | None = None
    crc: int | None = None
    size: int | None = None
    offset: int | None = None
    made_by: int = 0
    attributes: int = 0


@dataclass(frozen=True)
class Packed:
    """An entry of another archive, to be copied as it is packed there; `start` is where its data begins."""

    source: Source
    entry: Entry
    start: int


@dataclass
class PlannedEntry:
    """What is to be written: bytes, a file on disk, an entry of another archive, or a whole archive."""

    path: str
    content: "bytes | Path | Packed | list[PlannedEntry]"
    stored: bool = False
    header: Header = field(default_factory=Header)


def write_archive(entries: Sequence[PlannedEntry], out: IO[bytes], separator: str = "/") -> None:
    """Write entries in their order to `out`, which must be seekable; archives inside are stored.

    `separator` stands between the parts of names; packages made on Windows have a backslash. Raises
    ArchiveTooBigError beyond 65,534 entries or 4 GiB.
    """
    directory = bytearray()
    for entry in entries:
        directory += _write_entry(entry, out, separator)
    start = out.tell()
    if len(entries) >= 0xFFFF or start + len(directory) >= 0xFFFFFFFF:
        raise ArchiveTooBigError("the archive has more than 65,534 entries or 4 GiB")
    out.write(directory)
    out.write(END_RECORD.pack(END_SIGNATURE, 0, 0, len(entries), len(entries), len(directory), start, 0))


def _write_entry(entry: PlannedEntry, out: IO[bytes], separator: str) -> bytes:
    """Write an entry's header and data and return its directory entry."""
    name = entry.path.replace("/", separator).encode()
    stated = entry.header
    header_name = name if stated.name is None else stated.name.encode()
    offset = out.tell()
    out.write(bytes(LOCAL_HEADER.size) + header_name)
    if isinstance(entry.content, list):
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as inner:
            write_archive(entry.content, inner, "/")
            method, crc, packed, size = _copy(inner, out)
    else:
        method, crc, packed, size = _write_content(entry.content, entry.stored, out)
    end = out.tell()
    flags = 0 if name.isascii() else UTF8_NAME
    flags = flags if stated.flags is None else stated.flags
    method = method if stated.method is None else stated.method
    crc = crc if stated.crc is None else stated.crc
    size = size if stated.size is None else stated.size
    out.seek(offset)
    common = (_NEEDED_VERSION, flags, method, _TIME, _DATE, crc, packed, size)
    out.write(LOCAL_HEADER.pack(LOCAL_SIGNATURE, *common, len(header_name), 0))
    out.seek(end)
    pointed = offset if stated.offset is None else stated.offset
    made_by = stated.made_by << 8 | _NEEDED_VERSION
    rest = (len(name), 0, 0, 0, 0, stated.attributes, pointed)
    return DIRECTORY_ENTRY.pack(DIRECTORY_SIGNATURE, made_by, *common, *rest) + name


def _write_content(content: bytes | Path | Packed, stored: bool, out: IO[bytes]) -> tuple[int, int, int, int]:
    """Write one file's data; returns method, CRC, packed size and size."""
    if isinstance(content, Packed):
        return _copy_packed(content, out)
    if isinstance(content, Path):
        with content.open("rb") as file:
            if content.stat().st_size > INFLATE_AT_ONCE:
                return _copy(file, out) if stored else _deflate_stream(file, out)
            content = file.read()
    packed = content if stored else deflate.deflate_compress(content, _LEVEL)
    method = STORED if len(packed) >= len(content) and (stored or not content) else DEFLATED
    if method == STORED:
        packed = content
    out.write(packed)
    return method, deflate.crc32(content), len(packed), len(content)


def _copy_packed(content: Packed, out: IO[bytes]) -> tuple[int, int, int, int]:
    entry = content.entry
    for offset in range(0, entry.packed, STREAM_CHUNK):
        length = min(STREAM_CHUNK, entry.packed - offset)
        out.write(content.source.read_at(content.start + offset, length))
    return entry.method, entry.crc, entry.packed, entry.size


def _copy(file: IO[bytes], out: IO[bytes]) -> tuple[int, int, int, int]:
    crc = size = 0
    file.seek(0)
    while chunk := file.read(STREAM_CHUNK):
        crc = zlib.crc32(chunk, crc)
        size += len(chunk)
        out.write(chunk)
    return STORED, crc, size, size


def _deflate_stream(file: IO[bytes], out: IO[bytes]) -> tuple[int, int, int, int]:
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    crc = size = packed = 0
    while chunk := file.read(STREAM_CHUNK):
        crc = zlib.crc32(chunk, crc)
        size += len(chunk)
        packed += out.write(compressor.compress(chunk))
    packed += out.write(compressor.flush())
    return DEFLATED, crc, packed, size
