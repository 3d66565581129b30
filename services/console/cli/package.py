"""`drydock package`: the packages of an installation; those in files are checked, built and compared beside."""

from pathlib import Path
from typing import Annotated

import typer

from services.console.applicability import busy, listed
from services.console.cli import package_check, package_files
from services.console.cli.package_check import INVALID, UNDECIDED, VALID, PackageFile
from services.console.cli.paths import counted, require_file, shown
from services.console.cli.printing import Column, Form, Output, print_list, print_one
from services.console.cli.running import Exit, leave, run, tell
from services.console.cli.submitting import VERDICTS, WORDS, package_id, put_package, submit_package
from services.console.installation import Installation
from services.package_validator.deployable_package.failures import InfrastructureError
from shared.contracts.envelope import new_id
from shared.contracts.message import Message
from shared.contracts.package_validator import (
    PackageRejected,
    PackageSnapshot,
    PackageStatus,
    PackageValidated,
    SubmitPackage,
)
from shared.contracts.servicing_executor import EnvironmentSnapshot

app = typer.Typer(no_args_is_help=True, help="Packages: check, build and compare files; submit and list.")
app.command()(package_check.check)
app.command()(package_files.show)
app.command()(package_files.rules)
app.command()(package_files.build)
app.command()(package_files.sample)
app.command()(package_files.merge)
app.command()(package_files.diff)


@app.command()
def submit(
    file: PackageFile,
    project: Annotated[str, typer.Option(help="The project that it belongs to.")],
    name: Annotated[str | None, typer.Option(help="Name in the project. Default: the file's, without .zip.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the verdict; exits as `check` does.")] = False,
    command_id: Annotated[str | None, typer.Option(help="Id of the command: repeated, it is done once.")] = None,
    output: Output = Form.TABLE,
) -> None:
    """Put a package into the artifact store and have it checked."""
    package = package_id(project, name or file.stem)
    try:
        require_file(file)
        file.open("rb").close()
    except InfrastructureError as error:
        leave(Exit.NOT_FOUND, str(error))
    except OSError as error:
        leave(Exit.NOT_FOUND, f"{shown(file)} cannot be read: {error.strerror}")

    async def work(installation: Installation) -> Message:
        artifact = await put_package(installation, file)
        command = SubmitPackage(package=package, artifact=artifact, file_name=shown(Path(file.name))[-255:])
        return await submit_package(installation, command, wait=wait, id_=command_id or new_id())

    event = run(work)
    if not isinstance(event, VERDICTS):
        print_one(event, output, [("package", package), ("status", "checking")])
        return
    rows: list[tuple[str, object]] = [("package", package), ("verdict", WORDS[type(event)])]
    if isinstance(event, PackageValidated):
        modules = ", ".join(f"{one.name} {one.version}" for one in event.contents.modules)
        rows += [("kind", event.contents.kind.value), ("modules", modules)]
    elif isinstance(event, PackageRejected):
        rows += [(finding.rule, f"{finding.path}: {finding.message}. {finding.fix}") for finding in event.findings]
    else:
        rows.append((event.problem.reason, event.problem.message))
    print_one(event, output, rows)
    raise typer.Exit({PackageValidated: VALID, PackageRejected: INVALID}.get(type(event), UNDECIDED))


@app.command("list")
def list_(
    project: Annotated[
        str | None, typer.Argument(metavar="[PROJECT]", help="Only of this project.", show_default=False)
    ] = None,
    project_option: Annotated[str | None, typer.Option("--project", hidden=True)] = None,
    status: Annotated[list[PackageStatus] | None, typer.Option(help="Only those that stand so. Repeatable.")] = None,
    applicable_to: Annotated[
        str | None,
        typer.Option(
            metavar="ENVIRONMENT",
            help="Only those of its project that could be applied to it now: valid, not retired, and of versions that "
            "go onto what it runs.",
        ),
    ] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="With --applicable-to: the others too, and why each cannot be applied.")
    ] = False,
    output: Output = Form.TABLE,
) -> None:
    """List the packages that were submitted."""
    if all_ and applicable_to is None:
        leave(Exit.USAGE, "--all goes with --applicable-to")
    if None not in (project, project_option) and project != project_option:
        leave(Exit.USAGE, f"{project} and --project {project_option} name two projects")
    project = project or project_option
    packages, environment = run(lambda there: _packages(there, applicable_to))
    if environment is not None:
        if project not in (None, environment.project):
            leave(Exit.USAGE, f"{environment.environment} belongs to project {environment.project}, not to {project}")
        project = environment.project
        if reason := busy(environment):
            tell(f"nothing can be applied just now: {reason}")
    found: list[PackageSnapshot] = [
        one for one in packages if project in (None, one.project) and (not status or one.status in status)
    ]
    columns: list[Column] = [
        ("PACKAGE", lambda one: one.package),
        ("STATUS", lambda one: one.status.value),
        ("KIND", lambda one: one.contents.kind.value if one.contents else ""),
        ("PLATFORM", lambda one: one.contents.platform_version if one.contents else ""),
        ("APPLICATION", lambda one: one.contents.application_version if one.contents else ""),
    ]
    if environment is not None:
        beside = [listed(one, environment) for one in found]
        found = [one for one in beside if all_ or one.why_not is None]
        columns.append(("REMARK", lambda one: one.remark))
        if all_:
            columns[-1:] = [("WHY NOT", lambda one: one.why_not or ""), *columns[-1:]]
        elif hidden := len(beside) - len(found):
            tell(f"{counted(hidden, 'package')} of {project} cannot be applied; --all shows why")
    print_list(found, output, [*columns, ("FILE", lambda one: one.file_name)])


async def _packages(
    installation: Installation, environment: str | None
) -> tuple[list[PackageSnapshot], EnvironmentSnapshot | None]:
    """All packages, and the environment that is asked for. End if there is none of that name."""
    asked = (PackageSnapshot,) if environment is None else (PackageSnapshot, EnvironmentSnapshot)
    views = await installation.session.views(*asked)
    packages = sorted((one for one in views.values() if isinstance(one, PackageSnapshot)), key=lambda one: one.package)
    if environment is None:
        return packages, None
    found = views.get(environment)
    if not isinstance(found, EnvironmentSnapshot):
        leave(Exit.NOT_FOUND, f"there is no environment {environment}")
    return packages, found
