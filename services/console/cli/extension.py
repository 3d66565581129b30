"""`drydock extension ...`: judge extension packages against a base, offline."""

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperCommand

from services.console.cli import installed_extension
from services.extension_compatibility_checker.al.checking import Target, check_packages
from services.extension_compatibility_checker.al.compare import BASELINE_RULES
from services.extension_compatibility_checker.al.compare import compare as compare_versions
from services.extension_compatibility_checker.al.container import Package, PackageError, read_package
from services.extension_compatibility_checker.al.finding import Report, Severity, Verdict, verdict_of, worst
from services.extension_compatibility_checker.al.index import AppIndex, IndexFormatError, index_package
from services.extension_compatibility_checker.al.rules import RULES

from .formats import Output, print_json, sarif

app = typer.Typer(no_args_is_help=True, help="Check extensions against the next version of their base.")

EXIT = {
    Verdict.COMPATIBLE: 0,
    Verdict.WARNINGS: 0,
    Verdict.INCOMPATIBLE: 1,
    Verdict.UNVERIFIABLE: 10,
}
_USAGE = 2
_NOT_FOUND = 3
_SEVERAL = {"--base", "--old-base"}


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
    extensions: Annotated[list[Path], typer.Argument(help="Extension packages (.app); checked as one set.")],
    base: Annotated[list[Path], typer.Option("--base", help="Apps of the target set, or stored indexes.")],
    old_base: Annotated[list[Path] | None, typer.Option(help="App of the set in use today; repeatable.")] = None,
    country: Annotated[str, typer.Option(help="Localization of the bases.")] = "",
    output: Annotated[Output, typer.Option("-o", "--output", help="Form of the answer.")] = Output.TABLE,
    fail_on: Annotated[str, typer.Option(help="`warning`: exit 10 for warnings too.")] = "",
) -> None:
    """Say which extensions break on the target, where, why, and what to write instead.

    Exit code 0: compatible; 1: incompatible; 10: unverifiable, or warnings with --fail-on warning.
    """
    if fail_on not in ("", "warning"):
        _stop(f"--fail-on knows only 'warning', not '{fail_on}'.", _USAGE)
    packages = [_open(path) for path in extensions]
    target = Target([_index(path, country) for path in base], [_index(path, country) for path in old_base or ()])
    reports = check_packages(packages, target)
    verdict = worst([r.verdict for r in reports])
    if output is Output.JSON:
        print_json({"verdict": verdict, "extensions": reports})
    elif output is Output.SARIF:
        print_json(sarif(reports))
    else:
        _print_reports(reports, verdict)
    warned = fail_on == "warning" and verdict is Verdict.WARNINGS
    raise typer.Exit(10 if warned else EXIT[verdict])


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="Extension package (.app).")],
    output: Annotated[Output, typer.Option("-o", "--output", help="Form of the answer.")] = Output.TABLE,
) -> None:
    """Show what a file is: its kind, and its manifest where it has one that can be read."""
    package = _open(file)
    if output is Output.SARIF:
        _stop("show answers as table or json.", _USAGE)
    facts = {
        "file": str(file),
        "kind": package.kind,
        "digest": package.digest,
        "package_id": str(package.package_id) if package.package_id else None,
        "problem": package.problem,
        "manifest": describe(package),
    }
    if output is Output.JSON:
        print_json(facts)
        return
    manifest = facts.pop("manifest")
    for name, value in [*facts.items(), *(manifest.items() if isinstance(manifest, dict) else ())]:
        if isinstance(value, list | tuple):
            for item in value:
                words = item.values() if isinstance(item, dict) else [item]
                print(f"{name:24} {' '.join(map(str, words))}")
        elif value not in (None, ""):
            print(f"{name:24} {value}")


