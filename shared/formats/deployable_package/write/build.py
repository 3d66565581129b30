"""Builds deployable packages from modules."""

import fnmatch
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from shared.formats.deployable_package.archive.writer import ArchiveTooBigError, PlannedEntry, write_archive
from shared.formats.deployable_package.findings import InfrastructureError
from shared.formats.deployable_package.read.descriptors import (
    DescribedModule,
    find_descriptors,
    read_descriptors,
    unite_models,
)
from shared.formats.deployable_package.read.kinds import DeployableKind
from shared.formats.deployable_package.read.layout import (
    DEVELOPER_SERVICE_MODEL,
    LICENSES,
    RELEASED,
    REMOVAL_FILE,
    SCRIPTS,
    SERVICE_MODEL,
    TOPOLOGY,
    nuget_path,
    payload_path,
)
from shared.formats.deployable_package.read.manifest import MANIFEST_NAME
from shared.formats.deployable_package.read.module_names import PREFIX, ModuleVersion
from shared.formats.deployable_package.read.payload import file_version
from shared.formats.deployable_package.write.skeleton import (
    write_developer_service_model,
    write_install_config,
    write_manifest,
    write_nuspec,
    write_released_packages,
    write_service_model,
    write_topology,
)
from shared.formats.versions import is_four_part_version

_PLATFORM_MARK, _APPLICATION_MARK = "[Platform Package]", "[Application Package]"
# Platform modules of the vendor have kept the platform's major version, application modules the release's.
_PLATFORM_MAJOR = "7."
_XML = (".xml", ".nuspec")
# What the vendor's CreatePackage.psm1 takes of a module's folder: its folders but those with source, and of the files
# beside them these alone.
_SOURCE_FOLDERS = ("descriptor", "xppmetadata")
_FILES_BESIDE = re.compile(r".*\.config|filelocations\.xml|.*\.xref")
_CONTENT_TYPES = (
    b'<?xml version="1.0" encoding="utf-8"?>\n'
    b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    b'<Default Extension="nuspec" ContentType="application/octet" />'
    b'<Default Extension="json" ContentType="application/octet" /></Types>\n'
)


class BuildError(ValueError):
    """A package cannot be built from what is given; the message says why and what to change."""


