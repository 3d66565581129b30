"""`drydock package` and `drydock release` on files: every form of output, odd paths, and what `build` can be told."""

import json
import os
import sys
import zipfile
from pathlib import Path
from subprocess import run as start
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import typer
from typer.testing import CliRunner, Result

from services.console.cli import app
from services.console.cli.running import Exit, Stopped
from shared.formats.deployable_package.archive import sources
from shared.formats.deployable_package.damage.faults import FAULTS, build_sample
from shared.formats.deployable_package.read.release import Release, encode_release
from tests.unit.formats.deployable_package.test_building import descriptor, write

VERSIONS = ("--platform-version", "7.0.7606.108")
ODD_NAME = "päck age ° 1 – November.zip"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False)


def drydock(*arguments: object, folder: Path, encoding: str = "utf-8") -> tuple[int, bytes, bytes]:
    """Type a command in a process of its own: exit code, stdout, stderr."""
    done = start(
        [Path(sys.executable).with_name("drydock"), *map(os.fsencode, map(str, arguments))],
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def package(folder: Path, rule: str | None = None, name: str | None = None) -> Path:
    path = folder / (name or f"{rule or 'sound'}.zip")
    path.write_bytes(build_sample(next((fault for fault in FAULTS if fault.rule == rule), None)))
    return path


def modules(folder: Path) -> Path:
    """The folder of one module of source."""
    write(folder, {"src/Sales/Descriptor/Sales.xml": descriptor("Sales", "Sales")})
    return folder / "src"


def entries(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {one.orig_filename: archive.read(one) for one in archive.infolist()}


# -- verdicts in every form


@pytest.mark.parametrize("case", ["valid", "invalid", "garbage", "missing", "folder", "unreadable", "fails while read"])
@pytest.mark.parametrize("output", ["table", "json", "sarif", "junit"])
def test_every_form_of_a_verdict_is_one_document_and_agrees_with_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, output: str
) -> None:
    file, code = tmp_path / "one.zip", 10
    if case == "valid":
        file, code = package(tmp_path), 0
    elif case == "invalid":
        file, code = package(tmp_path, "DP303"), 1
    elif case == "garbage":
        file.write_bytes(b"no zip at all")
        code = 1
    elif case == "folder":
        file.mkdir()
    elif case == "unreadable":
        package(tmp_path, name=file.name)
        monkeypatch.setattr(Path, "open", _denied)
    elif case == "fails while read":
        package(tmp_path, name=file.name)
        monkeypatch.setattr(sources.FileSource, "_read", _broken)
    result = run("package", "check", file, "-o", output)
    assert result.exit_code == code
    assert "Traceback" not in result.output
    assert (result.stderr == "") == (code != 10)
    if code == 10:
        assert result.stderr.startswith("undecided: ")
        assert result.stderr.count("\n") == 1
    verdict = {0: "valid", 1: "invalid", 10: "unchecked"}[code]
    if output == "table":
        assert result.stdout.startswith(f"{file.name}: {verdict}")
    elif output == "json":
        document = json.loads(result.stdout)
        assert document["verdict"] == verdict
        assert set(document) >= {"verdict", "kind", "modules", "findings"}
        assert ("reason" in document) == (code == 10)
    elif output == "sarif":
        [invocation] = json.loads(result.stdout)["runs"][0]["invocations"]
        assert invocation["executionSuccessful"] is (code != 10)
        told = [one["message"]["text"] for one in invocation.get("toolExecutionNotifications", ())]
        assert told == ([result.stderr.removeprefix("undecided: ").strip()] if code == 10 else [])
    else:
        [suite] = ET.fromstring(result.stdout)
        assert (int(suite.attrib["failures"]) > 0, int(suite.attrib["errors"])) == (code == 1, int(code == 10))
        assert len(suite.findall("testcase/error")) == int(code == 10)


def _denied(path: Path, *_: Any, **__: Any) -> Any:
    raise PermissionError(13, "Permission denied", str(path))


def _broken(*_: Any) -> bytes:
    raise OSError(5, "Input/output error")


@pytest.mark.parametrize("output", ["table", "json", "sarif", "junit"])
def test_a_path_with_blanks_and_letters_of_any_kind_is_printed_as_it_is(tmp_path: Path, output: str) -> None:
    (tmp_path / "mon dossier é").mkdir()
    package(tmp_path / "mon dossier é", name=ODD_NAME)
    code, out, err = drydock("package", "check", f"mon dossier é/{ODD_NAME}", "-o", output, folder=tmp_path)
    assert (code, err) == (0, b"")
    if output in ("table", "junit"):
        assert ODD_NAME in out.decode()
    code, out, err = drydock("package", "check", "kein Päckchen.zip", "-o", output, folder=tmp_path)
    assert (code, "kein Päckchen.zip" in err.decode()) == (10, True)


@pytest.mark.parametrize("command", ["check", "show"])
@pytest.mark.parametrize("name", [b"bad\xff.zip", "päck.zip".encode()])
def test_no_name_of_a_file_breaks_the_output_whatever_the_terminal_can_show(
    tmp_path: Path, command: str, name: bytes
) -> None:
    content = build_sample(next(fault for fault in FAULTS if fault.rule == "DP303"))
    Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(content)
    code, out, err = drydock("package", command, os.fsdecode(name), folder=tmp_path, encoding="ascii")
    assert code == (1 if command == "check" else 0)
    assert out
    assert b"Traceback" not in out + err


def test_a_pipe_is_refused_instead_of_waiting_for_it(tmp_path: Path) -> None:
    pipe, sound, out = tmp_path / "pipe", package(tmp_path), tmp_path / "out.zip"
    os.mkfifo(pipe)
    for arguments in (
        ("package", "check", pipe),
        ("package", "check", sound, "--release", pipe),
        ("package", "show", pipe),
        ("package", "diff", sound, pipe),
        ("package", "merge", sound, pipe, "--out", out),
        ("package", "build", "--modules", modules(tmp_path), *VERSIONS, "--out", out, "--license", pipe),
        ("release", "import", pipe, "--out", out),
    ):
        result = run(*arguments)
        assert (result.exit_code, "it is no file but a pipe or a device" in result.stderr) == (10, True), arguments
    assert not out.exists()


def test_stopping_a_check_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def while_asking(*_: object, **__: object) -> None:
        raise Stopped(Exit.DETACHED, "detached")

    monkeypatch.setattr("services.console.cli.package.check.check_package", interrupted)
    monkeypatch.setattr("services.console.cli.package.check.attempt", while_asking)
    for options in ((), ("--release", "10.0.45")):
        result = run("package", "check", package(tmp_path), *options, "-o", "json")
        assert (result.exit_code, result.stdout, result.stderr) == (130, "", "stopped; nothing was decided\n")


def test_a_release_is_a_file_if_there_is_one_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "10.0.45").write_bytes(encode_release(Release(version="10.0.45")))
    checked = run("package", "check", package(tmp_path), "--release", "10.0.45", "-o", "json")
    assert {one["rule"] for one in json.loads(checked.stdout)["findings"]} == {"DP501"}
    missing = run("package", "check", package(tmp_path), "--release", "release.json")
    assert (missing.exit_code, "release file cannot be read" in missing.stderr) == (10, True)


