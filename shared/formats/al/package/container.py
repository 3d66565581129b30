"""The `.app` container: header, kinds of content, signature block, limits.

A package is a 40-byte header, a ZIP (or a compiled runtime image), and optionally a signature. Ready-to-run
packages hold the genuine package nested at the root of the ZIP.
"""

import hashlib
import re
import struct
import uuid
from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from urllib.parse import quote, unquote

import msgspec

from .archive import MIB, Archive, PackageError
from .manifest import AppManifest, ManifestError, parse_manifest
from .moved import MovedObject, parse_moved

__all__ = [
    "MAX_FILE",
    "AppFileKind",
    "Package",
    "PackageError",
    "display_path",
    "open_package",
    "read_package",
    "source_entry",
]

_MAGIC = b"NAVX"
_SIGNATURE = b"NXSB"
_RUNTIME_IMAGE = b".NEA"
_EMPTY_ZIP = b"PK\x05\x06"
_HEADER = struct.Struct("<4sII16sq4s")

MANIFEST = "NavxManifest.xml"
SYMBOLS = "SymbolReference.json"
MOVED = "MovedObjectsManifest.json"
_READY_TO_RUN = "readytorunappmanifest.json"
_ONLY_ONCE = (MANIFEST, SYMBOLS, MOVED, _READY_TO_RUN)

MAX_FILE = 1024 * MIB
MAX_MANIFEST = 4 * MIB
MAX_SYMBOLS = 512 * MIB
MAX_INNER = 512 * MIB
MAX_SOURCE_FILE = 16 * MIB
MAX_SOURCES = 512 * MIB
# Source packs about 6 to 1 and symbols 11 to 1 in real packages. What packs far better is suspected of being a bomb:
# above these sizes source of more than 64 to 1 is refused, and symbols of more than 16 to 1 have their objects counted.
_SUSPECT_SOURCES, _SOURCE_RATIO = 16 * MIB, 64
_SUSPECT_SYMBOLS, _SYMBOL_RATIO = 32 * MIB, 16
MAX_JSON_OBJECTS = 12_000_000


class AppFileKind(StrEnum):
    """What a file is. Only the first three carry anything that can be checked."""

    PLAIN = "plain"
    SIGNED = "signed"
    READY_TO_RUN = "ready-to-run"
    RUNTIME = "runtime"
    EMPTY = "empty"
    DAMAGED = "damaged"


