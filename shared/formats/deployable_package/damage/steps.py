"""Steps that change the planned entries or the finished bytes of a package, for making faults."""

import io
import struct
from collections.abc import Callable

from shared.formats.deployable_package.archive.directory import DIRECTORY_ENTRY, END_RECORD
from shared.formats.deployable_package.archive.writer import Header, PlannedEntry, write_archive

Entries = list[PlannedEntry]
Step = Callable[[Entries], None]


def find_entry(entries: Entries, path: str) -> PlannedEntry:
    """Return the entry that a finding's path names."""
    outer, _, inner = path.partition("!")
    found = next(entry for entry in entries if entry.path == outer)
    return find_entry(found.content, inner) if inner and isinstance(found.content, list) else found


def _archive_of(entries: Entries, path: str) -> tuple[Entries, str]:
    """Return the entries of the archive that a path points into, and the name in there."""
    outer, _, inner = path.partition("!")
    nested = find_entry(entries, outer).content if inner else entries
    return (nested, inner) if inner and isinstance(nested, list) else (entries, outer)


def add_entry(path: str, content: bytes | Entries = b"note", stored: bool = False, **header: int | str) -> Step:
    """Add an entry; `header` are fields of Header that its headers state instead of the truth."""

    def apply(entries: Entries) -> None:
        into, name = _archive_of(entries, path)
        into.append(PlannedEntry(name, content, stored, Header(**header)))  # type: ignore[arg-type]  # checked by Header

    return apply


def remove_entry(path: str) -> Step:
    """Remove an entry."""

    def apply(entries: Entries) -> None:
        into, name = _archive_of(entries, path)
        into[:] = [entry for entry in into if entry.path != name]

    return apply


def replace_text(path: str, old: str, new: str, count: int = 1) -> Step:
    """Replace text in an entry; the old text must be there."""

    def apply(entries: Entries) -> None:
        entry = find_entry(entries, path)
        if not isinstance(entry.content, bytes) or old.encode() not in entry.content:
            raise KeyError(old)
        entry.content = entry.content.replace(old.encode(), new.encode(), count)

    return apply


def overwrite(path: str, content: bytes, stored: bool = False) -> Step:
    """Give an entry other content."""

    def apply(entries: Entries) -> None:
        entry = find_entry(entries, path)
        entry.content, entry.stored = content, stored

    return apply


def in_turn(*steps: Step) -> Step:
    """Take several steps."""

    def apply(entries: Entries) -> None:
        for step in steps:
            step(entries)

    return apply


def put_in_folder(entries: Entries) -> None:
    """Move the whole package into a folder."""
    for entry in entries:
        entry.path = f"folder/{entry.path}"


def rename(old: str, new: str) -> Step:
    """Give an entry another path."""

    def apply(entries: Entries) -> None:
        find_entry(entries, old).path = new

    return apply


def wrap(content: bytes) -> bytes:
    """Put a finished package into one more archive."""
    file = io.BytesIO()
    write_archive([PlannedEntry("package.zip", content, stored=True)], file)
    return file.getvalue()


def announce_a_million(content: bytes) -> bytes:
    """Give the archive a 64-bit end record that announces more entries than any package has."""
    *_, size, start, _ = END_RECORD.unpack(content[-END_RECORD.size :])
    end = len(content) - END_RECORD.size
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1_000_000, 1_000_000, size, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    return content[:end] + record + locator + END_RECORD.pack(b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, size, start, 0)


def prepend_program(content: bytes) -> bytes:
    """Put bytes before an archive and correct its directory, as self-extracting archives have it."""
    program = b"MZ" + bytes(510)
    *head, count, size, start, comment = END_RECORD.unpack(content[-END_RECORD.size :])
    directory = bytearray(content[start : start + size])
    position = 0
    for _ in range(count):
        *fields, name, extra, note, disk, internal, attributes, offset = DIRECTORY_ENTRY.unpack_from(
            directory, position
        )
        moved = (*fields, name, extra, note, disk, internal, attributes, offset + len(program))
        DIRECTORY_ENTRY.pack_into(directory, position, *moved)
        position += DIRECTORY_ENTRY.size + name + extra + note
    end = END_RECORD.pack(*head, count, size, start + len(program), comment)
    return program + content[:start] + bytes(directory) + end
