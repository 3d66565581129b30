"""Packages built from real descriptors, judged against a real release; skipped where the corpus is absent.

What is expected is computed from the descriptors' XML by a parser of this file's own.
"""

import os
import random
import re
import tarfile
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

from shared.formats.deployable_package.judge.check import check_package
from shared.formats.deployable_package.judge.dependencies import build_order
from shared.formats.deployable_package.judge.verdict import PackageVerdict
from shared.formats.deployable_package.read.descriptors import read_archived_descriptors, unite_models
from shared.formats.deployable_package.read.kinds import DeployableKind
from shared.formats.deployable_package.read.release import Release, ReleaseModule
from shared.formats.deployable_package.write.build import (
    BuildOptions,
    ModuleSource,
    default_kind,
    find_modules,
    plan_package,
    write_package,
)
from shared.formats.deployable_package.write.merge import merge_packages

_REPOSITORY = Path(__file__).parents[4]
_CORPUS = Path(os.environ.get("DRYDOCK_CORPUS", _REPOSITORY.parent / "shared" / "corpus")) / "fno"
_RELEASE = "microsoft-descriptors-10.0.21.tar.gz"
_TOOLKIT, _TOOLBOX = "D365FOAdminToolkit-descriptors.tar.gz", "D365FinanceToolbox-descriptors.tar.gz"
_ALL = (_RELEASE, _TOOLKIT, _TOOLBOX)
_PLATFORM, _APPLICATION = "7.0.6129.19", "10.0.960.24"

pytestmark = pytest.mark.skipif(not (_CORPUS / _RELEASE).is_file(), reason="the corpus of descriptors is not there")


@cache
def _descriptors(archive: str) -> tuple[tuple[str, bytes], ...]:
    with tarfile.open(_CORPUS / archive) as tar:
        found = []
        for member in tar:
            path = PurePosixPath(member.name)
            if member.isfile() and path.parent.name == "Descriptor":
                file = tar.extractfile(member)
                assert file is not None
                found.append((path.as_posix().removeprefix("./"), file.read()))
    return tuple(found)


@cache
def _references(archive: str) -> dict[str, set[str]]:
    """Read module -> references in lower case with nothing but the standard library."""
    found: dict[str, set[str]] = {}
    for _, content in _descriptors(archive):
        root = ET.fromstring(content.decode("utf-8-sig"))
        module = (root.findtext("ModelModule") or "").lower()
        listed = root.find("ModuleReferences")
        names = {(one.text or "").lower() for one in listed} if listed is not None else set()
        found.setdefault(module, set()).update(names)
    return found


def _extract(archive: str, folder: Path, seed: int = 0) -> Path:
    """Write an archive's descriptors under a folder in an order and with times of their own."""
    files = list(_descriptors(archive))
    random.Random(seed).shuffle(files)
    for number, (name, content) in enumerate(files):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (number, number + seed))
    return folder


def _package(path: Path, modules: Sequence[ModuleSource], removed: tuple[str, ...] = ()) -> Path:
    options = BuildOptions(default_kind(modules), _PLATFORM, _APPLICATION, removed=removed)
    write_package(plan_package(modules, options), path)
    return path


def _build(archive: str, folder: Path) -> Path:
    return _package(folder / "package.zip", find_modules(_extract(archive, folder / "src")))


@pytest.fixture(scope="module")
def release() -> Release:
    modules = unite_models(read_archived_descriptors(_CORPUS / _RELEASE))
    return Release(
        version="10.0.21",
        platform_version=_PLATFORM,
        application_version=_APPLICATION,
        modules=tuple(ReleaseModule(name=one.name, version=one.version, references=one.references) for one in modules),
    )


def test_the_release_has_137_modules_in_16_layers(release: Release) -> None:
    references = _references(_RELEASE)
    assert (len(release.modules), release.names) == (137, frozenset(references))
    depth: dict[str, int] = {}

    def deep(name: str) -> int:
        if name not in depth:
            depth[name] = 1 + max((deep(one) for one in references[name] & references.keys()), default=-1)
        return depth[name]

    expected: list[list[str]] = [[] for _ in range(16)]
    for name in sorted(references):
        expected[deep(name)].append(name)
    layers = build_order({one.name.lower(): [name.lower() for name in one.references] for one in release.modules})
    assert layers == expected
    assert all(layers)


def test_the_release_knows_the_references_that_dangle(release: Release) -> None:
    references = _references(_RELEASE)
    expected: dict[str, set[str]] = {}
    for module, names in references.items():
        for name in names - references.keys():
            expected.setdefault(name, set()).add(module)
    assert expected
    assert {name: {user.lower() for user in users} for name, users in release.dangling.items()} == expected


@pytest.mark.parametrize("archive", _ALL)
def test_packages_of_real_descriptors_are_valid_and_keep_every_reference(archive: str, tmp_path: Path) -> None:
    verdict = check_package(_build(archive, tmp_path))
    assert [finding for finding in verdict.findings if finding.rule != "DP404"] == []
    assert {one.name.lower(): set(one.references) for one in verdict.modules} == _references(archive)
    assert verdict.kind == (DeployableKind.PLATFORM if archive == _RELEASE else DeployableKind.CUSTOMIZATION)


@pytest.mark.parametrize("archive", _ALL)
def test_exactly_the_test_modules_of_customers_are_warned_of(archive: str, tmp_path: Path) -> None:
    verdict = check_package(_build(archive, tmp_path))
    own = _references(archive)
    expected = {
        module
        for module, names in own.items()
        if archive != _RELEASE
        and (module.endswith("tests") or any(one == "testessentials" or one[:3] == "atl" for one in names - own.keys()))
    }
    warned = {re.sub(r".*/dynamicsax-(.+?)\.\d.*", r"\1", one.path) for one in verdict.findings if one.rule == "DP404"}
    assert warned == expected
    assert bool(expected) is (archive != _RELEASE)


