"""A module's payload: the binaries that the application loads."""

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from shared.formats.deployable_package.archive.entry import Entry
from shared.formats.deployable_package.archive.sources import Bytes
from shared.formats.deployable_package.archive.unpacking import Unpacked
from shared.formats.deployable_package.read.file_locations import FILE_LOCATIONS, complaints_about_locations

_IMAGE_START = b"MZ"
# VS_FIXEDFILEINFO begins with this signature; the file version follows the structure's own version.
_FIXED_FILE_INFO = struct.Struct("<4s4xLL")
_FIXED_FILE_INFO_SIGNATURE = b"\xbd\x04\xef\xfe"


class FileFacts(msgspec.Struct, frozen=True, gc=False):
    """What is kept of an unpacked file: its SHA-256, and of an assembly whether it is one and its version.

    `complaints` are rule and message of what is wrong with the file that says where others are copied to.
    """

    path: str
    sha256: bytes
    is_image: bool
    file_version: str
    complaints: tuple[tuple[str, str], ...] = ()


@dataclass
class Payload:
    """One module's archive; `opened` once its directory was found good, `files` once all was unpacked."""

    entry: Entry
    name: str
    version: str
    entries: Sequence[Entry] = ()
    opened: bool = False
    files: list[FileFacts] = field(default_factory=list)
    damaged: bool = False

    @property
    def content_sha256(self) -> str:
        """One hash over names and contents, whatever the archive's compression, order and times; in hex.

        Empty while not every file could be unpacked.
        """
        if self.damaged or not self.opened:
            return ""
        return content_hash((file.path, file.sha256) for file in self.files)


def content_hash(files: Iterable[tuple[str, bytes]]) -> str:
    """Return the hash of a module's content, in hex: its files by path in the module's folder, with their SHA-256."""
    digest = hashlib.sha256()
    for path, sha256 in sorted(files):
        digest.update(path.encode("utf-8", "backslashreplace") + b"\0" + sha256)
    return digest.hexdigest()


def file_facts(unpacked: Unpacked) -> FileFacts:
    """Keep what later judgements need of a file, so that its content can be let go."""
    key = unpacked.entry.key
    content = unpacked.content
    if key in FILE_LOCATIONS:
        return FileFacts(unpacked.entry.path, unpacked.sha256, True, "", complaints_about_locations(content))
    if content is None or not (key.startswith("bin/") and key.endswith(".dll")):
        return FileFacts(unpacked.entry.path, unpacked.sha256, True, "")
    return FileFacts(unpacked.entry.path, unpacked.sha256, bytes(content[:2]) == _IMAGE_START, file_version(content))


def file_version(assembly: Bytes) -> str:
    """Return the file version from an assembly's version resource, empty where it has none."""
    data = bytes(assembly)
    position = data.find(_FIXED_FILE_INFO_SIGNATURE)
    if position < 0 or position + _FIXED_FILE_INFO.size > len(data):
        return ""
    _, high, low = _FIXED_FILE_INFO.unpack_from(data, position)
    return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"
