"""The judgement of one extension against a target set and what stands beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.formats.al.finding import BreakFinding, BreakSeverity, PlaceLevel, Report, verdict_of
from shared.formats.al.source.opening import OpenedExtension
from shared.formats.al.symbols.index import AppIndex

from .code import check_code
from .context import ExtensionCheck
from .events import check_subscribers
from .manifest import absent_apps, application_version, check_manifest, newest, reached_apps
from .objects import check_objects
from .references import check_references
from .schema import check_schema
from .world import World


@dataclass(frozen=True)
class TargetSet:
    """One target set: the base and what belongs to it. `old` is the base in use today, empty if not known."""

    apps: Sequence[AppIndex]
    old: Sequence[AppIndex] = ()

    @property
    def before(self) -> Sequence[AppIndex]:
        """The base in use today where it is another than the target."""
        there = {(a.app.id, a.app.version, a.app.country) for a in self.apps}
        return () if all((a.app.id, a.app.version, a.app.country) in there for a in self.old) else self.old


def check_extension(
    extension: OpenedExtension,
    target: TargetSet,
    others: Sequence[OpenedExtension] = (),
    *,
    has_unread: bool = False,
    replaced: OpenedExtension | None = None,
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
    check = ExtensionCheck(extension, world, old, application_version(apps), absent, has_unread)
    check.reached, check.old_version = reached_apps(extension.manifest, apps), old_version
    check_manifest(check, apps)
    _check_content(check)
    findings, undecided = check.findings, list(extension.undecided)
    if old is not None and replaced is None:
        findings, unchanged = _changed(extension, old, findings)
        undecided += unchanged
    if replaced is not None:
        schema = ExtensionCheck(extension, world, old, None)
        check_schema(schema, replaced)
        findings += schema.findings
        undecided += [f"the installed version {replaced.manifest.version}: {u}" for u in replaced.undecided]
    undecided += _unknown(check)
    return _report(extension, findings, tuple(undecided))


def _check_content(check: ExtensionCheck) -> None:
    check_objects(check)
    check_references(check)
    check_subscribers(check)
    check_code(check)
    check.look_from(None)


def _visible(extension: OpenedExtension, apps: Sequence[AppIndex]) -> list[AppIndex]:
    """The base and those other extensions; a copy of the extension itself in the set is passed over."""
    return [a for a in apps if a.app.id != extension.manifest.id]


def _changed(
    extension: OpenedExtension, old: World, findings: tuple[BreakFinding, ...]
) -> tuple[tuple[BreakFinding, ...], list[str]]:
    """Leave out the breaks that show against the old base too: the extension works there, so nothing is proven."""
    if not any(_comparable(f) for f in findings):
        return findings, []
    before = ExtensionCheck(extension, old, None, None)
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


def _comparable(finding: BreakFinding) -> bool:
    return finding.severity is BreakSeverity.BLOCKS and finding.level is not PlaceLevel.MANIFEST


def _unknown(check: ExtensionCheck) -> list[str]:
    if not check.unknown:
        return []
    names = ", ".join(list(check.unknown)[:3])
    gaps = "the source that could not be read" if check.extension.has_gaps else "more than the symbols tell"
    absent = ", ".join(check.absent) or gaps
    count = f"{len(check.unknown)} reference{'s' if len(check.unknown) > 1 else ''}"
    return [f"{count} cannot be decided without {absent}: {names}"]


def _report(extension: OpenedExtension, findings: tuple[BreakFinding, ...], undecided: tuple[str, ...]) -> Report:
    m = extension.manifest
    verdict = verdict_of(findings, undecided)
    return Report(m.id, m.name, m.publisher, str(m.version), verdict, findings, undecided)
