"""`drydock package` and `drydock release import`: what is printed, and the exit codes."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.console.cli import app
from shared.formats.deployable_package.damage.faults import FAULTS, build_sample
from shared.formats.deployable_package.read.release import decode_release
from shared.formats.deployable_package.rules import RULES
from tests.unit.formats.deployable_package.test_building import descriptor, write


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False)


def _package(folder: Path, rule: str | None = None) -> Path:
    path = folder / f"{rule or 'sound'}.zip"
    path.write_bytes(build_sample(next((fault for fault in FAULTS if fault.rule == rule), None)))
    return path


def test_check_prints_one_json_object_and_exits_with_the_verdict(tmp_path: Path) -> None:
    valid = run("package", "check", _package(tmp_path), "-o", "json")
    assert valid.exit_code == 0
    assert valid.stderr == ""
    document = json.loads(valid.stdout)
    assert (document["verdict"], document["kind"], document["findings"]) == ("valid", "customization", [])
    assert document["modules"] == [
        {"name": "ContosoCore", "version": "1.2.3.0"},
        {"name": "ContosoSales", "version": "1.2.3.0"},
    ]
    invalid = run("package", "check", _package(tmp_path, "DP303"), "-o", "json")
    assert invalid.exit_code == 1
    document = json.loads(invalid.stdout)
    assert document["verdict"] == "invalid"
    (finding,) = document["findings"]
    assert finding == {
        "rule": "DP303",
        "severity": "error",
        "path": "AOSService/Packages/files/dynamicsax-contososales.1.2.3.0.zip",
        "message": "module contososales 1.2.3.0 has no such file",
        "fix": RULES["DP303"].fix,
    }


@pytest.mark.parametrize("output", ["table", "json", "sarif", "junit"])
def test_what_cannot_be_read_is_undecided_and_says_why(output: str, tmp_path: Path) -> None:
    for path in (tmp_path / "missing.zip", tmp_path):
        result = run("package", "check", path, "-o", output)
        assert result.exit_code == 10
        assert "undecided: the package cannot be read" in result.stderr
    release = tmp_path / "release.json"
    release.write_text("{}")
    result = run("package", "check", _package(tmp_path), "--release", release, "-o", output)
    assert result.exit_code == 10
    assert "not a release file" in result.stderr


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip" * 1000, b"PK\x05\x06" + bytes(18), b"PK\x03\x04" * 50])
@pytest.mark.parametrize("output", ["table", "json", "sarif", "junit"])
def test_garbage_is_invalid_without_a_stack_trace(content: bytes, output: str, tmp_path: Path) -> None:
    path = tmp_path / "garbage.zip"
    path.write_bytes(content)
    result = run("package", "check", path, "-o", output)
    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_the_table_tells_rule_place_and_way_out(tmp_path: Path) -> None:
    output = run("package", "check", _package(tmp_path, "DP403")).stdout
    assert "DP403.zip: invalid (1 error)" in output
    assert "netmodule 1 of 2 is missing" in output
    assert f"fix: {RULES['DP403'].fix}" in output


def test_warnings_fail_only_when_asked(tmp_path: Path) -> None:
    package = _package(tmp_path, "DP404")
    assert run("package", "check", package).exit_code == 0
    assert run("package", "check", package, "--fail-on", "warning").exit_code == 10


def test_show_tells_what_a_package_is_even_if_it_is_invalid(tmp_path: Path) -> None:
    path = _package(tmp_path, "DP313")
    result = run("package", "show", path, "-o", "json")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert document["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert document["modules"][1]["references"] == ["applicationplatform", "contosocore"]
    assert "is invalid" in result.stderr
    assert "needs applicationplatform" in run("package", "show", path).stdout
    assert run("package", "show", _package(tmp_path, "DP101")).exit_code == 1


def test_rules_prints_the_registry_in_every_format() -> None:
    assert [one["id"] for one in json.loads(run("package", "rules", "-o", "json").stdout)] == list(RULES)
    for output in ("table", "markdown"):
        printed = run("package", "rules", "-o", output).stdout
        assert all(text in printed for rule in RULES.values() for text in (rule.id, rule.fix, str(rule.evidence)))


def test_a_package_is_built_from_descriptors_and_valid_against_an_imported_release(tmp_path: Path) -> None:
    vendor = {"publisher": "Microsoft"}
    write(tmp_path, {"v/Suite/Descriptor/Suite.xml": descriptor("Suite", "ApplicationSuite", **vendor)})  # type: ignore[arg-type]  # keyword arguments
    write(tmp_path, {"src/Sales/Descriptor/Sales.xml": descriptor("Sales", "Sales", ["ApplicationSuite"])})
    write(tmp_path, {"src/Tools/Descriptor/Tools.xml": descriptor("Tools", "Tools", ["Nowhere"])})
    archive = tmp_path / "vendor-10.0.45.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "v", "PackagesLocalDirectory")
    release, package = tmp_path / "release.json", tmp_path / "sales.zip"
    assert run("release", "import", archive, "--out", release).exit_code == 0
    assert decode_release(release.read_bytes()).version == "10.0.45"
    versions = ("--platform-version", "7.0.7606.108", "--application-version", "10.0.2345.10")
    built = run("package", "build", "--modules", tmp_path / "src", *versions, "--out", package, "-o", "json")
    assert built.exit_code == 0
    assert "placeholder binaries: 2 modules: Sales, Tools" in built.stderr
    assert [one["name"] for one in json.loads(built.stdout)["modules"]] == ["Sales", "Tools"]
    assert run("package", "check", package).exit_code == 0
    checked = run("package", "check", package, "--release", release, "-o", "json")
    assert checked.exit_code == 1
    assert [(one["rule"], one["message"]) for one in json.loads(checked.stdout)["findings"]] == [
        ("DP501", "Tools refers to nowhere, which nothing provides")
    ]


def test_what_cannot_be_built_is_told_in_one_line(tmp_path: Path) -> None:
    build = ("package", "build", "--modules", tmp_path, "--out", tmp_path / "out.zip", "--platform-version")
    result = run(*build, "7.0.1.1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no model descriptor" in result.stderr
    write(tmp_path, {"A/Descriptor/A.xml": descriptor("A", "A")})
    assert "four numbers" in run(*build, "7").stderr
    assert not (tmp_path / "out.zip").exists()
    missing = run(*build[:-2], tmp_path / "no" / "out.zip", "--platform-version", "7.0.1.1")
    assert (missing.exit_code, "cannot be written" in missing.stderr) == (10, True)


def test_a_package_that_takes_the_last_modules_away_is_built_from_none(tmp_path: Path) -> None:
    out = tmp_path / "out.zip"
    build = ("package", "build", "--platform-version", "7.0.1.1", "--out", out)
    assert run(*build).exit_code == 2
    built = run(*build, "--remove", "ContosoOld", "-o", "json")
    assert (built.exit_code, json.loads(built.stdout)["removed_modules"]) == (0, ["contosoold"])
    assert [one["rule"] for one in json.loads(built.stdout)["findings"]] == ["DP211"]


def test_release_import_refuses_what_has_no_descriptors(tmp_path: Path) -> None:
    out = tmp_path / "r.json"
    garbage = tmp_path / "x-1.2.3.tar.gz"
    garbage.write_bytes(b"\x1f\x8b\x08garbage")
    for source, code in ((garbage, 1), (tmp_path, 1), (tmp_path / "none.tar", 10)):
        result = run("release", "import", source, "--out", out)
        assert (result.exit_code, result.stdout) == (code, "")
        assert result.stderr.count("\n") == 1
    write(tmp_path, {"d/A/Descriptor/A.xml": descriptor("A", "A")})
    assert "--version" in run("release", "import", tmp_path / "d", "--out", out).stderr
    imported = run("release", "import", tmp_path / "d", "--out", out, "--version", "1.0")
    assert (imported.exit_code, imported.stdout) == (0, f"{out}  release 1.0  1 module in 1 layer\n")
    for one, other in ("BC", "CB"):
        write(tmp_path, {f"d/{one}/Descriptor/{one}.xml": descriptor(one, one, [other])})
    circle = run("release", "import", tmp_path / "d", "--out", out, "--version", "1.0")
    assert (circle.exit_code, circle.stderr) == (1, "modules refer to each other in a circle: b -> c -> b\n")


def test_a_sample_breaks_the_rule_that_is_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "sample.zip"
    assert run("package", "sample", "--out", out).exit_code == 0
    assert run("package", "check", out).exit_code == 0
    assert run("package", "sample", "--out", out, "--fault", "DP311").exit_code == 0
    assert "DP311" in run("package", "check", out).stdout
    assert run("package", "sample", "--out", out, "--fault", "DP999").exit_code == 2


def test_diff_tells_what_changes_between_two_packages(tmp_path: Path) -> None:
    before, after = _package(tmp_path), _package(tmp_path, "DP705")
    same = run("package", "diff", before, before, "--exit-code")
    assert (same.exit_code, same.stdout) == (0, "")
    result = run("package", "diff", before, after, "--exit-code")
    assert (result.exit_code, result.stdout) == (9, "downgraded  contososales 1.2.3.0 -> 1.2.2.9\n")
    document = json.loads(run("package", "diff", before, _package(tmp_path, "DP407"), "-o", "json").stdout)
    assert document["changed_content"] == ["contososales"]
    assert run("package", "diff", before, tmp_path / "none").exit_code == 10


def test_merge_writes_a_package_or_tells_why_not(tmp_path: Path) -> None:
    package, out = _package(tmp_path), tmp_path / "merged.zip"
    refused = run("package", "merge", package, "--out", out)
    assert (refused.exit_code, refused.stderr) == (1, "merging takes at least two packages\n")
    merged = run("package", "merge", package, package, "--out", out, "-o", "json")
    assert (merged.exit_code, json.loads(merged.stdout)["verdict"]) == (0, "valid")
    assert run("package", "merge", package, tmp_path / "none", "--out", out).exit_code == 10


def test_merge_takes_a_module_from_the_package_that_is_named(tmp_path: Path) -> None:
    one, two, out = _package(tmp_path), _package(tmp_path, "DP705"), tmp_path / "merged.zip"
    merge = ("package", "merge", one, two, "--out", out)
    refused = run(*merge)
    assert (refused.exit_code, "--take ContosoSales=sound.zip" in refused.stderr) == (1, True)
    for name in (two, two.name):
        merged = run(*merge, "--take", f"contososales={name}", "-o", "json")
        assert [one["version"] for one in json.loads(merged.stdout)["modules"]] == ["1.2.3.0", "1.2.2.9"]
    for wrong in ("contososales", "contososales=other.zip", "=sound.zip"):
        assert run(*merge, "--take", wrong).exit_code == 2
