"""`python -m deploy.stack.executor`: servicing-executor in a container of its own, with the environments in it.

The local runtime's environments are processes of the same machine. A container takes them with it when it
ends: here they end in order, the database server last, and run again when it starts again.
"""

import signal
import subprocess
import sys
import threading
from types import FrameType

from deploy.embedded.filelock import FileLock
from deploy.stack.environments import resume_environments, stop_environments
from deploy.stack.logs import LogWatch
from services.servicing_executor.app import ExecutorSettings


def main() -> int:
    """Run the service until it ends; its exit code. 1 where another one has the environments: they are left alone."""
    settings = ExecutorSettings()
    environments, artifacts = settings.environments.absolute(), settings.artifacts.absolute()
    environments.mkdir(parents=True, exist_ok=True)
    lock = FileLock(environments / "executor.lock")
    if not lock.try_acquire():
        print(f"Another executor runs the environments in {environments}; end it first.", file=sys.stderr)
        return 1
    ending = threading.Event()
    service: subprocess.Popen[bytes] | None = None

    def end(number: int, _frame: FrameType | None) -> None:
        ending.set()
        if service:
            service.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    logs = LogWatch(logs=None, environments=environments)
    logs.start()
    try:
        resume_environments(environments, artifacts, lambda line: print(line, file=sys.stderr, flush=True))
        if ending.is_set():
            return 0
        service = subprocess.Popen([sys.executable, "-m", "services.servicing_executor.app"])
        if ending.is_set():
            service.terminate()
        return service.wait()
    finally:
        logs.stop()
        stop_environments(environments, artifacts)
        lock.release()


if __name__ == "__main__":
    sys.exit(main())
