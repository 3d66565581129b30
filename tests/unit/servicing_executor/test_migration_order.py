"""The order in which modules' migrations run."""

from pathlib import Path

import pytest

from services.servicing_executor.runtimes.databases import database_name
from services.servicing_executor.runtimes.migrations import find_migrations, in_dependency_order
from services.servicing_executor.runtimes.port import StepFailedError
from shared.artifacts.image import ImageModule


def module(name: str, *references: str) -> ImageModule:
    return ImageModule(name=name, version="1.0", part="customization", references=references)


def test_referenced_modules_come_first_then_the_name_decides_in_any_case() -> None:
    modules = [module("Zeta"), module("alpha", "ZETA", "NotInTheImage"), module("Beta")]
    assert [m.name for m in in_dependency_order(modules)] == ["Beta", "Zeta", "alpha"]


def test_modules_that_reference_each_other_fail_the_step_with_the_circle() -> None:
    with pytest.raises(StepFailedError, match=r"in a circle: (A -> B -> A|B -> A -> B)"):
        in_dependency_order([module("A", "b"), module("B", "a")])


def test_migrations_are_found_in_any_case_and_run_by_file_name(tmp_path: Path) -> None:
    folder = tmp_path / "modules/a/resources/MIGRATIONS"
    folder.mkdir(parents=True)
    (folder / "010_c.sql").write_text("select 3")
    (folder / "002_b.SQL").write_bytes(b"\xef\xbb\xbfselect 2")
    (folder / "readme.txt").write_text("no migration")
    found = find_migrations(tmp_path, [module("A")])
    assert [(m.name, m.text) for m in found] == [("A/002_b.SQL", "select 2"), ("A/010_c.sql", "select 3")]


def test_a_migration_that_is_no_text_fails_the_step(tmp_path: Path) -> None:
    folder = tmp_path / "modules/a/Resources/Migrations"
    folder.mkdir(parents=True)
    (folder / "001.sql").write_bytes(b"\xff\xfe")
    with pytest.raises(StepFailedError, match=r"A/001\.sql is not UTF-8"):
        find_migrations(tmp_path, [module("A")])


def test_database_names_differ_between_environments_and_leave_room_for_a_snapshots_suffix() -> None:
    long = "contoso-manufacturing-europe-sandbox-with-a-long-name"
    names = {database_name(name) for name in ("a-b", "a", f"{long}1", f"{long}2")}
    assert len(names) == 4
    assert max(len(f"{name}~s{'0' * 12}") for name in names) <= 63
