"""Merges packages into one, with the refusals of the vendor's merge tool and portal.

Customizations may have been built for different platforms: what was built for an earlier one runs on a later one
(DP701), so the merged package is one of the latest.

A platform package and a customization become a merged package, which is applied in one downtime;
customizations of several publishers become the one that an environment can have.
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from shared.formats.deployable_package.archive.directory import Allowance, read_directory
from shared.formats.deployable_package.archive.entry import Entry
from shared.formats.deployable_package.archive.sources import FileSource
from shared.formats.deployable_package.archive.unpacking import EntryError, data_offset, read_chunks
from shared.formats.deployable_package.archive.writer import Packed, PlannedEntry
from shared.formats.deployable_package.findings import Findings
from shared.formats.deployable_package.judge.check import check_package
from shared.formats.deployable_package.judge.verdict import CheckOutcome, JudgedModule, PackageVerdict
from shared.formats.deployable_package.limits import Limits
from shared.formats.deployable_package.read.kinds import DeployableKind
from shared.formats.deployable_package.read.layout import (
    DEVELOPER_SERVICE_MODEL,
    LICENSES,
    RELEASED,
    REMOVAL_FILE,
    SCRIPTS,
    SERVICE_MODEL,
    TOPOLOGY,
    file_module,
)
from shared.formats.deployable_package.read.manifest import MANIFEST_NAME
from shared.formats.deployable_package.read.module_names import ModuleVersion, module_of_part
from shared.formats.deployable_package.write.build import BuildError, write_package
from shared.formats.deployable_package.write.skeleton import write_manifest
from shared.formats.versions import is_lower, version_numbers

_MOST_TOLD = 5
_REMOVAL_PATH = f"{SCRIPTS}/{REMOVAL_FILE}"
# Every package has these, and they may differ even between builds of one release: one of them is kept.
_ONE_OF_EACH = {
    name.lower()
    for name in (SERVICE_MODEL, DEVELOPER_SERVICE_MODEL, TOPOLOGY, RELEASED, f"{SCRIPTS}/MetaReleaseInfo.xml")
}


class MergeError(BuildError):
    """The packages cannot be merged; the message says why and what to change."""


@dataclass(frozen=True)
class _Input:
    path: Path
    verdict: PackageVerdict
    source: FileSource
    entries: tuple[Entry, ...]


def merge_packages(
    paths: Sequence[Path], out: Path, limits: Limits | None = None, take: Mapping[str, Path] | None = None
) -> None:
    """Merge valid packages into the file `out`; the same packages in one order give the same bytes.

    Files of the installer are taken from the platform package, or from the customization for the latest platform.
    `take` says of a module, by its name in any case, which of `paths` it is taken from where several bring it; it is
    left out of the others.
    Raises MergeError where fewer than two packages are given, one is invalid or has an unknown service model,
    more than one is a platform, one is merged already, a customization was built for a later platform than the one it
    comes with, or two bring a module or another file with different content and `take` does not choose. Raises
    InfrastructureError where a file cannot be read or written.
    """
    if len(paths) < 2:
        raise MergeError("merging takes at least two packages")
    bounds = limits or Limits()
    with ExitStack() as files:
        inputs = [_open(path, files, bounds) for path in paths]
        # The platform first, then the newest: what every package has is taken from the first that has it.
        inputs.sort(key=lambda one: version_numbers(one.verdict.platform_version), reverse=True)
        inputs.sort(key=lambda one: one.verdict.kind != DeployableKind.PLATFORM)
        _refuse_kinds(inputs)
        _refuse_later_builds(inputs)
        write_package(_plan(inputs, _chosen(inputs, take or {})), out)


def _open(path: Path, files: ExitStack, limits: Limits) -> _Input:
    verdict = check_package(path, limits=limits)
    if verdict.verdict is not CheckOutcome.VALID:
        first = next(iter(verdict.findings))
        raise MergeError(f"{path.name} is invalid ({first.rule} {first.message}); check it first")
    if any(finding.rule == "DP316" for finding in verdict.findings):
        raise MergeError(f"{path.name} has an unknown service model; restore it from the vendor's skeleton")
    source = files.enter_context(FileSource(path))
    entries = read_directory(source, "", Allowance(limits), Findings())
    return _Input(path, verdict, source, tuple(entry for entry in entries if not entry.is_folder))


def _refuse_kinds(inputs: Sequence[_Input]) -> None:
    for one in inputs:
        if one.verdict.kind == DeployableKind.MERGED:
            raise MergeError(f"{one.path.name} is merged already; merge the packages that it was made of")
    platforms = [one.path.name for one in inputs if one.verdict.kind == DeployableKind.PLATFORM]
    if len(platforms) > 1:
        raise MergeError(f"only one platform package can be merged, not {' and '.join(platforms)}")


def _refuse_later_builds(inputs: Sequence[_Input]) -> None:
    """A platform takes customizations that were built for it or for an earlier one."""
    platform, *others = inputs
    if platform.verdict.kind != DeployableKind.PLATFORM:
        return
    known = platform.verdict.platform_version
    for one in others:
        if is_lower(known, one.verdict.platform_version):
            stated = one.verdict.platform_version
            raise MergeError(
                f"{one.path.name} was built for platform {stated}, later than {known} of {platform.path.name}; merge "
                "it with that platform or a later one"
            )


def _chosen(inputs: Sequence[_Input], take: Mapping[str, Path]) -> dict[str, _Input]:
    """The package that each module is taken from where somebody chose; names in lower case."""
    chosen = {}
    for name, path in take.items():
        key = name.lower()
        owners = [one for one in inputs if any(module.key == key for module in one.verdict.modules)]
        owner = next((one for one in owners if one.path == path), None)
        if owner is None:
            brought = f"; it is in {_names(owners)}" if owners else ", nor does any other"
            raise MergeError(f"{name} cannot be taken from {path.name}, which does not bring it{brought}")
        if owners[0].verdict.kind == DeployableKind.PLATFORM and owner is not owners[0]:
            raise MergeError(f"{name} is a module of the platform; it can only be taken from {owners[0].path.name}")
        chosen[key] = owner
    return chosen


def _names(inputs: Sequence[_Input]) -> str:
    return " and ".join(one.path.name for one in inputs)


def _plan(inputs: Sequence[_Input], chosen: Mapping[str, _Input]) -> list[PlannedEntry]:
    modules = _pick_modules(inputs, chosen)
    planned: dict[str, tuple[PlannedEntry, _Input, Entry]] = {}
    for one in inputs:
        left_out = {module.key for module in one.verdict.modules if modules[module.key][1] is not one}
        for entry in one.entries:
            if entry.key in (MANIFEST_NAME.lower(), _REMOVAL_PATH.lower()) or _belongs_to(entry, left_out):
                continue
            if entry.key in planned and not _may_differ(planned[entry.key][1], one, entry):
                _refuse_difference(planned[entry.key][1:], one, entry)
            if entry.key not in planned:
                content = Packed(one.source, entry, data_offset(one.source, entry))
                planned[entry.key] = (PlannedEntry(entry.path, content), one, entry)
    removed = dict.fromkeys(name for one in inputs for name in one.verdict.removed_modules)
    taken = [name for name in removed if name in modules]
    if taken:
        raise MergeError(f"one package removes {', '.join(taken)} and another brings it")
    entries = [PlannedEntry(MANIFEST_NAME, _manifest(inputs, modules)), *(entry for entry, _, _ in planned.values())]
    if removed:
        lines = "".join(f"{name}\r\n" for name in removed).encode()
        entries.append(PlannedEntry(_REMOVAL_PATH, lines))
    return entries


def _manifest(inputs: Sequence[_Input], modules: Mapping[str, tuple[JudgedModule, _Input]]) -> bytes:
    first = inputs[0].verdict
    return write_manifest(
        DeployableKind.MERGED if first.kind == DeployableKind.PLATFORM else DeployableKind.CUSTOMIZATION,
        [ModuleVersion(module.name, module.version) for _, (module, _) in sorted(modules.items())],
        first.platform_version,
        first.application_version,
        sealed=not any(finding.rule == "DP213" for one in inputs for finding in one.verdict.findings),
        bom=True,
    )


def _pick_modules(inputs: Sequence[_Input], chosen: Mapping[str, _Input]) -> dict[str, tuple[JudgedModule, _Input]]:
    """Each module with the package that it is taken from: the chosen one, or the first of those that bring the same."""
    modules: dict[str, tuple[JudgedModule, _Input]] = {}
    undecided: dict[str, list[str]] = {}
    for one in inputs:
        for module in one.verdict.modules:
            if chosen.get(module.key, one) is not one:
                continue
            other, owner = modules.setdefault(module.key, (module, one))
            if owner is not one and _content(other) != _content(module):
                brought = undecided.setdefault(other.name, [f"{owner.path.name} brings {other.name} {other.version}"])
                brought.append(f"{one.path.name} {module.version}")
    if undecided:
        name = next(iter(undecided))
        _refuse_undecided(list(undecided.values()), f"{name}={modules[name.lower()][1].path.name}")
    return modules


def _refuse_undecided(brought: Sequence[Sequence[str]], example: str) -> None:
    told = "; ".join(", ".join(one) for one in brought[:_MOST_TOLD])
    if len(brought) > _MOST_TOLD:
        told += f"; and so for {len(brought) - _MOST_TOLD} more modules"
    raise MergeError(
        f"{told}, with different content. Choose where each is taken from: --take {example} (`take` in the command), "
        "or leave it out of the others"
    )


def _content(module: JudgedModule) -> tuple[str, tuple[str, ...], str]:
    return module.version, module.references, module.content_sha256


def _belongs_to(entry: Entry, modules: set[str]) -> bool:
    """Whether an entry is a file of one of these modules, or of a part that stands beside it."""
    return entry.key.endswith((".nupkg", ".zip")) and module_of_part(file_module(entry)[0]) in modules


def _may_differ(owner: _Input, one: _Input, entry: Entry) -> bool:
    """Whether two packages may hold different files of this name: the installer's own of two platform versions."""
    if entry.key in _ONE_OF_EACH:
        return True
    installers = "/" not in entry.path or entry.key.rpartition("/")[0] == SCRIPTS.lower()
    return installers and owner.verdict.platform_version != one.verdict.platform_version


def _refuse_difference(known: tuple[_Input, Entry], one: _Input, entry: Entry) -> None:
    owner, other = known
    if _sha256(owner, other) != _sha256(one, entry):
        licence = entry.key.startswith(LICENSES.lower())
        way = (
            "rename it in one of them"
            if licence
            else "build both with the files of one release, or leave it out of one"
        )
        raise MergeError(f"{owner.path.name} and {one.path.name} have different files {entry.path}; {way}")


def _sha256(one: _Input, entry: Entry) -> bytes:
    digest = hashlib.sha256()
    try:
        for chunk in read_chunks(one.source, entry):
            digest.update(chunk)
    except EntryError as error:
        raise MergeError(f"{one.path.name} changed while it was merged: {error.message}") from error
    return digest.digest()
