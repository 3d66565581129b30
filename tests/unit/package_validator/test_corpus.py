"""Packages built from real descriptors, judged against a real release; skipped where the corpus is absent."""

import os
import re
import tarfile
import xml.etree.ElementTree as ET
from pathlib import Path, PurePosixPath

import pytest

from services.package_validator.deployable_package.builder import (
    BuildOptions,
    default_kind,
    find_modules,
    plan_package,
    write_package,
)
from services.package_validator.deployable_package.checking import check_package
from services.package_validator.deployable_package.dependencies import build_order
from services.package_validator.deployable_package.descriptors import read_archived_descriptors, unite_models
from services.package_validator.deployable_package.kinds import PackageKind
from services.package_validator.deployable_package.release import Release, ReleaseModule

_REPOSITORY = Path(__file__).parents[3]
_CORPUS = Path(os.environ.get("DRYDOCK_CORPUS", _REPOSITORY.parent / "shared" / "corpus")) / "fno"
_RELEASE = "microsoft-descriptors-10.0.21.tar.gz"
_CUSTOMERS = ("D365FOAdminToolkit-descriptors.tar.gz", "D365FinanceToolbox-descriptors.tar.gz")

pytestmark = pytest.mark.skipif(not (_CORPUS / _RELEASE).is_file(), reason="the corpus of descriptors is not there")


def _references(archive: str) -> dict[str, set[str]]:
    """Read module -> references in lower case with nothing but the standard library."""
    found: dict[str, set[str]] = {}
    with tarfile.open(_CORPUS / archive) as tar:
        for member in tar:
            if PurePosixPath(member.name).parent.name != "Descriptor":
                continue
            file = tar.extractfile(member)
            assert file is not None
            root = ET.fromstring(file.read().decode("utf-8-sig"))
            module = (root.findtext("ModelModule") or "").lower()
            listed = root.find("ModuleReferences")
            names = {(one.text or "").lower() for one in listed} if listed is not None else set()
            found.setdefault(module, set()).update(names)
    return found


def _build(archive: str, folder: Path) -> Path:
    with tarfile.open(_CORPUS / archive) as tar:
        tar.extractall(folder / "src", filter="data")
    modules = find_modules(folder / "src")
    package = folder / "package.zip"
    write_package(plan_package(modules, BuildOptions(default_kind(modules), "7.0.6129.19", "10.0.960.24")), package)
    return package


@pytest.fixture(scope="module")
def release() -> Release:
    modules = unite_models(read_archived_descriptors(_CORPUS / _RELEASE))
    return Release(
        version="10.0.21",
        platform_version="7.0.6129.19",
        application_version="10.0.960.24",
        modules=tuple(ReleaseModule(name=one.name, version=one.version, references=one.references) for one in modules),
    )


def test_the_release_has_137_modules_in_16_layers(release: Release) -> None:
    assert len(release.modules) == 137
    layers = build_order({one.name.lower(): [name.lower() for name in one.references] for one in release.modules})
    assert (len(layers), sum(map(len, layers))) == (16, 137)
    placed: set[str] = set()
    for layer in layers:
        for name in layer:
            needed = _references(_RELEASE)[name] & release.names if name == layer[0] else set()
            assert needed <= placed
        placed.update(layer)


def test_the_release_knows_the_references_that_dangle(release: Release) -> None:
    references = _references(_RELEASE)
    expected: dict[str, set[str]] = {}
    for module, names in references.items():
        for name in names - references.keys():
            expected.setdefault(name, set()).add(module)
    assert {name: {user.lower() for user in users} for name, users in release.dangling.items()} == expected


@pytest.mark.parametrize("archive", [_RELEASE, *_CUSTOMERS])
def test_packages_of_all_real_descriptors_are_valid_and_keep_all_references(archive: str, tmp_path: Path) -> None:
    verdict = check_package(_build(archive, tmp_path))
    references = _references(archive)
    assert [finding for finding in verdict.findings if finding.rule != "DP404"] == []
    assert {one.name.lower(): set(one.references) for one in verdict.modules} == references
    assert verdict.kind == (PackageKind.PLATFORM if archive == _RELEASE else PackageKind.CUSTOMIZATION)


@pytest.mark.parametrize("archive", [_RELEASE, *_CUSTOMERS])
def test_dependency_verdicts_equal_what_the_descriptors_say(archive: str, release: Release, tmp_path: Path) -> None:
    verdict = check_package(_build(archive, tmp_path), release=release)
    own, vendors = _references(archive), _references(_RELEASE)
    holes = {name for names in vendors.values() for name in names} - vendors.keys()
    expected = {
        ("DP502" if name in holes else "DP501", module, name)
        for module, names in own.items()
        for name in names - own.keys() - vendors.keys()
    }
    found = {
        (finding.rule, *re.match(r"(\S+) refers to (\S+), which", finding.message.lower()).groups())  # type: ignore[union-attr]  # no match fails the test
        for finding in verdict.findings
        if finding.rule in ("DP501", "DP502", "DP504")
    }
    assert expected
    assert found == expected
