"""A part's layer as a stream: a deterministic tar in independent zstd frames, made by two threads.

The tar is cut into frames of about 4 MiB along its members. Workers inflate, assemble and compress whole
frames, because threads inside one zstd call do not help; this side only hashes, in order. Where frames
begin depends on the members alone, so the bytes do not depend on timing.
"""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import zstandard

from services.image_builder.layers.payload import Entry
from services.image_builder.layers.tar import END, file_header, padding

_FRAME = 4 << 20
_LEVEL = 1

Member = tuple[str, Entry]
_Frame = tuple[bytes, bytes]


class LayerStream:
    """Iterate once for the compressed layer's chunks; `diff_id` and `size` (uncompressed) are whole after."""

    def __init__(self, members: Iterable[Member], *, threads: int = 2) -> None:
        self._members = members
        self._threads = threads
        self._hasher = hashlib.sha256()
        self.size = 0

    @property
    def diff_id(self) -> str:
        return f"sha256:{self._hasher.hexdigest()}"

    def __iter__(self) -> Iterator[bytes]:
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="layer")
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
            pool.shutdown(cancel_futures=True)

    def _finish(self, frame: Future[_Frame]) -> bytes:
        raw, packed = frame.result()
        self._hasher.update(raw)
        self.size += len(raw)
        return packed

    def _frames(self, pool: ThreadPoolExecutor) -> Iterator[Future[_Frame]]:
        group: list[Member] = []
        planned = 0
        for path, entry in self._members:
            if entry.streamed or planned + entry.size > _FRAME:
                if group:
                    yield pool.submit(_pack_members, group)
                group, planned = [], 0
            if entry.streamed:
                yield pool.submit(_pack, file_header(path, entry.size))
                for chunk in entry.chunks():
                    yield pool.submit(_pack, bytes(chunk))
                yield pool.submit(_pack, padding(entry.size))
            else:
                group.append((path, entry))
                planned += entry.size
        if group:
            yield pool.submit(_pack_members, group)
        yield pool.submit(_pack, END)


def _pack_members(members: Iterable[Member]) -> _Frame:
    pieces: list[bytes | memoryview] = []
    for path, entry in members:
        pieces += (file_header(path, entry.size), entry.read(), padding(entry.size))
    return _pack(b"".join(pieces))


def _pack(raw: bytes) -> _Frame:
    return raw, zstandard.ZstdCompressor(level=_LEVEL).compress(raw)
