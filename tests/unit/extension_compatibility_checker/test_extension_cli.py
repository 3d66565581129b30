"""`drydock extension` as a user types it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.console.cli import app as drydock
from tests.support.al_packages import (
    app,
    base_app,
    container,
    enum,
    extension,
    field,
    package_entries,
    symbol_file,
    table,
    zipped,
)

DEPENDENCY = "99999999-2222-3333-4444-555555555555"
CUSTOMER = table(18, "Customer", field(1, "No.", "Code[20]"))
PENDING = table(18, "Customer", field(1, "No.", "Code[20]"), ObsoleteState="Pending", ObsoleteTag="24.0")


TESTED = "codeunit 50001 Tests { Subtype = Test; var %s }"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    contents = {
        "ext.app": extension("codeunit 50000 A\n{\n    var C: Record Customer;\n}"),
        "good.app": base_app(CUSTOMER),
        "bad.app": base_app(),
        "pending.app": base_app(PENDING),
        "runtime.app": container(b".NEA\x00\x00\x00\x01" + bytes(50), declared=50),
        "junk.app": b"junk",
        "empty.app": container(zipped({})),
        "damaged.app": app({})[:-9],
        "signed.app": container(zipped(package_entries({})), signature=b"x"),
        "readytorun.app": container(zipped({"readytorunappmanifest.json": b"{}", "inner.app": app({})})),
        "needy.app": extension("codeunit 50000 A { }", dependencies=[(DEPENDENCY, "Lib", "P", "2.0.0.0")]),
        "tested.app": extension(f"codeunit 50000 A {{ }} {TESTED % 'T: Codeunit Tools;'}", test="13.0.0.0"),
        "broken-test.app": extension(TESTED % "T: Codeunit Tools;"),
        "lib.app": app({}, app_id=DEPENDENCY, name="Lib", publisher="P", version="2.0.0.0"),
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def run(folder: Path, line: str) -> Result:
    words = [str(folder / w) if w.endswith((".app", ".index")) else w for w in line.split()]
    return CliRunner().invoke(drydock, words)


def answer(result: Result) -> Any:
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("ext.app --base good.app", 0),
        ("--base good.app ext.app", 0),
        ("ext.app --base bad.app", 1),
        ("ext.app --base pending.app", 0),
        ("ext.app --base pending.app --fail-on warning", 10),
        ("runtime.app --base good.app", 10),
        ("junk.app --base good.app", 10),
        ("ext.app runtime.app --base bad.app", 1),
        ("ext.app --base junk.app", 10),
        ("ext.app --base good.app --fail-on error", 2),
        ("ext.app --base runtime.app", 10),
        ("ext.app --base empty.app", 10),
        ("ext.app --base good.app --old-base junk.app", 10),
        ("ext.app --base good.app --old-base good.app", 0),
        ("ext.app --old-base good.app good.app --base bad.app", 1),
        ("empty.app --base good.app", 10),
        ("damaged.app ext.app --base good.app", 10),
        ("signed.app --base good.app", 0),
        ("readytorun.app --base good.app", 0),
        ("ext.app", 2),
        ("nowhere.app --base good.app", 3),
        ("ext.app --base nowhere.app", 3),
    ],
)
@pytest.mark.parametrize("form", ["table", "json", "sarif"])
def test_the_exit_code_says_what_was_found(files: Path, line: str, code: int, form: str) -> None:
    result = run(files, f"extension check {line} -o {form}")
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output


def test_a_process_ends_with_the_code_and_prints_no_stack_trace(files: Path) -> None:
    start = [sys.executable, "-c", "from services.console.cli import main; main()", "extension", "check"]
    for words, code in ((["ext.app", "--base", "bad.app"], 1), (["junk.app", "--base", "good.app", "-o", "json"], 10)):
        ended = subprocess.run([*start, *words], check=False, capture_output=True, text=True, cwd=files)
        assert (ended.returncode, "Traceback" in ended.stderr) == (code, False)
        assert "-o" not in words or json.loads(ended.stdout)["verdict"] == "unverifiable"


def test_json_is_one_object_with_verdict_extensions_and_findings(files: Path) -> None:
    found = answer(run(files, "extension check ext.app --base bad.app --country W1 -o json"))
    assert found["verdict"] == "incompatible"
    (one,) = found["extensions"]
    assert {k: one[k] for k in ("name", "publisher", "version", "verdict")} == {
        "name": "Contoso Extension",
        "publisher": "Contoso",
        "version": "1.0.0.0",
        "verdict": "incompatible",
    }
    assert one["findings"] == [
        {
            "code": "AL0185",
            "severity": "blocks",
            "level": "source",
            "symbol": "Customer",
            "message": "Table 'Customer' is missing.",
            "file": "src/Code.al",
            "line": 3,
            "column": 19,
            "suggestion": "",
            "before": "",
            "after": "",
            "part": "runs",
        }
    ]


def test_sarif_places_the_finding(files: Path) -> None:
    (run_,) = answer(run(files, "extension check ext.app --base bad.app -o sarif"))["runs"]
    (result,) = run_["results"]
    assert (result["ruleId"], result["level"]) == ("AL0185", "error")
    place = result["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "src/Code.al"},
        "region": {"startLine": 3, "startColumn": 19},
    }


def test_the_table_names_code_place_and_symbol(files: Path) -> None:
    result = run(files, "extension check ext.app --base bad.app")
    assert "AL0185  src/Code.al(3,19): Table 'Customer' is missing." in result.stdout
    assert "reading" not in result.stdout


def test_several_bases_may_follow_one_option(files: Path) -> None:
    result = run(files, "extension check ext.app --base pending.app good.app -o json")
    assert result.exit_code == 0
    assert len(answer(result)["extensions"]) == 1


def test_folders_and_patterns_stand_for_the_packages_in_them(files: Path) -> None:
    for folder, names in (("set", ("needy.app", "lib.app")), ("target", ("good.app",)), ("none", ())):
        (files / folder).mkdir()
        for name in names:
            (files / folder / name).write_bytes((files / name).read_bytes())
    (files / "set" / "readme.txt").write_text("no package")
    result = run(files, f"extension check {files}/set --base {files}/target -o json")
    assert result.exit_code == 0
    assert {one["name"] for one in answer(result)["extensions"]} == {"Contoso Extension", "Lib"}
    assert [one["name"] for one in answer(result)["target"]] == ["Base Application"]
    again = CliRunner().invoke(drydock, ["extension", "check", f"{files}/set/*.app", "--base", f"{files}/target"])
    assert again.exit_code == 0
    nothing = run(files, f"extension check {files}/none --base {files}/target")
    assert (nothing.exit_code, "There is no .app file in" in nothing.output) == (3, True)


def test_a_dependency_that_was_not_given_leaves_the_verdict_open_and_one_among_the_bases_does_not(files: Path) -> None:
    result = run(files, "extension check needy.app --base good.app -o json")
    assert result.exit_code == 10
    (one,) = answer(result)["extensions"]
    assert (one["verdict"], one["findings"], len(one["undecided"])) == ("unverifiable", [], 1)
    assert run(files, "extension check needy.app --base good.app lib.app").exit_code == 0


def test_tests_that_cannot_be_judged_are_told_and_leave_the_verdict_to_what_customers_run(files: Path) -> None:
    result = run(files, "extension check tested.app --base good.app")
    assert result.exit_code == 0
    title, parts, *reasons = result.stdout.splitlines()
    assert title == "Contoso Extension 1.0.0.0: compatible"
    assert parts == "  what customers run: compatible, what only tests it: unverifiable"
    assert len(reasons) == 2
    assert all(line.startswith("  undecided: in code that only tests it: ") for line in reasons)
    (one,) = answer(run(files, "extension check tested.app --base good.app -o json"))["extensions"]
    assert {part["part"]: part["verdict"] for part in one["parts"]} == {"runs": "compatible", "tests": "unverifiable"}
    assert one["decided_by"] == "runs"


def test_a_test_that_breaks_makes_the_whole_incompatible_and_the_answer_says_so(files: Path) -> None:
    result = run(files, "extension check broken-test.app --base good.app")
    assert result.exit_code == 1
    assert result.stdout.startswith("Contoso Extension 1.0.0.0: incompatible, because of its tests\n")


def test_sarif_has_the_shape_that_readers_of_it_expect(files: Path) -> None:
    for line in ("check ext.app runtime.app --base bad.app", "compare good.app bad.app"):
        found = answer(run(files, f"extension {line} -o sarif"))
        assert found["version"] == "2.1.0"
        (run_,) = found["runs"]
        rules = run_["tool"]["driver"]["rules"]
        assert all(rule["id"] and rule["shortDescription"]["text"] for rule in rules)
        for result in run_["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            assert result["level"] in ("error", "warning", "note")
            assert result["message"]["text"]
            for place in result.get("locations", ()):
                region = place["physicalLocation"].get("region")
                assert region is None or min(region.values()) >= 1
    run_ = answer(run(files, "extension check runtime.app --base good.app -o sarif"))["runs"][0]
    (note,) = run_["invocations"][0]["toolExecutionNotifications"]
    assert "runtime package" in note["message"]["text"]


@pytest.mark.parametrize(
    ("file", "kind", "code"),
    [
        ("ext.app", "plain", 0),
        ("signed.app", "signed", 0),
        ("readytorun.app", "ready-to-run", 0),
        ("runtime.app", "runtime", 0),
        ("empty.app", "empty", 0),
        ("damaged.app", "damaged", 1),
        ("junk.app", "damaged", 1),
        ("nowhere.app", None, 3),
    ],
)
def test_show_names_the_kind_of_every_file(files: Path, file: str, kind: str | None, code: int) -> None:
    result = run(files, f"extension show {file} -o json")
    assert result.exit_code == code
    if kind is not None:
        found = answer(result)
        assert found["kind"] == kind
        assert (found["manifest"] is None) == (kind in ("runtime", "empty", "damaged"))
        assert (found["problem"] is None) != (found["manifest"] is None)
        assert run(files, f"extension show {file}").exit_code == code
    assert run(files, f"extension show {file} -o sarif").exit_code == 2


def test_show_names_kind_and_manifest(files: Path) -> None:
    found = answer(run(files, "extension show ext.app -o json"))
    assert (found["kind"], found["manifest"]["version"], found["manifest"]["runtime"]) == (
        "plain",
        "1.0.0.0",
        "14.0",
    )
    found = answer(run(files, "extension show runtime.app -o json"))
    assert (found["kind"], found["manifest"]) == ("runtime", None)
    assert "does not begin with NAVX" in run(files, "extension show junk.app").stdout


def test_a_base_is_imported_once_and_then_loaded(files: Path) -> None:
    imported = run(files, f"base import good.app --country DK --to {files}")
    path = Path(imported.stdout.strip())
    assert path.name == "Base Application_25.1.1.0_DK.index"
    path.rename(files / "stored.index")
    assert run(files, "extension check ext.app --base stored.index").exit_code == 0
    assert answer(run(files, "base show stored.index -o json"))["country"] == "DK"
    assert run(files, "extension check ext.app --base stored.index --country dk").exit_code == 0
    wrong = run(files, "extension check ext.app --base stored.index --country W1")
    assert (wrong.exit_code, "not of country W1" in wrong.output) == (2, True)
    (files / "stored.index").write_bytes(b"broken")
    broken = run(files, "extension check ext.app --base stored.index")
    assert (broken.exit_code, "import the base again" in broken.output) == (10, True)


def test_bases_are_imported_one_by_one_and_one_that_cannot_be_is_told(files: Path) -> None:
    result = run(files, f"base import good.app junk.app lib.app --country w1 --to {files}/indexes")
    assert result.exit_code == 1
    names = [Path(line).name for line in result.stdout.splitlines()]
    assert names == ["Base Application_25.1.1.0_W1.index", "Lib_2.0.0.0_W1.index"]
    assert "junk.app cannot be imported: it does not begin with NAVX" in result.stderr
    needy = CliRunner().invoke(
        drydock, ["extension", "check", str(files / "needy.app"), "--base", str(files / "indexes")]
    )
    assert needy.exit_code == 0
    assert run(files, "base import nowhere.app").exit_code == 3
    assert run(files, "base import good.app --country ../x").exit_code == 2
    assert run(files, "base show good.app").exit_code == 1
    assert run(files, "base show nowhere.index").exit_code == 3
    shown = CliRunner().invoke(drydock, ["base", "show", result.stdout.splitlines()[0], "-o", "json"])
    assert {k: json.loads(shown.stdout)[k] for k in ("country", "objects", "kinds")} == {
        "country": "W1",
        "objects": 1,
        "kinds": {"table": 1},
    }


def test_the_rules_of_comparison_are_printed_alone_on_request(files: Path) -> None:
    found = answer(run(files, "extension rules --comparison -o json"))
    assert set(found) == {"baseline", "not_decided"}
    assert {"AS0001", "AS0146", "DRYDOCK"} <= {rule["code"] for rule in found["baseline"]}
    assert all(rule["reason"] for rule in found["not_decided"])
    table_ = run(files, "extension rules --comparison").stdout
    assert ("AS0105" in table_, "AL1022" in table_) == (True, False)


def test_rules_are_printed_from_the_code() -> None:
    rows = answer(CliRunner().invoke(drydock, ["extension", "rules", "-o", "json"]))["target"]
    assert [r["row"] for r in rows] == list(range(1, 36))
    assert all(r["implemented"] or r["undecided"] for r in rows)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("good.app good.app", 0),
        ("bad.app good.app", 0),
        ("good.app bad.app", 1),
        ("good.app ext.app", 2),
        ("good.app runtime.app", 10),
        ("good.app nowhere.app", 3),
    ],
)
@pytest.mark.parametrize("form", ["table", "json", "sarif"])
def test_compare_says_what_a_new_version_breaks(files: Path, line: str, code: int, form: str) -> None:
    result = run(files, f"extension compare {line} -o {form}")
    assert result.exit_code == code, result.output
    assert ("AS0001" in result.stdout) == (code == 1)


def test_compare_takes_the_settings_of_the_analyzer_and_other_apps(files: Path) -> None:
    option = table(5, "T", field(1, "A", "Option X,Y", ObsoleteState="Pending", ObsoleteTag="1.0"))
    other = table(5, "T", field(1, "A", "Enum 7 E", ObsoleteState="Pending", ObsoleteTag="2.0"))
    (files / "old.app").write_bytes(app(symbol_file(option)))
    (files / "new.app").write_bytes(app(symbol_file(other)))
    (files / "enums.app").write_bytes(app(symbol_file(enum(7, "E", "X", "Y")), app_id=DEPENDENCY))
    undecided = run(files, "extension compare old.app new.app -o json")
    assert (undecided.exit_code, answer(undecided)["verdict"]) == (10, "unverifiable")
    assert "--with" in answer(undecided)["undecided"][0]
    assert run(files, "extension compare old.app new.app --with enums.app").exit_code == 0
    hidden = run(files, "extension compare old.app new.app --with enums.app --hidden -o json")
    assert [f["code"] for f in answer(hidden)["findings"]] == ["AS0074"]
    assert hidden.exit_code == 0


def test_compare_takes_stored_indexes(files: Path) -> None:
    for name in ("good", "bad"):
        imported = run(files, f"base import {name}.app --to {files}").stdout.strip()
        Path(imported).rename(files / f"{name}.index")
    assert run(files, "extension compare good.index bad.index").exit_code == 1


def test_compare_names_the_file_without_a_place_that_it_does_not_know(files: Path) -> None:
    old = table(5, "T") | {"ReferenceSourceFileName": "Tables/My%20T.al"}
    (files / "old.app").write_bytes(app(symbol_file(old)))
    (files / "new.app").write_bytes(app(symbol_file()))
    assert 'AS0001  src/Tables/My T.al: table 5 "T" is gone.' in run(files, "extension compare old.app new.app").stdout


POINTS = "table 50001 Loyalty\n{\n    fields { field(1; Code; Code[20]) { } field(2; Points; Integer) { } }\n}"


def test_a_new_version_is_held_against_the_one_that_is_installed(files: Path) -> None:
    (files / "installed.app").write_bytes(app({}, {"Loyalty.al": POINTS}))
    (files / "new.app").write_bytes(app({}, {"Loyalty.al": POINTS.replace("Integer", "Boolean")}, version="1.1.0.0"))
    alone = run(files, "extension check new.app --base good.app")
    assert alone.exit_code == 0, alone.output
    held = run(files, "extension check new.app --base good.app --installed installed.app")
    assert held.exit_code == 1, held.output
    lines = [line.strip() for line in held.stdout.splitlines()]
    assert any(line.startswith("blocks") and "AS0004" in line for line in lines)
    (was,) = [line for line in lines if line.startswith("was ")]
    (is_,) = [line for line in lines if line.startswith("is ")]
    assert "Integer" in was
    assert "Boolean" in is_
    assert run(files, "extension check new.app --base good.app --installed nowhere.app").exit_code == 3
