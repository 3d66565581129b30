"""`drydock store`: what the store holds, whether it is sound, and what is collected of it."""

import asyncio
import json
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.demo.packages import CUSTOMIZATION_V1, PLATFORM
from services.console import needs
from services.console.cli import app
from services.console.cli.running import Exit
from services.console.failures import NeedsUnknown
from services.console.retention import Needs, Retention
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import Image
from tests.support.demo_images import built

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def drydock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on a store of its own: exit code, stdout, stderr."""
    monkeypatch.setenv("DRYDOCK_KAFKA", "127.0.0.1:9")
    monkeypatch.setenv("DRYDOCK_ARTIFACTS", str(tmp_path / "store"))

    def run(*words: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, words)
        return done.exit_code, done.stdout, done.stderr

    return run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Image]:
    """A store with an image on another one, and a log."""
    folder = tmp_path_factory.mktemp("made")

    async def make() -> Image:
        artifacts = FolderStore(folder / "store")
        base = (await built(artifacts, PLATFORM, folder)).image
        await artifacts.put_bytes(b"done\n", "text/plain; charset=utf-8")
        return (await built(artifacts, CUSTOMIZATION_V1, folder, base.digest)).image

    return folder / "store", asyncio.run(make())


@pytest.fixture
def image(made: tuple[Path, Image], tmp_path: Path) -> Image:
    """The image, in a copy of that store."""
    shutil.copytree(made[0], tmp_path / "store")
    return made[1]


def needing(monkeypatch: pytest.MonkeyPatch, *roots: str) -> None:
    """What the topics say that is needed."""

    async def read(client: object, keep: Retention) -> Needs:
        return Needs(frozenset(roots), None)

    monkeypatch.setattr(needs, "read_needs", read)


def age(root: Path, time: timedelta) -> None:
    for path in root.glob("store/*/sha256/*"):
        then = path.stat().st_mtime - time.total_seconds()
        os.utime(path, (then, then))


def lines(text: str) -> dict[str, dict[str, Any]]:
    return {one["kind"]: one for one in json.loads(text)}


def test_usage_says_what_takes_how_much_and_what_nothing_refers_to(
    drydock: Run, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    needing(monkeypatch, image.digest)
    code, out, _ = drydock("store", "usage", "-o", "json")
    found = lines(out)
    assert code == 0
    assert {kind: one["count"] for kind, one in found.items()} == {
        "images": 4, "layers": 2, "logs": 1, "packages": 2
    }  # fmt: skip
    (platform,) = image.layers_of("platform")
    assert found["layers"]["shared"] == platform.size
    assert found["logs"]["unreferenced"] == found["logs"]["size"] == 5
    assert found["layers"]["unreferenced"] == 0
    assert 0 < found["images"]["unreferenced"] < found["images"]["size"]


def test_usage_says_what_it_can_where_nothing_runs(drydock: Run, image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    async def read(client: object, keep: Retention) -> Needs:
        raise ConnectionResetError("nobody answers")

    monkeypatch.setattr(needs, "read_needs", read)
    code, out, err = drydock("store", "usage")
    assert code == 0
    assert "logs" in out
    assert "not known: nobody answers" in err


def test_what_nothing_refers_to_is_collected_in_two_runs(
    drydock: Run, image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needing(monkeypatch, image.digest)
    assert json.loads(drydock("store", "gc", "-o", "json")[1]) == []
    age(tmp_path, timedelta(days=1))
    foreseen = json.loads(drydock("store", "gc", "--dry-run", "-o", "json")[1])
    done = json.loads(drydock("store", "gc", "-o", "json")[1])
    assert foreseen == done
    assert {(one["deed"], one["kind"], one["count"]) for one in done} == {
        ("put aside", "images", 2),  # manifest and config of the base, whose layer the image has
        ("put aside", "logs", 1),
    }
    code, out, err = drydock("store", "gc", "--empty-trash", "-o", "json")
    assert (code, {one["deed"] for one in json.loads(out)}) == (0, {"delete"})
    assert "free again" in err
    assert drydock("store", "verify")[0] == 0


@pytest.mark.parametrize(
    ("roots", "options", "code", "text"),
    [
        (["sha256:" + "0" * 64], [], Exit.FAILED, "another installation"),
        ([], [], Exit.FAILED, "another installation"),
        (["of the image"], ["--older-than", "PT1H"], Exit.USAGE, "always kept"),
        (["of the image"], ["--older-than", "tomorrow"], Exit.USAGE, "is no time"),
    ],
)
def test_what_would_take_too_much_is_refused(
    drydock: Run,
    image: Image,
    monkeypatch: pytest.MonkeyPatch,
    roots: list[str],
    options: list[str],
    code: Exit,
    text: str,
) -> None:
    needing(monkeypatch, *(image.digest if root == "of the image" else root for root in roots))
    found = drydock("store", "gc", *options)
    assert (found[0], found[1]) == (code, "")
    assert text in found[2]


def test_nothing_is_collected_while_it_cannot_be_said_what_is_needed(
    drydock: Run, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read(client: object, keep: Retention) -> Needs:
        raise NeedsUnknown("a view cannot be read")

    monkeypatch.setattr(needs, "read_needs", read)
    assert drydock("store", "gc") == (Exit.FAILED, "", "a view cannot be read\n")


@pytest.mark.parametrize(
    ("harm", "quick", "kinds"),
    [
        (lambda path: path.write_bytes(b"x" * path.stat().st_size), [], {"damaged"}),
        (lambda path: path.write_bytes(b"x" * path.stat().st_size), ["--quick"], set()),
        (lambda path: path.write_bytes(b"x"), ["--quick"], {"damaged"}),
        (lambda path: path.unlink(), ["--quick"], {"missing"}),
        (lambda path: path.unlink(), [], {"missing"}),
        (lambda path: None, [], set()),
    ],
)
def test_verify_names_what_is_damaged_or_missing(
    drydock: Run, image: Image, tmp_path: Path, harm: Callable[[Path], object], quick: list[str], kinds: set[str]
) -> None:
    layer = image.layers[-1].digest
    harm(tmp_path / "store/blobs/sha256" / layer[7:])
    code, out, _ = drydock("store", "verify", "-o", "json", *quick)
    found = json.loads(out)
    assert code == (Exit.FAILED if kinds else Exit.SUCCEEDED)
    assert {one["kind"] for one in found} == kinds
    assert {one["digest"] for one in found} == ({layer} if kinds else set())


def test_a_store_that_is_not_there_is_not_made(drydock: Run, tmp_path: Path) -> None:
    code, _, err = drydock("store", "verify")
    assert (code, "DRYDOCK_ARTIFACTS" in err) == (Exit.NOT_FOUND, True)
    assert not (tmp_path / "store").exists()


def test_retention_shows_what_the_environment_has_set(drydock: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYDOCK_KEEP_LOGS", "P7D")
    shown = {one["setting"]: one["time"] for one in json.loads(drydock("retention", "show", "-o", "json")[1])}
    assert shown["DRYDOCK_KEEP_LOGS"] == "P7D"
    assert len(shown) == len(Retention.model_fields)
