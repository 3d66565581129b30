"""The type checker finds what the kernel would refuse when it runs: misspelt fields, wrong types, unguarded moves."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = """
from datetime import UTC, datetime
from enum import StrEnum

from shared.contracts.lifecycle import Lifecycle
from shared.contracts.message import Part
from shared.kernel.decision import DecisionBuilder
from shared.kernel.state import State


class Door(StrEnum):
    OPEN = "open"
    SHUT = "shut"


class Room(Part):
    name: str


class Building(State):
    floors: int = 1


class House(Building):
    lifecycle = Lifecycle(Door, "[*] --> open")

    status: Door = Door.OPEN
    rooms: tuple[Room, ...] = ()
    built: datetime | None = None
    set_version: int = 0

    @property
    def empty(self) -> bool:
        return not self.rooms


class HouseChange(DecisionBuilder[House]):
    def shut(self) -> None:
        self.move(Door.SHUT, built=self.now)


def change(house: House, room: Room, barn: Building, now: datetime, name: str) -> None:
    building = HouseChange(house, now)
"""
RIGHT = (
    "house.replace(floors=2, rooms=(room,), built=None)",
    "house.move(Door.SHUT, set_version=3).replace(floors=3)",
    "room.replace(name='kitchen')",
    "barn.replace(floors=2)",
    "building.replace(floors=2, built=now)",
    "building.move(Door.OPEN, rooms=())",
    "name.replace('a', 'b')",
    "now.replace(tzinfo=UTC)",
)
WRONG = {
    "house.replace(set_versoin=1)": 'Unexpected keyword argument "set_versoin"',
    "house.replace(empty=True)": 'Unexpected keyword argument "empty"',
    "house.replace(rooms=(1,))": 'incompatible type "tuple[int]"',
    "house.replace(status=Door.SHUT)": 'Unexpected keyword argument "status"',
    "house.move('shut')": 'incompatible type "str"; expected "Door"',
    "house.move(Door.SHUT, set_versoin=1)": 'Unexpected keyword argument "set_versoin"',
    "house.replace(floors=2).runing": 'has no attribute "runing"',
    "room.replace(nmae='kitchen')": 'Unexpected keyword argument "nmae"',
    "barn.replace(rooms=())": 'Unexpected keyword argument "rooms"',
    "barn.move(Door.SHUT)": "Building has no lifecycle",
    "building.replace(runing=True)": 'Unexpected keyword argument "runing"',
    "building.replace(floors='two')": 'incompatible type "str"; expected "int"',
    "building.replace(status=Door.SHUT)": 'Unexpected keyword argument "status"',
    "building.move(Door.SHUT, runing=True)": 'Unexpected keyword argument "runing"',
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What mypy, set up as for this project, says of each line; nothing of those that are right."""
    folder = tmp_path_factory.mktemp("program")
    lines = [f"    {line}" for line in (*RIGHT, *WRONG)]
    program = folder / "program.py"
    program.write_text(PROGRAM + "\n".join(lines) + "\n")
    config = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(folder / "cache")]
    shown = ["--hide-error-context", "--no-error-summary", "--no-pretty"]
    run = subprocess.run(
        [sys.executable, "-m", "mypy", *config, *shown, str(program)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    source = program.read_text().splitlines()
    said: dict[str, str] = {}
    for line in run.stdout.splitlines():
        _, number, _, message = line.split(":", 3)
        said[source[int(number) - 1].strip()] = said.get(source[int(number) - 1].strip(), "") + message
    assert run.stderr == ""
    return said


@pytest.mark.timeout(600)  # mypy reads everything that the program imports, on a machine that may be busy
def test_right_changes_pass_and_all_others_are_errors(found: dict[str, str]) -> None:
    assert set(found) == set(WRONG)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("line", WRONG)
def test_the_error_says_what_is_wrong(found: dict[str, str], line: str) -> None:
    assert WRONG[line] in found[line]
