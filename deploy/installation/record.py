"""What a data folder says of backups: when one was taken of it last, and that it was made of one."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

LAST_BACKUP = "last-backup.json"
RESTORED = "restored.json"


@dataclass(frozen=True)
class Record:
    """A backup: when it was taken, and the file that it is."""

    taken_at: datetime
    file: str
    restored_at: datetime | None = None
    """When this folder was made of it, if it was."""


def told(data: Path) -> list[str]:
    """What there is to say of backups and a data folder, a sentence each."""
    sentences = []
    if (made := read_record(data / RESTORED)) and made.restored_at:
        of = f"{made.file}, a backup of {made.taken_at:%Y-%m-%d %H:%M} UTC"
        sentences.append(f"it was made of {of}, on {made.restored_at:%Y-%m-%d %H:%M} UTC: what is later is not in it")
    if last := read_record(data / LAST_BACKUP):
        sentences.append(f"its last backup is {last.file}, of {last.taken_at:%Y-%m-%d %H:%M} UTC")
    return sentences


def write_record(path: Path, record: Record) -> None:
    """Keep a record."""
    restored = record.restored_at.isoformat() if record.restored_at else None
    text = json.dumps({"taken_at": record.taken_at.isoformat(), "file": record.file, "restored_at": restored})
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def read_record(path: Path) -> Record | None:
    """The record; None where there is none that can be read."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        restored = raw["restored_at"]
        return Record(
            datetime.fromisoformat(raw["taken_at"]), raw["file"], datetime.fromisoformat(restored) if restored else None
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