class Package:
    """One `.app` file. `manifest` is None where the kind has none to read; `problem` then says why."""

    def __init__(
        self,
        path: str,
        kind: AppFileKind,
        digest: str,
        package_id: uuid.UUID | None = None,
        manifest: AppManifest | None = None,
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
        return [n for n in self.entries if n.lower().startswith("src/") and n.lower().endswith(".al")]

    def symbols(self) -> memoryview | None:
        """SymbolReference.json without byte order mark and NUL padding; None if the package has none.

        Files downloaded from a server end in NUL padding up to the size of its buffer.
        """
        raw = self._archive.view(SYMBOLS, MAX_SYMBOLS) if self._archive else None
        if raw is None or self._archive is None:
            return None
        if len(raw) > _SUSPECT_SYMBOLS and len(raw) > self._archive.packed_size([SYMBOLS]) * _SYMBOL_RATIO:
            count = _count(raw, b"{")
            if count > MAX_JSON_OBJECTS:
                raise PackageError(f"{SYMBOLS} has {count} JSON objects; the limit is {MAX_JSON_OBJECTS}")
        return _trimmed(raw)

    def profile_symbols(self) -> Iterator[memoryview]:
        """The small symbol files of profiles (page customizations), each trimmed like `symbols`."""
        for name in self.entries:
            if name.startswith("ProfileSymbolReferences/") and name.lower().endswith(".json"):
                raw = self._archive.view(name, MAX_SOURCE_FILE) if self._archive else None
                if raw is not None:
                    yield _trimmed(raw)

    @cached_property
    def moved_objects(self) -> tuple[MovedObject, ...]:
        """Objects that went from one app to another; empty before base 24."""
        raw = self._archive.read(MOVED, MAX_SOURCE_FILE) if self._archive else None
        return parse_moved(raw) if raw else ()

    def sources(self) -> Iterator[tuple[str, str]]:
        """Each AL file as (path as its author named it, text); PackageError when the limits are passed."""
        names = self.source_files
        if not names or self._archive is None:
            return
        allowed = min(MAX_SOURCES, max(_SUSPECT_SOURCES, _SOURCE_RATIO * self._archive.packed_size(names)))
        total = 0
        for name in names:
            raw = self._archive.view(name, MAX_SOURCE_FILE)
            if raw is None:
                continue
            total += len(raw)
            if total > allowed:
                raise PackageError(f"its source unpacks to more than {allowed} bytes")
            yield display_path(name), _decoded(bytes(raw))

    def source_of(self, reference: str) -> str | None:
        """The text of the file that the symbols call `ReferenceSourceFileName`; None where it is not there."""
        known = set(self.source_files)
        # Some writers leave characters like [ and ] as they are and encode the percent sign only.
        for name in (source_entry(reference), "src/" + reference.replace("%", "%25"), "src/" + reference):
            if name in known and self._archive is not None:
                raw = self._archive.read(name, MAX_SOURCE_FILE)
                return None if raw is None else _decoded(raw)
        return None


def _trimmed(raw: memoryview) -> memoryview:
    end = len(raw)
    while end:
        part = bytes(raw[max(0, end - 65536) : end])
        left = len(part.rstrip(b"\0"))
        end -= len(part) - left
        if left:
            break
    return raw[3 if bytes(raw[:3]) == b"\xef\xbb\xbf" else 0 : end]


def _count(raw: memoryview, sought: bytes) -> int:
    return sum(bytes(raw[at : at + MIB]).count(sought) for at in range(0, len(raw), MIB))


def _decoded(raw: bytes) -> str:
    """Source is UTF-8; files of old editors are UTF-16 with a mark, or of the western code page."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


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
            return Package(str(path), AppFileKind.DAMAGED, "", problem=f"it has {size} bytes; the limit is {MAX_FILE}")
        data = path.read_bytes()
    except OSError as error:
        return Package(str(path), AppFileKind.DAMAGED, "", problem=f"it cannot be read: {error.strerror or error}")
    return open_package(data, str(path))


def open_package(data: bytes, path: str = "") -> Package:
    """Classify and open a package held in memory. Never raises for its content."""
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    try:
        return _open(data, path, digest, nested=False)
    except (PackageError, ManifestError) as error:
        return Package(path, AppFileKind.DAMAGED, digest, problem=str(error))


def _open(data: bytes, path: str, digest: str, *, nested: bool) -> Package:
    package_id, content, trailer = _split(data)
    if content.startswith(_RUNTIME_IMAGE):
        problem = "a runtime package is compiled and closed: it names neither itself nor what it uses"
        return Package(path, AppFileKind.RUNTIME, digest, package_id, problem=problem)
    if content.startswith(_EMPTY_ZIP):
        return Package(path, AppFileKind.EMPTY, digest, package_id, problem="its ZIP has no entries")
    archive = Archive(content, _ONLY_ONCE)
    if not archive.names:
        return Package(path, AppFileKind.EMPTY, digest, package_id, problem="its ZIP has no entries")
    xml = archive.read(MANIFEST, MAX_MANIFEST)
    if xml is None:
        inner = None if nested else _ready_to_run(archive)
        if inner is None:
            raise PackageError(f"it has no {MANIFEST}")
        real = _open(inner, path, digest, nested=True)
        kind = AppFileKind.READY_TO_RUN if real.manifest else real.kind
        return Package(path, kind, digest, real.package_id, real.manifest, real._archive, real.problem)
    kind = AppFileKind.SIGNED if trailer.startswith(_SIGNATURE) else AppFileKind.PLAIN
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
        raise PackageError(
            f"its header promises {length} bytes of content, but {len(data) - start} follow: it is cut off"
        )
    return uuid.UUID(bytes_le=guid), data[start:end], data[end:]


class _ReadyToRun(msgspec.Struct):
    name: str | None = msgspec.field(name="EmbeddedAppFileName", default=None)


def _ready_to_run(archive: Archive) -> bytes | None:
    manifest = archive.read(_READY_TO_RUN, MAX_MANIFEST)
    if manifest is None:
        return None
    try:
        found = msgspec.json.decode(manifest.removeprefix(b"\xef\xbb\xbf").rstrip(b"\0"), type=_ReadyToRun)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PackageError(f"{_READY_TO_RUN} is not readable JSON") from None
    named = {str(found.name or "").casefold()}
    candidates = [n for n in archive.names if n.casefold() in named]
    # At the root in every package seen.
    candidates += sorted((n for n in archive.names if n.lower().endswith(".app")), key=lambda n: n.count("/"))
    if not candidates:
        raise PackageError("it is a ready-to-run package without the app inside")
    inner = archive.view(candidates[0], MAX_INNER)
    return None if inner is None else bytes(inner)
