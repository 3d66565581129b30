"""A data folder says which version was run on it: an earlier one is refused, and what a later one changes is told."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.commands import app
from deploy.embedded import EnginesError
from deploy.installation.forms import RECORD, changes, claim, forms, run_by
from deploy.stack import Stack

EXECUTOR = "servicing-executor"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder that a version without a record was run on."""
    (tmp_path / "state").mkdir()
    return tmp_path


def of_version(data: Path, version: str, **forms_of_environments: int) -> dict[str, Any]:
    """The record that another version would have left."""
    changed = {service: dict(known) for service, known in forms().items()}
    changed[EXECUTOR].update(forms_of_environments)
    record = {"version": version, "forms": changed}
    (data / RECORD).write_text(json.dumps(record))
    return record


def test_a_new_folder_is_changed_by_nothing(tmp_path: Path) -> None:
    assert changes(tmp_path) == []
    claim(tmp_path)
    known = run_by(tmp_path)
    assert known is not None
    assert known.forms == forms()
    assert forms()[EXECUTOR]["environments"] >= 2
    assert changes(tmp_path) == []


def test_what_an_upgrade_changes_is_told_before_it_happens(data: Path) -> None:
    """Of a folder of before the record, and of one of an earlier version."""
    first, *rest = changes(data)
    assert "kept no record" in first
    assert "take a backup first" in first
    form = forms()[EXECUTOR]["environments"]
    assert f"{EXECUTOR}: environments are brought from form 1 to {form}, while the services run" in rest
    of_version(data, "0.0.9", environments=form - 1)
    first, *rest = changes(data)
    assert first.startswith("Drydock 0.0.9 was run on")
    assert rest == [f"{EXECUTOR}: environments are brought from form {form - 1} to {form}, while the services run"]
    printed = CliRunner().invoke(app, ["doctor", "--data", str(data)])
    assert f"note   {first}" in printed.output
    claim(data)
    assert changes(data) == []


def test_another_version_with_the_same_forms_changes_no_state(data: Path) -> None:
    of_version(data, "0.0.9")
    [told] = changes(data)
    assert "its states stay as they are" in told


def test_a_downgrade_is_refused_before_anything_is_started(data: Path) -> None:
    form = forms()[EXECUTOR]["environments"]
    later = of_version(data, "7.0", environments=form + 1)
    said: list[str] = []
    with pytest.raises(EnginesError, match=f"environments in form {form + 1}, and this version of Drydock knows form"):
        Stack(data, say=said.append).__enter__()
    assert json.loads((data / RECORD).read_text()) == later
    assert not (data / "kafka").exists()
    with pytest.raises(EnginesError, match=r"a later one \(7\.0\)"):
        claim(data)


def test_a_record_that_cannot_be_read_is_not_taken_for_none(data: Path) -> None:
    (data / RECORD).write_text("{")
    with pytest.raises(EnginesError, match="cannot be read"):
        claim(data)
    assert CliRunner().invoke(app, ["doctor", "--data", str(data)]).exit_code in (0, 1)
