"""A layer as a stream: a deterministic tar in independent zstd frames or gzip members, made by several threads.

The tar is cut into frames of about 4 MiB along its members. Workers inflate, assemble and compress whole
frames, because threads inside one zstd call do not help; this side only hashes, in order. Where frames
begin depends on the members alone, so the bytes do not depend on timing.
"""

import hashlib
import tarfile
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

import deflate
import zstandard

from shared.formats.deployable_package.archive.sources import Bytes
from shared.formats.deployable_package.read.package import PayloadFile
from shared.formats.oci_image import Compression

_FRAME = 4 << 20
_WHOLE_LIMIT = 64 << 20
_LEVEL = 1
_GZIP_LEVEL = 6
_BLOCK = 512
_END = bytes(2 * _BLOCK)
_USTAR = b"ustar\x0000" + bytes(247)

Member = tuple[str, PayloadFile]
"""Path in the layer, and the file that stands there."""
_Frame = tuple[bytes, bytes]


class LayerStream:
    """Iterate once for the compressed layer's chunks; `diff_id` and `size` (uncompressed) are whole after.

    `pool` does the work, if it is given; the stream's own pool has so many `threads`.
    """

    def __init__(
        self,
        members: Iterable[Member],
        *,
        threads: int = 2,
        pool: ThreadPoolExecutor | None = None,
        compression: Compression = "zstd",
    ) -> None:
        self._members = members
        self._threads = threads
        self._pool = pool
        self._pack = _PACKERS[compression]
        self._hasher = hashlib.sha256()
        self.size = 0

    @property
    def diff_id(self) -> str:
        return f"sha256:{self._hasher.hexdigest()}"

    def __iter__(self) -> Generator[bytes]:
        pool = self._pool or ThreadPoolExecutor(self._threads, thread_name_prefix="layer")
        # Twice the workers: enough to keep them busy, few enough to bound memory.
        pending: deque[Future[_Frame]] = deque()
        try:
            for frame in self._frames(pool):
                pending.append(frame)
                if len(pending) > 2 * self._threads:
                    yield self._finish(pending.popleft())
            while pending:
                yield self._finish(pending.popleft())
        finally:
            for frame in pending:
                frame.cancel()
            wait(pending)  # they read from the package, which may be closed now
            if self._pool is None:
                pool.shutdown()

    def _finish(self, frame: Future[_Frame]) -> bytes:
        raw, packed = frame.result()
        self._hasher.update(raw)
        self.size += len(raw)
        return packed

    def _packed(self, raw: bytes) -> _Frame:
        return raw, self._pack(raw)

    def _frames(self, pool: ThreadPoolExecutor) -> Iterator[Future[_Frame]]:
        group: list[Member] = []
        planned = 0
        for path, file in self._members:
            streamed = file.size > _WHOLE_LIMIT
            if streamed or planned + file.size > _FRAME:
                if group:
                    yield pool.submit(_pack_members, self._pack, group)
                group, planned = [], 0
            if streamed:
                yield pool.submit(self._packed, file_header(path, file.size))
                for piece in _pieces(file):
                    yield pool.submit(self._packed, piece)
                yield pool.submit(self._packed, _padding(file.size))
            else:
                group.append((path, file))
                planned += file.size
        if group:
            yield pool.submit(_pack_members, self._pack, group)
        yield pool.submit(self._packed, _END)


def _pieces(file: PayloadFile) -> Iterator[bytes]:
    """A file in pieces of a frame each, whatever chunks it is read in."""
    piece = bytearray()
    for chunk in file.chunks():
        piece += chunk
        while len(piece) >= _FRAME:
            yield bytes(piece[:_FRAME])
            del piece[:_FRAME]
    if piece:
        yield bytes(piece)


def _pack_members(pack: Callable[[bytes], bytes], members: Iterable[Member]) -> _Frame:
    pieces: list[Bytes] = []
    for path, file in members:
        pieces += (file_header(path, file.size), file.read(), _padding(file.size))
    raw = b"".join(pieces)
    return raw, pack(raw)


def _zstd(raw: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=_LEVEL).compress(raw)


def _gzip(raw: bytes) -> bytes:
    # A member with no time and no name in its header; readers take several as one (RFC 1952, 2.2).
    return bytes(deflate.gzip_compress(raw, _GZIP_LEVEL))


_PACKERS: dict[Compression, Callable[[bytes], bytes]] = {"zstd": _zstd, "gzip": _gzip, "none": lambda raw: raw}


def file_header(path: str, size: int) -> bytes:
    """The tar header of a regular file: mode 0644, user and group 0, time 0; PAX where ustar cannot say it."""
    name = path.encode()
    if len(name) <= 100 and path.isascii() and size < 8 << 30:
        fixed = name.ljust(100, b"\0") + b"0000644\x000000000\x000000000\x00%011o\x0000000000000\x00" % size
        head, tail = fixed, b"0" + bytes(100) + _USTAR
        # The checksum counts its own field as eight spaces.
        return b"%b%06o\x00 %b" % (head, sum(head) + sum(tail) + 8 * 32, tail)
    info = tarfile.TarInfo(path)
    info.size = size
    return info.tobuf(tarfile.PAX_FORMAT)


def _padding(size: int) -> bytes:
    """What fills a file of `size` bytes up to whole blocks of a tar."""
    return bytes(-size % _BLOCK)
