"""`drydock package`: the packages of an installation; those in files are checked, built and compared beside."""

from pathlib import Path
from typing import Annotated

import typer

from services.console.applicability import busy, listed
from services.console.cli import package_check, package_files, package_lifecycle
from services.console.cli.options import CommandId, Timeout
from services.console.cli.package_check import INVALID, UNDECIDED, VALID, PackageFile
from services.console.cli.paths import counted, require_file, shown
from services.console.cli.printing import Column, Form, Output, print_list, print_one
from services.console.cli.running import Exit, leave, run, tell
from services.console.cli.submitting import VERDICTS, WORDS, is_package_id, package_id, put_package, submit_package
from services.console.installation import Installation
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
from shared.formats.deployable_package.findings import InfrastructureError

app = typer.Typer(no_args_is_help=True, help="Packages: check, build and compare files; submit and list.")
app.command()(package_check.check)
app.command()(package_files.rules)
app.command()(package_files.build)
app.command()(package_files.sample)
app.command()(package_files.merge)
app.command()(package_files.diff)


@app.command()
def show(
    what: Annotated[
        str,
        typer.Argument(
            metavar="FILE|PROJECT/NAME", help="A package in a file, or one that was submitted.", show_default=False
        ),
    ],
    output: package_files.Output = package_files.Format.TABLE,
) -> None:
    """Show what a package is: kind, versions, modules with what they need, removed modules, hashes.

    Of one that was submitted: where it stands, what was found, and what its verdict rests on. An invalid file is shown
    as far as it can be read; exits with 1 if nothing can be told, 10 if it cannot be read.
    """
    if Path(what).exists() or what.lower().endswith(".zip") or not is_package_id(what):
        package_files.show_file(Path(what), output)
        return
    found = run(lambda there: there.session.views(PackageSnapshot)).get(what)
    if not isinstance(found, PackageSnapshot):
        leave(Exit.NOT_FOUND, f"there is no file and no package {what}")
    print_one(found, Form(output), _rows(found))


def _rows(package: PackageSnapshot) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [("package", package.package), ("status", package.status.value)]
    if package.problem:
        rows.append((package.problem.reason, package.problem.message))
    if contents := package.contents:
        rows += [
            ("kind", contents.kind.value),
            ("platform", contents.platform_version or "not stated"),
            ("application", contents.application_version or "not stated"),
            ("modules", ", ".join(f"{one.name} {one.version}" for one in contents.modules) or "-"),
            ("vendor's modules", len(contents.platform_modules)),
            ("removed modules", ", ".join(contents.removed_modules) or "-"),
        ]
    rows += [("file", package.file_name), ("content", package.artifact.digest), ("size", package.artifact.size)]
    if package.merged_from:
        rows.append(("merged from", ", ".join(package.merged_from)))
    if judged := package.judged:
        rows += [
            ("checked", judged.checked_at),
            ("against release", judged.release or "none: no release of its platform version is known"),
            ("found", f"{counted(judged.errors, 'error')}, {counted(judged.warnings, 'warning')}"),
            ("report", judged.report.digest),
        ]
    for finding in package.findings:
        place = f"{finding.path}: " if finding.path else ""
        rows.append((f"{finding.severity.value} {finding.rule}", f"{place}{finding.message}. {finding.fix}"))
    return rows


@app.command()
def submit(
    file: PackageFile,
    project: Annotated[str, typer.Option(help="The project that it belongs to.")],
    name: Annotated[str | None, typer.Option(help="Name in the project. Default: the file's, without .zip.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the verdict; exits as `check` does.")] = False,
    timeout: Timeout = None,
    command_id: CommandId = None,
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

    event = run(work, timeout=timeout)
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


package_lifecycle.add_to(app)
