"""How much a package may ask of the machine that judges it."""

from dataclasses import dataclass, fields

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Bounds on a package; what lies beyond is reported as DP109, DP110, DP111 or DP214.

    Sizes are in bytes. The defaults hold the largest releases of the vendor (some 20,000 files and 2 GB
    unpacked) with room to spare. `seconds` bounds one check; beyond it the check ends undecided.
    """

    entries: int = 200_000
    entries_per_archive: int = 100_000
    unpacked: int = 16 << 30
    unpacked_entry: int = 2 << 30
    ratio: int = 200
    ratio_floor: int = MIB
    document: int = 4 * MIB
    nuget_package: int = 16 * MIB
    removal_lines: int = 10_000
    seconds: float = 600.0

    def __post_init__(self) -> None:
        """Raise ValueError for a bound below zero: it would refuse everything and say that packages are bad."""
        for field in fields(self):
            if getattr(self, field.name) < 0:
                raise ValueError(f"the limit {field.name} is {getattr(self, field.name)}, it must not be negative")


# What is held in memory at a time. Two workers each hold one packed and one unpacked entry next to the open
# payloads, so a check stays below 256 MiB whatever the package's size.
INFLATE_AT_ONCE = 16 * MIB
OPEN_PAYLOADS = 64 * MIB
READ_TOGETHER = MIB
STREAM_CHUNK = MIB
