"""`drydock environment window`, with a scheduler that answers."""

import asyncio
import json
import os

from deploy.embedded import Endpoints
from shared.contracts.promotion_scheduler import RolloutSnapshot
from tests.integration.promotion_scheduler.world import World
from tests.support import warm


async def drydock(engines: Endpoints, *arguments: str) -> tuple[int, str, str]:
    """Run the command line on the installation of the test; exit code, output, and what it told."""
    process = await asyncio.create_subprocess_exec(
        *warm.drydock(*arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "DRYDOCK_KAFKA": engines.kafka},
    )
    out, told = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), told.decode()


async def test_the_window_of_an_environment_is_chosen_in_parts_and_shown(world: World, engines: Endpoints) -> None:
    environment = world.production
    code, out, told = await drydock(engines, "environment", "window", environment)
    assert (code, out) == (3, "")
    assert told == f"there is no environment {environment}\n"

    await world.provision()
    await world.known()
    command = ("environment", "window", environment)
    code, out, told = await drydock(engines, *command, "--opens", "22:00", "--time-zone", "Europe/Berlin")
    assert (code, told) == (0, "")
    shown = [" ".join(line.split()) for line in out.splitlines()]
    assert shown == [f"environment {environment}", "opens 22:00", "closes 06:00", "time zone Europe/Berlin"]
    chosen = await world.one(RolloutSnapshot)
    assert (chosen.window.opens, chosen.window.time_zone) == ("22:00", "Europe/Berlin")
    code, out, _ = await drydock(engines, *command, "--closes", "05:30", "-o", "json")
    assert code == 0
    window = {"opens": "22:00", "closes": "05:30", "time_zone": "Europe/Berlin"}
    assert json.loads(out) == {"environment": environment, "window": window}
    await world.seen(RolloutSnapshot, 2)
    code, out, _ = await drydock(engines, *command, "-o", "json")
    assert (code, json.loads(out)["window"]) == (0, window)

    for option, value, exit_code, words in (
        ("--closes", "03:59", 4, "refused (WINDOW_INVALID): 22:00 to 03:59 is 5 h 59 min"),
        ("--time-zone", "Europe/Atlantis", 4, "the time zone 'Europe/Atlantis' is not known here"),
        ("--opens", "25:00", 2, "--opens '25:00' is not a time from 00:00 to 23:59"),
    ):
        code, out, told = await drydock(engines, *command, option, value)
        assert (code, out) == (exit_code, "")
        assert words in told
        assert "Traceback" not in told
