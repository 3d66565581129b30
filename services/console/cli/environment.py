"""`drydock environment`: make environments known, look at them, read their history."""

from typing import Annotated

import typer
from pydantic import ValidationError

from services.console.cli.following import operate
from services.console.cli.options import CommandId, Environment, Timeout, Wait
from services.console.cli.printing import Form, Output, print_list, print_one
from services.console.cli.running import Exit, leave, run
from services.console.installation import Installation
from shared.contracts.parts import EnvironmentKind
from shared.contracts.promotion_scheduler import RolloutSnapshot, SetUpdateWindow, UpdateWindow, UpdateWindowSet
from shared.contracts.servicing_executor import EnvironmentSnapshot, OperationSnapshot, RegisterEnvironment

app = typer.Typer(no_args_is_help=True, help="Environments: register, look at, read the history of.")


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


@app.command("list")
def list_(output: Output = Form.TABLE) -> None:
    """List environments."""
    environments = sorted(run(_environments), key=lambda one: (one.project, one.environment))
    print_list(
        environments,
        output,
        [
            ("ENVIRONMENT", lambda one: one.environment),
            ("PROJECT", lambda one: one.project),
            ("KIND", lambda one: one.environment_kind.value),
            ("STATUS", lambda one: one.status.value),
            ("UPDATE", lambda one: one.running.name if one.running else ""),
            ("APPLICATION", lambda one: one.running.contents.application_version if one.running else ""),
            ("OPERATION", lambda one: one.operation.operation if one.operation else ""),
        ],
    )


@app.command()
def show(environment: Environment, output: Output = Form.TABLE) -> None:
    """Show an environment."""
    found = next((one for one in run(_environments) if one.environment == environment), None)
    if found is None:
        leave(Exit.NOT_FOUND, f"there is no environment {environment}")
    running, operation = found.running, found.operation
    rows: list[tuple[str, object]] = [
        ("environment", found.environment),
        ("project", found.project),
        ("kind", found.environment_kind.value),
        ("country", found.country),
        ("status", found.status.value),
    ]
    if running:
        modules = ", ".join(f"{module.name} {module.version}" for module in running.contents.modules)
        rows += [
            ("update", running.name),
            ("image", running.image),
            ("platform", running.contents.platform_version),
            ("application", running.contents.application_version),
            ("modules", modules),
        ]
    if operation:
        rows.append(("operation", f"{operation.operation_kind.value} {operation.operation} ({operation.status.value})"))
    extensions = ", ".join(f"{one.name} {one.version}" for one in found.extensions)
    rows.append((f"extensions (set {found.set_version})", extensions))
    if found.staged:
        waiting = (f"{one.extension.name} {one.extension.version} ({one.stage_for})" for one in found.staged)
        rows.append(("staged", ", ".join(waiting)))
    print_one(found, output, rows)


@app.command()
def history(environment: Environment, output: Output = Form.TABLE) -> None:
    """Show what was done to an environment, the latest last; failed and cancelled attempts too."""

    async def read(installation: Installation) -> list[OperationSnapshot]:
        views = await installation.session.views(OperationSnapshot)
        return [one for one in views.values() if isinstance(one, OperationSnapshot) and one.environment == environment]

    entries = sorted(run(read), key=lambda one: one.accepted_at)
    print_list(
        entries,
        output,
        [
            ("FINISHED", lambda one: one.finished_at),
            ("OPERATION", lambda one: one.operation_kind.value),
            ("UPDATE", lambda one: one.update_name),
            ("OUTCOME", lambda one: one.outcome.value),
            ("REASON", lambda one: one.problem.reason if one.problem else ""),
            ("SIGNED OFF", lambda one: one.sign_off.value if one.sign_off else ""),
            ("ID", lambda one: one.operation),
        ],
    )


async def find_environment(installation: Installation, environment: str) -> EnvironmentSnapshot:
    """The environment as it stands. End with a sentence if there is none."""
    found = (await installation.session.views(EnvironmentSnapshot)).get(environment)
    if not isinstance(found, EnvironmentSnapshot):
        leave(Exit.NOT_FOUND, f"there is no environment {environment}")
    return found


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
        views = await installation.session.views(RolloutSnapshot)
        view = views.get(environment)
        if not given:
            known = await _environments(installation)
            if not isinstance(view, RolloutSnapshot) and environment not in {one.environment for one in known}:
                leave(Exit.NOT_FOUND, f"there is no environment {environment}")
            if isinstance(view, RolloutSnapshot):
                return view
            return UpdateWindowSet(environment=environment, window=UpdateWindow())
        now = view.window if isinstance(view, RolloutSnapshot) else UpdateWindow()
        return await installation.session.ask(
            SetUpdateWindow(environment=environment, window=_window(now, given)), UpdateWindowSet
        )

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


async def _environments(installation: Installation) -> list[EnvironmentSnapshot]:
    views = await installation.session.views(EnvironmentSnapshot)
    return [one for one in views.values() if isinstance(one, EnvironmentSnapshot)]
