"""Four-part versions, and which base version a runtime belongs to."""

from typing import NamedTuple


class Version(NamedTuple):
    """A version as manifests write it; compares numerically, part by part."""

    major: int = 0
    minor: int = 0
    build: int = 0
    revision: int = 0

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Read `1`, `1.2`, `1.2.3` or `1.2.3.4`; ValueError names the text that is no version."""
        parts = text.strip().split(".")
        if not 1 <= len(parts) <= 4 or not all(p.isascii() and p.isdigit() and len(p) <= 10 for p in parts):
            raise ValueError(f"'{text[:40]}' is not a version of up to four numbers")
        return cls(*(int(p) for p in parts))

    def __str__(self) -> str:
        return ".".join(map(str, self))


# devenv-choosing-runtime: 1.0 came with 12.0, from 4.0 (15.0) on the distance is always eleven.
_BASE_MAJOR_OF_EARLY_RUNTIME = {1: 12, 2: 13, 3: 14}


def base_major_of_runtime(runtime: Version) -> int:
    """The base major version that first runs `runtime` (15.0 -> 26)."""
    return _BASE_MAJOR_OF_EARLY_RUNTIME.get(runtime.major, runtime.major + 11)


def runtime_major_of_base(base: Version) -> int:
    """The newest runtime major that base version `base` is known to run (26.1 -> 15); 0 if unknown."""
    for runtime, major in _BASE_MAJOR_OF_EARLY_RUNTIME.items():
        if major == base.major:
            return runtime
    return base.major - 11 if base.major >= 15 else 0