@dataclass(frozen=True)
class ModuleSource:
    """A module to be packaged: its payload as (path in the module's folder, file or content).

    `references` are module names; `placeholder` says that its binaries stand in for ones that were not there.
    """

    name: str
    version: str
    references: tuple[str, ...]
    files: tuple[tuple[str, Path | bytes], ...]
    is_vendors: bool = False
    is_sealed: bool = True
    placeholder: bool = False

    @property
    def key(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class BuildOptions:
    """What is not a matter of modules; licences are (file name, content), the skeleton (path, file).

    `bom` is for the manifest, `line_end` for all XML that the builder writes: both forms occur.
    """

    kind: DeployableKind
    platform_version: str
    application_version: str = ""
    bom: bool = True
    licenses: tuple[tuple[str, bytes], ...] = ()
    removed: tuple[str, ...] = ()
    skeleton: tuple[tuple[str, Path], ...] = field(default=())
    line_end: Literal["\n", "\r\n"] = "\n"


def placeholder_files(module: str) -> tuple[tuple[str, bytes], ...]:
    """Return the smallest payload that counts as an X++ binary, for modules with descriptors only."""
    image = b"MZ" + bytes(62) + f"placeholder of Drydock for {module}\n".encode()
    return (
        (f"bin/Dynamics.AX.{module}.dll", image),
        (f"bin/{module}.md", f"placeholder of Drydock for {module}\n".encode()),
    )


def find_modules(folder: Path, version: str | None = None) -> list[ModuleSource]:
    """Find the modules anywhere under a folder by their descriptors, with the files beside them.

    A module's version is `version`, else the file version of its assembly, else the highest of its models.
    The folder that holds `Descriptor` is the payload, without descriptors, source and models' folders; where
    it has no `bin` the module gets placeholder binaries. Raises DescriptorError, BuildError and
    InfrastructureError.
    """
    paths = find_descriptors(folder)
    if not paths:
        raise BuildError(f"no model descriptor lies under {folder}; expected <Module>/Descriptor/<Model>.xml")
    modules = unite_models(read_descriptors(paths, folder))
    return [_module_source(module, folder, version) for module in modules]


def _module_source(module: DescribedModule, folder: Path, version: str | None) -> ModuleSource:
    roots = dict.fromkeys(folder / Path(model.place).parent.parent for model in module.models)
    model_names = {model.name.lower() for model in module.models}
    files: dict[str, Path] = {}
    for root in roots:
        for path, file in _payload_files(root, model_names):
            if files.setdefault(path, file) is not file:
                raise BuildError(f"module {module.name} has {path} in two folders: {files[path]} and {file}")
    compiled = any(path.lower().startswith("bin/") for path in files)
    chosen = version or (_assembly_version(module.name, files) if compiled else "") or module.version
    contents: dict[str, Path | bytes] = {**files}
    if not compiled:
        contents.update(placeholder_files(module.name))
    return ModuleSource(
        name=module.name,
        version=chosen,
        references=module.references,
        files=tuple(sorted(contents.items())),
        is_vendors=module.is_vendors,
        is_sealed=module.is_sealed,
        placeholder=not compiled,
    )


def _payload_files(root: Path, model_names: set[str]) -> list[tuple[str, Path]]:
    found = []
    try:
        for folder, folders, names in os.walk(root):
            here = Path(folder)
            if here == root:
                folders[:] = [one for one in folders if one.lower() not in (*_SOURCE_FOLDERS, *model_names)]
                names = [one for one in names if _FILES_BESIDE.fullmatch(one.lower())]
            links = [here / name for name in (*folders, *names) if (here / name).is_symlink()]
            if links:
                raise BuildError(f"{links[0]} is a link; packages hold plain files only")
            for name in names:
                path = here / name
                if not fnmatch.fnmatch(name.lower(), "*.delete"):
                    found.append((path.relative_to(root).as_posix(), path))
    except OSError as error:
        raise InfrastructureError(f"the module's folder cannot be read: {error}") from error
    return found


def _assembly_version(module: str, files: dict[str, Path]) -> str:
    wanted = f"bin/dynamics.ax.{module.lower()}.dll"
    assembly = next((file for path, file in files.items() if path.lower() == wanted), None)
    try:
        return file_version(assembly.read_bytes()) if assembly is not None else ""
    except OSError as error:
        raise InfrastructureError(f"the assembly cannot be read: {error}") from error


def plan_package(modules: Sequence[ModuleSource], options: BuildOptions) -> list[PlannedEntry]:
    """Lay out a package; nothing is written, and only what cannot be laid out is judged: BuildError."""
    if not is_four_part_version(options.platform_version):
        raise BuildError(f"platform version {options.platform_version!r} must have four numbers, as in 7.0.7606.108")
    if options.kind is not DeployableKind.CUSTOMIZATION and not is_four_part_version(options.application_version):
        raise BuildError("a platform package needs an application version of four numbers, as in 10.0.2345.10")
    ordered = sorted(modules, key=lambda one: one.key)
    versions = [ModuleVersion(module.name, module.version) for module in ordered]
    sealed = all(module.is_sealed for module in ordered)
    manifest = write_manifest(
        options.kind,
        versions,
        options.platform_version,
        options.application_version,
        sealed=sealed,
        bom=options.bom,
    )
    entries = [
        PlannedEntry(MANIFEST_NAME, manifest),
        PlannedEntry(SERVICE_MODEL, write_service_model()),
        PlannedEntry(DEVELOPER_SERVICE_MODEL, write_developer_service_model()),
        PlannedEntry(TOPOLOGY, write_topology()),
        PlannedEntry(RELEASED, write_released_packages()),
    ]
    if options.kind is not DeployableKind.CUSTOMIZATION:
        entries += _plan_meta_packages(ordered, options)
    documents = [*entries]
    for module in ordered:
        documents.append(nuget := plan_nuget(module))
        entries += [nuget, plan_payload(module)]
    if options.line_end != "\n":
        _end_lines(documents, options.line_end)
    if options.removed:
        content = "".join(f"{name}\r\n" for name in options.removed).encode()
        entries.append(PlannedEntry(f"{SCRIPTS}/{REMOVAL_FILE}", content))
    entries += [PlannedEntry(f"{LICENSES}/{name}", content) for name, content in options.licenses]
    present = {entry.path.lower() for entry in entries}
    entries += [PlannedEntry(path, file) for path, file in options.skeleton if path.lower() not in present]
    return entries


def _end_lines(entries: Sequence[PlannedEntry], line_end: str) -> None:
    for entry in entries:
        if isinstance(entry.content, list):
            _end_lines(entry.content, line_end)
        elif isinstance(entry.content, bytes) and entry.path.endswith(_XML):
            entry.content = entry.content.replace(b"\n", line_end.encode())


def plan_nuget(module: ModuleSource) -> PlannedEntry:
    """Lay out a module's .nupkg."""
    mark = ""
    if module.is_vendors:
        mark = _PLATFORM_MARK if module.version.startswith(_PLATFORM_MAJOR) else _APPLICATION_MARK
    nuspec = write_nuspec(
        module.key,
        module.version,
        module.references,
        summary=module.name,
        mark=mark,
        sealed=module.is_sealed,
    )
    return _plan_nupkg(module.key, module.version, nuspec, write_install_config(module.name, module.version))


def plan_payload(module: ModuleSource) -> PlannedEntry:
    """Lay out a module's payload, files in the order of their names."""
    files = [PlannedEntry(path, content) for path, content in module.files]
    return PlannedEntry(payload_path(module.key, module.version), list(files))


def _plan_nupkg(name: str, version: str, nuspec: bytes, install_config: bytes) -> PlannedEntry:
    parts = [
        PlannedEntry("[Content_Types].xml", _CONTENT_TYPES),
        PlannedEntry(f"{PREFIX}{name}.nuspec", nuspec),
        PlannedEntry("tools/InstallConfig.json", install_config),
    ]
    return PlannedEntry(nuget_path(name, version), parts)


def _plan_meta_packages(modules: Sequence[ModuleSource], options: BuildOptions) -> list[PlannedEntry]:
    vendors = [module for module in modules if module.is_vendors]
    planned = []
    for part, version, is_platform in (
        ("platform", options.platform_version, True),
        ("application", options.application_version, False),
    ):
        name = f"meta-{part}-runtime"
        members = [module.name for module in vendors if module.version.startswith(_PLATFORM_MAJOR) is is_platform]
        nuspec = write_nuspec(name, version, members, summary=name, mark=f"[{part.title()} Package]", sealed=True)
        planned.append(_plan_nupkg(name, version, nuspec, write_install_config(name, version)))
    return planned


def write_package(entries: Sequence[PlannedEntry], path: Path, separator: str = "/") -> None:
    """Write a planned package so that `path` is either complete or untouched.

    Raises BuildError where the package is too big, and InfrastructureError where the disk fails.
    """
    try:
        with tempfile.NamedTemporaryFile("w+b", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                write_archive(entries, file, separator)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).chmod(0o644)
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except ArchiveTooBigError as error:
        raise BuildError(f"{error}; split the package") from error
    except OSError as error:
        raise InfrastructureError(f"the package cannot be written: {error}") from error


def default_kind(modules: Sequence[ModuleSource]) -> DeployableKind:
    """Return the kind that modules make by who publishes them."""
    by_vendor = [module.is_vendors for module in modules]
    if by_vendor and all(by_vendor):
        return DeployableKind.PLATFORM
    return DeployableKind.MERGED if any(by_vendor) else DeployableKind.CUSTOMIZATION
