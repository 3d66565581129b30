"""The one table of what can be listed and shown, and the command line that follows from it."""

from typing import Any

import pytest
import typer

from services.console.cli import app
from services.console.cli.printing import Form, print_list, print_one
from services.console.noun import Noun
from services.console.nouns import NOUNS, PROMOTIONS, RELEASES, REMEDIATIONS
from shared.contracts.common import DeadLetter
from shared.contracts.extension_compatibility_checker import RemediationsSnapshot, RemediationStatus
from shared.contracts.message import Snapshot
from shared.contracts.registry import CATALOGUE
from shared.contracts.schemas.examples import envelope_of
from tests.support.played_services import promotion
from tests.unit.console.test_applicability import release

LISTED_AS = {"history": ("environment", "history")}
NOT_SHOWN = {"extensions", "history", "bases", "remediations"}
"""`base show` and `extension show` look at files; an entry of the history is `operation wait` or `logs`."""


def commands_of(noun: Noun[Any]) -> dict[str, Any]:
    """The group of a noun in the command line."""
    line: Any = typer.main.get_command(app)
    group: Any = line.commands[LISTED_AS.get(noun.name, (noun.group or noun.one,))[0]]
    return dict(group.commands.items())


def test_whatever_a_service_shows_is_a_noun() -> None:
    views = {message for message in CATALOGUE.messages.values() if issubclass(message, Snapshot)}
    assert {noun.view for noun in NOUNS} == views | {DeadLetter}
    assert len({noun.name for noun in NOUNS}) == len(NOUNS)


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.name)
def test_every_noun_is_listed_with_its_filters_and_shown(noun: Noun[Any]) -> None:
    commands = commands_of(noun)
    listing = commands[LISTED_AS.get(noun.name, ("", "list"))[1]]
    options = {option for one in listing.params for option in one.opts}
    assert {f"--{field.replace('_', '-')}" for field in noun.filters} <= options
    assert "--output" in options
    assert ("show" in commands) or noun.name in NOT_SHOWN


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.name)
def test_every_column_has_a_value_and_every_form_can_be_printed(
    noun: Noun[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    view = envelope_of(noun.view).data
    lines = noun.listed([view], everything=True)
    for form in Form:
        print_list(lines, form, noun.columns)
        print_one(view, form, noun.shown(view) if noun.lines is None else [])
    printed = capsys.readouterr().out
    assert all(name in printed for name, _ in noun.columns)
    assert "None" not in printed.partition("[")[0]


def test_promotions_are_ordered_by_their_start_and_those_without_one_stand_last() -> None:
    first, second = promotion("a-prod", "2"), promotion("b-prod", "1")
    late = first.model_copy(update={"downtime": None, "promotion": "a-prod/0"})
    assert first.downtime
    early = first.downtime.model_copy(update={"start": first.downtime.start.replace(year=2025)})
    second = second.model_copy(update={"downtime": early})
    assert PROMOTIONS.chosen([late, first, second], {}) == [second, first, late]
    assert PROMOTIONS.chosen([late, first, second], {"environment": ["b-prod"], "status": None}) == [second]
    assert PROMOTIONS.chosen([late, first, second], {"environment": ["b-prod", "a-prod"]}) == [second, first, late]
    status = first.status.value
    assert PROMOTIONS.chosen([late, first, second], {"environment": ["b-prod"], "status": [status]}) == [second]


def test_releases_are_listed_from_the_newest_on() -> None:
    made = [release(version, f"{version}.1") for version in ("10.0.9", "10.0.45", "10.0.44")]
    assert [one.version for one in RELEASES.chosen(made, {})] == ["10.0.45", "10.0.44", "10.0.9"]


def test_remediations_that_have_ended_are_listed_when_all_are_asked_for() -> None:
    view = envelope_of(REMEDIATIONS.view).data
    assert isinstance(view, RemediationsSnapshot)
    [one, *_] = view.remediations
    ended = one.model_copy(update={"status": RemediationStatus.ENDED})
    running = one.model_copy(update={"status": RemediationStatus.RUNNING})
    view = view.model_copy(update={"remediations": (ended, running)})
    assert len(REMEDIATIONS.listed([view])) == 1
    assert [getattr(line, "status", None) for line in REMEDIATIONS.listed([view], everything=True)] == [
        RemediationStatus.RUNNING,
        RemediationStatus.ENDED,
    ]
