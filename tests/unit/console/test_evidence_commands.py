"""`drydock keys` and `drydock image verify`: nothing has to run for either."""

import asyncio
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.demo.packages import PLATFORM
from services.console.cli import app
from services.console.cli.running import Exit
from services.image_builder.statements import ImageStatements
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import Image
from shared.artifacts.store_folder import StoreFolder
from shared.attestations.keyring import ensure_keys
from shared.attestations.keys import private_file
from shared.attestations.provenance import packages_of
from shared.attestations.trust import SIGNERS, read_trust
from tests.support.demo_images import built

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    ensure_keys(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def drydock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on a folder of its own: exit code, stdout, stderr."""
    monkeypatch.setenv("DRYDOCK_KAFKA", "127.0.0.1:9")
    monkeypatch.setenv("DRYDOCK_ARTIFACTS", str(tmp_path / "store"))
    monkeypatch.setenv("DRYDOCK_KEYS", str(tmp_path / "keys"))

    def run(*words: object) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, [str(word) for word in words])
        return done.exit_code, done.stdout, done.stderr

    return run


@pytest.fixture
def image(tmp_path: Path, keys: Path) -> Image:
    """An image as image-builder leaves it."""

    async def make() -> Image:
        store = FolderStore(tmp_path / "store")
        image = (await built(store, PLATFORM, tmp_path)).image
        [(_, package)] = packages_of(image.contents)
        await ImageStatements(store, keys, "zstd").state(image, operation="op-1", package=package)
        return image

    return asyncio.run(make())


def test_a_built_image_meets_the_policy_for_it_and_no_higher_one(drydock: Run, image: Image) -> None:
    code, out, err = drydock("image", "verify", image.digest, "--policy", "built")
    assert (code, [line.split()[:2] for line in out.splitlines()]) == (
        0,
        [["PART", "VERDICT"], ["layers", "fine"], ["sbom", "fine"], ["provenance", "fine"]],
    )
    assert "meets policy built" in err
    code, out, err = drydock("image", "verify", image.digest[:20], "--policy", "production-signed-off", "-o", "json")
    verdict = json.loads(out)
    assert code == Exit.FAILED
    assert not verdict["ok"]
    refused = [one["part"] for one in verdict["parts"] if not one["ok"]]
    assert refused == ["validation-report", "sandbox-apply", "sign-off", "candidate"]
    assert "Way out: mark the update: `drydock update mark-candidate" in err


def test_a_tampered_layer_is_named(drydock: Run, image: Image, tmp_path: Path) -> None:
    layer = image.layers[0].digest
    StoreFolder(tmp_path / "store").blob(layer).write_bytes(b"other")
    code, out, err = drydock("image", "verify", image.digest, "--policy", "built")
    assert code == Exit.FAILED
    assert [line.split()[1] for line in out.splitlines()[1:]] == ["refused", "fine", "fine"]
    assert layer in err
    assert "drydock store verify" in err


def test_without_a_trust_file_it_is_said_where_it_was_looked_for(
    drydock: Run, image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRYDOCK_KEYS", str(tmp_path / "none"))
    code, _, err = drydock("image", "verify", image.digest, "--policy", "built")
    assert code == Exit.FAILED
    assert f"there is no trust file in {tmp_path / 'none'}" in err


def test_keys_are_listed_with_what_they_count_for(drydock: Run, keys: Path) -> None:
    code, out, _ = drydock("keys", "list")
    assert code == 0
    assert len(out.splitlines()) == len(SIGNERS) + 1
    assert "image-builder" in out
    assert out.count("signs here") == len(SIGNERS)
    [builder] = [one for one in json.loads(drydock("keys", "list", "-o", "json")[1]) if one["name"] == "image-builder"]
    assert builder["may"] == ["provenance", "sbom"]
    assert "PRIVATE" not in out


def test_a_key_is_made_once_with_what_it_may_say(drydock: Run, tmp_path: Path) -> None:
    code, out, _ = drydock("keys", "create", "image-builder")
    assert code == 0
    path = private_file(tmp_path / "keys", "image-builder")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    [key] = read_trust(tmp_path / "keys").keys
    assert (key.id, key.may) == (out.strip(), ("provenance", "sbom"))
    assert drydock("keys", "create", "image-builder")[0] == Exit.FAILED
    assert drydock("keys", "create", "others")[0] == Exit.USAGE
    assert drydock("keys", "create", "others", "--may", "sign-off")[0] == 0


def test_a_key_is_replaced_with_what_it_signed_or_without(drydock: Run, keys: Path, image: Image) -> None:
    verify = ("image", "verify", image.digest, "--policy", "built")
    code, _, err = drydock("keys", "rotate", "image-builder", "--keep-known")
    assert code == 0
    assert "2 statements count as before" in err
    assert drydock(*verify)[0] == 0
    assert "retired: 2 statements count" in drydock("keys", "list")[1]
    assert drydock("keys", "rotate", "image-builder")[0] == Exit.USAGE  # nobody is there to be asked
    assert drydock(*verify)[0] == 0
    assert drydock("keys", "rotate", "image-builder", "--yes")[0] == 0
    code, _, err = drydock(*verify)
    assert code == Exit.FAILED
    assert "no key that is trusted has signed it" in err


def test_a_key_whose_word_counts_no_more_is_gone_from_the_list(drydock: Run, keys: Path, image: Image) -> None:
    assert drydock("keys", "distrust", "image-builder", "--keep-known")[0] == 0
    assert drydock("image", "verify", image.digest, "--policy", "built")[0] == 0
    assert drydock("keys", "distrust", "image-builder", "--yes")[0] == 0
    assert drydock("image", "verify", image.digest, "--policy", "built")[0] == Exit.FAILED
    assert drydock("keys", "distrust", "image-builder", "--yes")[0] == Exit.NOT_FOUND


def test_another_installation_believes_a_key_that_was_exported(
    drydock: Run, keys: Path, image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = drydock("keys", "export", "image-builder")[1]
    (tmp_path / "builder.pub").write_text(exported)
    monkeypatch.setenv("DRYDOCK_KEYS", str(tmp_path / "others"))
    verify = ("image", "verify", image.digest, "--policy", "built")
    assert drydock(*verify)[0] == Exit.FAILED
    trust = ("keys", "trust", tmp_path / "builder.pub", "--name", "plant-two")
    assert drydock(*trust, "--may", "sbom")[0] == 0
    code, _, err = drydock(*verify)
    assert code == Exit.FAILED
    assert "plant-two" in err
    assert "not trusted for statements of provenance" in err
    assert drydock(*trust, "--may", "sbom", "--may", "provenance")[0] == 0
    assert drydock(*verify)[0] == 0
    assert drydock("keys", "trust", image.digest, "--name", "x", "--may", "sbom")[0] == Exit.FAILED
