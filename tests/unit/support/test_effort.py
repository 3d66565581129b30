"""How much a run tries, and what it draws."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SAYS = "from tests.support import effort as e; print(e.times(3), e.first_seed(1), e.SEED, e.SAME_AS_EVER)"


def said(**environment: str) -> list[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("DRYDOCK_TEST_")}
    done = subprocess.run(
        [sys.executable, "-c", SAYS],
        env={**own, **environment},
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_a_run_like_any_other_tries_what_the_last_one_has_tried() -> None:
    times, first, _, same = said()
    assert (times, first, same) == ("3", "1", "True")


def test_a_long_run_tries_more_and_something_else() -> None:
    times, first, seed, same = said(DRYDOCK_TEST_EFFORT="67")
    assert (times, first, same) == ("201", seed, "False")


def test_a_given_seed_is_the_runs() -> None:
    times, first, seed, same = said(DRYDOCK_TEST_SEED="5")
    assert (times, first, seed, same) == ("3", "5", "5", "False")


@pytest.mark.parametrize("given", [{}, {"DRYDOCK_TEST_EFFORT": "2"}])
def test_the_processes_of_a_run_draw_alike(given: dict[str, str]) -> None:
    """The first of them leaves what it has drawn in the environment of those that it starts."""
    assert said(DRYDOCK_TEST_DRAWN_SEED="7", **given)[2:] == ["7", str(not given)]
