"""Checks a deployable package from its first byte to a verdict."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from shared.formats.deployable_package.archive.directory import Allowance, DirectoryError, read_directory
from shared.formats.deployable_package.archive.entry import Entry
from shared.formats.deployable_package.archive.sources import Bytes, FileSource, Source
from shared.formats.deployable_package.archive.unpacking import EntryError, read_whole
from shared.formats.deployable_package.findings import Findings, InfrastructureError
from shared.formats.deployable_package.judge.consistency import (
    is_vendors,
    judge_files,
    judge_meta_packages,
    judge_nuget,
    vendor_modules,
)
from shared.formats.deployable_package.judge.dependencies import judge_dependencies
from shared.formats.deployable_package.judge.manifest import judge_kind, judge_manifest, judge_module_list
from shared.formats.deployable_package.judge.modules_and_licenses import judge_licenses, judge_module_kinds
from shared.formats.deployable_package.judge.payloads import judge_file_contents, judge_file_names
from shared.formats.deployable_package.judge.removal import judge_removal
from shared.formats.deployable_package.judge.service_model import judge_service_model
from shared.formats.deployable_package.judge.target import (
    TargetImage,
    judge_modules,
    judge_vendor_names,
    judge_versions,
)
from shared.formats.deployable_package.judge.verdict import CheckOutcome, JudgedModule, PackageVerdict
from shared.formats.deployable_package.limits import Limits
from shared.formats.deployable_package.read.content_reader import ContentReader, Progress
from shared.formats.deployable_package.read.kinds import DeployableKind
from shared.formats.deployable_package.read.layout import (
    DEVELOPER_SERVICE_MODEL,
    RELEASED,
    REMOVAL_FILE,
    SCRIPTS,
    SERVICE_MODEL,
    TOPOLOGY,
    Layout,
    file_module,
    lay_out,
)
from shared.formats.deployable_package.read.manifest import PackageManifest, read_manifest
from shared.formats.deployable_package.read.module_names import ModuleVersion, is_module_name
from shared.formats.deployable_package.read.nuget import NugetPackage, read_nuget
from shared.formats.deployable_package.read.payload import Payload
from shared.formats.deployable_package.read.release import Release
from shared.formats.deployable_package.read.removal_file import read_removal_file

_APPLICATION_META = "meta-application-runtime"


def check_package(
    file: Path | BinaryIO,
    *,
    release: Release | None = None,
    newer_releases: Sequence[Release] = (),
    target: TargetImage | None = None,
    limits: Limits | None = None,
    sha256: str | None = None,
    progress: Progress | None = None,
) -> PackageVerdict:
    """Check a package in a file or seekable file object, against a release and a running image where given.

    Nothing is written to disk, and nothing is unpacked before the archive's directory was judged. `sha256` is
    the hash of the file where the caller knows it already. Whatever the file holds the answer is a verdict;
    InfrastructureError is raised only for reasons outside the package: an unreadable file, no time left.
    """
    with FileSource(file) as source:
        return _Check(source, limits or Limits(), release, newer_releases, target).run(sha256, progress)


class _Check:
    def __init__(
        self,
        source: Source,
        limits: Limits,
        release: Release | None,
        newer_releases: Sequence[Release],
        target: TargetImage | None,
    ) -> None:
        self._source = source
        self._limits = limits
        self._release = release
        self._newer_releases = newer_releases
        self._target = target
        self._deadline = time.monotonic() + limits.seconds
        self._findings = Findings()
        self._allowance = Allowance(limits)

    def run(self, sha256: str | None, progress: Progress | None) -> PackageVerdict:
        try:
            entries = read_directory(self._source, "", self._allowance, self._findings)
        except DirectoryError:
            return self._verdict(None, None)
        layout = lay_out(entries, self._findings)
        if layout is None or layout.manifest is None:
            return self._verdict(None, None)
        content = self._document(layout.manifest)
        manifest = read_manifest(content, layout.manifest.path, self._findings) if content is not None else None
        about_services = Findings()
        guid = judge_service_model(self._service_documents(layout, about_services), about_services)
        kind = judge_kind(manifest, guid, self._findings) if manifest is not None else None
        if kind is not None and kind not in tuple(DeployableKind):
            # A package of another type has other files: what it is says all.
            return self._verdict(manifest, kind)
        self._findings.extend(about_services)
        if manifest is None:
            return self._verdict(None, None)
        judge_manifest(manifest, kind, self._findings)
        if kind is None:
            return self._verdict(manifest, None)
        return self._run_content(manifest, kind, layout, sha256, progress)

    def _run_content(
        self, manifest: PackageManifest, kind: str, layout: Layout, sha256: str | None, progress: Progress | None
    ) -> PackageVerdict:
        judge_files(manifest, layout, self._findings)
        nuget = self._nuget_packages(kind, layout)
        vendors = vendor_modules(kind, [module.key for module in manifest.modules], nuget)
        judge_module_kinds(kind, nuget, vendors, self._findings)
        removed = self._removed(layout, nuget)
        judge_module_list(manifest, kind, removed, len(layout.licenses), self._findings)
        payloads = [Payload(entry, *file_module(entry)) for entry in layout.payloads]
        reader = ContentReader(self._source, self._allowance, self._deadline, self._findings, progress)
        for payload in payloads:
            reader.open_stored(payload)
        if any(payload.damaged for payload in payloads):
            return self._verdict(manifest, kind, nuget, payloads, removed)

        def judge_payload_names() -> None:
            for payload in payloads:
                if payload.opened:
                    judge_file_names(payload, self._findings, by_vendor=is_vendors(payload.name, kind, vendors))

        file_hash = reader.read_all(payloads, layout.others, sha256 is None, judge_payload_names)
        for payload in payloads:
            if payload.opened:
                judge_file_contents(payload, self._findings, by_vendor=is_vendors(payload.name, kind, vendors))
        names = [package.summary or package.name for package in nuget]
        judge_licenses([(one.path, self._document(one)) for one in layout.licenses], names, self._findings)
        modules = [package for package in nuget if is_module_name(package.name)]
        platform = self._target.platform_modules if self._target is not None else frozenset()
        judge_dependencies(modules, self._release, self._newer_releases, platform, self._findings)
        self._judge_target(manifest, kind, nuget, vendors, payloads, removed, layout)
        return self._verdict(manifest, kind, nuget, payloads, removed, sha256 or file_hash)

    def _document(self, entry: Entry, most: int | None = None, findings: Findings | None = None) -> Bytes | None:
        """Return a descriptive file's content; None after reporting what is wrong with it."""
        most = self._limits.document if most is None else most
        findings = self._findings if findings is None else findings
        if entry.size > most:
            findings.add("DP214", entry.path, f"has {entry.size} bytes, at most {most} are allowed")
            return None
        try:
            return read_whole(self._source, entry)
        except EntryError as damage:
            findings.add(damage.rule, entry.path, damage.message)
            return None

    def _service_documents(self, layout: Layout, findings: Findings) -> dict[str, tuple[str, Bytes | None]]:
        names = (SERVICE_MODEL, TOPOLOGY, RELEASED, DEVELOPER_SERVICE_MODEL)
        found = {name: layout.at_root(name) for name in names}
        return {
            name: (one.path, self._document(one, findings=findings)) for name, one in found.items() if one is not None
        }

    def _nuget_packages(self, kind: str, layout: Layout) -> list[NugetPackage]:
        packages = []
        for entry in layout.nuget:
            content = self._document(entry, self._limits.nuget_package)
            if time.monotonic() > self._deadline:
                raise InfrastructureError("the time for this check ran out")
            if content is None:
                continue
            name, version = file_module(entry)
            package = read_nuget(content, entry.path, name, version, self._allowance, self._findings)
            if package is not None:
                packages.append(package)
                judge_nuget(package, self._findings)
        names = {file_module(entry)[0] for entry in layout.nuget}
        judge_meta_packages(kind, packages, names, self._findings)
        return packages

    def _removed(self, layout: Layout, nuget: Sequence[NugetPackage]) -> tuple[str, ...]:
        for entry in layout.misplaced_removal:
            told = f"removes nothing; the installer reads {SCRIPTS}/{REMOVAL_FILE} alone"
            self._findings.add("DP606", entry.path, told)
        if layout.removal is None:
            return ()
        content = self._document(layout.removal)
        if content is None:
            return ()
        path = layout.removal.path
        removed = read_removal_file(content, path, self._limits.removal_lines, self._findings)
        names = {file_module(entry)[0] for entry in layout.nuget}
        platform = self._target.platform_modules if self._target is not None else frozenset()
        judge_removal(removed, path, nuget, names, self._release, platform, self._findings)
        return removed

    def _judge_target(
        self,
        manifest: PackageManifest,
        kind: str,
        nuget: Sequence[NugetPackage],
        vendors: frozenset[str],
        payloads: Sequence[Payload],
        removed: Sequence[str],
        layout: Layout,
    ) -> None:
        target, release = self._target, self._release
        own_modules = [ModuleVersion(module.name, module.version) for module in manifest.modules]
        platform = target.platform_modules if target is not None else frozenset()
        judge_vendor_names(manifest, kind, release, platform, self._findings)
        versions = target if target is not None else release
        if versions is not None:
            judge_versions(
                manifest,
                kind,
                _application_version(manifest, nuget),
                versions.platform_version,
                versions.application_version,
                self._findings,
            )
        if target is not None and kind != DeployableKind.PLATFORM:
            known = vendors | target.platform_modules | (release.names if release is not None else frozenset())
            customs = [module for module in own_modules if module.key not in known]
            contents = {
                payload.name: payload.content_sha256
                for payload in payloads
                if payload.name not in known and is_module_name(payload.name)
            }
            path = layout.removal.path if layout.removal is not None else ""
            judge_modules(manifest, customs, contents, removed, path, target, self._findings)

    def _verdict(
        self,
        manifest: PackageManifest | None,
        kind: str | None,
        nuget: Sequence[NugetPackage] = (),
        payloads: Sequence[Payload] = (),
        removed: tuple[str, ...] = (),
        sha256: str | None = None,
    ) -> PackageVerdict:
        contents = {payload.name: payload.content_sha256 for payload in payloads}
        by_name = {package.name: package for package in nuget}
        stated = [module.key for module in manifest.modules] if manifest is not None else []
        vendors = vendor_modules(kind, stated, nuget) if kind is not None else frozenset()
        modules = []
        for module in manifest.modules if manifest is not None else ():
            package = by_name.get(module.key)
            # Only the summary keeps the name's case; one that is another name altogether is not believed.
            name = package.summary if package is not None and package.summary.lower() == module.key else module.name
            references = package.references if package is not None else ()
            vendor = module.key in vendors
            modules.append(JudgedModule(name, module.version, references, contents.get(module.key, ""), vendor))
        return PackageVerdict(
            verdict=CheckOutcome.INVALID if self._findings.errors else CheckOutcome.VALID,
            findings=self._findings.sorted(),
            kind=kind,
            modules=tuple(modules),
            publisher=manifest.publisher if manifest is not None else "",
            platform_version=manifest.platform_version if manifest is not None else "",
            application_version=_application_version(manifest, nuget) if manifest is not None else "",
            removed_modules=removed,
            size=self._source.size,
            sha256=sha256,
        )


def _application_version(manifest: PackageManifest, nuget: Sequence[NugetPackage]) -> str:
    """Customization packages may state none; a vendor's package has it in its application meta package."""
    if manifest.application_version:
        return manifest.application_version
    return next((package.version for package in nuget if package.name == _APPLICATION_META), "")
