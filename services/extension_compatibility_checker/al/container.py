"""The `.app` container: header, kinds of content, signature block, limits.

A package is a 40-byte header, a ZIP (or a compiled runtime image), and optionally a signature. Ready-to-run
packages hold the genuine package nested at the root of the ZIP.
"""

import hashlib
import io
import re
import struct
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote, unquote

import msgspec

from .manifest import Manifest, ManifestError, parse_manifest

_MAGIC = b"NAVX"
_SIGNATURE = b"NXSB"
_RUNTIME_IMAGE = b".NEA"
_EMPTY_ZIP = b"PK\x05\x06"
_HEADER = struct.Struct("<4sII16sq4s")

MANIFEST = "NavxManifest.xml"
SYMBOLS = "SymbolReference.json"

MIB = 1 << 20
MAX_FILE = 1024 * MIB
MAX_ENTRIES = 200_000
MAX_MANIFEST = 4 * MIB
MAX_SYMBOLS = 512 * MIB
MAX_SOURCE_FILE = 16 * MIB
MAX_SOURCES = 512 * MIB
# Deflate cannot pack more than 1032 to 1; a directory that claims more lies.
_MAX_RATIO = 1040

# What zipfile and zlib raise for a directory or stream that is broken, encrypted or of an unknown method.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    KeyError,
    IndexError,
    OSError,
)


class Kind(StrEnum):
    """What a file is. Only the first three carry anything that can be checked."""

    PLAIN = "plain"
    SIGNED = "signed"
    READY_TO_RUN = "ready-to-run"
    RUNTIME = "runtime"
    EMPTY = "empty"
    DAMAGED = "damaged"


class PackageError(ValueError):
    """A part of the package cannot be read; the message names the part and the reason."""


