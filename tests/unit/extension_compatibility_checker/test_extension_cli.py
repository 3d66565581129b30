"""`drydock extension` as a user types it."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.console.cli import app as drydock
from tests.support.al_packages import base_app, container, extension, field, table

CUSTOMER = table(18, "Customer", field(1, "No.", "Code[20]"))
PENDING = table(18, "Customer", field(1, "No.", "Code[20]"), ObsoleteState="Pending", ObsoleteTag="24.0")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    contents = {
        "ext.app": extension("codeunit 50000 A\n{\n    var C: Record Customer;\n}"),
        "good.app": base_app(CUSTOMER),
        "bad.app": base_app(),
        "pending.app": base_app(PENDING),
        "runtime.app": container(b".NEA\x00\x00\x00\x01" + bytes(50), declared=50),
        "junk.app": b"junk",
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
        ("ext.app --base junk.app", 2),
        ("ext.app --base good.app --fail-on error", 2),
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
    (files / "stored.index").write_bytes(b"broken")
    assert run(files, "extension check ext.app --base stored.index").exit_code == 2


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