@pytest.mark.parametrize("archive", _ALL)
def test_the_same_descriptors_give_the_same_bytes_from_another_folder_and_order(archive: str, tmp_path: Path) -> None:
    one = _package(tmp_path / "one.zip", find_modules(_extract(archive, tmp_path / "a", 1)))
    two = _package(tmp_path / "two.zip", find_modules(_extract(archive, tmp_path / "elsewhere" / "b", 2))[::-1])
    assert one.read_bytes() == two.read_bytes()
    assert one.read_bytes() == _package(tmp_path / "one.zip", find_modules(tmp_path / "a")).read_bytes()


def _told(verdict: PackageVerdict) -> set[tuple[str, str, str]]:
    """Return the findings about dependencies as rule, module and what it refers to."""
    found = set()
    for finding in verdict.findings:
        if finding.rule in ("DP501", "DP502", "DP504", "DP505"):
            match = re.match(r"(\S+) refers to (\S+), which", finding.message.lower())
            assert match is not None
            found.add((finding.rule, match[1], match[2]))
    return found


def _expected(own: dict[str, set[str]], vendors: dict[str, set[str]]) -> set[tuple[str, str, str]]:
    holes = {name for names in vendors.values() for name in names} - vendors.keys()
    return {
        ("DP502" if name in holes else "DP501", module, name)
        for module, names in own.items()
        for name in names - own.keys() - vendors.keys()
    }


@pytest.mark.parametrize("archive", _ALL)
def test_dependency_verdicts_equal_what_the_descriptors_say(archive: str, release: Release, tmp_path: Path) -> None:
    expected = _expected(_references(archive), _references(_RELEASE))
    assert expected
    assert _told(check_package(_build(archive, tmp_path), release=release)) == expected


@pytest.mark.parametrize("archive", [_TOOLKIT, _TOOLBOX])
def test_a_module_that_leaves_the_release_is_missed_by_exactly_its_users(
    archive: str, release: Release, tmp_path: Path
) -> None:
    """Each module of the release in turn is not in this one, then not in the next one."""
    package = _build(archive, tmp_path)
    own, vendors = _references(archive), _references(_RELEASE)
    used = sorted({name for names in own.values() for name in names} & vendors.keys())
    assert used
    for name in used:
        fewer = Release(version="10.0.20", modules=tuple(one for one in release.modules if one.name.lower() != name))
        without = {module: names for module, names in vendors.items() if module != name}
        assert _told(check_package(package, release=fewer)) == _expected(own, without)
        moved = _told(check_package(package, release=fewer, newer_releases=(release,)))
        changed = {("DP504" if one[2] == name else one[0], *one[1:]) for one in _expected(own, without)}
        assert moved == changed
        # Where modules of the next release still refer to it, its list has a hole and nothing can be said.
        hole = any(name in names for names in without.values())
        leaving = set() if hole else {("DP505", module, name) for module, names in own.items() if name in names}
        found = _told(check_package(package, release=release, newer_releases=(fewer,)))
        assert {one for one in found if one[2] == name} == leaving


def test_customers_merge_and_both_merge_with_the_release(release: Release, tmp_path: Path) -> None:
    paths = {}
    for archive in _ALL:
        paths[archive] = _build(archive, tmp_path / archive.removesuffix(".tar.gz"))
    both, all_three = tmp_path / "both.zip", tmp_path / "all.zip"
    merge_packages([paths[_TOOLKIT], paths[_TOOLBOX]], both)
    merge_packages([both, paths[_RELEASE]], all_three)
    customers = _references(_TOOLKIT) | _references(_TOOLBOX)
    verdict = check_package(all_three)
    assert (verdict.kind, {one.rule for one in verdict.findings}) == ("merged", {"DP404"})
    assert {one.name.lower() for one in verdict.modules if not one.vendor} == customers.keys()
    assert {one.name.lower() for one in verdict.modules if one.vendor} == _references(_RELEASE).keys()
    everything = customers | _references(_RELEASE)
    assert {one.name.lower(): set(one.references) for one in verdict.modules} == everything
    assert _told(check_package(both, release=release)) == _expected(customers, _references(_RELEASE))
    again = tmp_path / "again.zip"
    merge_packages([both, paths[_RELEASE]], again)
    assert again.read_bytes() == all_three.read_bytes()


def test_removal_files_are_judged_by_the_real_graph(release: Release, tmp_path: Path) -> None:
    modules = find_modules(_extract(_TOOLBOX, tmp_path / "src"))
    own = _references(_TOOLBOX)
    for gone in sorted(own):
        left = [one for one in modules if one.key != gone]
        verdict = check_package(_package(tmp_path / "left.zip", left, (gone,)))
        users = {
            re.sub(r".*dynamicsax-(.+)\.nuspec", r"\1", one.path) for one in verdict.findings if one.rule == "DP603"
        }
        assert users == {name for name, names in own.items() if gone in names and name != gone}
        assert verdict.removed_modules == (gone,)
    for name in sorted(_references(_RELEASE)):
        verdict = check_package(_package(tmp_path / "vendor.zip", modules[:1], (name,)), release=release)
        assert {one.rule for one in verdict.findings} >= {"DP601"}
    (finding,) = [
        one
        for one in check_package(_package(tmp_path / "own.zip", modules, (modules[0].name,))).findings
        if one.rule != "DP404"
    ]
    assert (finding.rule, finding.path) == ("DP602", "AOSService/Scripts/ModuleToRemove.txt")
