"""The entries of an archive's directory, and what their names may be."""

import re
import unicodedata
from collections.abc import Sequence

import msgspec

from shared.formats.deployable_package.findings import Findings

# Names that leave their folder, or that Windows, where packages are installed, reads as other names: it cuts dots
# and blanks at the end of each part, takes a colon for a drive or a stream, and keeps some names for devices.
_ESCAPES = re.compile(
    r"^/|[\x00-\x1f\x7f:*?\"<>|]|//|[ .](?:/|$)|(?:^|/)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.[^/]*)?(?:/|$)",
    re.IGNORECASE,
)
# The same for many names at once, each between a slash and a line end; it may suspect more than _ESCAPES finds.
_ODD_SIGNS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f:*?\"<>|]")
_ODD_ENDS = ("//", "./", ".\n", " /", " \n")
_DEVICES = re.compile(r"/(?:con|prn|aux|nul|com[0-9]|lpt[0-9])[./\n]")


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One entry of an archive's directory; sizes and offsets in bytes.

    `path` has forward slashes whatever the archive uses; `name` is what the archive says, for comparing with
    the entry's own header.
    """

    path: str
    name: bytes
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    is_folder: bool

    @property
    def key(self) -> str:
        return self.path.lower()


def inside(place: str, path: str) -> str:
    """Return how a finding names entry `path` of the archive at `place`."""
    return f"{place}!{path}" if place else path


def judge_entry_names(entries: Sequence[Entry], place: str, findings: Findings) -> None:
    """Judge the names of an archive's entries by themselves (DP103) and beside each other (DP104, DP105)."""
    paths = [entry.path for entry in entries]
    if not _are_plain(paths):
        for entry in entries:
            path = entry.path
            if _ESCAPES.search(path) or not path.strip("/"):
                findings.add(
                    "DP103", inside(place, path), f"the name {path!r} leaves the package or cannot be a file's"
                )
    keys = _comparable(paths)
    if len(set(keys)) < len(keys) or not _folders(keys).keys().isdisjoint(keys):
        _judge_collisions(entries, keys, place, findings)


def _judge_collisions(entries: Sequence[Entry], keys: Sequence[str], place: str, findings: Findings) -> None:
    seen: dict[str, Entry] = {}
    for key, entry in zip(keys, entries, strict=True):
        other = seen.setdefault(key, entry)
        # Two spellings of one folder are one folder: vendor packages have both AOSService and AosService.
        if other is entry or (other.is_folder and entry.is_folder):
            continue
        if other.path == entry.path:
            findings.add("DP104", inside(place, entry.path), "two entries have this name")
        else:
            findings.add("DP105", inside(place, entry.path), f"collides with {other.path}")
    for folder, user in _folders(keys).items():
        file = seen.get(folder)
        if file is not None and not file.is_folder:
            findings.add("DP105", inside(place, file.path), f"is a file, and a folder for {entries[user].path}")


def _are_plain(paths: Sequence[str]) -> bool:
    """Whether none of the names can break DP103: a quick look at all, a package has tens of thousands."""
    text = "".join([f"/{path.removesuffix('/')}\n" for path in paths])
    if text.count("\n") != len(paths) or _ODD_SIGNS.search(text) or any(odd in text for odd in _ODD_ENDS):
        return False
    return "/\n" not in text and _DEVICES.search(text.lower()) is None


def _comparable(paths: Sequence[str]) -> list[str]:
    """Return the form in which names of one file are equal: no case, no form of accents, no slash at the end."""
    text = "\n".join(paths)
    if text.isascii() and text.count("\n") == len(paths) - 1 and "/\n" not in text and not text.endswith("/"):
        return text.lower().split("\n")
    keys = [path.rstrip("/").lower() for path in paths]
    return [key if key.isascii() else unicodedata.normalize("NFC", key.casefold()) for key in keys]


def _folders(keys: Sequence[str]) -> dict[str, int]:
    """Return every folder that names imply, with the position of a name that does."""
    found: dict[str, int] = {}
    direct = {key.rpartition("/")[0]: position for position, key in enumerate(keys)}
    for folder, position in direct.items():
        outer = folder
        while outer and outer not in found:
            found[outer] = position
            outer = outer.rpartition("/")[0]
    return found
