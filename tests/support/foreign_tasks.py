"""`python -m tests.support.foreign_tasks`: a child that does to itself whatever a file could make a reader do."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from shared.children import Failed, Tell, serve
from shared.children.frames import pack


class Request(msgspec.Struct, frozen=True):
    """What to do, and with what."""

    verb: str
    argument: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What came of it, and the process that did it."""

    text: str
    pid: int


class Tasks:
    """Does what it is told; `kept` counts the tasks that were prepared in the warm process."""

    def __init__(self) -> None:
        self.kept = 0
        self.spoilt = ""

    def prepare(self, request: Request) -> Failed | None:
        """Count it; refuse `unprepared`."""
        self.kept += 1
        return (
            Failed("unprepared", "there is nothing to do it with", request.argument) if request.verb == "no" else None
        )

    def answer(self, request: Request, tell: Tell) -> msgspec.Struct:
        """Do it."""
        text = getattr(self, f"do_{request.verb}")(request.argument, tell)
        return text if isinstance(text, Failed) else Answer(str(text), os.getpid())

    def do_say(self, argument: str, tell: Tell) -> str:
        """Print, which must not get into the answer, and say."""
        print("a library says something")
        return argument

    def do_prepared(self, argument: str, tell: Tell) -> int:
        """How many tasks the warm process has prepared."""
        return self.kept

    def do_spoil(self, argument: str, tell: Tell) -> str:
        """Change what later tasks in the same process would see."""
        before, self.spoilt = self.spoilt, argument
        return before

    def do_advance(self, argument: str, tell: Tell) -> str:
        """Tell how far it is, a thousand times, once out of order."""
        for done in (*range(1, 500), 7, *range(500, 1001)):
            tell(done, 1000)
        return "done"

    def do_fail(self, argument: str, tell: Tell) -> Failed:
        """Fail as foreseen."""
        return Failed("foreseen", "as it was to be", argument)

    def do_raise(self, argument: str, tell: Tell) -> str:
        """Fail as nobody foresaw."""
        raise ValueError(argument)

    def do_kill(self, argument: str, tell: Tell) -> str:
        """Die by a signal."""
        os.kill(os.getpid(), signal.Signals[argument])
        return "alive"

    def do_exit(self, argument: str, tell: Tell) -> str:
        """End without an answer."""
        os._exit(int(argument))

    def do_forge(self, argument: str, tell: Tell) -> str:
        """Say something of its own on every pipe that it can find: answers to tasks that are not its own."""
        forged = pack(b"a", msgspec.msgpack.encode(Answer("forged", 0)))
        for descriptor in range(3, 64):
            with suppress(OSError):
                os.write(descriptor, forged * 3 if argument == "answers" else b"\xff" * 64)
        return "honest"

    def do_linger(self, argument: str, tell: Tell) -> str:
        """Close all that it has, as one that has ended would, and go on."""
        os.closerange(3, 64)
        time.sleep(600)
        return "woke"

    def do_grow(self, argument: str, tell: Tell) -> int:
        """Take memory, in MiB."""
        return len(bytearray(int(argument) << 20))

    def do_burn(self, argument: str, tell: Tell) -> str:
        """Use the processor without end."""
        while True:
            pass

    def do_sleep(self, argument: str, tell: Tell) -> str:
        """Say that it has begun, then do nothing for long."""
        tell(os.getpid(), 0)
        time.sleep(float(argument))
        return "woke"

    def do_read(self, argument: str, tell: Tell) -> str:
        """Read a file."""
        return _or_error(lambda: Path(argument).read_text(encoding="utf-8"))

    def do_write(self, argument: str, tell: Tell) -> str:
        """Write a file of 2 MiB."""
        return _or_error(lambda: str(Path(argument).write_bytes(b"x" * (2 << 20))))

    def do_start(self, argument: str, tell: Tell) -> str:
        """Start another program."""
        return _or_error(lambda: str(subprocess.run([argument], check=False).returncode))

    def do_connect(self, argument: str, tell: Tell) -> str:
        """Connect to a port of this machine."""

        def connect() -> str:
            with socket.create_connection(("127.0.0.1", int(argument)), timeout=5):
                return "connected"

        return _or_error(connect)

    def do_environment(self, argument: str, tell: Tell) -> str:
        """The names in its environment."""
        return " ".join(sorted(os.environ))


def _or_error(do: object) -> str:
    try:
        return str(do())  # type: ignore[operator]  # a function without parameters
    except OSError as error:
        return type(error).__name__


if __name__ == "__main__":
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - tracebacks are meant here
    serve(Request, Tasks())
