"""Modules that are the vendor's whatever release an environment runs, as far as they are known without it."""

from functools import cache
from pathlib import Path

_LIST = Path(__file__).with_name("vendor_modules.txt")
LISTED_RELEASE = "10.0.21"


@cache
def known_vendor_modules() -> frozenset[str]:
    """Return names of the vendor's modules in lower case: those of one release, for where no release is at hand."""
    lines = _LIST.read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip().lower() for line in lines if line.strip() and not line.startswith("#"))
