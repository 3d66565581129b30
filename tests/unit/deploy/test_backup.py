"""A backup is whole or refused, and what is made of it is what was backed up."""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.embedded.data_folder import BEING_MADE, DataFolder, EngineRecord
from deploy.embedded.process import EnginesError
from deploy.installation import backup as backups
from deploy.installation.backup import back_up, verify
from deploy.installation.manifest import NAME, BackupError
from deploy.installation.record import LAST_BACKUP, RESTORED, read_record, told, write_record
from deploy.installation.restore import restore

LEFT_OUT = {"engines.lock", "logs", "stack.json", LAST_BACKUP}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of an installation that is stopped."""
    data = tmp_path / "data"
    folder = DataFolder(data)
    folder.take()
    folder.write(None, 1, {"kafka": EngineRecord("127.0.0.1:1", 1), "mongo": EngineRecord("mongodb://127.0.0.1:2", 2)})
    folder.lock.release()
    (data / "stack.json").write_text("{}")
    (data / "logs" / "notifier.log").write_text("a line")
    for path, content in (("state/state.mv", b"state" * 1000), ("kafka/log/0.log", b""), ("artifacts/blobs/ä", b"b")):
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_bytes(content)
    (data / "state" / "state.mv").chmod(0o600)
    (data / "environments").mkdir(mode=0o700)
    (data / "environments" / "current").symlink_to("releases/r1")
    os.link(data / "artifacts" / "blobs" / "ä", data / "artifacts" / "linked")
    (data / "artifacts" / "incoming").mkdir()
    (data / "artifacts" / "incoming" / "half").write_bytes(b"half")
    os.mkfifo(data / "environments" / "pipe")
    return data


def say(text: str) -> None:
    """Nobody listens."""


@pytest.fixture
def backup(data: Path, tmp_path: Path) -> Path:
    """A backup of it."""
    back_up(data, tmp_path / "backup.tar", say=say)
    return tmp_path / "backup.tar"


def contents(folder: Path) -> dict[str, tuple[object, ...]]:
    """All that is in a folder: content or where it leads, and rights."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = (str(path.readlink()),)
        elif path.is_dir():
            found[name] = (oct(path.stat().st_mode),)
        elif path.is_file():
            found[name] = (path.read_bytes(), oct(path.stat().st_mode), int(path.stat().st_mtime))
    return found


def of_the_installation(found: dict[str, tuple[object, ...]]) -> dict[str, tuple[object, ...]]:
    return {
        name: one
        for name, one in found.items()
        if name.partition("/")[0] not in LEFT_OUT and not name.startswith("artifacts/incoming") and name != RESTORED
    }


def test_what_is_restored_is_what_was_backed_up(data: Path, backup: Path, tmp_path: Path) -> None:
    manifest = restore(backup, tmp_path / "new")
    assert of_the_installation(contents(tmp_path / "new")) == of_the_installation(contents(data))
    assert not (tmp_path / "new" / "logs").exists()
    assert not (tmp_path / "new" / "artifacts" / "incoming").exists()
    assert manifest == verify(backup)
    assert backup.stat().st_mode & 0o077 == 0
    made = read_record(tmp_path / "new" / RESTORED)
    assert made is not None
    assert (made.taken_at, made.file) == (manifest.taken_at, str(backup))
    assert "made of" in told(tmp_path / "new")[0]
    assert str(backup) in told(data)[0]


def test_nothing_is_backed_up_while_something_runs_on_the_folder(data: Path, tmp_path: Path) -> None:
    folder = DataFolder(data)
    folder.take()
    code = "from deploy.installation.backup import back_up; from pathlib import Path; import sys\n"
    code += "back_up(Path(sys.argv[1]), Path(sys.argv[2]), say=print)"
    try:
        words = [sys.executable, "-c", code, str(data), str(tmp_path / "b")]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    finally:
        folder.lock.release()
    assert f"already run by process {os.getpid()}" in done.stderr
    assert not (tmp_path / "b").exists()


