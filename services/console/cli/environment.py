"""`drydock environment`: make environments known, look at them, read their history."""

from typing import Annotated

import typer
from pydantic import ValidationError

from services.console.cli.following import operate
from services.console.cli.lists import add_list, add_show, existing_environment
from services.console.cli.options import CommandId, Environment, Timeout, Wait
from services.console.cli.printing import Form, Output, print_one
from services.console.cli.running import Exit, leave, run
from services.console.installation import Installation
from services.console.nouns import ENVIRONMENTS, HISTORY
from shared.contracts.parts import EnvironmentKind
from shared.contracts.promotion_scheduler import RolloutSnapshot, SetUpdateWindow, UpdateWindow, UpdateWindowSet
from shared.contracts.servicing_executor import EnvironmentSnapshot, RegisterEnvironment

app = typer.Typer(no_args_is_help=True, help="Environments: register, look at, read the history of.")
add_list(app, ENVIRONMENTS)
add_show(app, ENVIRONMENTS)
add_list(
    app,
    HISTORY,
    "history",
    say="Show what was done to an environment, the latest last; failed and cancelled attempts too.",
)


@app.command()
def register(
    environment: Environment,
    project: Annotated[str, typer.Option(help="Project that owns it.")],
    package: Annotated[str, typer.Option(help="Platform or merged package that it starts with.")],
    kind: Annotated[EnvironmentKind, typer.Option(help="What it is for.")] = EnvironmentKind.SANDBOX,
    country: Annotated[str, typer.Option(help="ISO 3166 code, or W1.")] = "W1",
    wait: Wait = False,
    timeout: Timeout = None,
    command_id: CommandId = None,
    output: Output = Form.TABLE,
) -> None:
    """Make an environment known, and provision it."""
    command = RegisterEnvironment(
        environment=environment, project=project, environment_kind=kind, country=country, package=package
    )
    operate(command, output=output, wait=wait, timeout=timeout, command_id=command_id)


@app.command()
def window(
    environment: Environment,
    opens: Annotated[str | None, typer.Option(metavar="HH:MM", help="Local time at which it opens.")] = None,
    closes: Annotated[
        str | None,
        typer.Option(metavar="HH:MM", help="Local time at which it closes, on the next day if that is not after."),
    ] = None,
    time_zone: Annotated[str | None, typer.Option(help="Name in the IANA time zone database.")] = None,
    timeout: Timeout = None,
    output: Output = Form.TABLE,
) -> None:
    """Show the hours in which an environment may be updated without being asked, or choose them.

    What is not given stays as it is. A window has at least six hours; without a choice it is 20:00 to 06:00 UTC.
    """
    chosen = {"opens": opens, "closes": closes, "time_zone": time_zone}
    given = {name: value for name, value in chosen.items() if value is not None}

    async def work(installation: Installation) -> RolloutSnapshot | UpdateWindowSet:
        known = await installation.client.read(RolloutSnapshot, EnvironmentSnapshot)
        view = known.get(RolloutSnapshot, environment)
        if given:
            window = _window(view.window if view else UpdateWindow(), given)
            return await installation.client.ask(
                SetUpdateWindow(environment=environment, window=window), UpdateWindowSet
            )
        if view is None:
            existing_environment(known, environment)
        return view or UpdateWindowSet(environment=environment, window=UpdateWindow())

    found = run(work, timeout=timeout)
    told = UpdateWindowSet(environment=environment, window=found.window)
    rows: list[tuple[str, object]] = [
        ("environment", environment),
        ("opens", found.window.opens),
        ("closes", found.window.closes),
        ("time zone", found.window.time_zone),
    ]
    if isinstance(found, RolloutSnapshot) and found.release:
        rows += [("rollout", f"release {found.release}, {found.status.value}"), ("window", found.start)]
        rows.append(("removes", ", ".join(found.remove_extensions)))
    print_one(told, output, rows)


def _window(now: UpdateWindow, given: dict[str, str]) -> UpdateWindow:
    try:
        return UpdateWindow(**{**now.model_dump(), **given})
    except ValidationError as error:
        option = str(error.errors()[0]["loc"][0])
        wanted = "a name such as Europe/Berlin" if option == "time_zone" else "a time from 00:00 to 23:59"
        name = option.replace("_", "-")
        leave(Exit.USAGE, f"--{name} {given.get(option, '')!r} is not {wanted}")
