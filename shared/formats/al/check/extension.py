"""The judgement of one extension against a target set and what stands beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.formats.al.finding import (
    BreakFinding,
    BreakSeverity,
    CodePart,
    Compatibility,
    PlaceLevel,
    Report,
    with_parts,
)
from shared.formats.al.package.manifest import AppRef
from shared.formats.al.source.opening import OpenedExtension
from shared.formats.al.symbols.index import AppIndex

from .code import check_code
from .context import ExtensionCheck
from .events import check_subscribers
from .manifest import application_version, check_manifest, newest, reached_apps
from .needs import absent_apps
from .objects import check_objects
from .references import check_references
from .schema import check_schema
from .world import World


@dataclass(frozen=True)
class TargetSet:
    """One target set: the base and what belongs to it. `old` is the base in use today, empty if not known.

    `is_whole` says that the extensions checked with it are all that will be installed, as in an environment; on a
    command line nobody promises that.
    """

    apps: Sequence[AppIndex]
    old: Sequence[AppIndex] = ()
    is_whole: bool = False

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
    world = _world(extension, apps)
    old, old_version = None, None
    if target.before:
        today = newest([*target.before, *beside])
        old, old_version = _world(extension, today), application_version(today)
    absent = absent_apps(extension.manifest, apps)
    check = ExtensionCheck(extension, world, old, application_version(apps), absent, has_unread, old_version)
    gone = check_manifest(check, apps, is_whole=target.is_whole)
    _check_content(check)
    findings = check.findings
    undecided = {CodePart.RUNS: list(extension.undecided), CodePart.TESTS: list[str]()}
    if old is not None and replaced is None:
        findings, unchanged = _changed(extension, old, findings)
        for part, reason in unchanged.items():
            undecided[part].append(reason)
    if replaced is not None:
        schema = ExtensionCheck(extension, world, old, None)
        check_schema(schema, replaced)
        findings += schema.findings
        undecided[CodePart.RUNS] += [
            f"the installed version {replaced.manifest.version}: {u}" for u in replaced.undecided
        ]
    for part, reasons in undecided.items():
        reasons += _not_known(check, part, gone)
    return _report(check, findings, undecided)


def _world(extension: OpenedExtension, apps: Sequence[AppIndex]) -> World:
    """What the extension sees of the apps; a copy of itself among them is passed over."""
    manifest = extension.manifest
    visible = [a for a in apps if a.app.id != manifest.id]
    absent = absent_apps(manifest, apps)
    return World(extension.index, visible, absent=absent, reached=reached_apps(manifest, apps))


def _check_content(check: ExtensionCheck) -> None:
    check_objects(check)
    check_references(check)
    check_subscribers(check)
    check_code(check)
    check.look_from(None)


def _changed(
    extension: OpenedExtension, old: World, findings: tuple[BreakFinding, ...]
) -> tuple[tuple[BreakFinding, ...], dict[CodePart, str]]:
    """Leave out the breaks that show against the old base too: the extension works there, so nothing is proven.

    The second of the pair says so, for each part that has any.
    """
    if not any(_comparable(f) for f in findings):
        return findings, {}
    before = ExtensionCheck(extension, old, None, None)
    _check_content(before)
    same = {(f.code, f.symbol, f.file, f.line, f.column) for f in before.findings}
    dropped = [f for f in findings if _comparable(f) and (f.code, f.symbol, f.file, f.line, f.column) in same]
    by_part = {part: [f for f in dropped if f.part is part] for part in CodePart}
    return tuple(f for f in findings if f not in dropped), {p: _unfit(found) for p, found in by_part.items() if found}


def _unfit(dropped: Sequence[BreakFinding]) -> str:
    first, several = dropped[0], len(dropped) > 1
    place = f"{first.file} ({first.line},{first.column}): {first.code} {first.symbol}"
    count = f"{len(dropped)} {'places do' if several else 'place does'}"
    return (
        f"{count} not fit the old base either, so nothing can be said of {'them' if several else 'it'}; "
        f"{'the first is' if several else 'it is'} {place}"
    )


def _comparable(finding: BreakFinding) -> bool:
    return finding.severity is BreakSeverity.BLOCKS and finding.level is not PlaceLevel.MANIFEST


def _not_known(check: ExtensionCheck, part: CodePart, gone: frozenset[AppRef]) -> list[str]:
    """Which apps are needed and were not given, and the references that cannot be decided without them.

    An app that is certainly `gone` is a finding already. One that only other apps ask for matters where something is
    not found.
    """
    unknown, holders = check.unknown_in(part), check.holders_in(part)
    told = [a for a in check.absent if a.app not in gone and (a.part is part if a.is_direct else bool(unknown))]
    unread = "; a package of the set that cannot be read may be it" if check.has_unread else ""
    reasons = [a.sentence + unread for a in (*told, *holders)]
    if not unknown:
        return reasons
    gaps = "the source that could not be read" if check.extension.has_gaps else "more than the symbols tell"
    absent = ", ".join(a.name for a in (*check.absent, *holders)) or gaps
    count = f"{len(unknown)} reference{'s' if len(unknown) > 1 else ''}"
    return [*reasons, f"{count} cannot be decided without {absent}: {', '.join(unknown[:3])}"]


def _report(check: ExtensionCheck, findings: tuple[BreakFinding, ...], undecided: dict[CodePart, list[str]]) -> Report:
    m = check.extension.manifest
    runs, tests = (tuple(undecided[part]) for part in (CodePart.RUNS, CodePart.TESTS))
    report = Report(m.id, m.name, m.publisher, str(m.version), Compatibility.COMPATIBLE, ())
    return with_parts(report, findings, runs, tests if tests or check.parts.tests else None)
