"""The judgement of a set: extensions together, dependencies before dependents."""

from collections.abc import Sequence

from shared.formats.al.finding import BreakFinding, BreakSeverity, Compatibility, PlaceLevel, Report, with_more
from shared.formats.al.package.container import Package, PackageError
from shared.formats.al.source.opening import OpenedExtension, open_extension

from .context import ExtensionCheck
from .extension import TargetSet, check_extension
from .manifest import newest
from .needs import namesakes, provider
from .neighbours import Neighbours
from .objects import check_clashes
from .world import World


def unreadable(package: Package) -> Report:
    """The answer for a file that names no extension: it cannot be verified, and why."""
    reason = f"{package.path}: {package.problem}"
    return Report("", package.path.rpartition("/")[2], "", "", Compatibility.UNVERIFIABLE, (), (reason,))


def check_packages(packages: Sequence[Package], target: TargetSet, replaced: Sequence[Package] = ()) -> list[Report]:
    """Judge packages together, dependencies before dependents; who needs a broken one is told so.

    `replaced` are installed versions whose place staged ones among `packages` take: what would keep these from
    taking over the data is reported. One that cannot be read leaves that undecided.
    """
    opened: list[OpenedExtension] = []
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
            report = with_more(report, undecided=(why,))
        report = _with_clashes(report, extension, strangers)
        report = _cascade(report, extension, opened, broken)
        if report.verdict is Compatibility.INCOMPATIBLE:
            broken[extension.manifest.id] = report
        reports.append(report)
    return reports


def _installed(packages: Sequence[Package]) -> tuple[dict[str, OpenedExtension], dict[str, str]]:
    """Installed versions by app id, and why some cannot be read."""
    found: dict[str, OpenedExtension] = {}
    unread: dict[str, str] = {}
    for package in packages:
        try:
            extension = open_extension(package)
            found[extension.manifest.id] = extension
        except PackageError as error:
            if package.manifest is not None:
                unread[package.manifest.id] = str(error)
    return found, unread


def in_dependency_order(extensions: Sequence[OpenedExtension]) -> list[OpenedExtension]:
    """Dependencies first; extensions that do not depend on each other keep their order."""
    done: list[OpenedExtension] = []
    started: set[int] = set()

    def visit(extension: OpenedExtension) -> None:
        if id(extension) in started:
            return
        started.add(id(extension))
        for other in _direct(extension, extensions):
            visit(other)
        done.append(extension)

    for extension in extensions:
        visit(extension)
    return done


def _direct(extension: OpenedExtension, among: Sequence[OpenedExtension]) -> list[OpenedExtension]:
    """Extensions of the set that this one names as dependencies, each in its newest version."""
    by_index = {id(o.index): o for o in among if o.manifest.id != extension.manifest.id}
    indexes = [o.index for o in among if id(o.index) in by_index]
    found = [provider(wanted, indexes) for wanted in extension.manifest.dependencies]
    return [by_index[id(f)] for f in found if f is not None]


def _closure(extension: OpenedExtension, among: Sequence[OpenedExtension]) -> list[OpenedExtension]:
    """Extensions that this one depends on, directly or through others, and namesakes of what is not there."""
    found: list[OpenedExtension] = []
    pending = [*_direct(extension, among), *_namesakes(extension, among)]
    while pending:
        other = pending.pop()
        if other not in found and other is not extension:
            found.append(other)
            pending += _direct(other, among)
    return found


def _namesakes(extension: OpenedExtension, among: Sequence[OpenedExtension]) -> list[OpenedExtension]:
    """Extensions that have the name and publisher of a dependency that is not there, under another id."""
    others = [o for o in among if o is not extension]
    indexes = [o.index for o in others]
    wanted = [w for w in extension.manifest.dependencies if provider(w, indexes) is None]
    return [o for o in others if any(namesakes(w, [o.index]) for w in wanted)]


def _with_clashes(report: Report, extension: OpenedExtension, strangers: Sequence[OpenedExtension]) -> Report:
    """Rows 24 and 25 between extensions that do not know each other."""
    if not strangers:
        return report
    check = ExtensionCheck(extension, World(extension.index, newest([o.index for o in strangers])), None, None)
    check_clashes(check)
    return with_more(report, check.findings)


def _cascade(
    report: Report, extension: OpenedExtension, among: Sequence[OpenedExtension], broken: dict[str, Report]
) -> Report:
    found = []
    for other in _direct(extension, among):
        if other.manifest.id in broken:
            name = other.manifest.name
            message = f"It depends on {other.title}, which is not compatible with the target itself."
            advice = f"Bring {name} into a compatible version first."
            found.append(
                BreakFinding("DRYDOCK", BreakSeverity.BLOCKS, PlaceLevel.MANIFEST, name, message, suggestion=advice)
            )
    return with_more(report, tuple(found))
