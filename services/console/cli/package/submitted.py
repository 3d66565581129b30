"""`drydock package show|submit|list`: the packages of an installation."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from services.console.applicability import busy, listed
from services.console.cli.lists import Listing, existing_environment, list_command, print_found
from services.console.cli.options import CommandId, Timeout
from services.console.cli.package import files
from services.console.cli.package.check import INVALID, UNDECIDED, VALID, PackageFile
from services.console.cli.package.submitting import (
    VERDICTS,
    WORDS,
    is_package_id,
    package_id,
    put_package,
    submit_package,
)
from services.console.cli.paths import require_file, shown
from services.console.cli.printing import Form, Output, print_one
from services.console.cli.running import Exit, leave, run, tell
from services.console.installation import Installation
from services.console.noun import Column
from services.console.nouns import PACKAGES
from services.console.words import counted
from shared.contracts.envelope import new_id
from shared.contracts.message import Message
from shared.contracts.package_validator import (
    PackageRejected,
    PackageValidated,
    SubmitPackage,
)
from shared.contracts.servicing_executor import EnvironmentSnapshot
from shared.formats.deployable_package.findings import InfrastructureError


def show(
    what: Annotated[
        str,
        typer.Argument(
            metavar="FILE|PROJECT/NAME", help="A package in a file, or one that was submitted.", show_default=False
        ),
    ],
    output: files.Output = files.DifferenceFormat.TABLE,
) -> None:
    """Show what a package is: kind, versions, modules with what they need, removed modules, hashes.

    Of one that was submitted: where it stands, what was found, and what its verdict rests on. An invalid file is shown
    as far as it can be read; exits with 1 if nothing can be told, 10 if it cannot be read.
    """
    if Path(what).exists() or what.lower().endswith(".zip") or not is_package_id(what):
        files.show_file(Path(what), output)
        return
    print_found(PACKAGES, what, Form(output), otherwise=f"there is no file and no package {what}")


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


def _applicable(
    listing: Listing,
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
) -> Listing:
    """Hold the packages against an environment, if one is named."""
    if applicable_to is None:
        if all_:
            leave(Exit.USAGE, "--all goes with --applicable-to")
        return listing
    environment = existing_environment(listing.known, applicable_to)
    project = environment.project
    if listing.project not in (None, project):
        leave(Exit.USAGE, f"{applicable_to} belongs to project {project}, not to {listing.project}")
    if reason := busy(environment):
        tell(f"nothing can be applied just now: {reason}")
    beside = [listed(one, environment) for one in listing.views if one.project == project]
    found = [one for one in beside if all_ or one.why_not is None]
    if hidden := len(beside) - len(found):
        tell(f"{counted(hidden, 'package')} of {project} cannot be applied; --all shows why")
    why: list[Column] = [("WHY NOT", lambda one: one.why_not or "")] if all_ else []
    *columns, file = listing.columns
    return replace(listing, views=found, columns=[*columns, *why, ("REMARK", lambda one: one.remark), file])


list_ = list_command(
    PACKAGES, say="List the packages that were submitted.", further=_applicable, reads=[EnvironmentSnapshot]
)
