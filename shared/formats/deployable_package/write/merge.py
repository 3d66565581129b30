"""Merges packages into one, with the refusals of the vendor's merge tool and portal.

A platform package and a customization become a merged package, which is applied in one downtime;
customizations of several publishers become the one that an environment can have.
"""

import hashlib
from collections.abc import Sequence
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
    RELEASED,
    REMOVAL_FILE,
    SCRIPTS,
    SERVICE_MODEL,
    TOPOLOGY,
    file_module,
)
from shared.formats.deployable_package.read.manifest import MANIFEST_NAME
from shared.formats.deployable_package.read.module_names import ModuleVersion
from shared.formats.deployable_package.write.build import BuildError, write_package
from shared.formats.deployable_package.write.skeleton import write_manifest
from shared.formats.versions import is_lower, version_numbers

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


def merge_packages(paths: Sequence[Path], out: Path, limits: Limits | None = None) -> None:
    """Merge valid packages into the file `out`; the same packages in one order give the same bytes.

    Files of the installer are taken from the platform package, or from the customization for the latest platform.
    Raises MergeError where fewer than two packages are given, one is invalid or has an unknown service model,
    more than one is a platform, one is merged already, they are of different releases, or two bring a module
    or another file with different content. Raises InfrastructureError where a file cannot be read or written.
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
        _refuse_releases(inputs)
        write_package(_plan(inputs), out)


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


def _refuse_releases(inputs: Sequence[_Input]) -> None:
    """Customizations must be of one release, and not of a later one than the platform they come with.

    Of one release are packages whose platform versions agree but for the last number, the build.
    """
    first = inputs[0]
    with_platform = first.verdict.kind == DeployableKind.PLATFORM
    for one in inputs[1:]:
        known, stated = first.verdict.platform_version, one.verdict.platform_version
        if with_platform and is_lower(known, stated):
            raise MergeError(f"{one.path.name} was built for platform {stated}, later than {known}")
        if not with_platform and version_numbers(known)[:3] != version_numbers(stated)[:3]:
            raise MergeError(f"{one.path.name} is of platform {stated} and {first.path.name} of {known}")


def _plan(inputs: Sequence[_Input]) -> list[PlannedEntry]:
    modules: dict[str, tuple[JudgedModule, _Input]] = {}
    planned: dict[str, tuple[PlannedEntry, _Input, Entry]] = {}
    for one in inputs:
        repeated = _add_modules(one, modules)
        for entry in one.entries:
            if entry.key in (MANIFEST_NAME.lower(), _REMOVAL_PATH.lower()) or _belongs_to(entry, repeated):
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
    first = inputs[0].verdict
    platform = first.kind == DeployableKind.PLATFORM
    manifest = write_manifest(
        DeployableKind.MERGED if platform else DeployableKind.CUSTOMIZATION,
        [ModuleVersion(module.name, module.version) for _, (module, _) in sorted(modules.items())],
        first.platform_version,
        first.application_version,
        sealed=not any(finding.rule == "DP213" for one in inputs for finding in one.verdict.findings),
        bom=True,
    )
    entries = [PlannedEntry(MANIFEST_NAME, manifest), *(entry for entry, _, _ in planned.values())]
    if removed:
        lines = "".join(f"{name}\r\n" for name in removed).encode()
        entries.append(PlannedEntry(_REMOVAL_PATH, lines))
    return entries


def _add_modules(one: _Input, modules: dict[str, tuple[JudgedModule, _Input]]) -> set[str]:
    """Add a package's modules and return those that another package has brought with the same content."""
    repeated = set()
    for module in one.verdict.modules:
        key = module.name.lower()
        other, owner = modules.setdefault(key, (module, one))
        if owner is one:
            continue
        if (other.version, other.references, other.content_sha256) != (
            module.version,
            module.references,
            module.content_sha256,
        ):
            raise MergeError(
                f"{owner.path.name} and {one.path.name} both bring {module.name}, with different content; "
                "leave it out of one of them"
            )
        repeated.add(key)
    return repeated


def _belongs_to(entry: Entry, modules: set[str]) -> bool:
    return entry.key.endswith((".nupkg", ".zip")) and file_module(entry)[0] in modules


def _may_differ(owner: _Input, one: _Input, entry: Entry) -> bool:
    """Whether two packages may hold different files of this name: the installer's own of two platform versions."""
    if entry.key in _ONE_OF_EACH:
        return True
    installers = "/" not in entry.path or entry.key.rpartition("/")[0] == SCRIPTS.lower()
    return installers and owner.verdict.platform_version != one.verdict.platform_version


def _refuse_difference(known: tuple[_Input, Entry], one: _Input, entry: Entry) -> None:
    owner, other = known
    if _sha256(owner, other) != _sha256(one, entry):
        raise MergeError(f"{owner.path.name} and {one.path.name} have different files {entry.path}")


def _sha256(one: _Input, entry: Entry) -> bytes:
    digest = hashlib.sha256()
    try:
        for chunk in read_chunks(one.source, entry):
            digest.update(chunk)
    except EntryError as error:
        raise MergeError(f"{one.path.name} changed while it was merged: {error.message}") from error
    return digest.digest()
