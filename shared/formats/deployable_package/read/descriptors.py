"""Model descriptors: the source side of modules, `<Module>/Descriptor/<Model>.xml`."""

import lzma
import re
import tarfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from shared.formats.deployable_package.findings import InfrastructureError
from shared.formats.deployable_package.read.documents import DocumentError, child, local_name, parse_xml, text

_VERSION_PARTS = ("VersionMajor", "VersionMinor", "VersionBuild", "VersionRevision")
_NUMBER = re.compile(r"[0-9]{0,10}", re.ASCII)
_VENDORS = ("microsoft", "microsoft corporation")
_SYSTEM_LAYER = 0
_MOST_MEMBERS, _MOST_BYTES = 500_000, 1 << 30


class DescriptorError(ValueError):
    """A descriptor that no module can be made of; the message names the file, the reason and the way out."""


@dataclass(frozen=True)
class Model:
    """One model: `version` has four parts, `references` are module names, `place` is where it was found."""

    name: str
    module: str
    version: tuple[int, ...]
    layer: int
    publisher: str
    references: tuple[str, ...]
    place: str


@dataclass(frozen=True)
class DescribedModule:
    """A module with all its models."""

    name: str
    models: tuple[Model, ...]

    @property
    def version(self) -> str:
        """The highest version of the models, 1.0.0.0 where none states one."""
        highest = max(model.version for model in self.models)
        return ".".join(map(str, highest)) if any(highest) else "1.0.0.0"

    @property
    def references(self) -> tuple[str, ...]:
        """The united references of all models, each once in any case, in order of first appearance."""
        united: dict[str, str] = {}
        for model in self.models:
            for reference in model.references:
                united.setdefault(reference.lower(), reference)
        united.pop(self.name.lower(), None)
        return tuple(united.values())

    @property
    def is_vendors(self) -> bool:
        return all(model.publisher.lower() in _VENDORS for model in self.models)

    @property
    def is_sealed(self) -> bool:
        """Whether it fits sealed releases: a module of the system layer must not be overlayered."""
        layers = {model.layer for model in self.models}
        return layers == {_SYSTEM_LAYER} or _SYSTEM_LAYER not in layers


def parse_descriptor(content: bytes, place: str) -> Model:
    """Read one descriptor. Raises DescriptorError.

    Missing version parts count as 0 and missing lists as empty: real descriptors omit either.
    """
    try:
        root = parse_xml(content)
    except DocumentError as error:
        raise DescriptorError(f"{place}: the descriptor {error.message}") from error
    if local_name(root) != "AxModelInfo":
        raise DescriptorError(f"{place}: the root element is {local_name(root)!r}, not AxModelInfo")
    name, module = text(root, "Name"), text(root, "ModelModule")
    if not name or not module:
        raise DescriptorError(f"{place}: Name or ModelModule is empty; a model must say which module it is of")
    if " " in module or "." in module or "/" in module or "\\" in module:
        raise DescriptorError(f"{place}: a module cannot be named {module!r}; rename it without spaces and dots")
    version = tuple(number for part in _VERSION_PARTS if (number := _number(text(root, part))) is not None)
    layer = _number(text(root, "Layer"))
    if layer is None or len(version) < len(_VERSION_PARTS):
        raise DescriptorError(f"{place}: layer and version parts must be numbers")
    listed = child(root, "ModuleReferences")
    references = [(one.text or "").strip() for one in listed] if listed is not None else []
    return Model(
        name=name,
        module=module,
        version=version,
        layer=layer,
        publisher=text(root, "Publisher"),
        references=tuple(dict.fromkeys(reference for reference in references if reference)),
        place=place,
    )


def _number(stated: str) -> int | None:
    """One part of a version, or a layer; real descriptors omit either, which means 0."""
    return int(stated or "0") if _NUMBER.fullmatch(stated) else None


def unite_models(models: Iterable[Model]) -> list[DescribedModule]:
    """Group models by module, any case; sorted by name in lower case."""
    grouped: dict[str, list[Model]] = {}
    for model in sorted(models, key=lambda one: one.place):
        grouped.setdefault(model.module.lower(), []).append(model)
    return [DescribedModule(grouped[key][0].module, tuple(grouped[key])) for key in sorted(grouped)]


def find_descriptors(folder: Path) -> list[Path]:
    """Return the descriptor files anywhere under a folder, sorted. Raises InfrastructureError."""
    try:
        found = [path for path in folder.rglob("*") if _is_descriptor(path.parent.name, path.name) and path.is_file()]
    except OSError as error:
        raise InfrastructureError(f"the folder cannot be read: {error}") from error
    return sorted(found)


def read_archived_descriptors(path: Path) -> list[Model]:
    """Read the descriptors in a tar archive, compressed or not; nothing is extracted.

    Raises DescriptorError where it is no archive or too big, InfrastructureError where it cannot be read.
    """
    models = []
    total = 0
    try:
        with tarfile.open(path, "r:*") as archive:
            for count, member in enumerate(archive):
                total += member.size
                if count >= _MOST_MEMBERS or total > _MOST_BYTES:
                    raise DescriptorError(f"{path}: the archive is too big for one of descriptors")
                parts = PurePosixPath(member.name).parts
                if not (member.isfile() and len(parts) >= 2 and _is_descriptor(parts[-2], parts[-1])):
                    continue
                file = archive.extractfile(member)
                if file is not None:
                    models.append(parse_descriptor(file.read(), member.name))
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise DescriptorError(f"{path}: not a tar archive, or a damaged one: {error}") from error
    except OSError as error:
        # The decompressors report damaged data as OSError without a number; the system's failures have one.
        if error.errno is None:
            raise DescriptorError(f"{path}: the archive is damaged: {error}") from error
        raise InfrastructureError(f"the archive cannot be read: {error}") from error
    return models


def _is_descriptor(folder: str, name: str) -> bool:
    return folder.lower() == "descriptor" and name.lower().endswith(".xml")


def read_descriptors(paths: Sequence[Path], root: Path) -> list[Model]:
    """Read descriptor files. Raises DescriptorError, and InfrastructureError where a file cannot be read."""
    models = []
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InfrastructureError(f"the descriptor cannot be read: {error}") from error
        models.append(parse_descriptor(content, path.relative_to(root).as_posix()))
    return models
