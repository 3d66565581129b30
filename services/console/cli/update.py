"""`drydock update`: apply packages and releases to sandboxes, and say what came of it."""

from typing import Annotated

import typer

from services.console.cli.following import operate
from services.console.cli.lists import existing_environment
from services.console.cli.options import CommandId, Environment, Timeout, Wait, Yes
from services.console.cli.printing import Form, Output, print_one
from services.console.cli.running import Exit, confirm, leave, run
from services.console.installation import Installation
from shared.contracts.parts import EnvironmentKind
from shared.contracts.promotion_scheduler import CandidateMarked, MarkCandidate, ReleaseSnapshot
from shared.contracts.servicing_executor import (
    ApplyUpdate,
    EnvironmentSnapshot,
    Reason,
    SignOff,
    SignOffUpdate,
    UpdateSignedOff,
)

app = typer.Typer(no_args_is_help=True, help="Updates: apply, sign off, mark as candidate.")

Update = Annotated[str, typer.Argument(metavar="ENVIRONMENT/NAME", help="The update.")]


@app.command()
def apply(
    package: Annotated[str, typer.Argument(metavar="PACKAGE", help="<project>/<name>")],
    to: Annotated[str, typer.Option(help="The sandbox.")],
    name: Annotated[str, typer.Option(help="Name of the update, unique in the environment.")],
    acknowledge_missing: Annotated[
        list[str] | None, typer.Option(metavar="MODULE", help="A module that runs and the package lacks. Repeatable.")
    ] = None,
    acknowledge_unverifiable: Annotated[
        list[str] | None, typer.Option(metavar="APP_ID", help="An extension that cannot be judged. Repeatable.")
    ] = None,
    wait: Wait = False,
    timeout: Timeout = None,
    command_id: CommandId = None,
    output: Output = Form.TABLE,
) -> None:
    """Apply a package: a new image, run under a name of its own."""
    command = ApplyUpdate(
        environment=to,
        package=package,
        update_name=name,
        acknowledge_missing_modules=tuple(acknowledge_missing or ()),
        acknowledge_unverifiable=tuple(acknowledge_unverifiable or ()),
    )
    operate(command, output=output, wait=wait, timeout=timeout, command_id=command_id)


@app.command("apply-release")
def apply_release(
    environment: Environment,
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="Version of the release.")],
    name: Annotated[
        str | None, typer.Option(help="Name of the update, unique in the environment. Default: `Release <RELEASE>`.")
    ] = None,
    acknowledge_unverifiable: Annotated[
        list[str] | None, typer.Option(metavar="APP_ID", help="An extension that cannot be judged. Repeatable.")
    ] = None,
    yes: Yes = False,
    wait: Wait = False,
    timeout: Timeout = None,
    command_id: CommandId = None,
    output: Output = Form.TABLE,
) -> None:
    """Bring a sandbox to a release of the vendor, with its own customization. Its services stop meanwhile.

    An update with the release's platform package: if it fails, image, database and extensions are put back.
    """
    package = run(lambda there: _package_for(there, release, environment))
    confirm(f"Bring {environment} to release {release} ({package}), with downtime from now on?", yes=yes)
    command = ApplyUpdate(
        environment=environment,
        package=package,
        update_name=name or f"Release {release}",
        acknowledge_unverifiable=tuple(acknowledge_unverifiable or ()),
    )
    operate(command, output=output, wait=wait, timeout=timeout, command_id=command_id)


async def _package_for(installation: Installation, release: str, environment: str) -> str:
    """The release's platform package. Production is refused before anything is sent."""
    known = await installation.client.read(ReleaseSnapshot, EnvironmentSnapshot)
    found = known.get(ReleaseSnapshot, release)
    if found is None:
        leave(Exit.NOT_FOUND, f"there is no release {release}; `drydock release publish` makes one known")
    if existing_environment(known, environment).environment_kind is EnvironmentKind.PRODUCTION:
        leave(
            Exit.REFUSED,
            f"refused ({Reason.PRODUCTION_NEEDS_PROMOTION.value}): {environment} is production: apply the release to "
            "a sandbox and promote the update.",
        )
    return found.package


@app.command("sign-off")
def sign_off(
    update: Update,
    with_issues: Annotated[bool, typer.Option("--with-issues", help="It works, with issues.")] = False,
    note: Annotated[str, typer.Option(help="What there is to say.")] = "",
    timeout: Timeout = None,
    output: Output = Form.TABLE,
) -> None:
    """Sign off an update. A mark on its history: nothing depends on it."""
    environment, name = split_update(update)
    mark = SignOff.WITH_ISSUES if with_issues else SignOff.CLEAN
    command = SignOffUpdate(environment=environment, update_name=name, sign_off=mark, note=note)
    event = run(lambda there: there.client.ask(command, UpdateSignedOff), timeout=timeout)
    print_one(event, output, [("signed off", f"{event.environment}/{event.update_name}: {event.sign_off.value}")])


@app.command("mark-candidate")
def mark_candidate(update: Update, timeout: Timeout = None, output: Output = Form.TABLE) -> None:
    """Mark an update of a sandbox as release candidate."""
    environment, name = split_update(update)
    command = MarkCandidate(environment=environment, update_name=name)
    event = run(lambda there: there.client.ask(command, CandidateMarked), timeout=timeout)
    print_one(event, output, [("candidate", f"{event.environment}/{event.update.name}"), ("image", event.update.image)])


def split_update(update: str) -> tuple[str, str]:
    """Environment and name of `<environment>/<name>`."""
    environment, slash, name = update.partition("/")
    if not (environment and slash and name):
        leave(Exit.USAGE, f"{update!r} is no update: write ENVIRONMENT/NAME")
    return environment, name
