"""Module lists of the vendor's releases: made from model descriptors, read from files, stored for checks."""

import re
from pathlib import Path

import msgspec

from services.console.cli.paths import require_file
from services.console.installation import Installation
from services.console.words import counted
from shared.artifacts.folder import FolderStore
from shared.contracts.package_validator import PackageSnapshot
from shared.contracts.parts import ArtifactRef
from shared.formats.deployable_package.judge.dependencies import build_order, find_circle
from shared.formats.deployable_package.read.descriptors import (
    DescribedModule,
    DescriptorError,
    find_descriptors,
    read_archived_descriptors,
    read_descriptors,
    unite_models,
)
from shared.formats.deployable_package.read.release import Release, ReleaseModule, encode_release

MEDIA_TYPE = "application/json"
_RELEASE_NUMBER = re.compile(r"\d+\.\d+\.\d+", re.ASCII)
_NAMED = 5


class ListError(ValueError):
    """A module list does not go with its release; the message says the way out."""


def make_list(source: Path, version: str | None, platform_version: str, application_version: str) -> Release:
    """Make the module list of a release from the descriptors under a folder or in a tar archive.

    `version` defaults to the number in the source's name. Raise DescriptorError, InfrastructureError.
    """
    modules = _read_modules(source)
    return Release(
        version=version or _number_in(source.name),
        platform_version=platform_version,
        application_version=application_version,
        modules=tuple(
            ReleaseModule(name=module.name, version=module.version, references=module.references) for module in modules
        ),
    )


def count_layers(release: Release) -> int:
    """How many layers the modules make, each needing only earlier ones. Raise DescriptorError for a circle."""
    references = {module.name.lower(): [one.lower() for one in module.references] for module in release.modules}
    circle = find_circle(references)
    if circle:
        raise DescriptorError(f"modules refer to each other in a circle: {' -> '.join(circle)}")
    return len(build_order(references))


def fit_package(release: Release, package: PackageSnapshot) -> Release:
    """The list with the versions of the release's platform package. Raise ListError where it states others."""
    contents = package.contents
    stated: dict[str, str] = {}
    for field in ("platform_version", "application_version"):
        told, known = getattr(release, field), (getattr(contents, field) if contents else None) or ""
        if told and known and told != known:
            words = field.replace("_", " ")
            raise ListError(f"the list is of {words} {told}, package {package.package} brings {known}")
        stated[field] = told or known
    return msgspec.structs.replace(release, **stated)


def unlisted(release: Release, package: PackageSnapshot) -> str:
    """A sentence about modules of the package that the list lacks, empty if it lacks none."""
    contents = package.contents
    missing = (
        [one.name for one in contents.platform_modules if one.name.lower() not in release.names] if contents else []
    )
    if not missing:
        return ""
    named = ", ".join(missing[:_NAMED]) + (", ..." if len(missing) > _NAMED else "")
    return f"not in the list: {counted(len(missing), 'module')} of {package.package}: {named}"


async def store_list(installation: Installation, release: Release) -> ArtifactRef:
    """Put a module list into the artifact store."""
    stored = await FolderStore(installation.artifacts).put_bytes(encode_release(release), MEDIA_TYPE)
    return ArtifactRef.of(stored)


def _number_in(name: str) -> str:
    found = _RELEASE_NUMBER.search(name)
    if found is None:
        raise DescriptorError(f"{name} names no release; state it with --version")
    return found[0]


def _read_modules(source: Path) -> list[DescribedModule]:
    require_file(source)
    if source.is_dir():
        models = read_descriptors(find_descriptors(source), source)
    else:
        models = read_archived_descriptors(source)
    if not models:
        raise DescriptorError(f"no model descriptor lies under {source}; expected <Module>/Descriptor/<Model>.xml")
    return unite_models(models)
