"""Unpacks everything a package holds, on two threads and in bounded memory."""

import hashlib
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

from shared.formats.deployable_package.archive.directory import STORED, Allowance, DirectoryError, read_directory
from shared.formats.deployable_package.archive.entry import Entry, inside
from shared.formats.deployable_package.archive.sources import DeflatedSource, MemorySource, Source, WindowSource
from shared.formats.deployable_package.archive.unpacking import EntryError, data_offset, read_chunks, read_whole, unpack
from shared.formats.deployable_package.findings import Findings, InfrastructureError
from shared.formats.deployable_package.limits import OPEN_PAYLOADS, STREAM_CHUNK
from shared.formats.deployable_package.read.payload import FileFacts, Payload, file_facts

_BATCH = 8 * STREAM_CHUNK
_ENTRIES_IN_BATCH = 500
# How much is kept of the end of a compressed archive that is too big for memory: most directories fit in.
_TAIL = 4 * STREAM_CHUNK

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all, from any thread."""

_Results = list[FileFacts | tuple[Entry, EntryError]]


class ContentReader:
    """Runs the unpacking of one package.

    The threads that inflate and hash release the interpreter's lock while they do. `deadline` is a value of
    time.monotonic(); beyond it InfrastructureError is raised.
    """

    def __init__(
        self,
        source: Source,
        allowance: Allowance,
        deadline: float,
        findings: Findings,
        progress: Progress | None,
    ) -> None:
        self._source = source
        self._allowance = allowance
        self._deadline = deadline
        self._findings = findings
        self._progress = progress
        self._done = 0
        self._total = source.size
        self._room = OPEN_PAYLOADS
        self._windows: dict[str, Source] = {}
        self._changed = threading.Condition(threading.RLock())

    def open_stored(self, payload: Payload) -> None:
        """Open a payload if it is stored uncompressed, judging its directory."""
        if payload.entry.method != STORED:
            return
        try:
            start = data_offset(self._source, payload.entry)
        except EntryError as damage:
            self._refuse(payload, damage)
            return
        window = WindowSource(self._source, start, payload.entry.packed)
        if self._adopt(payload, window):
            self._windows[payload.entry.path] = window

    def read_all(
        self,
        payloads: Sequence[Payload],
        others: Sequence[Entry],
        want_sha256: bool,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> str:
        """Unpack all payloads and other entries, comparing sizes and checksums.

        `meanwhile` is called, in the caller's thread, once every payload's directory was read, while files are
        unpacked. Returns the SHA-256 of the whole file in hex, empty unless it is wanted.
        """
        running: list[tuple[Payload | None, Future[_Results]]] = []
        with ThreadPoolExecutor(2, "unpack") as pool:
            try:
                whole = pool.submit(self._hash_file) if want_sha256 else None
                for payload in sorted(payloads, key=lambda one: -one.entry.packed):
                    running += [(payload, future) for future in self._submit_payload(pool, payload)]
                for batch in _batches(others):
                    running.append((None, pool.submit(self._unpack, self._source, batch)))
                meanwhile()
                futures = [future for _, future in running]
                for future in wait(futures, return_when=FIRST_EXCEPTION).done:
                    future.result()
                digest = whole.result() if whole is not None else ""
            except BaseException:
                self._deadline = 0.0
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        for owner, future in running:
            self._collect(owner, future.result())
        self._report(self._total)
        return digest

    def _collect(self, payload: Payload | None, results: _Results) -> None:
        for result in results:
            if isinstance(result, FileFacts):
                if payload is not None:
                    payload.files.append(result)
                continue
            entry, damage = result
            place = payload.entry.path if payload is not None else ""
            self._findings.add(damage.rule, inside(place, entry.path), damage.message)
            if payload is not None:
                payload.damaged = True

    def _submit_payload(self, pool: ThreadPoolExecutor, payload: Payload) -> Iterator[Future[_Results]]:
        entry = payload.entry
        held = entry.packed + entry.size
        if payload.damaged:
            return
        if entry.path in self._windows:
            yield pool.submit(self._compare_stored, entry)
            yield from self._submit_files(pool, payload, self._windows[entry.path])
        elif held > OPEN_PAYLOADS:
            # Two at a time: each keeps its end and a window in memory.
            yield from self._within_room(OPEN_PAYLOADS // 2, lambda: self._submit_big_payload(pool, payload))
        else:
            yield from self._within_room(held, lambda: self._submit_in_memory(pool, payload))

    def _within_room(self, amount: int, submit: Callable[[], Iterator[Future[_Results]]]) -> list[Future[_Results]]:
        self._take_room(amount)
        futures = list(submit())
        self._give_room_after(futures, amount)
        return futures

    def _submit_in_memory(self, pool: ThreadPoolExecutor, payload: Payload) -> Iterator[Future[_Results]]:
        source = self._open_in_memory(payload)
        return self._submit_files(pool, payload, source) if source is not None else iter(())

    def _submit_files(self, pool: ThreadPoolExecutor, payload: Payload, source: Source) -> Iterator[Future[_Results]]:
        files = [one for one in payload.entries if not one.is_folder]
        return (pool.submit(self._unpack, source, batch) for batch in _batches(files))

    def _submit_big_payload(self, pool: ThreadPoolExecutor, payload: Payload) -> Iterator[Future[_Results]]:
        entry = payload.entry
        try:
            start = data_offset(self._source, entry)
            big = DeflatedSource(self._source, start, entry.packed, entry.method, entry.size, _TAIL)
        except (EntryError, zlib.error) as error:
            damage = error if isinstance(error, EntryError) else EntryError("DP113", f"is damaged: {error}")
            self._refuse(payload, damage)
            return
        if not big.complete or big.size != entry.size or big.crc != entry.crc:
            self._refuse(payload, EntryError("DP113", "does not unpack to the size and checksum of the directory"))
            return
        if self._adopt(payload, big):
            # One task in the order of offsets: the source reads forwards only.
            files = [one for one in payload.entries if not one.is_folder]
            yield pool.submit(self._unpack, big, files)

    def _open_in_memory(self, payload: Payload) -> Source | None:
        try:
            source = MemorySource(read_whole(self._source, payload.entry))
        except EntryError as damage:
            self._refuse(payload, damage)
            return None
        return source if self._adopt(payload, source) else None

    def _adopt(self, payload: Payload, source: Source) -> bool:
        try:
            payload.entries = read_directory(source, payload.entry.path, self._allowance, self._findings)
        except DirectoryError:
            payload.damaged = True
            return False
        payload.opened = True
        return True

    def _refuse(self, payload: Payload, damage: EntryError) -> None:
        self._findings.add(damage.rule, payload.entry.path, damage.message)
        payload.damaged = True

    def _unpack(self, source: Source, entries: Sequence[Entry]) -> _Results:
        results: _Results = []
        for result in unpack(source, entries):
            self._check_time()
            results.append(result if isinstance(result, tuple) else file_facts(result))
        self._report(sum(entry.packed for entry in entries))
        return results

    def _compare_stored(self, entry: Entry) -> _Results:
        try:
            for _ in read_chunks(self._source, entry):
                self._check_time()
        except EntryError as damage:
            return [(entry, damage)]
        return []

    def _hash_file(self) -> str:
        digest = hashlib.sha256()
        for offset in range(0, self._source.size, STREAM_CHUNK):
            self._check_time()
            digest.update(self._source.read_at(offset, STREAM_CHUNK))
        return digest.hexdigest()

    def _take_room(self, wanted: int) -> None:
        with self._changed:
            while self._room < wanted:
                if not self._changed.wait(max(0.0, self._deadline - time.monotonic())):
                    raise InfrastructureError("the time for this check ran out")
            self._room -= wanted

    def _give_room_after(self, futures: Sequence[Future[_Results]], amount: int) -> None:
        left = len(futures)
        if not left:
            self._give_room(amount)

        def finished(_: Future[_Results]) -> None:
            nonlocal left
            with self._changed:
                left -= 1
                if not left:
                    self._give_room(amount)

        for future in futures:
            future.add_done_callback(finished)

    def _give_room(self, amount: int) -> None:
        with self._changed:
            self._room += amount
            self._changed.notify_all()

    def _check_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise InfrastructureError("the time for this check ran out")

    def _report(self, amount: int) -> None:
        if self._progress is not None:
            with self._changed:
                self._done += amount
                self._progress(min(self._done, self._total), self._total)


def _batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    size = 0
    for entry in sorted(entries, key=lambda one: one.offset):
        if batch and (size + entry.size > _BATCH or len(batch) >= _ENTRIES_IN_BATCH):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.size
    if batch:
        yield batch