def test_an_engine_that_runs_elsewhere_is_not_said_to_be_backed_up(data: Path, tmp_path: Path) -> None:
    folder = DataFolder(data)
    folder.take()
    folder.write(None, None, {"kafka": EngineRecord("broker:9092"), "mongo": EngineRecord("mongodb://127.0.0.1:2", 2)})
    folder.lock.release()
    with pytest.raises(BackupError, match="the kafka of this installation runs elsewhere"):
        back_up(data, tmp_path / "b", say=say)
    assert folder.lock.try_acquire()
    folder.lock.release()


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(BackupError, match="no data folder of an installation"):
        back_up(tmp_path / "other", tmp_path / "b", say=say)
    assert list((tmp_path / "other").iterdir()) == []


def test_a_backup_is_not_written_over_another_nor_into_what_it_is_of(data: Path, backup: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(BackupError, match="exists already"):
        back_up(data, backup, say=say)
    with pytest.raises(BackupError, match="inside of what it would be a backup of"):
        back_up(data, data / "b.tar", say=say)
    assert backup.read_bytes() == before


def test_what_has_no_room_is_refused_before_anything_is_written(
    data: Path, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage._replace(free=backups.KEPT_FREE + 5000))
    with pytest.raises(BackupError, match="Make room"):
        back_up(data, tmp_path / "b", say=say)
    with pytest.raises(BackupError, match="Make room"):
        restore(backup, tmp_path / "new")
    assert {path.name for path in tmp_path.iterdir()} == {"data", "backup.tar"}


def _cut(backup: Path) -> None:
    os.truncate(backup, backup.stat().st_size - 12_000)


def _flip(backup: Path) -> None:
    raw = bytearray(backup.read_bytes())
    raw[raw.index(b"statestate") + 2000] ^= 1
    backup.write_bytes(raw)


def _made_again(backup: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]) -> None:
    with tarfile.open(backup) as archive:
        found = [(one, stream.read() if (stream := archive.extractfile(one)) else b"") for one in archive
                 if one.isfile() or one.isdir()] + [(one, b"") for one in archive if one.issym()]  # fmt: skip
    found.sort(key=lambda one: one[0].name == NAME)
    change(found)
    with tarfile.open(backup, "w") as archive:
        for info, content in found:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def _leave_out(backup: Path) -> None:
    _made_again(backup, lambda found: found.remove(next(one for one in found if one[0].name == "state/state.mv")))


def _bring_more(backup: Path) -> None:
    _made_again(backup, lambda found: found.insert(0, (tarfile.TarInfo("more"), b"")))


def _lead_outside(backup: Path) -> None:
    def change(found: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        link = next(info for info, _ in found if info.issym())
        link.linkname = "../../outside"
        at, (last, content) = len(found) - 1, found[-1]
        raw = json.loads(content)
        raw["links"]["environments/current"] = link.linkname
        found[at] = (last, json.dumps(raw).encode())

    _made_again(backup, change)


def _be_newer(backup: Path) -> None:
    def change(found: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        last, content = found[-1]
        found[-1] = (last, json.dumps({**json.loads(content), "form": 2, "drydock": "7.0"}).encode())

    _made_again(backup, change)


def _be_something_else(backup: Path) -> None:
    backup.write_bytes(b"PK\x03\x04" + b"x" * 1000)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_cut, "is no whole backup"),
        (_flip, "state/state.mv is not what was backed up"),
        (_leave_out, "state/state.mv is missing"),
        (_bring_more, "more is not what its list names"),
        (_lead_outside, "environments/current is not what its list names"),
        (_be_newer, "made by Drydock 7.0"),
        (_be_something_else, "is no whole backup"),
        (Path.unlink, "there is no"),
    ],
)
def test_what_is_no_whole_backup_of_this_version_is_refused_by_name(
    backup: Path, tmp_path: Path, damage: Callable[[Path], None], says: str
) -> None:
    damage(backup)
    with pytest.raises(BackupError, match=says):
        verify(backup)
    with pytest.raises(BackupError, match=says):
        restore(backup, tmp_path / "new")
    assert {path.name for path in tmp_path.iterdir()} <= {"data", "backup.tar"}


