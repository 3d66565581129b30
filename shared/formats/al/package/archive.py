"""The ZIP of a package, read within limits."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence

import deflate

_ZIP = b"PK\x03\x04"
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")

MIB = 1 << 20
MAX_ENTRIES = 200_000
# Deflate cannot pack more than 1032 to 1; a directory that claims more lies.
_MAX_RATIO = 1040

# What zipfile and zlib raise for a directory or stream that is broken, encrypted or of an unknown method.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    KeyError,
    IndexError,
    OSError,
)


class PackageError(ValueError):
    """A part of the package cannot be read; the message names the part and the reason."""


class Archive:
    """The ZIP of a package; every read is limited in size before it allocates.

    Names keep their percent-encoding. An entry of `only_once` (found in whatever case) that is there twice, and a name
    that leads out of the package are refused: readers would not agree on what the package holds.
    """

    def __init__(self, content: bytes, only_once: Sequence[str] = ()) -> None:
        if not content.startswith(_ZIP):
            raise PackageError("its content is not a readable ZIP: it does not begin with PK")
        self._content = content
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
            infos = self._zip.infolist()
        except _ZIP_ERRORS as error:
            raise PackageError(f"its content is not a readable ZIP: {error}") from None
        if len(infos) > MAX_ENTRIES:
            raise PackageError(f"it has {len(infos)} entries; the limit is {MAX_ENTRIES}")
        self._infos: dict[str, zipfile.ZipInfo] = {}
        only = {name.casefold(): "" for name in only_once}
        for info in infos:
            name = _name(info).replace("\\", "/").lstrip("/")
            folded = name.casefold()
            if ".." in name and ".." in name.split("/"):
                raise PackageError(f"its entry {name[:80]} leads out of the package")
            if folded in only:
                if only[folded]:
                    raise PackageError(f"it has {name} twice, so nobody can say which one counts")
                only[folded] = name
                name = next(known for known in only_once if known.casefold() == folded)
            self._infos[name] = info

    @property
    def names(self) -> list[str]:
        """Entry names as stored, percent-encoding included."""
        return list(self._infos)

    def read(self, name: str, limit: int) -> bytes | None:
        """The entry's bytes, None if absent; PackageError if larger than `limit` bytes or broken."""
        view = self.view(name, limit)
        return None if view is None else bytes(view)

    def view(self, name: str, limit: int) -> memoryview | None:
        """Like `read`, into memory that is allocated once: symbol files are most of what a check holds."""
        info = self._infos.get(name)
        if info is None:
            return None
        if info.file_size > limit or info.file_size > (info.compress_size + 1) * _MAX_RATIO:
            raise PackageError(f"{name} unpacks to {info.file_size} bytes; the limit is {limit}")
        if info.compress_type == zipfile.ZIP_DEFLATED and info.file_size >= MIB and not info.flag_bits & 1:
            return self._inflate(name, info)
        content = memoryview(bytearray(info.file_size))
        filled = 0
        try:
            with self._zip.open(info) as entry:
                while chunk := entry.read(min(MIB, info.file_size - filled + 1)):
                    content[filled : filled + len(chunk)] = chunk
                    filled += len(chunk)
        except _ZIP_ERRORS as error:
            raise PackageError(f"{name} cannot be unpacked: {error}") from None
        return content[:filled]

    def _inflate(self, name: str, info: zipfile.ZipInfo) -> memoryview:
        """Large entries at once: libdeflate needs half the time of a stream."""
        try:
            with self._zip.open(info):  # checks the local header against the directory
                start = info.header_offset + _LOCAL_HEADER.size
                lengths = _LOCAL_HEADER.unpack_from(self._content, info.header_offset)[-2:]
            start += sum(lengths)
            packed = memoryview(self._content)[start : start + info.compress_size]
            content = deflate.deflate_decompress(packed, info.file_size)
        except (*_ZIP_ERRORS, deflate.DeflateError, MemoryError) as error:
            raise PackageError(f"{name} cannot be unpacked: {error}") from None
        if len(content) != info.file_size or zlib.crc32(content) != info.CRC:
            raise PackageError(f"{name} cannot be unpacked: its size or checksum differs")
        return memoryview(content)

    def packed_size(self, names: Iterable[str]) -> int:
        """Bytes that these entries take in the archive."""
        return sum(self._infos[name].compress_size for name in names)


def _name(info: zipfile.ZipInfo) -> str:
    """The name; one without the mark of UTF-8 is that all the same where it can be, since no writer means cp437."""
    if info.filename.isascii() or info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename
