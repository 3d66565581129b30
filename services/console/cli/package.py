"""`drydock package`: check, show, build and compare deployable packages on this machine."""

import sys
from collections.abc import Callable
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer

from services.console.cli.printing import Form, print_list, print_one
from services.console.cli.running import Exit, leave, refuse, run
from services.console.installation import Installation
from services.package_validator.deployable_package.builder import (
    BuildError,
    BuildOptions,
    default_kind,
    find_modules,
    plan_package,
    write_package,
)
from services.package_validator.deployable_package.checking import check_package
from services.package_validator.deployable_package.descriptors import DescriptorError
from services.package_validator.deployable_package.difference import compare_packages
from services.package_validator.deployable_package.failures import InfrastructureError
from services.package_validator.deployable_package.faults import FAULTS, build_sample
from services.package_validator.deployable_package.kinds import PackageKind
from services.package_validator.deployable_package.merging import MergeError, merge_packages
from services.package_validator.deployable_package.release import ReleaseError, load_release
from services.package_validator.deployable_package.reports import as_junit, as_sarif, printable
from services.package_validator.deployable_package.rules import RULES, Severity, rules_as_markdown
from services.package_validator.deployable_package.verdict import Outcome, Verdict
from shared.artifacts.folder import FolderStore
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import new_id
from shared.contracts.message import Message
from shared.contracts.package_validator import (
    PackageCheckFailed,
    PackageRejected,
    PackageSnapshot,
    PackageSubmitted,
    PackageValidated,
    SubmitPackage,
)
from shared.contracts.parts import ArtifactRef

app = typer.Typer(no_args_is_help=True, help="Check, show, build and compare deployable packages.")

VALID, INVALID, UNDECIDED = 0, 1, 10
_FINDINGS_PRESENT = 9
_NAMED = 10


class CheckFormat(StrEnum):
    """How a verdict is printed."""

    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"


class Format(StrEnum):
    """How everything else is printed."""

    TABLE = "table"
    JSON = "json"


