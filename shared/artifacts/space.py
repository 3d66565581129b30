"""Whether there is room for what is about to begin: it is refused while nothing has happened yet."""

import shutil
from pathlib import Path

from shared.artifacts.errors import StoreFullError

RESERVE = 256 << 20
"""Bytes that are left to everything else on the disk: databases and logs fail worse than a refused upload."""
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def lacking(needed: int, free: int, reserve: int = RESERVE) -> int:
    """How many bytes are missing; 0 where there is room. All in bytes."""
    return max(0, needed + reserve - free)


def size_text(size: int) -> str:
    """A number of bytes for a person, to three digits: `1.21 GiB`."""
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.3g} {_UNITS[unit]}" if unit else f"{size} bytes"


def require_space(needed: int, folder: Path, what: str) -> None:
    """Raise StoreFullError where the disk of `folder`, which exists, lacks room for `needed` bytes."""
    free = shutil.disk_usage(folder).free
    if lacking(needed, free):
        raise StoreFullError(
            f"there is no room to {what}: it needs {size_text(needed)} and {size_text(RESERVE)} are kept free, "
            f"{folder} has {size_text(free)}; free some, for instance with `drydock store gc`, then try again"
        )
