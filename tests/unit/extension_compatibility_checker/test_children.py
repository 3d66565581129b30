"""Child processes: what one does, and what becomes of it when it dies, is called off, or loses its parent."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from services.extension_compatibility_checker.children import ChildFault, Children, IndexDamaged
from services.extension_compatibility_checker.protocol import Indexed, LoadIndex, LookInto, MakeIndex, PackageFile, Seen
from tests.support.al_packages import EXTENSION_ID, extension
from tests.support.patience import QuietClock, until


@pytest.fixture
def children() -> Iterator[Children]:
    some = Children(2, indexes=2, memory=0)
    yield some
    some.close()


@pytest.fixture
def look(tmp_path: Path) -> LookInto:
    """A request that takes no time."""
    path = tmp_path / "small.app"
    path.write_bytes(extension("codeunit 50000 X { }"))
    return LookInto((PackageFile("small", "sha256:0", str(path)),))


@pytest.fixture
def endless(tmp_path: Path) -> LookInto:
    """A request that nobody answers: its package is a pipe into which nobody writes."""
    path = tmp_path / "endless.app"
    os.mkfifo(path)
    return LookInto((PackageFile("endless", "sha256:0", str(path)),))


def gone(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    return True


async def test_a_child_is_used_again_and_there_are_no_more_than_are_allowed(children: Children, look: LookInto) -> None:
    [first] = [(await children.ask(look, Seen)).sights]
    assert first["small"].app
    assert first["small"].app.id == EXTENSION_ID
    [pid] = children.pids
    await children.ask(look, Seen)
    assert children.pids == [pid]
    await asyncio.gather(*[children.ask(look, Seen) for _ in range(10)])
    assert len(children.pids) == 2


async def test_a_child_that_dies_is_a_fault_of_ours_and_the_next_request_gets_another(
    children: Children, look: LookInto, endless: LookInto
) -> None:
    asking = asyncio.create_task(children.ask(endless, Seen))
    await until(lambda: children.pids)
    [pid] = children.pids
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ChildFault, match="was ended by signal 9 in the middle of its work"):
        await asking
    assert "small" in (await children.ask(look, Seen)).sights
    assert pid not in children.pids


async def test_a_child_whose_request_is_called_off_is_killed(
    children: Children, look: LookInto, endless: LookInto
) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await children.ask(endless, Seen)
    assert children.pids == []
    assert "small" in (await children.ask(look, Seen)).sights


async def test_while_children_work_the_loop_goes_on(children: Children, endless: LookInto) -> None:
    asking = [asyncio.create_task(children.ask(endless, Seen)) for _ in range(2)]
    await until(lambda: len(children.pids) == 2)
    clock = QuietClock()
    for _ in range(20):
        await asyncio.sleep(0.005)
    assert clock.seconds() < 2
    for one in asking:
        one.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


async def test_closing_ends_those_that_are_idle_and_those_that_work(
    children: Children, look: LookInto, endless: LookInto
) -> None:
    asking = asyncio.create_task(children.ask(endless, Seen))
    await until(lambda: children.pids)
    await children.ask(look, Seen)
    pids = children.pids
    assert len(pids) == 2
    await asyncio.to_thread(children.close)
    assert all(map(gone, pids))
    with pytest.raises(ChildFault):
        await asking


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, None], ids=["killed", "terminated", "ended"])
async def test_no_child_outlives_its_parent(
    look: LookInto, endless: LookInto, busy: bool, number: signal.Signals | None
) -> None:
    request = endless if busy else look
    program = f"""
import asyncio, sys
from services.extension_compatibility_checker.children import Children
from services.extension_compatibility_checker.protocol import LookInto, PackageFile, Seen
async def main():
    children = Children(1, indexes=1, memory=0)
    file = PackageFile("x", "sha256:0", {request.packages[0].path!r})
    asking = asyncio.create_task(children.ask(LookInto((file,)), Seen))
    if not {busy}:
        await asking
    while not children.pids:
        await asyncio.sleep(0.01)
    print(children.pids[0], flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    asking.cancel()
asyncio.run(main())
"""
    parent = subprocess.Popen(  # noqa: ASYNC220 - started, not waited for
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdin
    assert parent.stdout
    child = int(await asyncio.to_thread(parent.stdout.readline))
    assert not gone(child)
    if number:
        os.kill(parent.pid, number)
    else:
        parent.stdin.write("\n")
        parent.stdin.flush()
    await until(lambda: parent.poll() is not None)
    await until(lambda: gone(child))
    parent.stdin.close()
    parent.stdout.close()


async def test_a_check_that_wants_too_much_memory_is_a_fault_of_ours(tmp_path: Path) -> None:
    bounded = Children(1, indexes=1, memory=512)
    package = tmp_path / "sparse.app"
    with package.open("wb") as file:
        file.truncate(1 << 30)
    try:
        with pytest.raises(ChildFault, match="memory"):
            await bounded.ask(MakeIndex(str(package), "sparse", "W1", str(tmp_path / "x.index")), Indexed)
    finally:
        bounded.close()


async def test_a_file_that_is_no_index_is_named(children: Children, tmp_path: Path) -> None:
    for path in (tmp_path / "none.index", tmp_path / "damaged.index"):
        with pytest.raises(IndexDamaged) as caught:
            await children.ask(LoadIndex(str(path)), Indexed)
        assert caught.value.path == str(path)
        (tmp_path / "damaged.index").write_bytes(b"x" * 100)