# -- show, diff, merge


def test_what_is_no_package_is_not_compared(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.zip"
    garbage.write_bytes(b"no zip")
    for pair in ((garbage, garbage), (package(tmp_path), garbage)):
        result = run("package", "diff", *pair)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith(f"{garbage} cannot be compared")


def test_merging_into_one_of_the_sources_replaces_it_only_when_all_is_written(tmp_path: Path) -> None:
    one, other = package(tmp_path, name="one.zip"), package(tmp_path, name="other.zip")
    assert run("package", "merge", one, other, "--out", one).exit_code == 0
    assert run("package", "check", one).exit_code == 0
    before = other.read_bytes()
    refused = run("package", "merge", other, package(tmp_path, "DP303"), "--out", other)
    assert (refused.exit_code, refused.stdout, other.read_bytes()) == (1, "", before)


@pytest.mark.parametrize("verb", ["build", "merge", "sample"])
def test_a_package_cannot_be_written_where_there_is_no_folder(tmp_path: Path, verb: str) -> None:
    out = tmp_path / "none" / "out.zip"
    arguments: dict[str, tuple[object, ...]] = {
        "build": ("--modules", modules(tmp_path), *VERSIONS),
        "merge": (package(tmp_path), package(tmp_path)),
        "sample": (),
    }
    result = run("package", verb, *arguments[verb], "--out", out)
    assert (result.exit_code, result.stdout) == (10, "")
    assert result.stderr == f"{out} cannot be written: there is no folder {out.parent}\n"


# -- build


def test_what_build_is_told_is_in_the_package(tmp_path: Path) -> None:
    license_file, out = tmp_path / "Lizenz für Sales.txt", tmp_path / "out.zip"
    license_file.write_text("Sales\n", encoding="utf-8")
    write(tmp_path, {"skeleton/AXUpdateInstaller.exe": b"MZ", "skeleton/AOSService/Scripts/Do it.ps1": b"exit 0"})
    write(tmp_path, {"skeleton/HotfixInstallationInfo.xml": b"not this one"})
    build = ("package", "build", "--modules", modules(tmp_path), *VERSIONS, "--out", out)
    options = ("--license", license_file, "--remove", "ContosoOld", "--remove", "contosoolder")
    result = run(*build, *options, "--skeleton", tmp_path / "skeleton")
    assert result.exit_code == 0, result.stderr
    found = entries(out)
    assert found["AOSService/Scripts/License/Lizenz für Sales.txt"] == b"Sales\n"
    assert found["AOSService/Scripts/ModuleToRemove.txt"].split() == [b"ContosoOld", b"contosoolder"]
    assert found["AOSService/Scripts/Do it.ps1"] == b"exit 0"
    assert found["AXUpdateInstaller.exe"] == b"MZ"
    assert b"not this one" not in found["HotfixInstallationInfo.xml"]
    shown = json.loads(run("package", "show", out, "-o", "json").stdout)
    assert shown["removed_modules"] == ["contosoold", "contosoolder"]
    first = out.read_bytes()
    assert run(*build, *options, "--skeleton", tmp_path / "skeleton").exit_code == 0
    assert out.read_bytes() == first


def test_entry_names_have_the_separator_that_is_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "out.zip"
    build = ("package", "build", "--modules", modules(tmp_path), *VERSIONS, "--out", out)
    assert run(*build, "--separator", "backslash").exit_code == 0
    names = list(entries(out))
    assert any("\\" in name for name in names)
    assert not any("/" in name for name in names)
    assert run("package", "check", out).exit_code == 0


def test_a_module_that_is_built_and_removed_at_once_is_told_as_invalid(tmp_path: Path) -> None:
    build = ("package", "build", "--modules", modules(tmp_path), *VERSIONS, "--out", tmp_path / "out.zip")
    result = run(*build, "--remove", "sales", "-o", "json")
    assert result.exit_code == 1
    assert [one["rule"] for one in json.loads(result.stdout)["findings"]] == ["DP602"]
    assert "the package was built and is invalid" in result.stderr


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (("--license", "none.txt"), 10, "none.txt cannot be read: No such file or directory"),
        (("--license", "src"), 10, "src cannot be read: Is a directory"),
        (("--license", "a/l.txt", "--license", "b/L.txt"), 1, "licences lie in one folder of the package"),
        (("--skeleton", "none"), 10, "there is no folder none with a skeleton"),
        (("--skeleton", "a/l.txt"), 10, "there is no folder a/l.txt with a skeleton"),
        (("--skeleton", "empty"), 1, "the skeleton empty holds no file"),
        (("--kind", "merged"), 1, "needs an application version of four numbers"),
        (("--kind", "binary"), 2, "Invalid value for '--kind'"),
    ],
)
def test_what_build_cannot_use_is_told_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], code: int, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"a/l.txt": b"", "b/L.txt": b""})
    (tmp_path / "empty").mkdir()
    result = run("package", "build", "--modules", modules(tmp_path), *VERSIONS, "--out", "out.zip", *options)
    assert (result.exit_code, result.stdout) == (code, "")
    assert text in result.stderr
    assert not (tmp_path / "out.zip").exists()


