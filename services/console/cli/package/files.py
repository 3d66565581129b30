"""`drydock package rules|build|sample|merge|diff`, and `show` of a file: packages as files, on this machine alone."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer

from services.console.cli.package.check import INVALID, UNDECIDED, check_file
from services.console.cli.paths import require_file, require_folder_of, shown
from services.console.cli.printing import print_json
from services.console.cli.running import tell
from services.console.words import counted
from shared.formats.deployable_package.damage.faults import FAULTS, build_sample
from shared.formats.deployable_package.findings import InfrastructureError, printable
from shared.formats.deployable_package.judge.check import check_package
from shared.formats.deployable_package.judge.package_difference import compare_packages
from shared.formats.deployable_package.judge.verdict import CheckOutcome, PackageVerdict
from shared.formats.deployable_package.read.descriptors import DescriptorError
from shared.formats.deployable_package.read.kinds import DeployableKind
from shared.formats.deployable_package.rules import RULES, rules_as_markdown
from shared.formats.deployable_package.write.build import (
    BuildError,
    BuildOptions,
    default_kind,
    find_modules,
    plan_package,
    write_package,
)
from shared.formats.deployable_package.write.merge import MergeError, merge_packages

_FINDINGS_PRESENT = 9
_NAMED = 10


class DifferenceFormat(StrEnum):
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


Take = Annotated[
    list[str] | None,
    typer.Option(metavar="MODULE=PACKAGE", help="Which package a module is from that several bring. Repeatable."),
]
Output = Annotated[DifferenceFormat, typer.Option("--output", "-o", help="How to print the result.")]


def taken_modules(take: Sequence[str] | None) -> dict[str, str]:
    """The package of each module that --take names; ends the command if one is not of that form or named twice."""
    chosen: dict[str, str] = {}
    for one in take or ():
        module, _, package = one.partition("=")
        if not module or not package or module.lower() in map(str.lower, chosen):
            _fail(f"--take {one}: name each module once, as MODULE=PACKAGE", 2)
        chosen[module] = package
    return chosen


def show_file(file: Path, output: DifferenceFormat) -> None:
    """Print what a package in a file is; ends the command if nothing can be told."""
    verdict = _check_or_exit(file)
    document = verdict.as_document()
    del document["findings"]
    if output is DifferenceFormat.JSON:
        print_json(document)
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


def rules(
    output: Annotated[RulesFormat, typer.Option("--output", "-o", help="How to print them.")] = RulesFormat.TABLE,
) -> None:
    """Print every rule that packages are judged by: what it demands, why, the way out, and what it rests on."""
    if output is RulesFormat.MARKDOWN:
        typer.echo(rules_as_markdown(), nl=False)
    elif output is RulesFormat.JSON:
        fields = ("id", "group", "severity", "title", "meaning", "fix", "evidence")
        print_json([{name: str(getattr(rule, name)) for name in fields} for rule in RULES.values()])
    else:
        for rule in RULES.values():
            typer.echo(f"{rule.id}  {rule.severity:8} {rule.title}\n       {rule.meaning}\n       fix: {rule.fix}")
            typer.echo(f"       evidence: {rule.evidence}")


def build(
    platform_version: Annotated[
        str, typer.Option(help="Platform that the modules were compiled against, four numbers: 7.0.7606.108.")
    ],
    out: Annotated[Path, typer.Option(help="The package to write, a .zip file; one that is there is replaced.")],
    modules: Annotated[
        Path | None,
        typer.Option(
            help="The folder with the modules: each is a folder with Descriptor/<Model>.xml and its bin, at any depth. "
            "Left out, with --remove, the package only takes the last modules away."
        ),
    ] = None,
    application_version: Annotated[
        str,
        typer.Option(help="Application that they were compiled against; needed for a platform or merged package."),
    ] = "",
    kind: Annotated[
        DeployableKind | None,
        typer.Option(help="Default: `platform` if the vendor publishes all models, `merged` if some, else the other."),
    ] = None,
    module_version: Annotated[
        str | None,
        typer.Option(help="One version for all modules. Default: that of the module's assembly, else of its models."),
    ] = None,
    license_file: Annotated[
        list[Path] | None,
        typer.Option("--license", metavar="FILE", help="A licence that the package imports. Repeatable."),
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option(metavar="MODULE", help="An installed module to remove, by ModuleToRemove.txt. Repeatable."),
    ] = None,
    skeleton: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The vendor's package skeleton: its installer and scripts are included."),
    ] = None,
    separator: Annotated[
        Separator, typer.Option(help="What stands in entry names; the vendor's tools write backslashes.")
    ] = Separator.SLASH,
    output: Output = DifferenceFormat.TABLE,
) -> None:
    """Build a deployable package from modules, on any system; the same input gives the same bytes.

    What was built is checked. Exits with 1 if it cannot be built from what is given, or is invalid, and with 10 if a
    file cannot be read or written.
    """
    try:
        if modules is None and not remove:
            _fail("name the folder with the modules (--modules), or the last modules to take away (--remove)", 2)
        require_folder_of(out)
        found = find_modules(modules, module_version) if modules is not None else []
        chosen = kind or default_kind(found)
        options = BuildOptions(
            kind=chosen,
            platform_version=platform_version,
            application_version=application_version,
            licenses=_licenses(license_file or ()),
            removed=tuple(remove or ()),
            skeleton=_skeleton(skeleton),
        )
        write_package(plan_package(found, options), out, "\\" if separator is Separator.BACKSLASH else "/")
        verdict = check_package(out)
    except (BuildError, DescriptorError) as error:
        _fail(str(error), INVALID)
    except InfrastructureError as error:
        _fail(str(error), UNDECIDED)
    _note_stand_ins([module.name for module in found if module.placeholder])
    _print_built(verdict, out, output)


def sample(
    out: Annotated[Path, typer.Option(help="The package to write.")],
    fault: Annotated[
        str | None, typer.Option(metavar="RULE", help="Id of the rule that it breaks, for instance DP303.")
    ] = None,
) -> None:
    """Write a small sound package, or one that breaks exactly one rule, to try a pipeline with."""
    chosen = next((one for one in FAULTS if one.rule == fault), None)
    if fault is not None and chosen is None:
        _fail(f"there is no fault for rule {fault!r}; `drydock package rules` lists the rules", 2)
    try:
        require_folder_of(out)
        out.write_bytes(build_sample(chosen))
    except InfrastructureError as error:
        _fail(str(error), UNDECIDED)
    except OSError as error:
        _fail(f"{shown(out)} cannot be written: {error.strerror}", UNDECIDED)
    typer.echo(shown(out))


def merge(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Two or more packages.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The package to write.")],
    take: Take = None,
    output: Output = DifferenceFormat.TABLE,
) -> None:
    """Merge a platform package with customizations, or several customizations, into one package.

    All must be valid. What was built for an earlier platform goes with a later one; no module or other file may be in
    two of them with different content unless --take says which is meant. Exits with 1 if they cannot be merged.
    """
    chosen = {module: _one_of(files, name) for module, name in taken_modules(take).items()}
    try:
        require_folder_of(out)
        for file in files:
            require_file(file)
        merge_packages(files, out, take=chosen)
        verdict = check_package(out)
    except MergeError as error:
        _fail(str(error), INVALID)
    except (BuildError, InfrastructureError) as error:
        _fail(str(error), UNDECIDED)
    _print_built(verdict, out, output)


def _one_of(files: Sequence[Path], name: str) -> Path:
    found = [file for file in files if name in (str(file), file.name)]
    if len(found) != 1:
        _fail(f"--take: {name} is {'more than one' if found else 'none'} of the packages that are merged", 2)
    return found[0]


def diff(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="A package.", show_default=False)],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="Another package.", show_default=False)],
    output: Output = DifferenceFormat.TABLE,
    exit_code: Annotated[bool, typer.Option(help="Exit with 9 if the packages differ.")] = False,
) -> None:
    """Compare two packages: modules added, missing, removed, upgraded, downgraded, rebuilt.

    Missing modules are in the first package alone, removed ones are also named by the second one's ModuleToRemove.txt;
    rebuilt ones have other files under the same version.
    """
    verdicts = [_check_or_exit(file) for file in (before, after)]
    for file, verdict in zip((before, after), verdicts, strict=True):
        if verdict.kind is None:
            _fail(f"{shown(file)} cannot be compared: `drydock package check` says what is wrong with it", INVALID)
    difference = compare_packages(*verdicts)
    if output is DifferenceFormat.JSON:
        print_json(msgspec.to_builtins(difference))
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
        tell("the packages hold the same")
    elif exit_code:
        raise typer.Exit(_FINDINGS_PRESENT)


def _check_or_exit(file: Path) -> PackageVerdict:
    try:
        return check_file(file)
    except InfrastructureError as error:
        _fail(str(error), UNDECIDED)


def _note_stand_ins(modules: Sequence[str]) -> None:
    if modules:
        named = ", ".join(modules[:_NAMED]) + (", ..." if len(modules) > _NAMED else "")
        tell(f"without a bin folder, and with placeholder binaries: {counted(len(modules), 'module')}: {named}")


def _print_built(verdict: PackageVerdict, out: Path, output: DifferenceFormat) -> None:
    if output is DifferenceFormat.JSON:
        print_json({"file": shown(out), **verdict.as_document()})
    else:
        modules = counted(len(verdict.modules), "module")
        typer.echo(f"{shown(out)}  {verdict.kind or '-'}  {modules}  sha256:{verdict.sha256 or '-'}")
        for finding in verdict.findings:
            tell(f"{finding.severity} {finding.rule} {printable(finding.path)}: {printable(finding.message)}")
    if verdict.verdict is not CheckOutcome.VALID:
        _fail("the package was built and is invalid: see the findings", INVALID)


def _note_verdict(verdict: PackageVerdict, file: Path) -> None:
    if verdict.verdict is not CheckOutcome.VALID:
        tell(f"{shown(file)} is {verdict.verdict}: `drydock package check` says why")


def _licenses(files: Sequence[Path]) -> tuple[tuple[str, bytes], ...]:
    found: dict[str, Path] = {}
    for file in files:
        if (other := found.setdefault(file.name.lower(), file)) is not file:
            raise BuildError(f"licences lie in one folder of the package: rename {shown(file)} or {shown(other)}")
    return tuple((file.name, _read(file)) for file in files)


def _skeleton(folder: Path | None) -> tuple[tuple[str, Path], ...]:
    if folder is None:
        return ()
    try:
        if not folder.is_dir():
            raise InfrastructureError(f"there is no folder {folder} with a skeleton")
        files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    except OSError as error:
        raise InfrastructureError(f"the skeleton cannot be read: {error}") from error
    if not files:
        raise BuildError(f"the skeleton {folder} holds no file; name the folder that holds the vendor's AOSService")
    return tuple((path.relative_to(folder).as_posix(), path) for path in files)


def _read(path: Path) -> bytes:
    require_file(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise InfrastructureError(f"{shown(path)} cannot be read: {error.strerror}") from error


def _fail(message: str, code: int) -> NoReturn:
    tell(printable(message))
    raise typer.Exit(code)
