"""Deflate64, compression method 9 of PKWARE APPNOTE 6.3.10: unpacking alone.

Windows Explorer writes it in archives of more than 2 GB (dotnet/corefx issue 9925), and .NET's ZipArchive, which the
vendor's installer is made of, reads it (dotnet/corefx pull request 11264).
"""

import zlib

# Inflated at once; Deflate64 makes at most some 26,000 times as much of it.
_PIECE = 1024


class Deflate64Decompressor:
    """What zlib.decompressobj is for deflate, as far as archives are unpacked with it.

    `eof` says whether the stream has come to its end, `unconsumed_tail` what was not looked at yet.
    """

    def __init__(self) -> None:
        # Few archives need it, and most programs read none of those.
        from inflate64 import Inflater

        self._inflater = Inflater()
        self.unconsumed_tail = b""

    @property
    def eof(self) -> bool:
        return bool(self._inflater.eof)

    def decompress(self, data: bytes | bytearray | memoryview, max_length: int) -> bytes:
        """Return about `max_length` bytes of what is in `data`, or all. Raises zlib.error for damaged data."""
        view = memoryview(data)
        found = bytearray()
        taken = 0
        try:
            while taken < len(view) and len(found) < max_length and not self.eof:
                found += self._inflater.inflate(bytes(view[taken : taken + _PIECE]))
                taken += _PIECE
        except ValueError as error:
            raise zlib.error(str(error)) from error
        self.unconsumed_tail = bytes(view[taken:])
        return bytes(found)
