"""One app's symbols, compact: a directory that loads at once, and objects decoded when asked for.

The stored form is MessagePack behind a short header. A file is mapped, not copied: processes that check against the
same base share its memory. A base is identified by (version, country): localizations differ.
"""

import hashlib
import mmap
import os
import struct
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from shared.files import draft_of
from shared.formats.al.package.container import Package, PackageError
from shared.formats.al.package.manifest import (
    APPLICATION,
    BASE_APPLICATION,
    PLATFORM,
    SINGLE_APPLICATION,
    AppManifest,
    AppRef,
)
from shared.formats.al.package.moved import MovedObject
from shared.formats.al.package.version import Version

from .reader import SymbolError, collector_paused, split_symbols
from .symbols import Symbol, fold

FORMAT = 3
SUFFIX = ".index"
_HEADER = struct.Struct("<8sII")
_MAGIC = b"DRYINDEX"


class IndexFormatError(ValueError):
    """The stored index is of another format or damaged; importing the base again makes a new one."""


class App(msgspec.Struct, frozen=True, array_like=True):
    """Who an index belongs to; `country` is empty where nobody said."""

    id: str
    name: str
    publisher: str
    version: Version
    country: str = ""
    runtime: Version | None = None
    propagates_dependencies: bool = False
    dependencies: tuple[AppRef, ...] = ()
    internals_visible_to: tuple[str, ...] = ()
    alternate_ids: tuple[str, ...] = ()
    moved: tuple[MovedObject, ...] = ()

    @classmethod
    def of(cls, manifest: AppManifest, country: str = "", moved: tuple[MovedObject, ...] = ()) -> "App":
        """The app of a manifest; `moved` are objects that came from other apps or went there."""
        return cls(
            manifest.id,
            manifest.name,
            manifest.publisher,
            manifest.version,
            country,
            manifest.runtime,
            manifest.propagates_dependencies,
            manifest.dependencies,
            manifest.internals_visible_to,
            manifest.alternate_ids,
            moved,
        )

    @property
    def is_base(self) -> bool:
        """Whether it is the base application: of today, its umbrella, or the single app up to 14."""
        if self.id in (APPLICATION, BASE_APPLICATION, SINGLE_APPLICATION):
            return True
        return self.name == "Application" and self.publisher in ("Microsoft", "")

    @property
    def is_platform(self) -> bool:
        """Whether it is the server's own `System` app."""
        return self.id == PLATFORM

    @property
    def title(self) -> str:
        """`Base Application 27.0.1.2 (W1)`: how messages name it."""
        return f"{self.name} {self.version}" + (f" ({self.country})" if self.country else "")


class IndexEntry(msgspec.Struct, array_like=True, gc=False):
    """A directory entry: enough to find an object without decoding it.

    `digest` is that of the bytes in the symbol file it was read from, empty for an object declared in source.
    """

    kind: str
    id: int
    name: str
    namespace: str
    target: str
    body: msgspec.Raw
    digest: bytes = b""


class _Stored(msgspec.Struct, array_like=True):
    format: int
    app: App
    entries: list[IndexEntry]


_OF_PROFILES = ("profile", "profileextension", "pagecustomization")

_encoder = msgspec.msgpack.Encoder()
_symbol_decoder = msgspec.msgpack.Decoder(Symbol)
_stored_decoder = msgspec.msgpack.Decoder(_Stored)


