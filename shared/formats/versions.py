"""The one comparison of versions: number by number, never as text.

Every format that is read here writes a version as one to four numbers with dots; those that are missing count as zero.
It lies below the contracts, so that whoever compares versions, messages too, compares them alike.
"""

import re

VersionNumbers = tuple[int, int, int, int]

# Ten digits hold every real part; an unbounded one would make int() refuse or crawl.
_VERSION = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,10}){0,3}", re.ASCII)


def parse_version(text: str) -> VersionNumbers | None:
    """The numbers of a version, blanks around it ignored; None: the text is no version."""
    stripped = text.strip()
    if not _VERSION.fullmatch(stripped):
        return None
    major, minor, build, revision, *_ = (*map(int, stripped.split(".")), 0, 0, 0)
    return major, minor, build, revision


def version_numbers(version: str) -> VersionNumbers:
    """What a version is compared and sorted by: 10.0.9 comes before 10.0.10. Raises ValueError for what is none."""
    numbers = parse_version(version)
    if numbers is None:
        raise ValueError(f"{version[:100]!r} is no version of one to four numbers")
    return numbers


def is_lower(left: str, right: str) -> bool:
    """Whether `left` is a lower version than `right`; False where either is not a version."""
    lower, higher = parse_version(left), parse_version(right)
    return lower is not None and higher is not None and lower < higher


def is_four_part_version(text: str) -> bool:
    """Whether all four numbers are written out."""
    return parse_version(text) is not None and text.count(".") == 3
