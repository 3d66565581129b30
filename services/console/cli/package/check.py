"""`drydock package check`: a verdict on a package, in the form that people, programs or build servers read."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any
from xml.etree import ElementTree as ET

import typer

from services.console.cli.package.changes import changes_document, changes_lines
from services.console.cli.package.targets import (
    NoTargetError,
    Target,
    image_target,
    names_release,
    published_release,
    release_in_file,
    running_target,
)
from services.console.cli.paths import require_file, shown
from services.console.cli.printing import print_json
from services.console.cli.running import Exit, Stopped, attempt, leave, tell
from services.console.installation import Installation
from services.console.words import counted
from shared.artifacts.port import digest_hex
from shared.formats.deployable_package.findings import InfrastructureError, printable
from shared.formats.deployable_package.judge.check import check_package
from shared.formats.deployable_package.judge.sarif_and_junit import as_junit, as_sarif
from shared.formats.deployable_package.judge.verdict import CheckOutcome, PackageVerdict
from shared.formats.deployable_package.read.content_reader import Progress
from shared.formats.deployable_package.read.release import Release, ReleaseError
from shared.formats.deployable_package.rules import RuleSeverity

VALID, INVALID, UNDECIDED = 0, 1, 10
"""Exit codes of a verdict on a package."""
_SECONDS = 60.0
"""How long the installation may take to say what a package is to be held against."""


class CheckFormat(StrEnum):
    """How a verdict is printed."""

    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"


class FailOn(StrEnum):
    """From which severity on a check does not exit with 0."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class _Against:
    """What a package is held against."""

    release: Release | None = None
    newer: tuple[Release, ...] = ()
    target: Target | None = None


PackageFile = Annotated[Path, typer.Argument(metavar="FILE", help="The package, a .zip file.", show_default=False)]


def check(
    file: PackageFile,
    release: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|VERSION",
            help="Also check against the modules of this release: a file of `drydock release import --out`, or the "
            "version of a release that was published on the running installation.",
        ),
    ] = None,
    newer_release: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE|VERSION", help="A newer release, to tell which dependencies only it has. Repeatable."
        ),
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option(help="Also check against what this environment runs: what the package would change there."),
    ] = None,
    image: Annotated[
        str | None,
        typer.Option(metavar="DIGEST", help="The same for an image in the installation's artifact store, sha256:..."),
    ] = None,
    output: Annotated[
        CheckFormat,
        typer.Option("--output", "-o", help="For people, for programs, for code hosts (SARIF), for build servers."),
    ] = CheckFormat.TABLE,
    fail_on: Annotated[FailOn, typer.Option(help="With `warning`, warnings exit with 10.")] = FailOn.ERROR,
) -> None:
    """Tell everything that is wrong with a package, where, and what to do.

    The file alone needs nothing that runs. Exits with 0 if the package is valid, 1 if it is invalid, and 10 if it
    could not be decided: the file, the release or the image cannot be read.
    """
    if image is not None and environment is not None:
        leave(Exit.USAGE, "--image and --environment both name an image: give one of them")
    if image is not None:
        _check_digest(image)
    target: Target | None = None
    reason = ""
    try:
        require_file(file)
        against = _find(release, newer_release or [], image, environment)
        target = against.target
        with _progress() as progress:
            verdict = check_package(
                file,
                release=against.release,
                newer_releases=against.newer,
                target=target.image if target else None,
                progress=progress,
            )
    except (InfrastructureError, ReleaseError, NoTargetError, Stopped) as error:
        if isinstance(error, Stopped) and error.code is Exit.DETACHED:
            leave(Exit.DETACHED, "stopped; nothing was decided")
        verdict, reason = PackageVerdict(verdict=CheckOutcome.UNCHECKED), printable(str(error))
    except KeyboardInterrupt:
        leave(Exit.DETACHED, "stopped; nothing was decided")
    _print(verdict, target, file, output, reason)
    raise typer.Exit(_exit_code(verdict, fail_on))


def check_file(file: Path) -> PackageVerdict:
    """The verdict on a file by itself. Raise InfrastructureError where it cannot be read."""
    require_file(file)
    with _progress() as progress:
        return check_package(file, progress=progress)


def _exit_code(verdict: PackageVerdict, fail_on: FailOn) -> int:
    if verdict.verdict is CheckOutcome.INVALID:
        return INVALID
    warned = fail_on is FailOn.WARNING and verdict.count(RuleSeverity.WARNING)
    return UNDECIDED if warned or verdict.verdict is CheckOutcome.UNCHECKED else VALID


