"""The judgement: extensions against one target set, alone or together."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from .check_code import check_code
from .check_events import check_subscribers
from .check_manifest import absent_apps, application_version, check_manifest, provider
from .check_objects import check_clashes, check_objects
from .check_references import check_references
from .container import Package, PackageError
from .context import Check
from .extension import Extension, open_extension
from .finding import Finding, Level, Report, Severity, Verdict, verdict_of
from .index import AppIndex
from .world import World

# Findings that rest on following types through code: what also shows against the old base is no change.
_INFERRED = frozenset(("AL0118", "AL0122", "AL0126", "AL0130", "AL0132", "AL0133", "AL0135", "AL0196", "AL0349"))


@dataclass(frozen=True)
class Target:
    """One target set: the base and what belongs to it. `old` is the base in use today, empty if not known."""

    apps: Sequence[AppIndex]
    old: Sequence[AppIndex] = ()


def check_extension(
    extension: Extension, target: Target, others: Sequence[Extension] = (), *, has_unread: bool = False
) -> Report:
    """Judge one extension against the target set and the extensions beside it.

    `has_unread`: a package of the set could not be read, so what is not found may be in there.
    """
    beside = [o.index for o in others if o is not extension]
    apps = [*target.apps, *beside]
    absent = absent_apps(extension.manifest, apps)
    world = World(extension.index, _visible(extension, apps, beside), closed=not absent)
    old = None
    if target.old:
        missing = absent_apps(extension.manifest, [*target.old, *beside])
        old = World(extension.index, _visible(extension, [*target.old, *beside], beside), closed=not missing)
    check = Check(extension, world, old, application_version(apps), absent, has_unread)
    check_manifest(check, apps)
    check_objects(check)
    check_references(check)
    check_subscribers(check)
    check_code(check)
    findings, undecided = check.findings, list(extension.undecided)
    if old is not None:
        findings, unchanged = _changed(extension, old, findings)
        undecided += unchanged
    undecided += _unknown(check)
    return _report(extension, findings, tuple(undecided))


def _visible(extension: Extension, apps: Sequence[AppIndex], beside: Sequence[AppIndex]) -> list[AppIndex]:
    """The base and those other extensions; a copy of the extension itself in the set is passed over."""
    return [a for a in apps if a.app.id != extension.manifest.id or a in beside]


def _changed(extension: Extension, old: World, findings: tuple[Finding, ...]) -> tuple[tuple[Finding, ...], list[str]]:
    """Leave out what the code check finds against the old base too: the update does not break it."""
    if not any(f.code in _INFERRED for f in findings):
        return findings, []
    before = Check(extension, old, None, None)
    check_code(before)
    same = {(f.code, f.symbol, f.file, f.line, f.column) for f in before.findings if f.code in _INFERRED}
    kept = tuple(f for f in findings if (f.code, f.symbol, f.file, f.line, f.column) not in same)
    dropped = [f for f in findings if f not in kept]
    if not dropped:
        return findings, []
    first = dropped[0]
    where = f"{first.file} ({first.line},{first.column})"
    reason = (
        f"{len(dropped)} places do not fit the old base either, so nothing can be said of them; "
        f"the first is {where}: {first.code} {first.symbol}"
    )
    return kept, [reason]


def _unknown(check: Check) -> list[str]:
    if not check.unknown:
        return []
    names = ", ".join(list(check.unknown)[:3])
    absent = ", ".join(check.absent)
    count = f"{len(check.unknown)} reference{'s' if len(check.unknown) > 1 else ''}"
    return [f"{count} cannot be decided without {absent}: {names}"]


def _report(extension: Extension, findings: tuple[Finding, ...], undecided: tuple[str, ...]) -> Report:
    m = extension.manifest
    verdict = verdict_of(findings, undecided)
    return Report(m.id, m.name, m.publisher, str(m.version), verdict, findings, undecided)


def unreadable(package: Package) -> Report:
    """The answer for a file that names no extension: it cannot be verified, and why."""
    reason = f"{package.path}: {package.problem}"
    return Report("", package.path.rpartition("/")[2], "", "", Verdict.UNVERIFIABLE, (), (reason,))


def check_packages(packages: Sequence[Package], target: Target) -> list[Report]:
    """Judge packages together, dependencies before dependents; who needs a broken one is told so."""
    opened: list[Extension] = []
    reports: list[Report] = []
    for package in packages:
        try:
            opened.append(open_extension(package))
        except PackageError as error:
            package.problem = package.problem or str(error)
            reports.append(unreadable(package))
    broken: dict[str, Report] = {}
    for extension in in_dependency_order(opened):
        seen = _closure(extension, opened)
        clashing = [o for o in opened if o is not extension]
        report = check_extension(extension, target, seen, has_unread=len(opened) < len(packages))
        report = _with_clashes(report, extension, [o for o in clashing if o not in seen])
        report = _cascade(report, extension, opened, broken)
        if report.verdict is Verdict.INCOMPATIBLE:
            broken[extension.manifest.id] = report
        reports.append(report)
    return reports


def in_dependency_order(extensions: Sequence[Extension]) -> list[Extension]:
    """Dependencies first; extensions that do not depend on each other keep their order."""
    done: list[Extension] = []
    started: set[int] = set()

    def visit(extension: Extension) -> None:
        if id(extension) in started:
            return
        started.add(id(extension))
        for other in _direct(extension, extensions):
            visit(other)
        done.append(extension)

    for extension in extensions:
        visit(extension)
    return done


def _direct(extension: Extension, among: Sequence[Extension]) -> list[Extension]:
    indexes = [o.index for o in among if o is not extension]
    found = [provider(wanted, indexes) for wanted in extension.manifest.dependencies]
    return [o for o in among if any(o.index is f for f in found)]


def _closure(extension: Extension, among: Sequence[Extension]) -> list[Extension]:
    """Extensions that this one depends on, directly or through others."""
    found: list[Extension] = []
    pending = _direct(extension, among)
    while pending:
        other = pending.pop()
        if other not in found and other is not extension:
            found.append(other)
            pending += _direct(other, among)
    return found


def _with_clashes(report: Report, extension: Extension, strangers: Sequence[Extension]) -> Report:
    """Rows 24 and 25 between extensions that do not know each other."""
    if not strangers:
        return report
    check = Check(extension, World(extension.index, [o.index for o in strangers]), None, None)
    check_clashes(check)
    if not check.findings:
        return report
    return _with_findings(report, check.findings)


def _cascade(report: Report, extension: Extension, among: Sequence[Extension], broken: dict[str, Report]) -> Report:
    found = []
    for other in _direct(extension, among):
        if other.manifest.id in broken:
            name = other.manifest.name
            message = f"It depends on {other.title}, which is not compatible with the target itself."
            advice = f"Bring {name} into a compatible version first."
            found.append(Finding("DRYDOCK", Severity.BLOCKS, Level.MANIFEST, name, message, suggestion=advice))
    return _with_findings(report, tuple(found))


def _with_findings(report: Report, more: tuple[Finding, ...]) -> Report:
    if not more:
        return report
    findings = (*report.findings, *(f for f in more if f not in report.findings))
    return replace(report, findings=findings, verdict=verdict_of(findings, report.undecided))
