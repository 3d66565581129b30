"""Whatever a task does, it costs itself and nothing else; and it reaches nothing but its own files."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable
from io import BytesIO
from pathlib import Path

import msgspec
import psutil
import pytest

from shared.children import ChildDied, Files, Pool, TaskFailed, TaskLimits, serving
from shared.children.confinement import landlock_version
from shared.children.frames import ADVANCED, Advanced, read_frame
from tests.support.foreign_tasks import Answer, Request

MODULE = "tests.support.foreign_tasks"
NOTHING = Files()
confined = pytest.mark.skipif(landlock_version() < 4, reason="this kernel offers no landlock with TCP")


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    found = Pool(MODULE, 2)
    yield found
    found.close()


async def ask(
    pool: Pool, verb: str, argument: str = "", files: Files = NOTHING, limits: TaskLimits | None = None
) -> str:
    return (await pool.ask(Request(verb, argument), Answer, files=files, limits=limits)).text


async def test_a_task_is_done_and_what_a_library_prints_is_no_part_of_the_answer(pool: Pool) -> None:
    assert await ask(pool, "say", "well") == "well"


async def test_every_task_has_a_process_of_its_own_that_is_gone_afterwards(pool: Pool) -> None:
    first, second = [await pool.ask(Request("say"), Answer, files=NOTHING) for _ in range(2)]
    assert first.pid != second.pid
    assert not psutil.pid_exists(first.pid)


async def test_what_a_task_did_to_its_process_is_not_there_for_the_next(pool: Pool) -> None:
    assert [await ask(pool, "spoil", "poison"), await ask(pool, "spoil", "again")] == ["", ""]


async def test_what_was_prepared_is_kept_for_later_tasks(pool: Pool) -> None:
    assert [await ask(pool, "prepared") for _ in range(3)] == ["1", "2", "3"]


async def test_a_task_that_cannot_be_prepared_is_answered_with_the_reason(pool: Pool) -> None:
    with pytest.raises(TaskFailed, match="nothing to do it with") as failed:
        await ask(pool, "no", "index-7")
    assert (failed.value.kind, failed.value.subject) == ("unprepared", "index-7")
    assert await ask(pool, "say", "next") == "next"


async def test_progress_is_told_in_order_not_too_often_and_to_the_end(pool: Pool) -> None:
    told: list[tuple[int, int]] = []
    await pool.ask(Request("advance"), Answer, files=NOTHING, progress=lambda done, total: told.append((done, total)))
    await asyncio.sleep(0)
    assert (told[0], told[-1]) == ((1, 1000), (1000, 1000))
    assert told == sorted(set(told))
    assert len(told) < 500


def test_a_task_is_never_told_to_be_less_far_than_before() -> None:
    told = BytesIO()
    progress = serving._Progress(told)
    for done in (5, 3):
        progress.tell(done, 10)
    progress.end()
    told.seek(0)
    assert read_frame(told) == (ADVANCED, msgspec.msgpack.encode(Advanced(5, 10)))
    assert read_frame(told) is None


async def test_a_foreseen_failure_keeps_its_kind_and_an_unforeseen_one_names_itself(pool: Pool) -> None:
    with pytest.raises(TaskFailed, match="as it was to be") as foreseen:
        await ask(pool, "fail", "it")
    with pytest.raises(TaskFailed, match="ValueError: unheard of") as unforeseen:
        await ask(pool, "raise", "unheard of")
    assert (foreseen.value.kind, unforeseen.value.kind) == ("foreseen", "fault")


@pytest.mark.parametrize(
    ("verb", "argument", "how"),
    [
        ("kill", "SIGSEGV", "SIGSEGV"),
        ("kill", "SIGKILL", "SIGKILL"),
        ("exit", "3", "exit code 3"),
        ("exit", "0", "exit code 0"),
        ("linger", "", "SIGKILL"),
    ],
)
async def test_a_death_is_told_with_how_and_the_next_task_is_done(
    pool: Pool, verb: str, argument: str, how: str
) -> None:
    with pytest.raises(ChildDied, match=f"ended by {how}"):
        await within(20, ask(pool, verb, argument))
    assert await ask(pool, "say", "next") == "next"


async def within(seconds: float, what: Awaitable[str]) -> str:
    async with asyncio.timeout(seconds):
        return await what


async def test_a_task_cannot_answer_for_the_next(pool: Pool) -> None:
    assert await ask(pool, "forge", "answers") == "forged"
    assert [await ask(pool, "say", text) for text in ("one", "two", "three")] == ["one", "two", "three"]
    with pytest.raises(ChildDied):
        await within(20, ask(pool, "forge", "noise"))
    assert await ask(pool, "say", "next") == "next"


async def test_a_death_costs_no_neighbour() -> None:
    pool = Pool(MODULE, 2)
    slow = asyncio.ensure_future(ask(pool, "sleep", "1"))
    with pytest.raises(ChildDied):
        await ask(pool, "kill", "SIGSEGV")
    assert await slow == "woke"
    pool.close()


async def test_a_cancelled_task_is_killed_at_once() -> None:
    pool = Pool(MODULE, 1)
    begun: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    asking = asyncio.ensure_future(
        pool.ask(Request("sleep", "600"), Answer, files=NOTHING, progress=lambda pid, _: begun.set_result(pid))
    )
    pid = await begun
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await gone(pid)
    assert await ask(pool, "say", "next") == "next"
    pool.close()


def processes_of_pools() -> list[int]:
    """Those of this process; engines that other tests started are none of them."""
    return [child.pid for child in psutil.Process().children(recursive=True) if MODULE in " ".join(child.cmdline())]


async def gone(pid: int) -> None:
    """Return when a process has ended; a zombie has."""
    async with asyncio.timeout(20):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.01)


async def test_no_more_tasks_run_at_once_than_it_may_have_processes() -> None:
    pool = Pool(MODULE, 2)
    running = most = 0

    def begun(pid: int, _: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)

    async def one() -> None:
        nonlocal running
        await pool.ask(Request("sleep", "0.2"), Answer, files=NOTHING, progress=begun)
        running -= 1

    await asyncio.gather(*(one() for _ in range(5)))
    assert most == 2
    pool.close()


async def test_memory_and_processor_are_bounded(pool: Pool) -> None:
    with pytest.raises(TaskFailed, match="more memory") as failed:
        await ask(pool, "grow", "600", limits=TaskLimits(memory=512 << 20))
    assert failed.value.kind == "memory"
    with pytest.raises(ChildDied, match=r"SIGXCPU|SIGKILL"):
        await ask(pool, "burn", limits=TaskLimits(cpu_seconds=1))


async def test_the_size_of_what_it_writes_is_bounded(pool: Pool, tmp_path: Path) -> None:
    files = Files(write=(str(tmp_path),))
    assert await ask(pool, "write", str(tmp_path / "small"), files) == str(2 << 20)
    assert await ask(pool, "write", str(tmp_path / "large"), files, TaskLimits(file_size=1 << 20)) == "OSError"
    assert (tmp_path / "large").stat().st_size <= 1 << 20


@confined
async def test_only_its_own_files_are_there_for_a_task(pool: Pool, tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    own.write_text("mine", encoding="utf-8")
    other.write_text("another customer's", encoding="utf-8")
    link = tmp_path / "link"
    link.symlink_to(own)
    files = Files(read=(str(own),))
    assert [await ask(pool, "read", str(path), files) for path in (own, link, other)] == [
        "mine",
        "mine",
        "PermissionError",
    ]
    assert await ask(pool, "read", "/etc/passwd", files) == "PermissionError"
    assert await ask(pool, "read", str(Path(__file__).parents[3] / "README.md"), files) == "PermissionError"
    assert await ask(pool, "write", str(own), files) == "PermissionError"
    assert await ask(pool, "write", str(tmp_path / "new"), files) == "PermissionError"


@confined
async def test_a_task_writes_into_its_own_folder_alone(pool: Pool, tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    own.mkdir()
    other.mkdir()
    files = Files(write=(str(own),))
    assert await ask(pool, "write", str(own / "file"), files) == str(2 << 20)
    assert await ask(pool, "write", str(other / "file"), files) == "PermissionError"


@confined
async def test_a_task_starts_no_program_and_reaches_no_network(pool: Pool) -> None:
    assert await ask(pool, "start", "/bin/true") == "PermissionError"
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert await ask(pool, "connect", str(server.getsockname()[1])) in ("PermissionError", "OSError")


async def test_no_secret_is_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DRYDOCK_MONGO", "DRYDOCK_SMTP_PASSWORD", "AWS_SECRET_ACCESS_KEY", "KUBECONFIG"):
        monkeypatch.setenv(name, "secret")
    pool = Pool(MODULE, 1)
    names = set((await ask(pool, "environment")).split())
    pool.close()
    assert names <= {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH"} | {
        "PYTHONWARNINGS"
    }


async def test_processes_end_with_the_pool() -> None:
    pool = Pool(MODULE, 1)
    answer = await pool.ask(Request("say"), Answer, files=NOTHING)
    warm = processes_of_pools()
    assert warm
    assert answer.pid not in warm
    pool.close()
    for pid in warm:
        await gone(pid)


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, None], ids=["killed", "terminated", "ended"])
async def test_no_process_outlives_its_service(busy: bool, number: signal.Signals | None) -> None:
    program = f"""
        import asyncio
        import sys
        import psutil
        from shared.children import Files, Pool
        from tests.support.foreign_tasks import Answer, Request

        async def main():
            begun = asyncio.Event()
            pool = Pool({MODULE!r}, 1)
            request = Request("sleep", "600" if {busy} else "0")
            asking = asyncio.create_task(
                pool.ask(request, Answer, files=Files(), progress=lambda pid, _: begun.set())
            )
            await (begun.wait() if {busy} else asking)
            print(*(child.pid for child in psutil.Process().children(recursive=True)), flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            asking.cancel()

        asyncio.run(main())
    """
    service = subprocess.Popen(  # noqa: ASYNC220 - it only starts
        [sys.executable, "-c", textwrap.dedent(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with service:
        assert service.stdin
        assert service.stdout
        pids = [int(pid) for pid in (await asyncio.to_thread(service.stdout.readline)).split()]
        assert len(pids) == 1 + busy
        if number:
            service.send_signal(number)
    for pid in pids:
        await gone(pid)


async def test_while_tasks_are_done_the_loop_goes_on() -> None:
    pool = Pool(MODULE, 1)
    asking = asyncio.ensure_future(ask(pool, "sleep", "0.5"))
    turns = 0
    while not asking.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 100
    pool.close()


async def test_closing_ends_those_that_are_idle_and_those_that_work() -> None:
    pool = Pool(MODULE, 2)
    begun: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    asking = asyncio.ensure_future(
        pool.ask(Request("sleep", "600"), Answer, files=NOTHING, progress=lambda pid, _: begun.set_result(pid))
    )
    busy = await begun
    await ask(pool, "say")
    pids = {busy, *processes_of_pools()}
    assert len(pids) > 2
    await asyncio.to_thread(pool.close)
    with pytest.raises(ChildDied):
        await asking
    for pid in pids:
        await gone(pid)


async def test_a_process_that_ended_while_it_had_nothing_to_do_is_replaced() -> None:
    pool = Pool(MODULE, 1)
    await ask(pool, "say")
    [warm] = [child for child in psutil.Process().children() if MODULE in " ".join(child.cmdline())]
    warm.kill()
    await gone(warm.pid)
    assert await ask(pool, "say", "next") == "next"
    pool.close()


async def test_the_task_ends_when_the_warm_process_is_killed() -> None:
    pool = Pool(MODULE, 1)
    begun: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    asking = asyncio.ensure_future(
        pool.ask(Request("sleep", "600"), Answer, files=NOTHING, progress=lambda pid, _: begun.set_result(pid))
    )
    task = await begun
    os.kill(psutil.Process(task).ppid(), signal.SIGKILL)
    await gone(task)
    with pytest.raises(ChildDied, match="SIGKILL"):
        await asking
    pool.close()
