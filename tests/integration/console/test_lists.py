"""What the command line lists and shows of an installation; the test plays the services."""

import json

from services.console.client import Client as Console
from shared.contracts.servicing_executor import EnvironmentSnapshot, EnvironmentStatus
from tests.integration.console.test_waiting import Place, place
from tests.support.played_services import environment, promotion

__all__ = ["place"]


async def printed(place: Place, *line: str) -> tuple[int, str, str]:
    return await (await place.type(*line)).ended()


async def test_a_late_view_never_stands_above_a_newer_one_and_what_is_gone_is_gone(place: Place) -> None:
    project = place.name.partition("-")[0]
    await place.played.tell(environment(place.name, status=EnvironmentStatus.SERVICING), sequence=5)
    await place.played.tell(environment(place.name, status=EnvironmentStatus.QUEUED), sequence=4)
    await place.played.tell(environment(place.production))
    views = await Console(place.engines.kafka, "ada").views(EnvironmentSnapshot)
    assert views[place.name].status is EnvironmentStatus.SERVICING
    code, out, _ = await printed(place, "environment", "show", place.name, "-o", "json")
    assert (code, json.loads(out)["status"]) == (0, "Servicing")

    code, out, _ = await printed(place, "environment", "list", project, "-o", "id")
    assert (code, out.split()) == (0, [place.production, place.name])
    code, out, _ = await printed(
        place, "environment", "list", "--project", project, "--status", "Servicing", "-o", "id"
    )
    assert (code, out.split()) == (0, [place.name])

    topic = "drydock.servicing-executor.snapshots"
    await place.user.producer.send_and_wait(topic, None, key=place.name.encode())
    code, _, told = await printed(place, "environment", "show", place.name)
    assert (code, told) == (3, f"there is no environment {place.name}\n")


async def test_the_command_line_and_the_api_list_the_same_in_the_same_order(place: Place) -> None:
    for number in (2, 1, 3):
        await place.played.tell(promotion(place.production, str(number)))
    code, out, _ = await printed(place, "promotion", "list", "--environment", place.production, "-o", "json")
    assert code == 0
    assert [one["promotion"] for one in json.loads(out)] == [f"{place.production}/{number}" for number in (1, 2, 3)]
    code, out, _ = await printed(place, "promotion", "show", f"{place.production}/2")
    assert code == 0
    assert out.splitlines()[0].split() == ["promotion", f"{place.production}/2"]


async def test_what_belongs_to_an_environment_is_not_listed_of_one_that_is_not_there(place: Place) -> None:
    for line in (("environment", "history"), ("extension", "list")):
        code, out, told = await printed(place, *line, place.name)
        assert (code, out, told) == (3, "", f"there is no environment {place.name}\n")


async def test_two_projects_are_one_too_many(place: Place) -> None:
    code, _, told = await printed(place, "package", "list", "contoso", "--project", "fabrikam")
    assert (code, told) == (2, "contoso and --project fabrikam name two projects\n")
