"""One engine as an operating system process: started under a guard, watched, started again when it dies."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deploy.embedded.progress import CEILING, PATIENCE, StartProgress

_GUARD = Path(__file__).with_name("guard.py")
_GRACE = 8.0
_FIRST_BACK_OFF = 0.1
_LONGEST_BACK_OFF = 10.0
# An engine that ran this long was well: the next back-off is the first again.
_STEADY = 30.0
# Whoever ends sooner while it starts did not wait for another in vain.
_GAVE_UP = 5.0
# A longer log is put aside at the next start; two of them are kept.
_LONG_LOG = 10_000_000


class EnginesError(Exception):
    """An engine cannot be fetched, started, reached or ended; the message names the way out."""


def guarded(command: Sequence[str], grace: float) -> list[str]:
    """The command that runs `command` for as long as the guard's standard input is open (see guard.py)."""
    return [sys.executable, "-I", "-S", str(_GUARD), str(grace), *command]


class EngineProcess:
    """A supervised engine. All methods may be called from any thread; times are in seconds.

    `probe` returns when the engine answers requests and raises OSError (or a subclass) when it does not yet.
    `environment` is added to this process's own. `why` says in words what an exit code of the engine means, if it
    means anything.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log_file: Path,
        probe: Callable[[float], None],
        *,
        lock_fd: int,
        supervise: bool,
        environment: Mapping[str, str] | None = None,
        why: Callable[[int], str | None] = lambda _: None,
        on_change: "Callable[[EngineProcess], None]" = lambda _: None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.name = name
        self.log_file = log_file
        self._command = list(command)
        self._probe = probe
        self._lock_fd = lock_fd
        self._supervise = supervise
        self._environment = None if environment is None else {**os.environ, **environment}
        self._why = why
        self._reason = ""
        self._on_change = on_change
        self._say = say
        self._state = threading.Lock()
        self._guard: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None
        self._was_ready = False
        self._spawned = 0.0
        self._stopping = threading.Event()

    @property
    def pid(self) -> int | None:
        """The engine's process id, None while it does not run."""
        return self._pid

    @property
    def running(self) -> bool:
        return self._pid is not None

    def start(self) -> None:
        """Start the process if it does not run. It answers only after `wait_ready`."""
        with self._state:
            if self._guard is not None:
                return
            # The event of an earlier start stays set: its watcher must not bring that process back.
            self._stopping = threading.Event()
            self._was_ready = False
            guard = self._spawn()
            threading.Thread(
                target=self._watch, args=(guard, self._stopping), name=f"watch-{self.name}", daemon=True
            ).start()
        self._on_change(self)

    def wait_ready(self, patience: float = PATIENCE, *, ceiling: float = CEILING, again: int = 0) -> None:
        """Return when the engine answers requests; wait for as long as it gets on (see progress.py).

        One that gave up waiting for another on a busy machine, and ended, is started again, `again` times.

        Raises EnginesError with the end of its log when it ends before it ever answered, when it makes no
        progress for `patience` seconds, or after `ceiling` seconds.
        """
        progress = StartProgress(self.log_file, lambda: self._pid, patience=patience, ceiling=ceiling)
        while True:
            if self._pid is None and not (self._supervise and self._was_ready):
                if again > 0 and time.monotonic() - self._spawned > _GAVE_UP:
                    again -= 1
                    self._say(f"{self.name} gave up while it was starting; starting it again.{self._tail(1)}")
                    self.start()
                    continue
                raise EnginesError(f"{self.name} ended while it was starting{self._reason}.{self._tail()}")
            try:
                self._probe(progress.answer_limit)
            except OSError as error:
                if (stalled := progress.stalled(str(error))) is not None:
                    raise EnginesError(f"{self.name} {stalled}.{self._tail()}") from error
                if (news := progress.news(str(error))) is not None:
                    self._say(f"{self.name} {news}")
                time.sleep(progress.pause)
            else:
                self._was_ready = True
                return

    def stop(self) -> None:
        """End the process: politely, and after eight seconds by SIGKILL. Returns when it is gone."""
        self._stopping.set()
        with self._state:
            guard = self._guard
        if guard is not None:
            assert guard.stdin is not None
            guard.stdin.close()
            guard.wait()
            self._ended(guard)

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill(self) -> None:
        """SIGKILL. Returns when the process is gone; if it is supervised, it then starts again by itself."""
        with self._state:
            guard, pid = self._guard, self._pid
        if guard is not None and pid is not None:
            os.kill(pid, signal.SIGKILL)
            guard.wait()
            self._ended(guard)

    def pause(self) -> None:
        """SIGSTOP: the process keeps its connections and answers nothing until `resume`."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        pid = self._pid
        if pid is None:
            raise EnginesError(f"{self.name} does not run")
        os.kill(pid, number)

    def _spawn(self) -> subprocess.Popen[bytes]:
        if self.log_file.exists() and self.log_file.stat().st_size > _LONG_LOG:
            self.log_file.replace(self.log_file.with_suffix(".1.log"))
        with self.log_file.open("ab") as output:
            guard = subprocess.Popen(
                guarded(self._command, _GRACE),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                # Ctrl-C in the terminal is for the parent alone, which ends what depends on the engines
                # first.
                start_new_session=True,
                # The guard shares the lock on the data folder: it is free only when the engine is gone too.
                pass_fds=(self._lock_fd,),
                env=self._environment,
            )
        assert guard.stdout is not None
        first_line = guard.stdout.readline()
        guard.stdout.close()
        if not first_line:
            guard.wait()
            raise EnginesError(f"{self.name} could not be started.{self._tail()}")
        self._guard, self._pid, self._spawned = guard, int(first_line), time.monotonic()
        return guard

    def _ended(self, guard: subprocess.Popen[bytes]) -> None:
        with self._state:
            if self._guard is guard:
                self._guard = self._pid = None
                assert guard.stdin is not None
                guard.stdin.close()
        self._on_change(self)

    def _watch(self, guard: subprocess.Popen[bytes], stopping: threading.Event) -> None:
        back_off = _FIRST_BACK_OFF
        while True:
            started, pid = time.monotonic(), self._pid
            code = guard.wait()
            self._reason = f": {why}" if (why := self._why(code)) else ""
            self._ended(guard)
            if stopping.is_set():
                return
            how = f"was ended by signal {code - 128}" if code > 128 else f"ended with exit code {code}"
            line = f"{self.name} (process {pid}) {how}{self._reason}"
            if not (self._supervise and self._was_ready):
                self._say(line)
                return
            if time.monotonic() - started > _STEADY:
                back_off = _FIRST_BACK_OFF
            self._say(f"{line}; starting it again in {back_off:g} s")
            again = self._start_again(back_off, stopping)
            if again is None:
                return
            guard, back_off = again
            self._on_change(self)

    def _start_again(self, back_off: float, stopping: threading.Event) -> tuple[subprocess.Popen[bytes], float] | None:
        """The new guard and the next back-off; None when it is to stay down or was started meanwhile."""
        while not stopping.wait(back_off):
            back_off = min(back_off * 2, _LONGEST_BACK_OFF)
            with self._state:
                if stopping.is_set() or self._guard is not None:
                    return None
                try:
                    return self._spawn(), back_off
                except (OSError, EnginesError) as error:
                    self._say(f"{self.name} could not be started ({error}); again in {back_off:g} s")
        return None

    def _tail(self, lines: int = 12) -> str:
        try:
            text = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
        except FileNotFoundError:
            return ""
        return "\n".join([f" The end of {self.log_file}:", *text]) if text else ""
