"""`drydock extension ...`: judge extension packages against a base, offline."""

import glob
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperCommand

from services.console.cli.extension.formats import Output, sarif
from services.console.cli.lazy import lazy
from services.console.cli.printing import print_json
from shared.formats.al.check.extension import TargetSet
from shared.formats.al.check.extension_set import check_packages
from shared.formats.al.check.rules import RULES
from shared.formats.al.compare.rules import BASELINE_RULES, UNDECIDED_RULES
from shared.formats.al.compare.versions import ComparisonSettings, compare_versions
from shared.formats.al.finding import BreakSeverity, CodePart, Compatibility, Report, verdict_of, worst
from shared.formats.al.package.container import AppFileKind, Package, PackageError, read_package
from shared.formats.al.symbols.index import SUFFIX, AppIndex, IndexFormatError, index_package

_INSTALLED = "services.console.cli.extension.installed"

app = typer.Typer(
    cls=lazy(
        {
            "install": f"{_INSTALLED}:install",
            "uninstall": f"{_INSTALLED}:uninstall",
            "stage": f"{_INSTALLED}:stage",
            "unstage": f"{_INSTALLED}:unstage",
            "list": f"{_INSTALLED}:list_",
            "telemetry": "services.console.cli.extension.telemetry:telemetry",
        }
    ),
    no_args_is_help=True,
    help="Check extensions against the next version of their base; install, stage and list them.",
)

EXIT = {
    Compatibility.COMPATIBLE: 0,
    Compatibility.WARNINGS: 0,
    Compatibility.INCOMPATIBLE: 1,
    Compatibility.UNVERIFIABLE: 10,
}
_USAGE = 2
_NOT_FOUND = 3
_SEVERAL = {"--base", "--old-base", "--installed"}


