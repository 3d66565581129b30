"""Version numbers and versioned names as the package format writes them."""

import re

Version = tuple[int, ...]

# Ten digits hold every real part; an unbounded one would make int() refuse or crawl.
_VERSION = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,10}){0,3}", re.ASCII)
_LONGEST_NAME = 400
_VERSIONED_NAME = re.compile(r"(?P<name>.*?)\.(?P<version>[0-9]+(?:\.[0-9]+)*)", re.ASCII | re.DOTALL)


def parse_version(text: str) -> Version | None:
    """Return the numbers of a version of one to four parts, or None if it is not one.

    Versions compare part by part as numbers: 10.0.9 is lower than 10.0.10.
    """
    stripped = text.strip()
    if not _VERSION.fullmatch(stripped):
        return None
    return tuple(int(part) for part in stripped.split("."))


def compare_versions(left: Version, right: Version) -> int:
    """Return -1, 0 or 1; missing parts count as zero."""
    longest = max(len(left), len(right))
    padded_left = left + (0,) * (longest - len(left))
    padded_right = right + (0,) * (longest - len(right))
    return (padded_left > padded_right) - (padded_left < padded_right)


def is_lower(left: str, right: str) -> bool:
    """Whether `left` is a lower version than `right`; False where either is not a version."""
    parsed_left, parsed_right = parse_version(left), parse_version(right)
    return parsed_left is not None and parsed_right is not None and compare_versions(parsed_left, parsed_right) < 0


def is_four_part_version(text: str) -> bool:
    parsed = parse_version(text)
    return parsed is not None and len(parsed) == 4


def split_versioned_name(text: str) -> tuple[str, str] | None:
    """Split `applicationsuite.10.0.1.2` into its name and version.

    The split is at the first dot after which only digits and dots follow; None where there is no such dot.
    """
    stripped = text.strip()
    # Longer ones are no names, and the search for the dot takes the square of the length.
    match = _VERSIONED_NAME.fullmatch(stripped) if len(stripped) <= _LONGEST_NAME else None
    if match is None or not match["name"]:
        return None
    return match["name"], match["version"]
