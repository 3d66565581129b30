"""What every artifact store does; today that is the folder."""

import asyncio
import errno
import hashlib
import json
import multiprocessing
import os
import resource
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from shared.artifacts.errors import (
    ArtifactCorruptError,
    ArtifactMissingError,
    ArtifactStoreError,
    StoreFullError,
    StoreUnavailableError,
)
from shared.artifacts.folder import FolderStore
from shared.artifacts.port import ArtifactStore, Descriptor

ABSENT = f"sha256:{'0' * 64}"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


async def streamed(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def receive(store: ArtifactStore, digest: str, received: list[bytes]) -> None:
    async for chunk in store.open(digest):
        received += [chunk]


async def test_what_was_put_is_found_under_the_digest_of_its_bytes(store: ArtifactStore) -> None:
    descriptor = await store.put(streamed(b"pack", b"", b"age"), "application/zip")
    digest = f"sha256:{hashlib.sha256(b'package').hexdigest()}"
    assert descriptor == Descriptor("application/zip", digest, 7)
    assert await store.exists(digest)
    assert await store.describe(digest) == descriptor
    assert await store.read(digest, limit=7) == b"package"
    assert b"".join([chunk async for chunk in store.open(digest)]) == b"package"
    async with store.local_file(digest) as path:
        assert path.read_bytes() == b"package"


async def test_a_file_is_stored_like_a_stream(store: ArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(os.urandom(3_000_001))
    descriptor = await store.put_file(tmp_path / "large", "application/octet-stream")
    assert b"".join([c async for c in store.open(descriptor.digest)]) == (tmp_path / "large").read_bytes()


async def test_an_empty_artifact_is_an_artifact(store: ArtifactStore) -> None:
    descriptor = await store.put_bytes(b"", "text/plain")
    assert [chunk async for chunk in store.open(descriptor.digest)] == []


async def test_the_first_media_type_stays_but_each_writer_gets_its_own_descriptor(
    store: ArtifactStore,
) -> None:
    first = await store.put_bytes(b"{}", "application/json")
    second = await store.put_bytes(b"{}", "application/vnd.oci.empty.v1+json")
    assert second == Descriptor("application/vnd.oci.empty.v1+json", first.digest, 2)
    assert await store.describe(first.digest) == first


async def test_what_is_not_there_is_missing(store: ArtifactStore) -> None:
    assert not await store.exists(ABSENT)
    with pytest.raises(ArtifactMissingError):
        await store.describe(ABSENT)
    with pytest.raises(ArtifactMissingError):
        await store.read(ABSENT, limit=1)
    with pytest.raises(ArtifactMissingError):
        await anext(store.open(ABSENT))
    with pytest.raises(ArtifactMissingError):
        await store.resolve("no-such-name")
    with pytest.raises(ArtifactMissingError):
        await store.set_reference("name", Descriptor("text/plain", ABSENT, 1))


@pytest.mark.parametrize("digest", ["", "sha256:abc", "../../etc/passwd", "sha512:" + "0" * 64, "0" * 64])
async def test_what_is_no_digest_never_becomes_a_path(store: ArtifactStore, digest: str) -> None:
    with pytest.raises(ValueError, match="is no digest"):
        await store.exists(digest)


async def test_an_artifact_larger_than_the_reader_allows_is_not_read(store: ArtifactStore) -> None:
    descriptor = await store.put_bytes(b"12345", "text/plain")
    with pytest.raises(ValueError, match="more than the 4 allowed"):
        await store.read(descriptor.digest, limit=4)


async def test_a_reference_means_the_last_artifact_it_was_given(store: ArtifactStore) -> None:
    first = await store.put_bytes(b"1", "text/plain")
    second = await store.put_bytes(b"2", "text/plain")
    for descriptor in (first, second):
        await store.set_reference("contoso/november", descriptor)
    await store.set_reference("other", first)
    assert await store.resolve("contoso/november") == second
    assert await store.references() == {"contoso/november": second, "other": first}


@pytest.mark.parametrize("name", ["", "/a", "a/", "a b", "../a", "a..b", "x" * 256])
async def test_a_name_that_is_no_oci_reference_is_refused(store: ArtifactStore, name: str) -> None:
    with pytest.raises(ValueError, match="is no reference"):
        await store.set_reference(name, Descriptor("text/plain", ABSENT, 1))


async def test_changed_bytes_are_never_handed_out_as_the_artifact(store: FolderStore, tmp_path: Path) -> None:
    content = os.urandom(2_500_000)
    descriptor = await store.put_bytes(content, "text/plain")
    blob = tmp_path / "store/blobs/sha256" / descriptor.digest.removeprefix("sha256:")
    blob.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ArtifactCorruptError):
        await store.read(descriptor.digest, limit=1 << 30)
    received: list[bytes] = []
    with pytest.raises(ArtifactCorruptError):
        await receive(store, descriptor.digest, received)
    assert sum(map(len, received)) < len(content)
    with pytest.raises(ArtifactCorruptError):
        async with store.local_file(descriptor.digest):
            pass
    await store.put_bytes(content, "text/plain")
    assert await store.read(descriptor.digest, limit=1 << 30) == content


async def test_the_folder_is_an_oci_image_layout(store: FolderStore, tmp_path: Path) -> None:
    descriptor = await store.put_bytes(b"1", "text/plain")
    await store.set_reference("one", descriptor)
    root = tmp_path / "store"
    assert json.loads((root / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    assert json.loads((root / "index.json").read_text()) == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {
                "mediaType": "text/plain",
                "digest": descriptor.digest,
                "size": 1,
                "annotations": {"org.opencontainers.image.ref.name": "one"},
            }
        ],
        "annotations": {"dev.drydock.index": "images"},
    }
    assert [path.name for path in (root / "blobs/sha256").iterdir()] == [descriptor.digest[7:]]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_is_said_so_and_leaves_nothing(store: FolderStore, tmp_path: Path) -> None:
    with largest_file(100_000), pytest.raises(StoreFullError, match="no space is left"):
        await store.put(streamed(b"x" * 60_000, b"y" * 60_000), "text/plain")
    assert list((tmp_path / "store/incoming").iterdir()) == []
    assert list((tmp_path / "store/blobs/sha256").iterdir()) == []


async def test_a_failing_source_leaves_nothing(store: FolderStore, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await store.put(broken(), "text/plain")
    assert list((tmp_path / "store/incoming").iterdir()) == []


async def test_who_may_only_read_can_read_what_nobody_has_used_for_long(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    descriptor = await store.put_bytes(b"content", "text/plain")
    os.utime(tmp_path / "store/blobs/sha256" / descriptor.digest[7:], (0, 0))

    def refuse(path: Path) -> None:
        raise PermissionError(errno.EPERM, "not permitted")

    monkeypatch.setattr("shared.artifacts.folder.os.utime", refuse)
    assert await store.read(descriptor.digest, limit=100) == b"content"
    with pytest.raises(ArtifactMissingError):
        await store.read(ABSENT, limit=100)


def test_a_place_that_cannot_be_a_store_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailableError, match="cannot be used"):
        FolderStore(tmp_path / "file")


def test_every_error_of_a_store_is_an_infrastructure_error() -> None:
    for error in (ArtifactMissingError, ArtifactCorruptError, StoreFullError, StoreUnavailableError):
        assert issubclass(error, ArtifactStoreError)


def _put_and_name(root: Path, writer: int, together: Barrier) -> None:
    async def run() -> None:
        store = FolderStore(root)
        together.wait()
        for number in range(10):
            descriptor = await store.put_bytes(f"shared {number}".encode(), "text/plain")
            await store.set_reference(f"{writer}.{number}", descriptor)

    asyncio.run(run())


def _die_while_writing(root: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"half"
        os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(FolderStore(root).put(chunks(), "text/plain"))


async def test_several_processes_write_one_store_without_losing_names(store: FolderStore, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(3)
    writers = [context.Process(target=_put_and_name, args=(tmp_path / "store", n, together)) for n in range(3)]
    for process in writers:
        process.start()
    for process in writers:
        await asyncio.to_thread(process.join)
        assert process.exitcode == 0
        process.close()
    names = await store.references()
    assert sorted(names) == sorted(f"{writer}.{number}" for writer in range(3) for number in range(10))
    assert len({descriptor.digest for descriptor in names.values()}) == 10


async def test_a_killed_writer_leaves_no_artifact_and_its_rest_is_removed_but_no_living_writers(
    store: FolderStore, tmp_path: Path
) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_die_while_writing, args=(tmp_path / "store",))
    process.start()
    await asyncio.to_thread(process.join)
    process.close()
    incoming = tmp_path / "store/incoming"
    assert len(list(incoming.iterdir())) == 1

    async def chunks() -> AsyncIterator[bytes]:
        yield b"alive"
        FolderStore(tmp_path / "store")  # another process starts now
        assert len(list(incoming.iterdir())) == 1

    descriptor = await store.put(chunks(), "text/plain")
    assert [path.name for path in (tmp_path / "store/blobs/sha256").iterdir()] == [descriptor.digest[7:]]
    assert list(incoming.iterdir()) == []


async def test_of_several_artifacts_those_are_told_that_are_not_there(store: ArtifactStore) -> None:
    there = (await store.put_bytes(b"there", "text/plain")).digest
    gone = f"sha256:{'0' * 64}"
    assert await store.missing([there, gone]) == {gone}
    assert await store.missing([]) == frozenset()


async def test_a_note_is_found_under_its_name_the_newest_one(store: ArtifactStore) -> None:
    assert await store.noted(["any name / of any form"]) == {}
    await store.note("any name / of any form", b"first")
    await store.note("any name / of any form", b"second")
    assert await store.noted(["any name / of any form", "other"]) == {"any name / of any form": b"second"}
    assert await store.references() == {}


async def test_a_name_is_had_by_one_at_a_time_and_free_again_whatever_happens_to_him(store: ArtifactStore) -> None:
    order: list[str] = []
    inside = asyncio.Event()

    async def first() -> None:
        async with store.exclusive("name"):
            inside.set()
            async with store.exclusive("other"):  # is free meanwhile
                await asyncio.sleep(0)
            order.append("first")
            raise ValueError

    async def second() -> None:
        await inside.wait()
        async with store.exclusive("name"):
            order.append("second")

    ended = await asyncio.gather(first(), second(), return_exceptions=True)
    assert isinstance(ended[0], ValueError)
    assert order == ["first", "second"]
