"""Packages merge into one as the vendor's tool merges them, with its refusals."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared.formats.deployable_package.damage.faults import FAULTS, build_sample, sample
from shared.formats.deployable_package.judge.check import check_package
from shared.formats.deployable_package.read.kinds import DeployableKind
from shared.formats.deployable_package.write.build import ModuleSource, placeholder_files, plan_package, write_package
from shared.formats.deployable_package.write.merge import MergeError, merge_packages

_LICENSES = (("contosocore.txt", b"licence of ContosoCore"),)


def _module(name: str, version: str = "1.0.0.0") -> ModuleSource:
    return ModuleSource(name, version, (), placeholder_files(name))


def _package(
    path: Path,
    *modules: ModuleSource,
    platform: str = "7.0.7606.108",
    separator: str = "/",
    **options: object,
) -> Path:
    chosen = replace(sample().options, platform_version=platform, **options)  # type: ignore[arg-type]  # checked by BuildOptions
    write_package(plan_package(modules, chosen), path, separator)
    return path


def _platform(path: Path) -> Path:
    path.write_bytes(build_sample(kind=DeployableKind.PLATFORM))
    return path


def test_a_platform_and_a_customization_become_one_valid_merged_package(tmp_path: Path) -> None:
    custom = _package(
        tmp_path / "c.zip", *sample().modules, separator="\\", licenses=_LICENSES, removed=("ContosoOld",)
    )
    platform = _platform(tmp_path / "p.zip")
    out = tmp_path / "merged.zip"
    merge_packages([custom, platform], out)
    verdict = check_package(out)
    assert (verdict.findings, verdict.kind) == ((), DeployableKind.MERGED)
    parts = (*check_package(platform).modules, *check_package(custom).modules)
    assert verdict.modules == parts
    assert verdict.removed_modules == ("contosoold",)
    assert (verdict.platform_version, verdict.application_version) == ("7.0.7606.108", "10.0.2345.10")
    again = tmp_path / "again.zip"
    merge_packages([platform, custom], again)
    assert again.read_bytes() == out.read_bytes()


def test_customizations_of_several_publishers_become_one_with_shared_modules_once(tmp_path: Path) -> None:
    shared = _module("Shared")
    one = _package(tmp_path / "one.zip", shared, _module("One"), platform="7.0.7606.100")
    # The same files in another order: the archives' bytes differ, the module does not.
    reordered = replace(shared, files=shared.files[::-1])
    two = _package(tmp_path / "two.zip", reordered, _module("Two"), platform="7.0.7606.108")
    out = tmp_path / "out.zip"
    merge_packages([one, two], out)
    verdict = check_package(out)
    assert (verdict.findings, verdict.kind, verdict.platform_version) == ((), "customization", "7.0.7606.108")
    assert [module.name for module in verdict.modules] == ["One", "Shared", "Two"]


def test_a_publishers_package_for_an_earlier_release_goes_with_ones_own(tmp_path: Path) -> None:
    own = _package(tmp_path / "own.zip", _module("Own"))
    older = _package(tmp_path / "older.zip", _module("IsvTax"), platform="7.0.6651.92")
    out = tmp_path / "out.zip"
    for order in ([own, older], [older, own]):
        merge_packages(order, out)
        verdict = check_package(out)
        assert (verdict.findings, verdict.platform_version) == ((), "7.0.7606.108")
        assert [module.name for module in verdict.modules] == ["IsvTax", "Own"]


def test_of_a_module_in_two_builds_one_is_chosen(tmp_path: Path) -> None:
    a = _package(tmp_path / "a.zip", _module("Common"), _module("A"))
    b = _package(tmp_path / "b.zip", _module("COMMON", "1.1.0.0"), _module("B"))
    c = _package(tmp_path / "c.zip", _module("C"))
    out = tmp_path / "out.zip"
    with pytest.raises(MergeError) as refused:
        merge_packages([a, b, c], out)
    assert "a.zip brings Common 1.0.0.0, b.zip 1.1.0.0" in str(refused.value)
    assert "--take Common=a.zip" in str(refused.value)
    for path, version in ((a, "1.0.0.0"), (b, "1.1.0.0")):
        merge_packages([a, b, c], out, take={"common": path})
        verdict = check_package(out)
        assert verdict.findings == ()
        versions = {module.name.lower(): module.version for module in verdict.modules}
        assert versions == {"common": version, "a": "1.0.0.0", "b": "1.0.0.0", "c": "1.0.0.0"}
    for take, told in (({"Common": c}, "c.zip, which does not bring it; it is in a.zip and b.zip"),
                       ({"Ghost": a}, "nor does any other")):  # fmt: skip
        with pytest.raises(MergeError, match=told):
            merge_packages([a, b, c], out, take=take)


def test_what_the_vendor_refuses_is_refused_with_the_reason(tmp_path: Path) -> None:
    one = _package(tmp_path / "one.zip", _module("One"), licenses=_LICENSES)
    platform = _platform(tmp_path / "p.zip")
    broken = tmp_path / "broken.zip"
    broken.write_bytes(build_sample(next(fault for fault in FAULTS if fault.rule == "DP303")))
    unknown = tmp_path / "unknown.zip"
    unknown.write_bytes(build_sample(next(fault for fault in FAULTS if fault.rule == "DP316")))
    merged = tmp_path / "merged.zip"
    merge_packages([one, platform], merged)
    out = tmp_path / "out.zip"
    changed = (("contosocore.txt", b"another licence of ContosoCore"),)
    refused: list[tuple[list[Path], str]] = [
        ([one], "at least two"),
        ([one, broken], "broken.zip is invalid .DP303"),
        ([one, unknown], "unknown service model"),
        ([platform, platform], "only one platform"),
        ([merged, one], "merged already"),
        ([platform, _package(tmp_path / "new.zip", _module("New"), platform="7.0.7700.1")], "later than"),
        (
            [one, _package(tmp_path / "licence.zip", _module("Two"), licenses=changed)],
            "different files .*License/contosocore.txt; rename it",
        ),
        ([one, _package(tmp_path / "removes.zip", _module("Two"), removed=("One",))], "removes one"),
    ]
    for paths, told in refused:
        with pytest.raises(MergeError, match=told):
            merge_packages(paths, out)
    assert not out.exists()
