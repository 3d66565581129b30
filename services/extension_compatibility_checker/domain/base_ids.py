"""What the id of a base, `<version>/<country>`, says."""

from shared.formats.versions import version_numbers


def version_of(base: str) -> str:
    """The version of a base."""
    return base.partition("/")[0]


def country_of(base: str) -> str:
    """The country of a base."""
    return base.partition("/")[2]


def major_of(base: str) -> int:
    """The major version of a base."""
    return version_numbers(version_of(base))[0]


def is_older(base: str, than: str) -> bool:
    """Whether a base has a lower version than another."""
    return version_numbers(version_of(base)) < version_numbers(version_of(than))
