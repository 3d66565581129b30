"""Tar members whose bytes depend on path and content alone."""

import tarfile

BLOCK = 512
END = bytes(2 * BLOCK)
_USTAR = b"ustar\x0000" + bytes(247)


def file_header(path: str, size: int) -> bytes:
    """The header of a regular file: mode 0644, user and group 0, time 0; PAX where ustar cannot say it."""
    name = path.encode()
    if len(name) <= 100 and path.isascii() and size < 8 << 30:
        fixed = name.ljust(100, b"\0") + b"0000644\x000000000\x000000000\x00%011o\x0000000000000\x00" % size
        head, tail = fixed, b"0" + bytes(100) + _USTAR
        # The checksum counts its own field as eight spaces.
        return b"%b%06o\x00 %b" % (head, sum(head) + sum(tail) + 8 * 32, tail)
    info = tarfile.TarInfo(path)
    info.size = size
    return info.tobuf(tarfile.PAX_FORMAT)


def padding(size: int) -> bytes:
    """What fills a member of `size` bytes up to whole blocks."""
    return bytes(-size % BLOCK)
