"""What a data folder says of backups: when one was taken of it last, and that it was made of one."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from shared.files import write_atomically

LAST_BACKUP = "last-backup.json"
RESTORED = "restored.json"
_SHOWN = 20


@dataclass(frozen=True)
class Record:
    """A backup: when it was taken, and the file that it is."""

    taken_at: datetime
    file: str
    restored_at: datetime | None = None
    """When this folder was made of it, if it was."""
    overdue: tuple[str, ...] | None = None
    """What had become due before the first start of what was made of it, in words; None before that."""


def told(data: Path) -> list[str]:
    """What there is to say of backups and a data folder, a sentence each."""
    sentences = []
    if (made := read_record(data / RESTORED)) and made.restored_at:
        of = f"{made.file}, a backup of {made.taken_at:%Y-%m-%d %H:%M} UTC"
        sentences.append(f"it was made of {of}, on {made.restored_at:%Y-%m-%d %H:%M} UTC: what is later is not in it")
        sentences += _overdue(made.overdue or ())
    if last := read_record(data / LAST_BACKUP):
        sentences.append(f"its last backup is {last.file}, of {last.taken_at:%Y-%m-%d %H:%M} UTC")
    return sentences


def _overdue(lines: tuple[str, ...]) -> list[str]:
    if not lines:
        return []
    more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    head = "at its first start this was overdue, and done then, unless it was too late for it:"
    return [head, *(f"  {line}" for line in lines[:_SHOWN]), *(f"  {line}" for line in more)]


def write_record(path: Path, record: Record) -> None:
    """Keep a record."""
    restored = record.restored_at.isoformat() if record.restored_at else None
    raw = {"taken_at": record.taken_at.isoformat(), "file": record.file, "restored_at": restored}
    text = json.dumps(raw if record.overdue is None else {**raw, "overdue": record.overdue})
    write_atomically(path, text.encode())


def read_record(path: Path) -> Record | None:
    """The record; None where there is none that can be read."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        restored, overdue = raw["restored_at"], raw.get("overdue")
        return Record(
            datetime.fromisoformat(raw["taken_at"]),
            raw["file"],
            datetime.fromisoformat(restored) if restored else None,
            None if overdue is None else tuple(overdue),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