def test_a_folder_with_something_in_it_is_not_written_over(backup: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    restore(backup, tmp_path / "new")
    before = contents(tmp_path / "new")
    with pytest.raises(BackupError, match="is there already"):
        restore(backup, tmp_path / "new")
    assert contents(tmp_path / "new") == before


def test_one_that_was_cut_off_leaves_nothing_of_its_name(
    data: Path, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor in the way of the next one, though its process was killed and has cleaned nothing up."""

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            back_up(data, tmp_path / "b", say=say)
        with pytest.raises(KeyboardInterrupt):
            restore(backup, tmp_path / "new")
    assert {path.name for path in tmp_path.iterdir()} == {"data", "backup.tar"}
    (tmp_path / ".b.draft").write_bytes(b"of one that was killed")
    (tmp_path / ".new.restoring").mkdir()
    (tmp_path / ".new.restoring" / "half").touch()
    back_up(data, tmp_path / "b", say=say)
    restore(tmp_path / "b", tmp_path / "new")
    assert not (tmp_path / "new" / "half").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"data", "backup.tar", "b", "new"}


def test_a_file_that_cannot_be_read_makes_no_backup(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(reading: object, size: int = -1) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(backups._Hashing, "read", fail)
    with pytest.raises(BackupError, match="cannot be written"):
        back_up(data, tmp_path / "b", say=say)
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 0.999])
def test_a_backup_that_ends_too_soon_is_refused_wherever_it_ends(backup: Path, share: float) -> None:
    with tarfile.open(backup) as archive:
        last = archive.getmembers()[-1]
    os.truncate(backup, int((last.offset_data + last.size) * share))
    with pytest.raises(BackupError):
        verify(backup)


@pytest.mark.parametrize("what", ["backup", "restore"])
def test_killed_at_any_moment_it_leaves_a_whole_one_or_none(tmp_path: Path, what: str) -> None:
    program = Path(__file__).with_name("killed_backup.py")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    words = [sys.executable, str(program), what, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    kills, whole = map(int, done.stdout.split()[-2:])
    assert kills > 20
    assert whole < kills


def test_nothing_starts_on_what_a_killed_restore_left(backup: Path, tmp_path: Path) -> None:
    restore(backup, tmp_path / "new")
    (tmp_path / "new" / BEING_MADE).touch()
    with pytest.raises(EnginesError, match="restore left that did not end"):
        DataFolder(tmp_path / "new").take()


def test_a_backup_of_a_later_drydock_is_refused_although_its_form_is_known(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as later:
        later.setattr(backups, "this_version", lambda: "99.0.0")
        back_up(data, tmp_path / "b", say=say)
    with pytest.raises(BackupError, match=r"made by Drydock 99\.0\.0"):
        restore(tmp_path / "b", tmp_path / "new")


@pytest.mark.parametrize(("count", "shown"), [(0, 0), (1, 2), (20, 21), (23, 22)])
def test_what_a_restore_left_overdue_is_told(backup: Path, tmp_path: Path, count: int, shown: int) -> None:
    new = tmp_path / "new"
    restore(backup, new)
    made = read_record(new / RESTORED)
    assert made is not None
    assert made.overdue is None
    known = told(new)
    record = replace(made, overdue=tuple(f"promotion {number}" for number in range(count)))
    write_record(new / RESTORED, record)
    assert read_record(new / RESTORED) == record
    more = told(new)[len(known) :]
    assert len(more) == shown
    if count:
        assert "overdue" in more[0]
        assert "promotion 0" in more[1]
    if count > 20:
        assert "and 3 more" in more[-1]
