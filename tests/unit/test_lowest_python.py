"""Python 3.11.0 is enough. mypy refuses what came with 3.12; what came with later 3.11.x is looked for here."""

import ast
import re
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("services", "shared", "deploy")

# "New in" and "Changed in version 3.11.x" of the library reference.
NAMES = {
    "data_filter": "3.11.4",
    "tar_filter": "3.11.4",
    "fully_trusted_filter": "3.11.4",
    "extraction_filter": "3.11.4",
    "FilterError": "3.11.4",
    "AbsolutePathError": "3.11.4",
    "OutsideDestinationError": "3.11.4",
    "SpecialFileError": "3.11.4",
    "AbsoluteLinkError": "3.11.4",
    "LinkOutsideDestinationError": "3.11.4",
    "SetReparseDeferralEnabled": "3.11.9",
    "GetReparseDeferralEnabled": "3.11.9",
    "verify_generated_headers": "3.11.10",
}
ARGUMENTS = {
    ("extract", "filter"): "3.11.4",
    ("extractall", "filter"): "3.11.4",
    ("unpack_archive", "filter"): "3.11.4",
    ("getaddresses", "strict"): "3.11.10",
    ("parseaddr", "strict"): "3.11.10",
}


def too_new(code: str) -> Iterator[str]:
    """What of a source text a Python 3.11.0 lacks: line, name, version."""
    for node in ast.walk(ast.parse(code)):
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if isinstance(node, ast.alias):
            name = node.name
        if name in NAMES:
            yield f"{getattr(node, 'lineno', 0)}: {name} came with Python {NAMES[name]}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            for keyword in node.keywords:
                if (called, str(keyword.arg)) in ARGUMENTS:
                    version = ARGUMENTS[called, str(keyword.arg)]
                    yield f"{node.lineno}: {called}({keyword.arg}=) came with Python {version}"


@pytest.mark.parametrize(
    "code",
    ['tar.extractall(path, filter="data")', "from tarfile import data_filter", "parseaddr(text, strict=True)"],
)
def test_what_came_with_a_later_patch_release_is_seen(code: str) -> None:
    assert list(too_new(code))


def test_nothing_that_we_use_came_with_a_later_patch_release() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for source in SOURCES
        for path in sorted((ROOT / source).rglob("*.py"))
        for line in too_new(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_package_that_we_use_asks_for_more() -> None:
    asking = {
        one.metadata["Name"]: wanted
        for one in distributions()
        if re.search(r">=?\s*3\.(1[2-9]|11\.[1-9])", wanted := one.metadata["Requires-Python"] or "")
    }
    assert asking == {}
