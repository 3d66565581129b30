"""Runs one program and ends it when the process that started the guard is gone.

    python guard.py GRACE PROGRAM [ARGUMENT ...]

Standard input is a pipe whose other end the parent keeps: its end is the order to stop, whether the parent
closed it or died. The program gets SIGTERM, and SIGKILL after GRACE seconds. The first line of standard
output is the program's process id. The exit code is the program's (negative signal numbers become 128 +
number).
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading

_PR_SET_PDEATHSIG = 1


def _die_with_the_guard() -> None:
    # Linux only; elsewhere a guard that is itself killed hard leaves its program running.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def main(grace: float, command: list[str]) -> int:
    # The death signal follows the thread that forks: this, the main thread, lives as long as the guard.
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, preexec_fn=_die_with_the_guard)
    ended = threading.Event()

    def stop_at_end_of_input() -> None:
        os.read(0, 1)
        program.terminate()
        program.send_signal(signal.SIGCONT)
        if not ended.wait(grace):
            program.kill()

    threading.Thread(target=stop_at_end_of_input, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: program.terminate())
    os.write(1, f"{program.pid}\n".encode())
    code = program.wait()
    ended.set()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