def _check_digest(digest: str) -> None:
    try:
        digest_hex(digest)
    except ValueError as error:
        leave(Exit.USAGE, f"--image: {printable(str(error))}")


def _find(release: str | None, newer: Sequence[str], image: str | None, environment: str | None) -> _Against:
    """What is asked for, from files and from the installation; that is asked only if it has to be."""
    wanted = [one for one in (release, *newer) if one is not None]
    found = {one: release_in_file(one) for one in wanted if not names_release(one)}
    published = [one for one in dict.fromkeys(wanted) if one not in found]
    target: Target | None = None

    async def ask(installation: Installation) -> None:
        nonlocal target
        lists = await asyncio.gather(*(published_release(installation, one) for one in published))
        found.update(zip(published, lists, strict=True))
        if environment is not None:
            target = await running_target(installation, environment)
        elif image is not None:
            target = await image_target(installation, image)

    if published or environment is not None or image is not None:
        attempt(ask, timeout=_SECONDS)
    return _Against(
        release=found[release] if release is not None else None,
        newer=tuple(found[one] for one in newer),
        target=target,
    )


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """A line on the terminal that says how far the check is, and is gone at its end."""
    if not sys.stderr.isatty():
        yield None
        return
    try:
        yield lambda done, total: typer.echo(f"\rchecking {done * 100 // max(total, 1):3} %", err=True, nl=False)
    finally:
        typer.echo(f"\r{' ' * 14}\r", err=True, nl=False)


def _print(verdict: PackageVerdict, target: Target | None, file: Path, output: CheckFormat, reason: str) -> None:
    if output is CheckFormat.JSON:
        print_json(_document(verdict, target, reason))
    elif output is CheckFormat.SARIF:
        print_json(_sarif(verdict, file, reason))
    elif output is CheckFormat.JUNIT:
        typer.echo(_junit(verdict, file, reason), nl=False)
    else:
        _print_table(verdict, target, file)
    if reason:
        tell(f"undecided: {reason}")


def _document(verdict: PackageVerdict, target: Target | None, reason: str) -> dict[str, Any]:
    document = verdict.as_report()
    if target is not None:
        document["target"] = changes_document(verdict, target)
    return {**document, "reason": reason} if reason else document


def _sarif(verdict: PackageVerdict, file: Path, reason: str) -> dict[str, Any]:
    document = as_sarif(verdict, shown(Path(file.name)), version("drydock"))
    if reason:
        [invocation] = document["runs"][0]["invocations"]
        invocation["toolExecutionNotifications"] = [{"level": "error", "message": {"text": reason}}]
    return document


def _junit(verdict: PackageVerdict, file: Path, reason: str) -> bytes:
    """A check that did not take place is an error of its own, not a list of rules that hold."""
    if not reason:
        return as_junit(verdict, shown(Path(file.name)))
    suites = ET.Element("testsuites")
    suite = ET.SubElement(suites, "testsuite", name=shown(Path(file.name)), tests="1", failures="0", errors="1")
    case = ET.SubElement(suite, "testcase", classname="package", name="The package can be checked")
    ET.SubElement(case, "error", message=reason, type="undecided").text = reason
    ET.indent(suites)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suites, encoding="unicode").encode() + b"\n"


def _print_table(verdict: PackageVerdict, target: Target | None, file: Path) -> None:
    words = {RuleSeverity.ERROR: "error", RuleSeverity.WARNING: "warning", RuleSeverity.INFO: "note"}
    counts = ", ".join(counted(verdict.count(one), word) for one, word in words.items() if verdict.count(one))
    typer.echo(f"{shown(Path(file.name))}: {verdict.verdict}{f' ({counts})' if counts else ''}")
    if verdict.kind is not None:
        versions = f"platform {verdict.platform_version or '-'}, application {verdict.application_version or '-'}"
        typer.echo(printable(f"{verdict.kind} package, {versions}, {counted(len(verdict.modules), 'module')}"))
    if target is not None:
        typer.echo()
        for line in changes_lines(verdict, target):
            typer.echo(line)
    for finding in verdict.findings:
        typer.echo(f"\n{finding.severity.upper():8} {finding.rule}  {printable(finding.path) or '(the package)'}")
        typer.echo(f"         {printable(finding.message)}")
        typer.echo(f"         fix: {finding.fix}")