class Archive:
    """The ZIP of a package; every read is limited in size before it allocates."""

    def __init__(self, content: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
            infos = self._zip.infolist()
        except _ZIP_ERRORS as error:
            raise PackageError(f"its content is not a readable ZIP: {error}") from None
        if len(infos) > MAX_ENTRIES:
            raise PackageError(f"it has {len(infos)} entries; the limit is {MAX_ENTRIES}")
        self._infos = {info.filename.replace("\\", "/"): info for info in infos}

    @property
    def names(self) -> list[str]:
        """Entry names as stored, percent-encoding included."""
        return list(self._infos)

    def read(self, name: str, limit: int) -> bytes | None:
        """The entry's bytes, None if absent; PackageError if larger than `limit` bytes or broken."""
        view = self.view(name, limit)
        return None if view is None else bytes(view)

    def view(self, name: str, limit: int) -> memoryview | None:
        """Like `read`, into memory that is allocated once: symbol files are most of what a check holds."""
        info = self._infos.get(name)
        if info is None:
            return None
        if info.file_size > limit or info.file_size > (info.compress_size + 1) * _MAX_RATIO:
            raise PackageError(f"{name} unpacks to {info.file_size} bytes; the limit is {limit}")
        content = memoryview(bytearray(info.file_size))
        filled = 0
        try:
            with self._zip.open(info) as entry:
                while chunk := entry.read(min(MIB, info.file_size - filled + 1)):
                    content[filled : filled + len(chunk)] = chunk
                    filled += len(chunk)
        except _ZIP_ERRORS as error:
            raise PackageError(f"{name} cannot be unpacked: {error}") from None
        return content[:filled]


class Package:
    """One `.app` file. `manifest` is None where the kind has none to read; `problem` then says why."""

    def __init__(
        self,
        path: str,
        kind: Kind,
        digest: str,
        package_id: uuid.UUID | None = None,
        manifest: Manifest | None = None,
        archive: Archive | None = None,
        problem: str | None = None,
    ) -> None:
        self.path = path
        self.kind = kind
        self.digest = digest
        self.package_id = package_id
        self.manifest = manifest
        self.problem = problem
        self._archive = archive

    @property
    def entries(self) -> list[str]:
        """Names in the ZIP; empty where there is none."""
        return self._archive.names if self._archive else []

    @property
    def source_files(self) -> list[str]:
        """Entry names of the AL source, in archive order."""
        return [n for n in self.entries if n.startswith("src/") and n.lower().endswith(".al")]

    def symbols(self) -> memoryview | None:
        """SymbolReference.json without byte order mark and NUL padding; None if the package has none.

        Files downloaded from a server end in NUL padding up to the size of its buffer.
        """
        raw = self._archive.view(SYMBOLS, MAX_SYMBOLS) if self._archive else None
        if raw is None:
            return None
        end = len(raw)
        while end and raw[end - 1] == 0:
            end -= 1
        return raw[3 if bytes(raw[:3]) == b"\xef\xbb\xbf" else 0 : end]

    def sources(self) -> Iterator[tuple[str, str]]:
        """Each AL file as (path as its author named it, text); PackageError when the limits are passed."""
        assert self._archive is not None or not self.entries
        total = 0
        for name in self.source_files:
            raw = self._archive.read(name, MAX_SOURCE_FILE) if self._archive else None
            if raw is None:
                continue
            total += len(raw)
            if total > MAX_SOURCES:
                raise PackageError(f"its source unpacks to more than {MAX_SOURCES} bytes")
            yield display_path(name), raw.decode("utf-8-sig", "replace")


def display_path(entry: str) -> str:
    """`src/A%2520B.al` -> `src/A B.al`: source entries are percent-encoded twice, others once."""
    once = unquote(entry)
    return unquote(once) if re.search(r"%[0-9A-Fa-f]{2}", once) else once


def source_entry(reference: str) -> str:
    """The entry that holds what the symbols call `ReferenceSourceFileName` (itself encoded once)."""
    return "src/" + quote(reference, safe="/[]!$&'()*+,;=:@~-._")


def read_package(path: Path) -> Package:
    """Read a file from disk. Never raises for its content: a bad file has kind `damaged` and a problem."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE:
            return Package(str(path), Kind.DAMAGED, "", problem=f"it has {size} bytes; the limit is {MAX_FILE}")
        data = path.read_bytes()
    except OSError as error:
        return Package(str(path), Kind.DAMAGED, "", problem=f"it cannot be read: {error.strerror or error}")
    return open_package(data, str(path))


def open_package(data: bytes, path: str = "") -> Package:
    """Classify and open a package held in memory. Never raises for its content."""
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    try:
        return _open(data, path, digest, nested=False)
    except (PackageError, ManifestError) as error:
        return Package(path, Kind.DAMAGED, digest, problem=str(error))


def _open(data: bytes, path: str, digest: str, *, nested: bool) -> Package:
    package_id, content, trailer = _split(data)
    if content.startswith(_RUNTIME_IMAGE):
        problem = "a runtime package is compiled and closed: it names neither itself nor what it uses"
        return Package(path, Kind.RUNTIME, digest, package_id, problem=problem)
    if content.startswith(_EMPTY_ZIP):
        return Package(path, Kind.EMPTY, digest, package_id, problem="its ZIP has no entries")
    archive = Archive(content)
    if not archive.names:
        return Package(path, Kind.EMPTY, digest, package_id, problem="its ZIP has no entries")
    xml = archive.read(MANIFEST, MAX_MANIFEST)
    if xml is None:
        inner = None if nested else _ready_to_run(archive)
        if inner is None:
            raise PackageError(f"it has no {MANIFEST}")
        real = _open(inner, path, digest, nested=True)
        kind = Kind.READY_TO_RUN if real.manifest else real.kind
        return Package(path, kind, digest, real.package_id, real.manifest, real._archive, real.problem)
    kind = Kind.SIGNED if trailer.startswith(_SIGNATURE) else Kind.PLAIN
    return Package(path, kind, digest, package_id, parse_manifest(xml), archive)


def _split(data: bytes) -> tuple[uuid.UUID | None, bytes, bytes]:
    """(package id, content, what follows it). Short headers, as test tools write, have the offset only."""
    if len(data) < 8 or not data.startswith(_MAGIC):
        raise PackageError("it does not begin with NAVX, so it is not an extension package")
    header_size = int.from_bytes(data[4:8], "little")
    if not 8 <= header_size <= len(data):
        raise PackageError(f"its header claims {header_size} bytes")
    if header_size < _HEADER.size or len(data) < _HEADER.size:
        return None, data[header_size:], b""
    _, _, metadata_version, guid, length, magic = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise PackageError("its header does not end with NAVX")
    if metadata_version > 2:
        raise PackageError(f"its header has version {metadata_version}; version 2 is the newest known")
    start = header_size
    # The length of a runtime image leaves its eight marker bytes out.
    end = start + length + (8 if data.startswith(_RUNTIME_IMAGE, start) else 0)
    if length < 0 or end > len(data):
        raise PackageError(f"its header promises {length} bytes of content, but {len(data) - start} follow")
    return uuid.UUID(bytes_le=guid), data[start:end], data[end:]


class _ReadyToRun(msgspec.Struct):
    name: str = msgspec.field(name="EmbeddedAppFileName", default="")


def _ready_to_run(archive: Archive) -> bytes | None:
    manifest = archive.read("readytorunappmanifest.json", MAX_MANIFEST)
    if manifest is None:
        return None
    try:
        named = msgspec.json.decode(manifest.lstrip(b"\xef\xbb\xbf").rstrip(b"\0"), type=_ReadyToRun).name
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise PackageError("readytorunappmanifest.json is not readable JSON") from None
    candidates = [n for n in archive.names if n == named]
    candidates += [n for n in archive.names if "/" not in n and n.lower().endswith(".app")]
    if not candidates:
        raise PackageError("it is a ready-to-run package without the app inside")
    return archive.read(candidates[0], MAX_FILE)
