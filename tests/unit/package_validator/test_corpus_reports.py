"""The service finds in packages of real descriptors what the check of the file finds; skipped without the corpus."""

import asyncio
import json
import os
import tarfile
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.console.cli import app
from services.package_validator.app import CHILD
from services.package_validator.domain.projections import CheckableRelease
from services.package_validator.domain.work import PackageCheckInput
from services.package_validator.steps import Steps
from shared.artifacts.folder import FolderStore
from shared.children import Pool
from shared.contracts.parts import ArtifactRef
from shared.formats.deployable_package.read.descriptors import read_archived_descriptors, unite_models
from shared.formats.deployable_package.read.release import Release, ReleaseModule, encode_release
from shared.formats.deployable_package.write.build import (
    BuildOptions,
    default_kind,
    find_modules,
    plan_package,
    write_package,
)
from tests.unit.package_validator.test_steps import Attempt

_REPOSITORY = Path(__file__).parents[3]
_CORPUS = Path(os.environ.get("DRYDOCK_CORPUS", _REPOSITORY.parent / "shared" / "corpus")) / "fno"
_RELEASE = "microsoft-descriptors-10.0.21.tar.gz"
_CUSTOMERS = ("D365FOAdminToolkit-descriptors.tar.gz", "D365FinanceToolbox-descriptors.tar.gz")
_PLATFORM, _APPLICATION = "7.0.6129.19", "10.0.960.24"

pytestmark = pytest.mark.skipif(not (_CORPUS / _RELEASE).is_file(), reason="the corpus of descriptors is not there")


def _build(archive: str, folder: Path) -> Path:
    with tarfile.open(_CORPUS / archive) as tar:
        tar.extractall(folder / "src", filter="data")
    modules = find_modules(folder / "src")
    write_package(
        plan_package(modules, BuildOptions(default_kind(modules), _PLATFORM, _APPLICATION)), folder / "package.zip"
    )
    return folder / "package.zip"


def _release(folder: Path) -> Path:
    modules = unite_models(read_archived_descriptors(_CORPUS / _RELEASE))
    release = Release(
        version="10.0.21",
        platform_version=_PLATFORM,
        application_version=_APPLICATION,
        modules=tuple(ReleaseModule(name=one.name, version=one.version, references=one.references) for one in modules),
    )
    (folder / "release.json").write_bytes(encode_release(release))
    return folder / "release.json"


async def _reported(folder: Path, package: Path, release: Path) -> tuple[object, str | None]:
    """The service's report, and the release that the package was held against."""
    store = FolderStore(folder / "artifacts")
    children = Pool(CHILD, 4)
    steps = Steps(store, children, folder / "merging", timedelta(minutes=10))
    kept = [await store.put_file(package, "application/zip"), await store.put_file(release, "application/json")]
    file, modules = (ArtifactRef.of(one) for one in kept)
    known = CheckableRelease(version="10.0.21", platform_version=_PLATFORM, modules=modules)
    given = PackageCheckInput(package="contoso/one", artifact=file, releases=(known,))
    try:
        checked = await steps.check(given, Attempt())  # type: ignore[arg-type]  # as much of a job as a step asks for
    finally:
        children.close()
    assert checked.report
    report = json.loads(await store.read(checked.report.digest, limit=64 << 20))
    return report, checked.release.version if checked.release else None


@pytest.mark.parametrize("archive", [_RELEASE, *_CUSTOMERS])
def test_a_report_on_a_package_of_real_descriptors_is_what_the_check_of_the_file_prints(
    archive: str, tmp_path: Path
) -> None:
    package, release = _build(archive, tmp_path), _release(tmp_path)
    report, held_against = asyncio.run(_reported(tmp_path, package, release))
    printed = CliRunner().invoke(app, ["package", "check", str(package), "--release", str(release), "-o", "json"])
    assert held_against == "10.0.21"
    assert report == json.loads(printed.stdout)
    assert json.loads(printed.stdout)["findings"]
