"""Reads module payloads, zips within a package's zip, without trusting either.

A package that was validated once may still be damaged or made to harm; here is where its bytes are used, so
every path, size and checksum is checked again and no limit depends on what a header claims.
"""

import io
import mmap
import re
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import deflate

_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_DRIVE = re.compile(r"^[A-Za-z]:")
_WHOLE_LIMIT = 64 << 20
_CHUNK = 4 << 20


class PayloadRefusedError(Exception):
    """The package's content cannot be used: the message names the rule, the entry and the way out."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one module's payload, in entries, bytes, and unpacked bytes per packed byte."""

    entries: int = 100_000
    unpacked: int = 8 << 30
    payload: int = 2 << 30
    ratio: int = 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a payload: `path` is relative, with slashes; sizes in bytes."""

    path: str
    size: int
    crc: int
    _packed: memoryview
    _deflated: bool

    def read(self) -> bytes | memoryview:
        """The content, checked; only for entries for which `streamed` is false."""
        content = _inflate(self._packed, self.size, self.path) if self._deflated else self._packed
        self._check(len(content), zlib.crc32(content))
        return content

    @property
    def streamed(self) -> bool:
        """Whether the entry is so large that it is only read in chunks."""
        return self.size > _WHOLE_LIMIT

    def chunks(self) -> Iterator[bytes | memoryview]:
        """The content in chunks of at most 4 MiB; a wrong size or checksum raises at the end or before."""
        size = crc = 0
        for chunk in self._raw_chunks():
            size, crc = size + len(chunk), zlib.crc32(chunk, crc)
            if size > self.size:
                break
            yield chunk
        self._check(size, crc)

    def _raw_chunks(self) -> Iterator[bytes | memoryview]:
        if not self._deflated:
            for start in range(0, len(self._packed), _CHUNK):
                yield self._packed[start : start + _CHUNK]
            return
        inflater = zlib.decompressobj(-15)
        rest: bytes | memoryview = self._packed
        try:
            while not inflater.eof:
                chunk = inflater.decompress(rest, _CHUNK)
                if not chunk:
                    break
                yield chunk
                rest = inflater.unconsumed_tail
        except zlib.error as error:
            raise PayloadRefusedError(f"damaged: {self.path} cannot be unpacked ({error})") from error

    def _check(self, size: int, crc: int) -> None:
        if size != self.size or crc != self.crc:
            raise PayloadRefusedError(
                f"damaged: {self.path} differs from the size or checksum in its zip: make the package again"
            )


class PackageFile:
    """An open package; entries are found in any letter case and with either kind of slash."""

    def __init__(self, path: Path, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        with path.open("rb") as file:
            try:
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except ValueError as error:
                raise PayloadRefusedError("damaged: the package is an empty file") from error
        self._view = memoryview(content)  # the map is released with its last view
        self._directory: dict[str, zipfile.ZipInfo] = {}
        for name, info in _directory(self._view, "the package").items():
            if self._directory.setdefault(_key(name), info) is not info:
                raise PayloadRefusedError(f"duplicate: the package has {name} twice (letter case aside)")

    def payload(self, entry_path: str) -> Mapping[str, Entry]:
        """The files of the payload zip at `entry_path`, by path, sorted."""
        info = self._directory.get(_key(entry_path))
        if info is None:
            raise PayloadRefusedError(f"missing: the package has no payload {entry_path}")
        if info.file_size > self._limits.payload:
            raise PayloadRefusedError(f"too large: {entry_path} has {info.file_size} bytes")
        outer = _entry(self._view, info, entry_path)
        view = _spilled(outer) if outer.streamed else memoryview(outer.read())
        entries: dict[str, Entry] = {}
        seen: set[str] = set()
        unpacked = 0
        directory = _directory(view, entry_path)
        if len(directory) > self._limits.entries:
            raise PayloadRefusedError(f"too many entries: {entry_path} has {len(directory)}")
        for name, inner in directory.items():
            path = _safe_path(name, inner, entry_path)
            if name.endswith(("/", "\\")):
                continue
            if path.casefold() in seen:
                raise PayloadRefusedError(f"duplicate: {entry_path} has {path} twice (letter case aside)")
            seen.add(path.casefold())
            unpacked += inner.file_size
            if unpacked > self._limits.unpacked or inner.file_size > self._limits.ratio * max(
                inner.compress_size, 1 << 10
            ):
                raise PayloadRefusedError(f"zip bomb: {path} in {entry_path} would unpack beyond the limits")
            entries[path] = _entry(view, inner, f"{path} in {entry_path}", path)
        return dict(sorted(entries.items()))


def _key(entry_path: str) -> str:
    return entry_path.replace("\\", "/").casefold()


def _directory(view: memoryview, place: str) -> dict[str, zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(io.BufferedReader(_ViewFile(view))) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError) as error:
        raise PayloadRefusedError(f"damaged: {place} is no readable zip ({error})") from error
    by_name = {info.orig_filename: info for info in infos}
    if len(by_name) != len(infos):
        raise PayloadRefusedError(f"duplicate: {place} has two entries of one name")
    return by_name


def _entry(view: memoryview, info: zipfile.ZipInfo, place: str, path: str | None = None) -> Entry:
    if info.flag_bits & 0x1:
        raise PayloadRefusedError(f"encrypted: {place} cannot be read; make the package without a password")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise PayloadRefusedError(
            f"compression: {place} uses method {info.compress_type}; only stored and deflated are read"
        )
    start = info.header_offset + _LOCAL_HEADER.size
    if info.header_offset < 0 or start > len(view):
        raise PayloadRefusedError(f"damaged: {place} lies outside its zip")
    header = _LOCAL_HEADER.unpack(view[info.header_offset : start])
    start += header[-2] + header[-1]
    end = start + info.compress_size
    if header[0] != b"PK\x03\x04" or end > len(view):
        raise PayloadRefusedError(f"damaged: {place} lies outside its zip")
    deflated = info.compress_type == zipfile.ZIP_DEFLATED
    if not deflated and info.compress_size != info.file_size:
        raise PayloadRefusedError(f"damaged: {place} is stored with two different sizes")
    return Entry(path or place, info.file_size, info.CRC, view[start:end], deflated)


def _safe_path(name: str, info: zipfile.ZipInfo, place: str) -> str:
    path = name.replace("\\", "/")
    parts = path.rstrip("/").split("/")
    if path.startswith("/") or _DRIVE.match(path) or "\0" in path or any(p in ("", ".", "..") for p in parts):
        raise PayloadRefusedError(f"path: {name!r} in {place} leads outside the module's folder")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise PayloadRefusedError(f"link: {name!r} in {place} is a symbolic link; put the file itself there")
    return path


def _spilled(entry: Entry) -> memoryview:
    """A large entry's content on disk, so that memory does not grow with the package."""
    with tempfile.TemporaryFile() as file:
        for chunk in entry.chunks():
            file.write(chunk)
        file.flush()
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _inflate(packed: memoryview, size: int, place: str) -> bytes:
    if size == 0:
        return b""
    try:
        return bytes(deflate.deflate_decompress(packed, size))
    except deflate.DeflateError as error:
        raise PayloadRefusedError(f"damaged: {place} cannot be unpacked ({error})") from error


class _ViewFile(io.RawIOBase):
    """A memoryview as a file, so that zipfile reads a directory without a copy of the zip."""

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._view)}[whence]
        if start + offset < 0:
            raise ValueError("seek before the start")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # zipfile passes a memoryview
        chunk = self._view[self._at : self._at + len(buffer)]
        buffer[: len(chunk)] = chunk
        self._at += len(chunk)
        return len(chunk)