class AppIndex:
    """Objects of one app by kind and name or id."""

    def __init__(self, app: App, entries: list[IndexEntry]) -> None:
        self.app = app
        self.entries = entries
        self._by_name: dict[tuple[str, str], list[IndexEntry]] = defaultdict(list)
        self._by_id: dict[tuple[str, int], IndexEntry] = {}
        self._extensions: dict[tuple[str, str], list[IndexEntry]] = defaultdict(list)
        self._decoded: dict[int, Symbol] = {}
        for entry in entries:
            self._by_name[entry.kind, fold(entry.name)].append(entry)
            if entry.id:
                self._by_id.setdefault((entry.kind, entry.id), entry)
            if entry.target:
                self._extensions[entry.kind, fold(entry.target)].append(entry)

    def __len__(self) -> int:
        return len(self.entries)

    def symbol(self, entry: IndexEntry) -> Symbol:
        """The object behind an entry; decoded once."""
        known = self._decoded.get(id(entry))
        if known is None:
            known = self._decoded[id(entry)] = _symbol_decoder.decode(entry.body)
        return known

    def named(self, kind: str, name: str) -> list[Symbol]:
        """Every object of that kind and name, whatever its namespace; case does not count."""
        return [self.symbol(e) for e in self._by_name.get((kind, fold(name)), ())]

    def numbered(self, kind: str, number: int) -> Symbol | None:
        """The object of that kind and id."""
        entry = self._by_id.get((kind, number))
        return self.symbol(entry) if entry else None

    def extensions_of(self, kind: str, target: str) -> list[Symbol]:
        """Extension objects of `kind` (`tableextension`, ...) in this app whose target has that name."""
        return [self.symbol(e) for e in self._extensions.get((kind, fold(target)), ())]

    def symbols(self) -> Iterator[Symbol]:
        """Every object, in stored order."""
        return (self.symbol(e) for e in self.entries)

    def by_digest(self) -> dict[tuple[str, str, bytes], IndexEntry]:
        """Entries by kind, namespace and digest of their symbols: what another import can take over."""
        return {(e.kind, e.namespace, e.digest): e for e in self.entries if e.digest}

    def names(self, kind: str) -> list[str]:
        """Names of all objects of a kind, for suggestions."""
        return [e.name for e in self.entries if e.kind == kind]

    def kinds(self) -> dict[str, int]:
        """How many objects there are of each kind."""
        return dict(Counter(e.kind for e in self.entries))

    def to_bytes(self) -> bytes:
        """The stored form; `from_bytes` reads it."""
        body = _encoder.encode(_Stored(FORMAT, self.app, self.entries))
        return _HEADER.pack(_MAGIC, FORMAT, zlib.crc32(body)) + body

    @classmethod
    def from_bytes(cls, data: bytes | memoryview) -> "AppIndex":
        """Read the stored form; IndexFormatError if it is damaged or of another format. Keeps `data`."""
        view = memoryview(data)
        if len(view) < _HEADER.size or view[: len(_MAGIC)] != _MAGIC:
            raise IndexFormatError("the file is no index of this format: import the base again")
        _, written, checksum = _HEADER.unpack_from(view)
        if written != FORMAT:
            raise IndexFormatError(f"the index file has format {written}, not {FORMAT}: import the base again")
        body = view[_HEADER.size :]
        if zlib.crc32(body) != checksum:
            raise IndexFormatError("the index file is damaged (its checksum differs): import the base again")
        try:
            with collector_paused():
                stored = _stored_decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise IndexFormatError(f"the index file is not readable: {error}: import the base again") from None
        return cls(stored.app, stored.entries)

    def save(self, path: Path) -> None:
        """Write the stored form so that a crash leaves the old file or the new one; a mapped old one stays readable.

        Two that save at once do not meet: the last one stays.
        """
        content = self.to_bytes()
        with draft_of(path) as draft:
            draft.write_bytes(content)
            draft.chmod(0o644)

    @classmethod
    def load(cls, path: Path) -> "AppIndex":
        """Map a stored index; IndexFormatError, OSError. The file must not be written in place while it is in use."""
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < _HEADER.size:
                raise IndexFormatError("the file is no index of this format: import the base again")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return cls.from_bytes(memoryview(mapped))


def build_index(app: App, symbols: Iterable[Symbol]) -> AppIndex:
    """Make an index; each object is reduced to its stored bytes at once."""
    return AppIndex(app, [_entry(s) for s in symbols])


def _entry(s: Symbol, digest: bytes = b"") -> IndexEntry:
    return IndexEntry(s.kind, s.id, s.name, s.namespace, s.target, msgspec.Raw(_encoder.encode(s)), digest)


def index_package(package: Package, country: str = "", known: AppIndex | None = None) -> AppIndex:
    """Index the symbols of a package. PackageError says why it has none to read.

    Profiles and page customizations that have symbol files of their own are added.
    Objects whose symbols are byte for byte those of `known`, an index of another version, are taken over.
    """
    if package.manifest is None:
        raise PackageError(f"{package.path}: {package.problem}")
    app = App.of(package.manifest, country, package.moved_objects)
    reusable = known.by_digest() if known else {}
    entries = []
    try:
        data = package.symbols()
        if data is None:
            raise PackageError(f"{package.path}: it has no SymbolReference.json, so it is no base")
        with collector_paused():
            for raw in split_symbols(data):
                digest = hashlib.sha1(raw.content, usedforsecurity=False).digest()
                same = reusable.get((raw.kind, raw.namespace, digest))
                entries.append(same or _entry(raw.decode(), digest))
        seen = {(e.kind, e.name) for e in entries if e.kind in _OF_PROFILES}
        for profile in package.profile_symbols():
            entries += [e for raw in split_symbols(profile) if ((e := _entry(raw.decode())).kind, e.name) not in seen]
    except SymbolError as error:
        raise PackageError(f"{package.path}: {error}") from None
    return AppIndex(app, entries)