# -- release import


def test_an_import_must_be_told_what_to_do_with_the_list(tmp_path: Path) -> None:
    source = modules(tmp_path)
    for options in ((), ("--out", tmp_path / "r.json", "--base-version", "27.0.1.0")):
        result = run("release", "import", source, "--version", "10.0.45", *options)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "--package" in result.stderr


def test_a_written_list_is_told_to_programs_too(tmp_path: Path) -> None:
    out = tmp_path / "r.json"
    start_ = ("release", "import", modules(tmp_path), "--version", "10.0.45", "--out", out, "-o")
    assert json.loads(run(*start_, "json").stdout) == {"file": str(out), "version": "10.0.45", "modules": 1}
    assert run(*start_, "id").stdout == f"{out}\n"
    nowhere = run(*start_[:-2], tmp_path / "no" / "r.json")
    assert (nowhere.exit_code, "cannot be written: No such file or directory" in nowhere.stderr) == (10, True)


# -- submit


def test_a_file_whose_name_no_package_can_have_is_told_with_a_name_that_one_can(tmp_path: Path) -> None:
    result = run("package", "submit", package(tmp_path, name=ODD_NAME), "--project", "contoso")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith("for instance --name p-ck-age-1-November\n")
    assert run("package", "submit", package(tmp_path), "--project", "Contoso!").exit_code == 2
    assert run("package", "submit", tmp_path / "none.zip", "--project", "contoso").exit_code == 3


# -- help


@pytest.mark.parametrize("noun", ["package", "release"])
def test_every_option_and_argument_is_explained(noun: str) -> None:
    command: Any = typer.main.get_command(app).commands[noun]  # type: ignore[attr-defined]
    unexplained = [
        f"{verb} {parameter.name}"
        for verb, one in command.commands.items()
        for parameter in one.params
        if not getattr(parameter, "help", None) and not getattr(parameter, "hidden", False)
    ]
    assert unexplained == []