class _SeveralValues(TyperCommand):
    """Lets `--base A B` mean `--base A --base B` where the extensions were named before it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        spread: list[str] = []
        named, option = False, ""
        rest = iter(args)
        for word in rest:
            if word in _SEVERAL:
                spread += [word, *([value] if (value := next(rest, None)) is not None else [])]
                option = word
            elif word.startswith("-"):
                spread.append(word)
                option = ""
                if "=" not in word and word in ("-o", "--output", "--country", "--fail-on"):
                    spread += [value] if (value := next(rest, None)) is not None else []
            elif option and named:
                spread += [option, word]
            else:
                named = True
                spread.append(word)
        return super().parse_args(ctx, spread)


@app.command(cls=_SeveralValues)
def check(
    extensions: Annotated[list[Path], typer.Argument(help="Extension packages (.app) or folders; one set.")],
    base: Annotated[
        list[Path], typer.Option("--base", help="Apps of the target set, stored indexes, or folders; repeatable.")
    ],
    old_base: Annotated[list[Path] | None, typer.Option(help="The same of the set in use today; repeatable.")] = None,
    installed: Annotated[
        list[Path] | None,
        typer.Option(help="Installed versions of what is checked: its schema must take them over; repeatable."),
    ] = None,
    country: Annotated[str, typer.Option(help="Localization of the bases, e.g. W1.")] = "",
    output: Annotated[Output, typer.Option("-o", "--output", help="Form of the answer.")] = Output.TABLE,
    fail_on: Annotated[str, typer.Option(help="`warning`: exit 10 for warnings too.")] = "",
) -> None:
    """Say which extensions break on the target, where, why, and what to write instead.

    An app that is needed and not given leaves undecided what it may hold; in code that only tests the extension
    that is told, and the verdict is the one of what customers run.

    Exit code 0: compatible; 1: incompatible; 10: unverifiable, a base that cannot be read, or warnings with
    --fail-on warning.
    """
    _check_fail_on(fail_on)
    packages = [_open(path) for path in _files(extensions, ".app")]
    target = TargetSet(_indexes(base, country), _indexes(old_base or (), country))
    replaced = [_open(path) for path in _files(installed or (), ".app")]
    reports = check_packages(packages, target, replaced)
    verdict = worst([r.verdict for r in reports])
    if output is Output.JSON:
        apps = [{"id": a.app.id, "name": a.app.name, "version": str(a.app.version)} for a in target.apps]
        print_json({"verdict": verdict, "target": apps, "extensions": reports})
    elif output is Output.SARIF:
        print_json(sarif(reports))
    else:
        _print_reports(reports, verdict)
    warned = fail_on == "warning" and verdict is Compatibility.WARNINGS
    raise typer.Exit(10 if warned else EXIT[verdict])


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="Extension package (.app).")],
    output: Annotated[Output, typer.Option("-o", "--output", help="Form of the answer.")] = Output.TABLE,
) -> None:
    """Show what a file is: its kind, and its manifest where it has one that can be read.

    Exit code 0: it is an extension package, of whatever kind; 1: it is damaged, or none.
    """
    if output is Output.SARIF:
        _stop("show answers as table or json.", _USAGE)
    package = _open(file)
    facts = {
        "file": str(file),
        "kind": package.kind,
        "digest": package.digest,
        "package_id": str(package.package_id) if package.package_id else None,
        "problem": package.problem,
        "manifest": describe(package),
    }
    code = EXIT[Compatibility.INCOMPATIBLE] if package.kind is AppFileKind.DAMAGED else 0
    if output is Output.JSON:
        print_json(facts)
        raise typer.Exit(code)
    manifest = facts.pop("manifest")
    for name, value in [*facts.items(), *(manifest.items() if isinstance(manifest, dict) else ())]:
        if isinstance(value, list | tuple):
            for item in value:
                words = item.values() if isinstance(item, dict) else [item]
                print(f"{name:24} {' '.join(map(str, words))}")
        elif value not in (None, ""):
            print(f"{name:24} {value}")
    raise typer.Exit(code)


def describe(package: Package) -> dict[str, Any] | None:
    """A manifest as plain data; versions are text."""
    if package.manifest is None:
        return None
    plain: dict[str, Any] = msgspec.to_builtins(package.manifest, builtin_types=())
    m = package.manifest
    for name in ("version", "runtime", "platform", "application", "test"):
        value = getattr(m, name)
        plain[name] = str(value) if value is not None else None
    if m.runtime is not None:
        plain["runtime"] = f"{m.runtime.major}.{m.runtime.minor}"
    plain["dependencies"] = [
        {"id": d.id, "name": d.name, "publisher": d.publisher, "min_version": str(d.min_version)}
        for d in m.dependencies
    ]
    plain["id_ranges"] = [{"first": r.first, "last": r.last} for r in m.id_ranges]
    return plain


@app.command()
def compare(
    old: Annotated[Path, typer.Argument(help="The version in use: a package or a stored index.")],
    new: Annotated[Path, typer.Argument(help="The version to come.")],
    others: Annotated[
        list[Path] | None, typer.Option("--with", help="App that objects come from or go to, or that holds enums.")
    ] = None,
    internal: Annotated[bool, typer.Option("--validate-internal", help="Compare internal symbols too.")] = False,
    obsolete: Annotated[
        bool, typer.Option("--validate-obsolete", help="Compare symbols that were obsolete already, too.")
    ] = False,
    onprem: Annotated[bool, typer.Option("--validate-onprem", help="Compare symbols of scope OnPrem too.")] = False,
    hidden: Annotated[
        bool, typer.Option("--hidden", help="Report what the analyzer hides: new schema, changed obsolete tags.")
    ] = False,
    obsolete_tag: Annotated[str, typer.Option(help="Tag that new obsoletions must have (AS0072); with --hidden.")] = "",
    output: Annotated[Output, typer.Option("-o", "--output", help="Form of the answer.")] = Output.TABLE,
    fail_on: Annotated[str, typer.Option(help="`warning`: exit 10 for warnings too.")] = "",
) -> None:
    """Say what a new version of an app breaks for those who depend on it, and for its own data.

    Exit code 0: nothing; 1: breaks; 10: unverifiable, or warnings with --fail-on warning.
    """
    _check_fail_on(fail_on)
    before, after = _index(old, ""), _index(new, "")
    around = _indexes(others or (), "")
    if before.app.id != after.app.id and not (before.app.is_base and after.app.is_base):
        _stop(
            f"{old} is {before.app.title}, {new} is {after.app.title}: two versions of one app are needed.",
            _USAGE,
        )
    compared = compare_versions(
        before, after, ComparisonSettings(internal, obsolete, onprem, hidden, obsolete_tag), around
    )
    a = after.app
    verdict = verdict_of(compared.findings, compared.undecided)
    report = Report(a.id, a.name, a.publisher, str(a.version), verdict, compared.findings, compared.undecided)
    if output is Output.JSON:
        print_json(
            {
                "verdict": verdict,
                "app": {"id": a.id, "name": a.name, "publisher": a.publisher},
                "old": str(before.app.version),
                "new": report.version,
                "findings": report.findings,
                "undecided": report.undecided,
            }
        )
    elif output is Output.SARIF:
        print_json(sarif([report]))
    else:
        _print_reports([report], verdict)
    warned = fail_on == "warning" and verdict is Compatibility.WARNINGS
    raise typer.Exit(10 if warned else EXIT[verdict])


@app.command()
def rules(
    comparison: Annotated[bool, typer.Option("--comparison", help="Only the rules of `extension compare`.")] = False,
    output: Annotated[Output, typer.Option("-o", "--output", help="Form of the answer.")] = Output.TABLE,
) -> None:
    """Print what can break an extension, and what of it is decided here."""
    if output is Output.SARIF:
        _stop("rules answers as table or json.", _USAGE)
    if output is Output.JSON:
        target = [{**msgspec.to_builtins(r), "implemented": r.implemented} for r in RULES]
        compared = {"baseline": BASELINE_RULES, "not_decided": UNDECIDED_RULES}
        print_json(compared if comparison else {"target": target, **compared})
        return
    console = Console()
    if not comparison:
        table = Table("row", "condition", "level", "codes", "not decided here")
        for rule in RULES:
            codes = ", ".join(f"{code} {severity}" for code, severity in rule.codes.items())
            table.add_row(str(rule.row), rule.condition, rule.level, codes, rule.undecided)
        console.print(table)
    baseline = Table("code", "severity", "condition (extension compare)", "not decided here")
    for entry in BASELINE_RULES:
        shown = f"{entry.severity}, on request (--hidden)" if entry.hidden else str(entry.severity)
        baseline.add_row(entry.code, shown, entry.condition, entry.note)
    for left_out in UNDECIDED_RULES:
        baseline.add_row(left_out.code, "-", left_out.condition, left_out.reason)
    console.print(baseline)


def _check_fail_on(fail_on: str) -> None:
    if fail_on not in ("", "warning"):
        _stop(f"--fail-on knows only 'warning', not '{fail_on}'.", _USAGE)


def _open(path: Path) -> Package:
    if not path.is_file():
        _stop(f"There is no file {path}.", _NOT_FOUND)
    return read_package(path)


def _files(paths: Sequence[Path], *suffixes: str) -> list[Path]:
    """The paths, each folder replaced by its packages and each pattern by what it matches."""
    found: list[Path] = []
    for path in paths:
        inside = [path]
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in suffixes)
        elif not path.exists() and glob.has_magic(str(path)):
            inside = sorted(map(Path, glob.glob(str(path), recursive=True)))  # noqa: PTH207  # takes absolute patterns
        if not inside:
            _stop(f"There is no {' or '.join(suffixes)} file in {path}.", _NOT_FOUND)
        found += inside
    return list(dict.fromkeys(found))


def _indexes(paths: Sequence[Path], country: str) -> list[AppIndex]:
    return [_index(path, country) for path in _files(paths, ".app", SUFFIX)]


def _index(path: Path, country: str) -> AppIndex:
    """A base from a package or from a stored index."""
    if not path.is_file():
        _stop(f"There is no file {path}.", _NOT_FOUND)
    print(f"reading {path.name}", file=sys.stderr)
    try:
        if path.suffix != SUFFIX:
            return index_package(read_package(path), country)
        index = AppIndex.load(path)
    except (PackageError, IndexFormatError, OSError) as error:
        reason = str(error).removeprefix(f"{path}: ")
        _stop(f"The base {path} cannot be used: {reason}", EXIT[Compatibility.UNVERIFIABLE])
    if country and index.app.country.casefold() not in ("", country.casefold()):
        _stop(f"{path} is the index of {index.app.title}, not of country {country}.", _USAGE)
    return index


def _stop(message: str, code: int) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(code)


_PARTS = {CodePart.RUNS: "what customers run:", CodePart.TESTS: "what only tests it:"}
_COLOURS = {BreakSeverity.BLOCKS: "red", BreakSeverity.WARNS: "yellow", BreakSeverity.FORECAST: "cyan"}


def _print_reports(reports: list[Report], verdict: Compatibility) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for report in reports:
        title, tested = f"{report.name} {report.version}".strip(), report.decided_by is CodePart.TESTS
        console.print(f"{title}: {report.verdict}{', because of its tests' if tested else ''}", markup=False)
        if report.parts:
            told = (f"{_PARTS[part.part]} {part.verdict}" for part in report.parts)
            console.print(f"  {', '.join(told)}", markup=False)
        for f in report.findings:
            place = f"({f.line},{f.column})" if f.line else ""
            where = f"{f.file}{place}: " if f.file else ""
            console.print(f"  {f.severity:9}{f.code}  {where}{f.message}", style=_COLOURS[f.severity], markup=False)
            for name, declaration in (("was", f.before), ("is", f.after)):
                if declaration:
                    console.print(f"           {name:4}{declaration}", markup=False)
            if f.suggestion:
                console.print(f"           {f.suggestion}", markup=False)
        for reason in report.undecided:
            console.print(f"  undecided: {reason}", markup=False)
    if len(reports) > 1:
        console.print(f"All together: {verdict}", markup=False)
