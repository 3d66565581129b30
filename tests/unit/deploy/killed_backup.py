"""A backup or a restore that is killed at each of its steps on the file system, one after the other.

`killed_backup.py backup|restore FOLDER` prints how many were killed, and how many of these left a whole one; it fails
where one left something else. A process of its own: it has one thread, so that it may fork.
"""

import os
import signal
import sys
from pathlib import Path

from deploy.embedded.data_folder import DataFolder
from deploy.embedded.process import EnginesError
from deploy.installation.backup import back_up, verify
from deploy.installation.manifest import BackupError
from deploy.installation.record import RESTORED, read_record
from deploy.installation.restore import restore

_STEPS = ("open", "os.mkdir", "os.rename", "os.chmod", "os.chown", "os.utime", "os.symlink", "os.remove", "os.rmdir")
_FILES = ("state/a", "kafka/b", "environments/c")


def main(what: str, folder: Path) -> None:
    data = folder / "data"
    for name in _FILES:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(name.encode())
    DataFolder(data).write(None, None, {})
    back_up(data, folder / "backup", say=_nobody)
    kills = whole = 0
    while _killed(what, folder, after=kills):
        whole += _left_whole(what, folder, kills)
        for draft in data.glob(".*"):
            draft.unlink()
        kills += 1
    assert _left_whole(what, folder, kills)
    print(kills, whole)


def _killed(what: str, folder: Path, after: int) -> bool:
    """Whether it was killed before it ended by itself, at its step number `after`."""
    child = os.fork()
    if child == 0:
        steps = 0

        def step(event: str, _arguments: object) -> None:
            nonlocal steps
            if event in _STEPS:
                if steps == after:
                    os.kill(os.getpid(), signal.SIGKILL)
                steps += 1

        sys.addaudithook(step)
        if what == "backup":
            back_up(folder / "data", folder / f"made-{after}", say=_nobody)
        else:
            restore(folder / "backup", folder / f"made-{after}")
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status == 0 or os.WTERMSIG(status) == signal.SIGKILL
    return status != 0


def _left_whole(what: str, folder: Path, number: int) -> bool:
    """Whether there is a whole one now. What else there is must be taken for none by anybody."""
    made = folder / f"made-{number}"
    for left in folder.glob(f".made-{number}.*"):
        if what == "backup":
            _is_whole_or_refused(left)
        else:
            _is_whole_or_not_started(left)
    if not made.exists():
        return False
    if what == "backup":
        verify(made)
    else:
        assert _content(made) == _content(folder / "data")
        assert read_record(made / RESTORED)
        _start(made)
    return True


def _is_whole_or_refused(left: Path) -> None:
    try:
        verify(left)
    except BackupError:
        return


def _is_whole_or_not_started(left: Path) -> None:
    content, record = _content(left), read_record(left / RESTORED)
    try:
        _start(left)
    except EnginesError:
        return
    # Nothing is in it yet, or it only lacks its name.
    assert not content or (len(content) == len(_FILES) and record), left


def _start(data: Path) -> None:
    folder = DataFolder(data)
    folder.take()
    folder.lock.release()


def _content(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in _FILES if (folder / name).exists()}


def _nobody(_line: str) -> None:
    pass


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