class RulesFormat(StrEnum):
    """How the rules are printed."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


class Separator(StrEnum):
    """What stands between the parts of entry names."""

    SLASH = "slash"
    BACKSLASH = "backslash"


class FailOn(StrEnum):
    """From which severity on a check does not exit with 0."""

    ERROR = "error"
    WARNING = "warning"


PackageFile = Annotated[Path, typer.Argument(metavar="FILE", help="The package, a .zip file.", show_default=False)]
ReleaseFile = Annotated[
    Path | None,
    typer.Option("--release", help="Check against this release, a file of `drydock release import --out`."),
]
Output = Annotated[Format, typer.Option("--output", "-o", help="How to print the result.")]


@app.command()
def check(
    file: PackageFile,
    release: ReleaseFile = None,
    newer_release: Annotated[
        list[Path] | None, typer.Option(help="A release that is newer, to tell what only it has. Repeatable.")
    ] = None,
    output: Annotated[
        CheckFormat, typer.Option("--output", "-o", help="How to print the verdict.")
    ] = CheckFormat.TABLE,
    fail_on: Annotated[FailOn, typer.Option(help="With `warning`, warnings exit with 10.")] = FailOn.ERROR,
) -> None:
    """Tell everything that is wrong with a package, where, and what to do.

    Exits with 0 if the package is valid, 1 if it is invalid, 10 if it could not be decided.
    """
    try:
        verdict = _check(file, release, newer_release or [])
        reason = ""
    except (InfrastructureError, ReleaseError) as error:
        verdict, reason = Verdict(verdict=Outcome.UNCHECKED), printable(str(error))
    _print_verdict(verdict, file, output, reason)
    if verdict.verdict is Outcome.UNCHECKED:
        raise typer.Exit(UNDECIDED)
    if verdict.verdict is Outcome.INVALID:
        raise typer.Exit(INVALID)
    if fail_on is FailOn.WARNING and verdict.count(Severity.WARNING):
        raise typer.Exit(UNDECIDED)


@app.command()
def show(file: PackageFile, output: Output = Format.TABLE) -> None:
    """Show what a package is: kind, versions, modules with their references, removed modules, hashes."""
    verdict = _check_or_exit(file)
    document = verdict.as_document()
    del document["findings"]
    if output is Format.JSON:
        _print_json(document)
    else:
        for key in ("kind", "publisher", "platform_version", "application_version", "size", "sha256"):
            typer.echo(f"{key.replace('_', ' '):20} {printable(str(document[key] or '-'))}")
        typer.echo(f"{'removed modules':20} {printable(', '.join(verdict.removed_modules)) or '-'}")
        typer.echo(f"{'modules':20} {len(verdict.modules)}")
        for module in verdict.modules:
            typer.echo(f"  {printable(module.name)} {printable(module.version)}  {module.content_sha256[:12]}")
            if module.references:
                typer.echo(f"    needs {printable(', '.join(module.references))}")
    _note_verdict(verdict, file)
    if verdict.kind is None:
        raise typer.Exit(INVALID)


@app.command()
def rules(output: Annotated[RulesFormat, typer.Option("--output", "-o")] = RulesFormat.TABLE) -> None:
    """Print every rule that packages are judged by."""
    if output is RulesFormat.MARKDOWN:
        typer.echo(rules_as_markdown(), nl=False)
    elif output is RulesFormat.JSON:
        fields = ("id", "group", "severity", "title", "meaning", "fix")
        _print_json([{name: str(getattr(rule, name)) for name in fields} for rule in RULES.values()])
    else:
        for rule in RULES.values():
            typer.echo(f"{rule.id}  {rule.severity:8} {rule.title}\n       {rule.meaning}\n       fix: {rule.fix}")


@app.command()
def build(
    modules: Annotated[Path, typer.Option(help="The folder that holds the modules' folders, at any depth.")],
    platform_version: Annotated[str, typer.Option(help="The platform that the modules were compiled against.")],
    out: Annotated[Path, typer.Option(help="The package to write.")],
    application_version: Annotated[str, typer.Option(help="The application version, for the same reason.")] = "",
    kind: Annotated[PackageKind | None, typer.Option(help="Default: by the models' publisher.")] = None,
    module_version: Annotated[
        str | None,
        typer.Option(help="One version for all modules. Default: the assembly's, else the models'."),
    ] = None,
    license_file: Annotated[list[Path] | None, typer.Option("--license", help="A licence. Repeatable.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="A module to uninstall. Repeatable.")] = None,
    skeleton: Annotated[
        Path | None, typer.Option(help="The vendor's package skeleton: installer and scripts to include.")
    ] = None,
    separator: Annotated[Separator, typer.Option(help="The separator in entry names.")] = Separator.SLASH,
    output: Output = Format.TABLE,
) -> None:
    """Build a deployable package from modules, on any system; the same input gives the same bytes."""
    try:
        found = find_modules(modules, module_version)
        chosen = kind or default_kind(found)
        options = BuildOptions(
            kind=chosen,
            platform_version=platform_version,
            application_version=application_version,
            licenses=tuple((path.name, _read(path)) for path in license_file or ()),
            removed=tuple(remove or ()),
            skeleton=_skeleton(skeleton),
        )
        write_package(plan_package(found, options), out, "\\" if separator is Separator.BACKSLASH else "/")
        verdict = check_package(out)
    except (BuildError, DescriptorError) as error:
        _fail(str(error), INVALID)
    except InfrastructureError as error:
        _fail(str(error), UNDECIDED)
    stand_ins = [module.name for module in found if module.placeholder]
    if stand_ins:
        named = ", ".join(stand_ins[:_NAMED]) + (", ..." if len(stand_ins) > _NAMED else "")
        _note(f"{len(stand_ins)} modules have no bin folder and get placeholder binaries: {named}")
    _print_built(verdict, out, output)


@app.command()
def sample(
    out: Annotated[Path, typer.Option(help="The package to write.")],
    fault: Annotated[str | None, typer.Option(help="The id of the rule that the package breaks.")] = None,
) -> None:
    """Write a small sound package, or one that breaks exactly one rule, to try a pipeline with."""
    chosen = next((one for one in FAULTS if one.rule == fault), None)
    if fault is not None and chosen is None:
        _fail(f"there is no fault for rule {fault!r}; `drydock package rules` lists the rules", 2)
    try:
        out.write_bytes(build_sample(chosen))
    except OSError as error:
        _fail(f"the package cannot be written: {error}", UNDECIDED)
    typer.echo(out)


@app.command()
def merge(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Two or more packages.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The package to write.")],
    output: Output = Format.TABLE,
) -> None:
    """Merge a platform package with customizations, or several customizations, into one package."""
    try:
        merge_packages(files, out)
        verdict = check_package(out)
    except MergeError as error:
        _fail(str(error), INVALID)
    except (BuildError, InfrastructureError) as error:
        _fail(str(error), UNDECIDED)
    _print_built(verdict, out, output)


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", show_default=False)],
    after: Annotated[Path, typer.Argument(metavar="AFTER", show_default=False)],
    output: Output = Format.TABLE,
    exit_code: Annotated[bool, typer.Option(help="Exit with 9 if the packages differ.")] = False,
) -> None:
    """Compare two packages: modules added, missing, removed, upgraded, downgraded, rebuilt."""
    difference = compare_packages(_check_or_exit(before), _check_or_exit(after))
    if output is Format.JSON:
        _print_json(msgspec.to_builtins(difference))
    else:
        changes = difference.modules
        for name, (old, new) in difference.properties.items():
            typer.echo(f"{name}: {printable(old) or '-'} -> {printable(new) or '-'}")
        for title in ("added", "missing", "removed"):
            for module in getattr(changes, title):
                typer.echo(f"{title:11} {printable(module)}")
        for title in ("upgraded", "downgraded"):
            for module, old, new in getattr(changes, title):
                typer.echo(f"{title:11} {printable(module)} {old} -> {new}")
        for module in difference.changed_content:
            typer.echo(f"{'rebuilt':11} {printable(module)}")
    if difference.is_empty:
        _note("the packages hold the same")
    elif exit_code:
        raise typer.Exit(_FINDINGS_PRESENT)


def _check(file: Path, release: Path | None, newer: list[Path]) -> Verdict:
    return check_package(
        file,
        release=load_release(release) if release is not None else None,
        newer_releases=[load_release(path) for path in newer],
        progress=_progress(),
    )


def _check_or_exit(file: Path) -> Verdict:
    try:
        return _check(file, None, [])
    except InfrastructureError as error:
        _fail(str(error), UNDECIDED)


def _progress() -> Callable[[int, int], None] | None:
    if not sys.stderr.isatty():
        return None
    return lambda done, total: typer.echo(f"\rchecking {done * 100 // max(total, 1):3} %\r", err=True, nl=False)


def _print_verdict(verdict: Verdict, file: Path, output: CheckFormat, reason: str) -> None:
    if output is CheckFormat.JSON:
        document = verdict.as_document()
        document["modules"] = [{"name": one.name, "version": one.version} for one in verdict.modules]
        _print_json({**document, "reason": reason} if reason else document)
    elif output is CheckFormat.SARIF:
        _print_json(as_sarif(verdict, file.name, version("drydock")))
    elif output is CheckFormat.JUNIT:
        typer.echo(as_junit(verdict, file.name), nl=False)
    else:
        _print_table(verdict, file)
    if reason:
        _note(f"undecided: {reason}")


def _print_table(verdict: Verdict, file: Path) -> None:
    counts = ", ".join(f"{verdict.count(one)} {one}" for one in Severity if verdict.count(one))
    typer.echo(f"{printable(file.name)}: {verdict.verdict}{f' ({counts})' if counts else ''}")
    if verdict.kind is not None:
        versions = f"platform {verdict.platform_version or '-'}, application {verdict.application_version or '-'}"
        typer.echo(printable(f"{verdict.kind} package, {versions}, {len(verdict.modules)} modules"))
    for finding in verdict.findings:
        typer.echo(f"\n{finding.severity.upper():8} {finding.rule}  {printable(finding.path) or '(the package)'}")
        typer.echo(f"         {printable(finding.message)}")
        typer.echo(f"         fix: {finding.fix}")


def _print_built(verdict: Verdict, out: Path, output: Format) -> None:
    if output is Format.JSON:
        _print_json({"file": str(out), **verdict.as_document()})
    else:
        typer.echo(f"{out}  {verdict.kind}  {len(verdict.modules)} modules  sha256:{verdict.sha256 or '-'}")
        for finding in verdict.findings:
            _note(f"{finding.severity} {finding.rule} {printable(finding.path)}: {printable(finding.message)}")
    if verdict.verdict is not Outcome.VALID:
        _fail("the package was built and is invalid: see the findings", INVALID)


def _note_verdict(verdict: Verdict, file: Path) -> None:
    if verdict.verdict is not Outcome.VALID:
        _note(f"the package is {verdict.verdict}: `drydock package check {printable(file.name)}` says why")


def _skeleton(folder: Path | None) -> tuple[tuple[str, Path], ...]:
    if folder is None:
        return ()
    try:
        files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    except OSError as error:
        raise InfrastructureError(f"the skeleton cannot be read: {error}") from error
    return tuple((path.relative_to(folder).as_posix(), path) for path in files)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InfrastructureError(f"{path} cannot be read: {error}") from error


def _print_json(document: Any) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))


def _note(message: str) -> None:
    typer.echo(message, err=True)


def _fail(message: str, code: int) -> NoReturn:
    _note(printable(message))
    raise typer.Exit(code)


@app.command()
def submit(
    file: PackageFile,
    project: Annotated[str, typer.Option(help="The project that it belongs to.")],
    name: Annotated[str | None, typer.Option(help="Name in the project. Default: the file's.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the verdict; exits as `check` does.")] = False,
    command_id: Annotated[str | None, typer.Option(help="Id of the command: repeated, it is done once.")] = None,
    output: Annotated[Form, typer.Option("--output", "-o", help="How to print the result.")] = Form.TABLE,
) -> None:
    """Put a package into the artifact store and have it checked."""
    if not file.is_file():
        leave(Exit.NOT_FOUND, f"there is no file {file}")
    package = f"{project}/{name or file.stem}"
    wanted = _VERDICTS if wait else (PackageSubmitted, *_VERDICTS)
    event = run(lambda there: _submit(there, file, package, wanted, command_id))
    if not isinstance(event, _VERDICTS):
        print_one(event, output, [("package", package), ("status", "checking")])
        return
    rows: list[tuple[str, object]] = [("package", package), ("verdict", _WORDS[type(event)])]
    if isinstance(event, PackageValidated):
        modules = ", ".join(f"{one.name} {one.version}" for one in event.contents.modules)
        rows += [("kind", event.contents.kind.value), ("modules", modules)]
    if isinstance(event, PackageRejected):
        rows += [(finding.rule, f"{finding.path}: {finding.message}. {finding.fix}") for finding in event.findings]
    if isinstance(event, PackageCheckFailed):
        rows.append((event.problem.reason, event.problem.message))
    print_one(event, output, rows)
    raise typer.Exit({PackageValidated: VALID, PackageRejected: INVALID}.get(type(event), UNDECIDED))


@app.command("list")
def list_(
    project: Annotated[str | None, typer.Option(help="Only of this project.")] = None,
    output: Annotated[Form, typer.Option("--output", "-o", help="How to print the result.")] = Form.TABLE,
) -> None:
    """List the packages that were submitted."""

    async def read(installation: Installation) -> list[PackageSnapshot]:
        views = await installation.session.views(PackageSnapshot)
        found = [one for one in views.values() if isinstance(one, PackageSnapshot)]
        return sorted((one for one in found if project in (None, one.project)), key=lambda one: one.package)

    print_list(
        run(read),
        output,
        [
            ("PACKAGE", lambda one: one.package),
            ("STATUS", lambda one: one.status.value),
            ("KIND", lambda one: one.contents.kind.value if one.contents else ""),
            ("PLATFORM", lambda one: one.contents.platform_version if one.contents else ""),
            ("FILE", lambda one: one.file_name),
        ],
    )


_VERDICTS = (PackageValidated, PackageRejected, PackageCheckFailed)
_WORDS = {PackageValidated: "valid", PackageRejected: "invalid", PackageCheckFailed: "check-failed"}


async def _submit(
    installation: Installation, file: Path, package: str, wanted: tuple[type[Message], ...], command_id: str | None
) -> Message:
    stored = await FolderStore(installation.artifacts).put_file(file, "application/zip")
    artifact = ArtifactRef(digest=stored.digest, size=stored.size, media_type=stored.media_type)
    command = SubmitPackage(package=package, artifact=artifact, file_name=file.name)
    session, id_ = installation.session, command_id or new_id()
    async with session.events_from_now([command.owner]) as reader:
        await session.publish(command, id_=id_)
        async for read in reader.forever():
            event = read.envelope.data if read.envelope else None
            if isinstance(event, CommandRejected) and event.command_id == id_:
                refuse(event)
            if read.key == package and isinstance(event, wanted) and _is_of(event, artifact):
                return event
    raise AssertionError("a reader reads for ever")


def _is_of(event: Message, artifact: ArtifactRef) -> bool:
    return bool(getattr(event, "artifact", None) == artifact)
