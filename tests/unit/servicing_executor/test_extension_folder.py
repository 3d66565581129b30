"""The extensions of an environment in its folder: whoever dies while changing them leaves one set or the other."""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.servicing_executor.runtimes.extensions import Extensions
from services.servicing_executor.runtimes.port import ExtensionFile, Step, StepFailedError
from shared.artifacts.folder import FolderStore
from tests.support.effort import times

NAMES = ("Ledger", "Freight", "Rates", "Sales")


class DiedError(Exception):
    """The executor was ended; nothing of it goes on."""


def step(operation: str, *, dies_at: int | None = None, lines: list[str] | None = None) -> Step:
    """A step whose executor dies at its so many-th line."""
    said = [] if lines is None else lines

    def log(line: str) -> None:
        said.append(line)
        if len(said) == dies_at:
            raise DiedError

    return Step("contoso-test", operation, "set-extensions", 30, log)


async def stored(store: FolderStore, name: str, version: int, needs: Sequence[str] = ()) -> ExtensionFile:
    """An extension whose file is its name and version."""
    made = await store.put_bytes(f"{name} {version}".encode(), "application/octet-stream")
    ids = tuple(str(uuid5(NAMESPACE_URL, one)) for one in needs)
    return ExtensionFile(str(uuid5(NAMESPACE_URL, name)), name, f"{version}.0", made.digest, made.size, ids)


sets = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 3), max_size=4)


@settings(max_examples=times(20), deadline=None)
@given(st.lists(st.tuples(sets, st.lists(st.integers(1, 9), max_size=3), st.booleans()), max_size=5))
def test_a_set_is_replaced_as_a_whole_by_whoever_comes_to_its_end(
    changes: list[tuple[dict[str, int], list[int], bool]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_change(Path(folder), changes))


async def _change(folder: Path, changes: list[tuple[dict[str, int], list[int], bool]]) -> None:
    store = FolderStore(folder / "artifacts")
    (folder / "environment").mkdir()
    extensions = Extensions(folder / "environment" / "extensions")
    before: set[ExtensionFile] = set()
    for number, (wanted, deaths, discards) in enumerate(changes):
        after = [await stored(store, name, version) for name, version in wanted.items()]
        for line in deaths:
            with suppress(DiedError):
                await extensions.set(step(str(number), dies_at=line), store, after)
            check(extensions, before, set(after))
        await extensions.set(step(str(number)), store, after)
        check(extensions, set(after))
        if discards:
            extensions.discard_unused()
            check(extensions, set(after))
            files = {path.name for path in (folder / "environment" / "extensions").iterdir()} - {"installed.json"}
            assert len(files) == len({one.digest for one in after})
        before = set(after)


def check(extensions: Extensions, *possible: set[ExtensionFile]) -> None:
    """One of the sets is installed, and all its files are whole."""
    installed = extensions.installed()
    assert set(installed) in possible
    extensions.check(installed)
    for one in installed:
        content = extensions.path(one).read_bytes().decode()
        assert content == f"{one.name} {one.version.partition('.')[0]}"


async def test_who_takes_over_says_what_the_one_before_has_changed(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "artifacts")
    extensions = Extensions(tmp_path / "extensions")
    ledger, freight = await stored(store, "Ledger", 1), await stored(store, "Freight", 1, ["Ledger"])
    newer = await stored(store, "Ledger", 2)
    await extensions.set(step("install"), store, [freight, ledger])
    said: list[str] = []
    last = "the environment has 1 extensions"
    with pytest.raises(DiedError):
        await extensions.set(step("release", dies_at=5, lines=said), store, [newer])
    assert said[-1] == last
    again: list[str] = []
    await extensions.set(step("release", lines=again), store, [newer])
    assert again == [
        f"taking out {freight}; its data stays",
        f"putting in {newer} in the place of 1.0",
        "the environment has exactly these 1 extensions already",
    ]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (("Ledger",), "missing none, not expected Freight 1.0 "),
        (("Ledger", "Freight", "Sales"), "missing Sales 1.0 "),
        (("Ledger", "Sales"), "missing Sales 1.0 "),
    ],
)
async def test_a_check_names_what_is_missing_and_what_was_not_expected(
    tmp_path: Path, wanted: tuple[str, ...], message: str
) -> None:
    store = FolderStore(tmp_path / "artifacts")
    extensions = Extensions(tmp_path / "extensions")
    await extensions.set(step("install"), store, [await stored(store, name, 1) for name in ("Ledger", "Freight")])
    with pytest.raises(StepFailedError, match=f"the environment has other extensions: {message}"):
        extensions.check([await stored(store, name, 1) for name in wanted])