def describe(package: Package) -> dict[str, Any] | None:
    """A manifest as plain data; versions are text."""
    if package.manifest is None:
        return None
    plain: dict[str, Any] = msgspec.to_builtins(package.manifest, builtin_types=())
    m = package.manifest
    for name in ("version", "runtime", "platform", "application"):
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
    old: Annotated[Path, typer.Argument(help="The version in use.")],
    new: Annotated[Path, typer.Argument(help="The version to come.")],
    output: Annotated[Output, typer.Option("-o", "--output", help="Form of the answer.")] = Output.TABLE,
    fail_on: Annotated[str, typer.Option(help="`warning`: exit 10 for warnings too.")] = "",
) -> None:
    """Say what a new version of an app breaks for those who depend on it, and for its own data.

    Exit code 0: nothing; 1: breaks; 10: unverifiable, or warnings with --fail-on warning.
    """
    if fail_on not in ("", "warning"):
        _stop(f"--fail-on knows only 'warning', not '{fail_on}'.", _USAGE)
    packages = [_open(old), _open(new)]
    try:
        before, after = (index_package(p) for p in packages)
    except PackageError as error:
        _stop(f"Nothing to compare: {error}", EXIT[Verdict.UNVERIFIABLE])
    if before.app.id != after.app.id:
        _stop(
            f"{old} is {before.app.title}, {new} is {after.app.title}: two versions of one app are needed.",
            _USAGE,
        )
    findings = compare_versions(before, after)
    verdict = verdict_of(findings, ())
    a = after.app
    report = Report(a.id, a.name, a.publisher, str(a.version), verdict, findings)
    if output is Output.JSON:
        print_json({"verdict": verdict, "old": str(before.app.version), "new": report.version, "findings": findings})
    elif output is Output.SARIF:
        print_json(sarif([report]))
    else:
        _print_reports([report], verdict)
    warned = fail_on == "warning" and verdict is Verdict.WARNINGS
    raise typer.Exit(10 if warned else EXIT[verdict])


@app.command()
def rules(
    output: Annotated[Output, typer.Option("-o", "--output", help="Form of the answer.")] = Output.TABLE,
) -> None:
    """Print what can break an extension, and what of it is decided here."""
    if output is Output.JSON:
        print_json(
            {
                "target": [{**msgspec.to_builtins(r), "implemented": r.implemented} for r in RULES],
                "baseline": BASELINE_RULES,
            }
        )
        return
    table = Table("row", "condition", "level", "codes", "not decided here")
    for rule in RULES:
        codes = ", ".join(f"{code} {severity}" for code, severity in rule.codes.items())
        table.add_row(str(rule.row), rule.condition, rule.level, codes, rule.undecided)
    console = Console()
    console.print(table)
    baseline = Table("code", "severity", "condition (extension compare)", "not decided here")
    for entry in BASELINE_RULES:
        baseline.add_row(entry.code, entry.severity, entry.condition, entry.note)
    console.print(baseline)


def _open(path: Path) -> Package:
    if not path.is_file():
        _stop(f"There is no file {path}.", _NOT_FOUND)
    return read_package(path)


def _index(path: Path, country: str) -> AppIndex:
    """A base from a package or from a stored index."""
    if not path.is_file():
        _stop(f"There is no file {path}.", _NOT_FOUND)
    print(f"reading {path.name}", file=sys.stderr)
    try:
        if path.suffix == ".index":
            return AppIndex.load(path)
        return index_package(read_package(path), country)
    except (PackageError, IndexFormatError) as error:
        _stop(f"The base {path} cannot be used: {error}", _USAGE)


def _stop(message: str, code: int) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(code)


_COLOURS = {Severity.BLOCKS: "red", Severity.WARNS: "yellow", Severity.FORECAST: "cyan"}


def _print_reports(reports: list[Report], verdict: Verdict) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for report in reports:
        console.print(f"{report.name} {report.version}".strip(), report.verdict, sep=": ", markup=False)
        for f in report.findings:
            where = f"{f.file}({f.line},{f.column}): " if f.file else ""
            console.print(f"  {f.severity:9}{f.code}  {where}{f.message}", style=_COLOURS[f.severity], markup=False)
            if f.suggestion:
                console.print(f"           {f.suggestion}", markup=False)
        for reason in report.undecided:
            console.print(f"  undecided: {reason}", markup=False)
    if len(reports) > 1:
        console.print(f"All together: {verdict}", markup=False)


app.command()(installed_extension.install)
app.command()(installed_extension.uninstall)
app.command()(installed_extension.stage)
app.command()(installed_extension.unstage)
app.command("list")(installed_extension.list_)
