"""Starts one service so that it outlives whoever asked, and records it before it runs.

Run as a script by the executor: `launcher.py FOLDER NAME RELEASE TAG COMMAND...`. The process that becomes
the service takes the lock `<name>.lock`, which it holds for its life, writes `<name>.json` with its own
identity, and only then executes the command: a service that runs is always recorded, whenever the executor
is killed, and never runs twice. Exit status: 0 started, 3 the lock is held by a running service.
"""

import fcntl
import json
import os
import sys
from pathlib import Path

ALREADY_RUNNING = 3
_RECORDED = b"recorded"


def process_start(pid: int) -> str | None:
    """What tells this process from a later one with its pid; None when there is none, or only a zombie."""
    try:
        # Fields after the command's name, which may contain anything: 0 is the state, 19 the start time in
        # clock ticks since boot (proc_pid_stat(5)).
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if fields[0] in "ZX":
            return None
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except ProcessLookupError:
        return None
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    else:
        return f"{boot}:{fields[19]}"
    # No /proc, as on macOS: ps knows the start to the second.
    import subprocess  # late, because a launch should be quick

    found = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return found or None


def main(arguments: list[str]) -> int:
    folder, name, release, tag, *command = arguments
    heard, told = os.pipe()
    if os.fork() != 0:
        os.close(told)
        with os.fdopen(heard, "rb") as pipe:
            return 0 if pipe.read() == _RECORDED else ALREADY_RUNNING
    os.close(heard)
    os.setsid()
    _become_service(Path(folder), name, release, tag, command, told)
    return ALREADY_RUNNING


def _become_service(folder: Path, name: str, release: str, tag: str, command: list[str], told: int) -> None:
    lock = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    os.set_inheritable(lock, True)
    (folder / f"{name}.ready").unlink(missing_ok=True)
    record = {"pid": os.getpid(), "start": process_start(os.getpid()), "release": release, "tag": tag}
    draft = folder / f".{name}.json.{os.getpid()}"
    draft.write_text(json.dumps(record))
    draft.rename(folder / f"{name}.json")
    log = os.open(folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.write(told, _RECORDED)
    os.close(told)
    try:
        os.execvp(command[0], command)  # noqa: S606  # becoming the service is the point
    except OSError as error:
        os.write(2, f"{command[0]} cannot be started: {error}\n".encode())
        os._exit(127)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
