"""Random access to the bytes of an archive, wherever they lie."""

import os
import threading
import zlib
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

import deflate

from shared.formats.deployable_package.archive.deflate64 import Deflate64Decompressor
from shared.formats.deployable_package.findings import InfrastructureError
from shared.formats.deployable_package.limits import STREAM_CHUNK

Bytes = bytes | bytearray | memoryview
_DEFLATE = 8


class Source(Protocol):
    """Bytes that can be read at any offset, by several threads at once."""

    size: int

    def read_at(self, offset: int, length: int) -> Bytes:
        """Return the bytes of [offset, offset + length), fewer only beyond the end."""


class FileSource:
    """A file on disk, or any seekable binary file object.

    Raises InfrastructureError where the operating system fails or the file shrinks while it is read. Plain
    reads rather than a memory map: a map turns a disk error into a signal that kills the process.
    """

    def __init__(self, file: Path | BinaryIO) -> None:
        try:
            self._file = file.open("rb") if isinstance(file, Path) else file
            self._owned = isinstance(file, Path)
            self.size = self._file.seek(0, os.SEEK_END)
        except OSError as error:
            raise InfrastructureError(f"the package cannot be read: {error}") from error
        try:
            self._descriptor: int | None = self._file.fileno()
        except OSError:
            self._descriptor = None
        self._lock = threading.Lock()

    def read_at(self, offset: int, length: int) -> Bytes:
        expected = max(0, min(length, self.size - offset))
        if expected == 0:
            return b""
        try:
            data = self._read(offset, expected)
        except (OSError, ValueError) as error:
            raise InfrastructureError(f"the package cannot be read at byte {offset}: {error}") from error
        if len(data) != expected:
            raise InfrastructureError(f"the package became shorter while it was read (at byte {offset})")
        return data

    def _read(self, offset: int, length: int) -> bytes:
        if self._descriptor is None or not hasattr(os, "pread"):
            with self._lock:
                self._file.seek(offset)
                return self._file.read(length)
        data = os.pread(self._descriptor, length, offset)
        while len(data) < length and (more := os.pread(self._descriptor, length - len(data), offset + len(data))):
            data += more
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._owned:
            self._file.close()


class MemorySource:
    """Bytes that are in memory already."""

    def __init__(self, data: Bytes) -> None:
        self._view = memoryview(data)
        self.size = len(self._view)

    def read_at(self, offset: int, length: int) -> Bytes:
        return self._view[offset : offset + length]


class WindowSource:
    """A part of another source: an archive that is stored uncompressed inside an archive."""

    def __init__(self, source: Source, offset: int, size: int) -> None:
        self._source = source
        self._offset = offset
        self.size = size

    def read_at(self, offset: int, length: int) -> Bytes:
        return self._source.read_at(self._offset + offset, max(0, min(length, self.size - offset)))


class Decompressor(Protocol):
    """What zlib.decompressobj returns, as far as it is used here."""

    @property
    def eof(self) -> bool: ...

    @property
    def unconsumed_tail(self) -> bytes: ...

    def decompress(self, data: Bytes, max_length: int, /) -> bytes: ...


def decompressor(method: int) -> Decompressor:
    """Return what inflates a stream of a compression method: 8 (deflate) or 9 (Deflate64)."""
    return zlib.decompressobj(-zlib.MAX_WBITS) if method == _DEFLATE else Deflate64Decompressor()


class DeflatedSource:
    """An archive that is compressed inside another and too big for memory.

    The first pass counts its bytes, takes its CRC and keeps its end, where the directory of an archive lies.
    Reading forwards then costs one more pass in all; reading backwards starts again, so readers go by offset.
    The members `crc` and `size` are what was found, `complete` whether the deflate stream came to its end.
    """

    def __init__(self, source: Source, offset: int, packed: int, method: int, limit: int, tail: int) -> None:
        self._source, self._offset, self._packed, self._method = source, offset, packed, method
        self._lock = threading.Lock()
        self.crc = 0
        self.size = 0
        self.complete = False
        kept = bytearray()
        self._restart()
        while chunk := self._next_chunk():
            self.crc = deflate.crc32(chunk, self.crc)
            self.size += len(chunk)
            kept += chunk
            if len(kept) > 2 * tail:
                del kept[:-tail]
            if self.size > limit:
                break
        self.complete = self._inflater.eof and self.size <= limit
        self._tail = bytes(kept[-tail:])
        self._restart()

    def read_at(self, offset: int, length: int) -> Bytes:
        length = max(0, min(length, self.size - offset))
        tail_start = self.size - len(self._tail)
        if offset >= tail_start:
            return self._tail[offset - tail_start : offset - tail_start + length]
        with self._lock:
            return self._read_forward(offset, length)

    def _read_forward(self, offset: int, length: int) -> Bytes:
        try:
            if offset < self._window_start:
                self._restart()
            while self._window_start + len(self._window) < offset + length:
                chunk = self._next_chunk()
                if not chunk:
                    break
                # Everything before the wanted offset has been read: keep only what may be asked for next.
                passed = min(offset - self._window_start, len(self._window))
                if passed > 0:
                    del self._window[:passed]
                    self._window_start += passed
                self._window += chunk
        except zlib.error as error:
            # The first pass found the same bytes sound.
            raise InfrastructureError("the package changed while it was read") from error
        start = offset - self._window_start
        return bytes(self._window[start : start + length])

    def _restart(self) -> None:
        self._inflater = decompressor(self._method)
        self._taken = 0
        self._window = bytearray()
        self._window_start = 0

    def _next_chunk(self) -> bytes:
        """Return up to a chunk of inflated bytes, nothing at the end. Raises zlib.error for damaged data."""
        while not self._inflater.eof:
            packed: Bytes = self._inflater.unconsumed_tail
            if not packed:
                packed = self._source.read_at(self._offset + self._taken, min(STREAM_CHUNK, self._packed - self._taken))
                self._taken += len(packed)
            chunk = self._inflater.decompress(packed, STREAM_CHUNK)
            if chunk:
                return chunk
            if not packed:
                break
        return b""
