"""Judging a set of extensions: what was judged before is taken from there, the rest is shared among the children."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

from msgspec.structs import replace

from services.extension_compatibility_checker.judgement_cache import (
    JudgementCache,
    clusters,
    judgement_key,
    shares,
    surroundings,
)
from services.extension_compatibility_checker.reading import Reading
from services.extension_compatibility_checker.requests import (
    ExtensionPackage,
    ExtensionsJudged,
    Judge,
    LookInto,
    Seen,
    Sight,
)
from shared.artifacts.port import ArtifactStore
from shared.contracts.parts import Extension
from shared.formats.al.check.extension_set import unreadable
from shared.formats.al.finding import Report
from shared.formats.al.package.container import MAX_FILE, AppFileKind, Package
from shared.formats.al.package.version import Version

T = TypeVar("T")


@dataclass(frozen=True)
class TargetIndexes:
    """Indexes of a base, or of the one in use: the files, and what they are called in keys."""

    files: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class SetJudgement:
    """A report for each extension of a set, in its order, and the app ids of those that were judged before."""

    reports: tuple[Report, ...]
    reused: frozenset[str]


class Judging:
    """Judges with the packages of one artifact store.

    Raise ArtifactStoreError, OSError, ChildDied, TaskFailed, and IndexDamaged where an index file must be made anew.
    """

    def __init__(self, artifacts: ArtifactStore, reading: Reading, judgements: JudgementCache) -> None:
        self._artifacts = artifacts
        self._reading = reading
        self._judgements = judgements

    async def judge(
        self, extensions: Sequence[Extension], replaced: Sequence[Extension], bases: TargetIndexes, old: TargetIndexes
    ) -> SetJudgement:
        """Judge a set. `replaced` are the installed versions of those of which the set has a staged one."""
        labels = {label(one): one for one in extensions}
        sights = await self._sights(labels)
        around = surroundings(sights)
        digests = {name: one.artifact.digest for name, one in labels.items()}
        installed = {label(one): one for one in replaced}
        before = {name: one.artifact.digest for name, one in installed.items()}
        has_unread = bool(around.unread)
        keys = {
            name: judgement_key(name, context, digests, before, bases.keys, old.keys, has_unread=has_unread)
            for name, context in around.context.items()
        }
        known = await asyncio.to_thread(self._known, keys)
        wanted = [name for name in keys if name not in known]
        sizes = {name: one.artifact.size for name, one in labels.items()}
        parts = shares(clusters(wanted, around.context), sizes, self._reading.most)
        # One package that cannot be read is enough to make uncertain what is missing.
        unread = {name: sights[name].problem for name in around.unread[:1]}

        def ask(part: Iterable[str]) -> Coroutine[Any, Any, dict[str, Report]]:
            seen = sorted({one for name in part for one in around.context[name]})
            given = {name: labels[name] for name in [*seen, *unread]}
            return self._ask(given, unread, {name: installed[name] for name in seen if name in installed}, bases, old)

        found = await _together([ask(part) for part in parts])
        fresh = {name: report for reports in found for name, report in reports.items() if name in wanted}
        await asyncio.to_thread(self._keep, {keys[name]: report for name, report in fresh.items()})
        refused = {
            name: unreadable(Package(name, AppFileKind.DAMAGED, digests[name], problem=sights[name].problem))
            for name in around.unread
        }
        reports = {**known, **fresh, **refused}
        return SetJudgement(
            tuple(_named(reports[name], extension) for name, extension in labels.items()),
            frozenset(labels[name].app_id for name in known),
        )

    async def _sights(self, labels: Mapping[str, Extension]) -> dict[str, Sight]:
        """What each package shows to the others. One that is another app than the set says cannot be read."""
        known = await asyncio.to_thread(self._seen, labels)
        sizes = {}
        for name in labels.keys() - known.keys():
            size = (await self._artifacts.describe(labels[name].artifact.digest)).size
            if size > MAX_FILE:
                known[name] = Sight(None, f"it has {size} bytes; the limit is {MAX_FILE}")
            else:
                sizes[name] = size
        parts = shares([{name} for name in sorted(sizes)], sizes, self._reading.most)
        looks = [self._look_into({name: labels[name] for name in part}) for part in parts]
        fresh = {name: sight for seen in await _together(looks) for name, sight in seen.items()}
        await asyncio.to_thread(self._keep_sights, {labels[name].artifact.digest: fresh[name] for name in fresh})
        return {name: _as_said({**known, **fresh}[name], extension) for name, extension in labels.items()}

    async def _look_into(self, packages: Mapping[str, Extension]) -> dict[str, Sight]:
        async with AsyncExitStack() as stack:
            files = [await self._file(stack, extension) for extension in packages.values()]
            return (await self._reading.ask(LookInto(tuple(files)), Seen, read=_paths(files))).sights

    async def _ask(
        self,
        packages: Mapping[str, Extension],
        unread: Mapping[str, str],
        replaced: Mapping[str, Extension],
        bases: TargetIndexes,
        old: TargetIndexes,
    ) -> dict[str, Report]:
        async with AsyncExitStack() as stack:
            files = [await self._file(stack, one, unread.get(name, "")) for name, one in packages.items()]
            installed = [await self._file(stack, one) for one in replaced.values()]
            request = Judge(tuple(files), tuple(installed), bases.files, old.files)
            read = _paths([*files, *installed])
            return (await self._reading.ask(request, ExtensionsJudged, read=read)).reports

    async def _file(self, stack: AsyncExitStack, extension: Extension, problem: str = "") -> ExtensionPackage:
        """The package as a file; its digest is verified by the time the stack is closed."""
        digest = extension.artifact.digest
        path = "" if problem else str(await stack.enter_async_context(self._artifacts.local_file(digest)))
        return ExtensionPackage(label(extension), digest, path, problem)

    def _known(self, keys: Mapping[str, str]) -> dict[str, Report]:
        found = ((name, self._judgements.report(key)) for name, key in keys.items())
        return {name: report for name, report in found if report}

    def _seen(self, labels: Mapping[str, Extension]) -> dict[str, Sight]:
        found = ((name, self._judgements.sight(one.artifact.digest)) for name, one in labels.items())
        return {name: sight for name, sight in found if sight}

    def _keep(self, reports: Mapping[str, Report]) -> None:
        for key, report in reports.items():
            self._judgements.keep_report(key, report)

    def _keep_sights(self, sights: Mapping[str, Sight]) -> None:
        for digest, sight in sights.items():
            self._judgements.keep_sight(digest, sight)


def _paths(files: Sequence[ExtensionPackage]) -> list[str]:
    return [file.path for file in files if file.path]


def label(extension: Extension) -> str:
    """What the package of an extension is called in reports."""
    return f"{extension.app_id}.app"


def _as_said(sight: Sight, extension: Extension) -> Sight:
    app = sight.app
    if app is None or sight.problem or (app.id, app.version) == (extension.app_id, Version.parse(extension.version)):
        return sight
    found = f"{app.name} {app.version} ({app.id})"
    said = f"{extension.name} {extension.version} ({extension.app_id})"
    return Sight(None, f"the file is {found}, not {said}")


def _named(report: Report, extension: Extension) -> Report:
    """A report with the name that the set gives; the report on a file that names nobody has none."""
    if report.id:
        return report
    file = label(extension)
    return replace(
        report,
        id=extension.app_id,
        name=extension.name,
        publisher=extension.publisher,
        version=extension.version,
        undecided=tuple(reason.removeprefix(f"{file}: ") for reason in report.undecided),
    )


async def _together(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """All of it at once. One that fails ends the others, and is raised when they have ended."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
