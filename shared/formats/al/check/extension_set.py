"""The judgement: extensions against one target set, alone or together."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from shared.formats.al.finding import Finding, Level, Report, Severity, Verdict, verdict_of
from shared.formats.al.package.container import Package, PackageError
from shared.formats.al.source.opening import Extension, open_extension
from shared.formats.al.symbols.index import AppIndex

from .code import check_code
from .context import Check
from .events import check_subscribers
from .manifest import absent_apps, application_version, check_manifest, newest, provider, reached_apps
from .neighbours import Neighbours
from .objects import check_clashes, check_objects
from .references import check_references
from .schema import check_schema
from .world import World


@dataclass(frozen=True)
class Target:
    """One target set: the base and what belongs to it. `old` is the base in use today, empty if not known."""

    apps: Sequence[AppIndex]
    old: Sequence[AppIndex] = ()

    @property
    def before(self) -> Sequence[AppIndex]:
        """The base in use today where it is another than the target."""
        there = {(a.app.id, a.app.version, a.app.country) for a in self.apps}
        return () if all((a.app.id, a.app.version, a.app.country) in there for a in self.old) else self.old


def check_extension(
    extension: Extension,
    target: Target,
    others: Sequence[Extension] = (),
    *,
    has_unread: bool = False,
    replaced: Extension | None = None,
) -> Report:
    """Judge one extension against the target set and the extensions beside it.

    `has_unread`: a package of the set could not be read, so what is not found may be in there. `replaced` is the
    installed version that this one, staged, takes the place of.
    """
    beside = [o.index for o in others if o is not extension]
    apps = newest([*target.apps, *beside])
    absent = absent_apps(extension.manifest, apps)
    world = World(extension.index, _visible(extension, apps), closed=not absent)
    old, old_version = None, None
    if target.before:
        today = newest([*target.before, *beside])
        missing = absent_apps(extension.manifest, today)
        old = World(extension.index, _visible(extension, today), closed=not missing)
        old_version = application_version(today)
    check = Check(extension, world, old, application_version(apps), absent, has_unread)
    check.reached, check.old_version = reached_apps(extension.manifest, apps), old_version
    check_manifest(check, apps)
    _check_content(check)
    findings, undecided = check.findings, list(extension.undecided)
    if old is not None and replaced is None:
        findings, unchanged = _changed(extension, old, findings)
        undecided += unchanged
    if replaced is not None:
        schema = Check(extension, world, old, None)
        check_schema(schema, replaced)
        findings += schema.findings
        undecided += [f"the installed version {replaced.manifest.version}: {u}" for u in replaced.undecided]
    undecided += _unknown(check)
    return _report(extension, findings, tuple(undecided))


def _check_content(check: Check) -> None:
    check_objects(check)
    check_references(check)
    check_subscribers(check)
    check_code(check)
    check.look_from(None)


def _visible(extension: Extension, apps: Sequence[AppIndex]) -> list[AppIndex]:
    """The base and those other extensions; a copy of the extension itself in the set is passed over."""
    return [a for a in apps if a.app.id != extension.manifest.id]


def _changed(extension: Extension, old: World, findings: tuple[Finding, ...]) -> tuple[tuple[Finding, ...], list[str]]:
    """Leave out the breaks that show against the old base too: the extension works there, so nothing is proven."""
    if not any(_comparable(f) for f in findings):
        return findings, []
    before = Check(extension, old, None, None)
    _check_content(before)
    same = {(f.code, f.symbol, f.file, f.line, f.column) for f in before.findings}
    dropped = [f for f in findings if _comparable(f) and (f.code, f.symbol, f.file, f.line, f.column) in same]
    if not dropped:
        return findings, []
    kept = tuple(f for f in findings if f not in dropped)
    first, several = dropped[0], len(dropped) > 1
    place = f"{first.file} ({first.line},{first.column}): {first.code} {first.symbol}"
    count = f"{len(dropped)} {'places do' if several else 'place does'}"
    reason = (
        f"{count} not fit the old base either, so nothing can be said of {'them' if several else 'it'}; "
        f"{'the first is' if several else 'it is'} {place}"
    )
    return kept, [reason]


def _comparable(finding: Finding) -> bool:
    return finding.severity is Severity.BLOCKS and finding.level is not Level.MANIFEST


def _unknown(check: Check) -> list[str]:
    if not check.unknown:
        return []
    names = ", ".join(list(check.unknown)[:3])
    gaps = "the source that could not be read" if check.extension.has_gaps else "more than the symbols tell"
    absent = ", ".join(check.absent) or gaps
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


def check_packages(packages: Sequence[Package], target: Target, replaced: Sequence[Package] = ()) -> list[Report]:
    """Judge packages together, dependencies before dependents; who needs a broken one is told so.

    `replaced` are installed versions whose place staged ones among `packages` take: what would keep these from
    taking over the data is reported. One that cannot be read leaves that undecided.
    """
    opened: list[Extension] = []
    reports: list[Report] = []
    for package in packages:
        try:
            opened.append(open_extension(package))
        except PackageError as error:
            package.problem = package.problem or str(error)
            reports.append(unreadable(package))
    installed, unread = _installed(replaced)
    neighbours = Neighbours(opened)
    broken: dict[str, Report] = {}
    for extension in in_dependency_order(opened):
        seen = _closure(extension, opened)
        strangers = [o for o in neighbours.of(extension) if o not in seen]
        has_unread = len(opened) < len(packages)
        before = installed.get(extension.manifest.id)
        if before is not None and before.package.digest == extension.package.digest:
            before = None  # it is installed already
        report = check_extension(extension, target, seen, has_unread=has_unread, replaced=before)
        if extension.manifest.id in unread:
            why = f"the installed version cannot be compared: {unread[extension.manifest.id]}"
            report = _with_findings(replace(report, undecided=(*report.undecided, why)), ())
        report = _with_clashes(report, extension, strangers)
        report = _cascade(report, extension, opened, broken)
        if report.verdict is Verdict.INCOMPATIBLE:
            broken[extension.manifest.id] = report
        reports.append(report)
    return reports


def _installed(packages: Sequence[Package]) -> tuple[dict[str, Extension], dict[str, str]]:
    """Installed versions by app id, and why some cannot be read."""
    found: dict[str, Extension] = {}
    unread: dict[str, str] = {}
    for package in packages:
        try:
            extension = open_extension(package)
            found[extension.manifest.id] = extension
        except PackageError as error:
            if package.manifest is not None:
                unread[package.manifest.id] = str(error)
    return found, unread


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
    """Extensions of the set that this one names as dependencies, each in its newest version."""
    by_index = {id(o.index): o for o in among if o.manifest.id != extension.manifest.id}
    indexes = [o.index for o in among if id(o.index) in by_index]
    found = [provider(wanted, indexes) for wanted in extension.manifest.dependencies]
    return [by_index[id(f)] for f in found if f is not None]


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
    check = Check(extension, World(extension.index, newest([o.index for o in strangers])), None, None)
    check_clashes(check)
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
    known = {(f.code, f.symbol, f.file, f.line, f.column) for f in report.findings}
    fresh = (f for f in more if (f.code, f.symbol, f.file, f.line, f.column) not in known)
    findings = (*report.findings, *fresh)
    return replace(report, findings=findings, verdict=verdict_of(findings, report.undecided))
