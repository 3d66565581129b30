"""`drydock package check` against images that were really built."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deploy.demo.packages import CUSTOMIZATION_V1, CUSTOMIZATION_V2, PLATFORM, DemoModule, DemoPackage
from services.console.cli import app
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import load_image
from tests.support.demo_images import built

FOUNDATION, PLATFORM_MODULE = PLATFORM.modules
LOYALTY, REPORTS = CUSTOMIZATION_V2.modules
REMOVING = replace(CUSTOMIZATION_V2, name="removing", modules=(LOYALTY,), removals=("contosoreports", "Nowhere"))
REBUILT = replace(CUSTOMIZATION_V1, name="rebuilt", modules=(replace(CUSTOMIZATION_V1.modules[0], size=100),))
NEEDY = replace(CUSTOMIZATION_V1, name="needy", modules=(DemoModule("ContosoLoyalty", "1.0.0.0", ("Nowhere",)),))
NEXT = replace(
    PLATFORM,
    name="next",
    modules=(
        replace(PLATFORM.modules[0], version="7.0.7690.21"),
        PLATFORM.modules[1],
        DemoModule("New", "7.0.7690.21"),
    ),
    platform_version="7.0.7690.21",
    application_version="10.0.2345.9",
)
OLD = replace(PLATFORM, name="old", platform_version="7.0.7521.10", application_version="10.0.2177.1")
FOR_NEXT = replace(CUSTOMIZATION_V1, name="for-next", platform_version="7.0.7690.21")
NOTHING: dict[str, list[Any]] = {
    title: [] for title in ("added", "missing", "removed", "upgraded", "downgraded", "rebuilt")
}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderStore:
    """The artifact store of an installation of which nothing else answers."""
    monkeypatch.setenv("DRYDOCK_KAFKA", "127.0.0.1:9")
    monkeypatch.setenv("DRYDOCK_ARTIFACTS", str(tmp_path / "artifacts"))
    return FolderStore(tmp_path / "artifacts")


def image(store: FolderStore, folder: Path, *packages: DemoPackage) -> str:
    """The digest of an image to which the packages were applied one after the other."""

    async def build() -> str:
        digest = None
        for package in packages:
            digest = (await built(store, package, folder, digest)).image.digest
        assert digest
        return digest

    return asyncio.run(build())


def check(package: DemoPackage, folder: Path, image: str, *options: str) -> Result:
    """Check a package against an image."""
    return run("package", "check", package.write(folder), "--image", image, *options)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False)


def target_rules(document: dict[str, Any]) -> list[str]:
    """The rules about what runs that were broken."""
    return [one["rule"] for one in document["findings"] if one["rule"][:3] in ("DP5", "DP6", "DP7")]


@pytest.mark.parametrize(
    ("running", "package", "code", "rules", "modules"),
    [
        (
            CUSTOMIZATION_V1,
            CUSTOMIZATION_V2,
            0,
            ["DP706", "DP707"],
            {
                "added": [{"name": "ContosoReports", "version": "1.0.0.0"}],
                "upgraded": [{"name": "ContosoLoyalty", "running": "1.0.0.0", "package": "1.1.0.0"}],
            },
        ),
        (
            CUSTOMIZATION_V2,
            CUSTOMIZATION_V1,
            0,
            ["DP704", "DP705"],
            {
                "missing": [{"name": "ContosoReports", "version": "1.0.0.0"}],
                "downgraded": [{"name": "ContosoLoyalty", "running": "1.1.0.0", "package": "1.0.0.0"}],
            },
        ),
        (
            CUSTOMIZATION_V2,
            REMOVING,
            0,
            ["DP608", "DP607"],
            {"removed": [{"name": "ContosoReports", "version": "1.0.0.0"}]},
        ),
        (CUSTOMIZATION_V1, REBUILT, 0, [], {"rebuilt": ["ContosoLoyalty"]}),
        (CUSTOMIZATION_V1, CUSTOMIZATION_V1, 0, ["DP708"], {}),
        (CUSTOMIZATION_V1, NEEDY, 1, ["DP501"], {"rebuilt": ["ContosoLoyalty"]}),
        (CUSTOMIZATION_V1, FOR_NEXT, 1, ["DP701", "DP708"], {}),
    ],
    ids=["upgrade", "downgrade", "removal", "rebuilt", "identical", "dependency missing", "newer platform"],
)
def test_json_says_what_a_customization_changes_in_the_image(
    store: FolderStore,
    tmp_path: Path,
    running: DemoPackage,
    package: DemoPackage,
    code: int,
    rules: list[str],
    modules: dict[str, Any],
) -> None:
    digest = image(store, tmp_path, PLATFORM, running)
    result = check(package, tmp_path, digest, "-o", "json")
    document = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (code, "")
    assert target_rules(document) == rules
    assert document["target"] == {
        "image": digest,
        "environment": None,
        "update_name": running.name,
        "platform_version": PLATFORM.platform_version,
        "application_version": PLATFORM.application_version,
        "modules": {**NOTHING, **modules},
        "platform_modules": None,
        "identical": "DP708" in rules,
    }


@pytest.mark.parametrize(
    ("package", "code", "rules", "changes"),
    [
        (
            NEXT,
            0,
            [],
            {
                "added": [{"name": "New", "version": "7.0.7690.21"}],
                "upgraded": [{"name": "ApplicationFoundation", "running": "7.0.7606.108", "package": "7.0.7690.21"}],
            },
        ),
        (OLD, 1, ["DP702", "DP703"], {}),
    ],
    ids=["newer", "older"],
)
def test_a_platform_package_is_held_against_the_images_platform_and_keeps_its_customization(
    store: FolderStore, tmp_path: Path, package: DemoPackage, code: int, rules: list[str], changes: dict[str, Any]
) -> None:
    digest = image(store, tmp_path, PLATFORM, CUSTOMIZATION_V2)
    result = check(package, tmp_path, digest, "-o", "json")
    document = json.loads(result.stdout)
    assert (result.exit_code, target_rules(document)) == (code, rules)
    kept = {title: names for title, names in NOTHING.items() if title != "rebuilt"}
    assert (document["target"]["modules"], document["target"]["platform_modules"]) == (None, {**kept, **changes})


def test_the_table_tells_the_changes_before_the_findings_and_how_to_acknowledge_what_is_missing(
    store: FolderStore, tmp_path: Path
) -> None:
    digest = image(store, tmp_path, PLATFORM, CUSTOMIZATION_V2)
    lines = check(CUSTOMIZATION_V1, tmp_path, digest).stdout.splitlines()
    first = lines.index(f"against {digest[:19]}: the image is 'contoso-2026.11'")
    assert lines[first + 1 : first + 7] == [
        "  platform    7.0.7606.108 stays; the package was built for 7.0.7606.108",
        "  application 10.0.2263.40 stays",
        "  missing     ContosoReports 1.0.0.0",
        "  downgraded  ContosoLoyalty 1.1.0.0 -> 1.0.0.0",
        "  to drop what is missing, tell `drydock update apply` exactly this; the update cannot be promoted then:",
        "    --acknowledge-missing ContosoReports",
    ]
    identical = check(CUSTOMIZATION_V2, tmp_path, digest).stdout
    assert "nothing changes: every module is byte for byte what runs" in identical
    upgraded = check(NEXT, tmp_path, digest).stdout
    assert "  platform    7.0.7606.108 -> 7.0.7690.21\n" in upgraded
    assert "  upgraded    platform module ApplicationFoundation 7.0.7606.108 -> 7.0.7690.21\n" in upgraded


def test_missing_modules_are_a_warning_that_fails_only_when_asked(store: FolderStore, tmp_path: Path) -> None:
    digest = image(store, tmp_path, PLATFORM, CUSTOMIZATION_V2)
    removing_one = replace(CUSTOMIZATION_V2, name="one", modules=(LOYALTY,))
    assert check(removing_one, tmp_path, digest).exit_code == 0
    assert check(removing_one, tmp_path, digest, "--fail-on", "warning").exit_code == 10


def test_what_is_no_package_is_invalid_and_not_compared(store: FolderStore, tmp_path: Path) -> None:
    digest = image(store, tmp_path, PLATFORM, CUSTOMIZATION_V1)
    file = tmp_path / "no.zip"
    file.write_bytes(b"no zip")
    result = run("package", "check", file, "--image", digest, "-o", "json")
    target = json.loads(result.stdout)["target"]
    assert (result.exit_code, target["modules"], target["platform_modules"]) == (1, None, None)
    assert "nothing can be compared" in run("package", "check", file, "--image", digest).stdout


@pytest.mark.parametrize("output", ["table", "json", "sarif", "junit"])
@pytest.mark.parametrize("fault", ["absent", "no image", "layer gone", "layer damaged"])
def test_an_image_that_cannot_be_read_leaves_it_undecided(
    store: FolderStore, tmp_path: Path, fault: str, output: str
) -> None:
    digest = image(store, tmp_path, PLATFORM, CUSTOMIZATION_V1)
    if fault == "absent":
        digest = f"sha256:{'0' * 64}"
    elif fault == "no image":
        digest = asyncio.run(store.put_bytes(b"{}", "application/json")).digest
    else:
        layer = tmp_path / "artifacts/blobs/sha256" / asyncio.run(_customization_layer(store, digest))
        if fault == "layer gone":
            layer.unlink()
        else:
            layer.chmod(0o600)
            layer.write_bytes(layer.read_bytes()[:-1] + b"x")
    result = check(CUSTOMIZATION_V1, tmp_path, digest, "-o", output)
    assert result.exit_code == 10
    assert result.stderr.startswith("undecided: the image cannot be read: ")
    assert result.stderr.count("\n") == 1
    if output == "json":
        document = json.loads(result.stdout)
        assert (document["verdict"], document["findings"]) == ("unchecked", [])
        assert document["reason"] in result.stderr


async def _customization_layer(store: FolderStore, digest: str) -> str:
    layer = (await load_image(store, digest)).layers_of("customization")[0]
    return layer.digest.removeprefix("sha256:")


def test_looking_for_an_image_makes_no_artifact_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYDOCK_KAFKA", "127.0.0.1:9")
    monkeypatch.setenv("DRYDOCK_ARTIFACTS", str(tmp_path / "none"))
    result = check(CUSTOMIZATION_V1, tmp_path, f"sha256:{'0' * 64}")
    assert (result.exit_code, "there is no artifact store at" in result.stderr) == (10, True)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "options",
    [("--image", "sha256:12"), ("--image", f"sha256:{'0' * 64}", "--environment", "contoso-test")],
    ids=["no digest", "two targets"],
)
def test_a_target_that_cannot_be_meant_is_a_usage_error(options: tuple[str, ...], tmp_path: Path) -> None:
    result = run("package", "check", CUSTOMIZATION_V1.write(tmp_path), *options)
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize("output", ["table", "json", "sarif", "junit"])
@pytest.mark.parametrize("options", [("--release", "10.0.45"), ("--environment", "contoso-test")])
def test_an_installation_that_does_not_answer_leaves_it_undecided(
    store: FolderStore, tmp_path: Path, options: tuple[str, ...], output: str
) -> None:
    result = run("package", "check", CUSTOMIZATION_V1.write(tmp_path), *options, "-o", output)
    assert result.exit_code == 10
    assert "undecided: Kafka does not answer" in result.stderr
