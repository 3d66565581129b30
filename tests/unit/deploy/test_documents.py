"""What README, CHANGELOG, INTEGRATE.md and the pages that they link to name is there."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import SecretStr, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from deploy.commands import app
from services.console.cli.running import Exit
from services.console.retention import Retention
from shared.contracts.registry import CATALOGUE
from shared.kernel.app import Settings
from tests.unit.deploy.test_compose import SETTINGS

ROOT = Path(__file__).parents[3]
PAGES = [
    "README.md",
    "CHANGELOG.md",
    "deploy/demo/INTEGRATE.md",
    "deploy/faults.md",
    "deploy/settings.md",
    "tests/benchmarks/figures.md",
]
TEXTS = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
README = TEXTS["README.md"]
INTEGRATE = TEXTS["deploy/demo/INTEGRATE.md"]
PLACEHOLDER_VERBS = {"...", "--help"}


def rows(heading: str, page: str = "README.md") -> Iterator[list[str]]:
    """The cells of the rows of the table on the page whose head begins with `heading`."""
    lines = iter(TEXTS[page].splitlines())
    next(line for line in lines if line.startswith(f"| {heading} "))
    next(lines)
    for line in lines:
        if not line.startswith("|"):
            return
        yield [cell.strip().strip("`") for cell in line.strip("|").split("|")]


def command_lines(text: str) -> list[str]:
    """Every `drydock ...` that stands in a block or between back-ticks."""
    joined = text.replace("\\\n", " ")
    blocks = re.findall(r"^    (?:\$ |docker compose exec console )?(drydock .*)$", joined, re.M)
    return blocks + re.findall(r"`(drydock [^`]*)`", joined)


def default_text(field: FieldInfo) -> str:
    """A setting's default as somebody would write it into the environment."""
    if field.default is PydanticUndefined:
        return "host and pid"
    if field.default is None:
        return "none"
    if isinstance(field.default, SecretStr):
        return field.default.get_secret_value()
    if isinstance(field.default, frozenset):
        return "[" + ",".join(f'"{one}"' for one in sorted(field.default)) + "]"
    if isinstance(field.default, bool):
        return str(field.default).lower()
    return str(field.default)


@pytest.mark.parametrize("page", PAGES)
def test_local_links_lead_somewhere(page: str) -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", TEXTS[page]) if "://" not in link]
    assert [link for link in links if not ((ROOT / page).parent / link.partition("#")[0]).exists()] == []


def test_the_readme_leads_to_every_page() -> None:
    linked = {link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", README)}
    assert set(PAGES) - {"README.md", "CHANGELOG.md"} <= linked


def test_named_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = {name for text in TEXTS.values() for name in re.findall(r"(?:^    |`)make ([a-z-]+)", text, re.M)}
    assert {"demo", "test"} <= named
    assert named <= targets


@pytest.mark.parametrize("line", sorted({line for text in (README, INTEGRATE) for line in command_lines(text)}))
def test_named_commands_exist_with_their_options(line: str) -> None:
    _, *words = shlex.split(line)
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands") and words and words[0] not in PLACEHOLDER_VERBS:
        assert words[0] in command.commands, line
        command = command.commands[words.pop(0)]
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
    assert {word for word in words if word.startswith("-")} <= known, line


def test_the_folders_of_the_map_exist() -> None:
    block = README.partition("## What is where\n\n")[2].partition("\n\n")[0]
    above: list[Path] = [ROOT]
    for line in block.splitlines():
        indent = (len(line) - len(line.lstrip()) - 4) // 2
        name = line.split()[0]
        above = [*above[: indent + 1], above[indent] / name]
        assert above[-1].is_dir(), name
    for folder in re.findall(r"(\w+)/", block.partition("tests/")[2]):
        assert (ROOT / "tests" / folder).is_dir()


def test_the_exit_codes_are_those_of_the_command_line() -> None:
    codes = {int(code) for cells in rows("Exit code") for code in cells[0].split(",")}
    assert codes == {int(code) for code in Exit}


def test_every_promise_names_a_test_that_there_is() -> None:
    promises = list(rows("What happens", "deploy/faults.md"))
    assert promises
    for _, _, shown in promises:
        for named in shown.replace("`", "").split(", "):
            path, _, test = named.partition("::")
            text = (ROOT / path).read_text(encoding="utf-8")
            assert re.search(rf"^(async )?def {test or 'test_'}", text, re.M), named


def same_value(field: FieldInfo, shown: str) -> bool:
    """Whether a default is what the table shows; of times the value counts, not how it is written."""
    if isinstance(field.default, timedelta):
        return TypeAdapter(timedelta).validate_python(shown) == field.default
    return default_text(field) == shown


def test_the_settings_of_every_service_are_those_of_the_code() -> None:
    shown = {
        name.removeprefix("DRYDOCK_").lower(): default
        for name, default, _ in rows("Every service", "deploy/settings.md")
    }
    fields = Settings.model_fields
    assert list(shown) == list(fields)
    assert {name: shown[name] for name in fields if not same_value(fields[name], shown[name])} == {}


def test_the_settings_of_single_services_are_those_of_the_code() -> None:
    shown = {
        (service, name.removeprefix("DRYDOCK_").lower()): default
        for service, name, default, _ in rows("One service", "deploy/settings.md")
    }
    fields = {
        (service, name): field
        for service, settings in SETTINGS.items()
        for name, field in settings.model_fields.items()
        if name not in Settings.model_fields or field.default != Settings.model_fields[name].default
    }
    assert set(shown) == set(fields)
    assert {key: shown[key] for key, field in fields.items() if not same_value(field, shown[key])} == {}


def test_the_times_of_retention_are_those_of_the_code() -> None:
    shown = {name.removeprefix("DRYDOCK_").lower(): cells for name, *cells in rows("Retention", "deploy/settings.md")}
    fields = Retention.model_fields
    assert list(shown) == list(fields)
    assert {name for name in fields if not same_value(fields[name], shown[name][0])} == set()
    assert {name: cells[1] for name, cells in shown.items()} == {name: one.description for name, one in fields.items()}


def test_the_integrators_page_names_messages_and_options_that_exist() -> None:
    named = set(re.findall(r"\b[a-z-]+\.[a-z-]+\.v\d+\b", INTEGRATE))
    assert len(named) > 4
    assert named <= set(CATALOGUE.messages)
    script = [sys.executable, str(ROOT / "deploy/demo/integrate.py"), "--help"]
    shown = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    used = set(re.findall(r"(?<=\s)--[a-z]+", "".join(re.findall(r"integrate\.py(?:.*\\\n)*.*", INTEGRATE))))
    assert {"--kafka", "--until", "--upload"} <= used
    assert used <= set(re.findall(r"--[a-z]+", shown))


def test_every_decision_is_in_the_index_once() -> None:
    folder = ROOT / "deploy/decisions"
    listed = re.findall(r"\]\(([^)]+)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(note.name for note in folder.glob("*.md") if note.name != "README.md")
    assert [name for name in listed if not re.match(r"\d{4}-\d\d-\d\d-[a-z0-9-]+\.md$", name)] == []
