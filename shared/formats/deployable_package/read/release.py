"""A vendor's release as checks need it: versions and modules with their references."""

from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from shared.formats.deployable_package.findings import InfrastructureError


class ReleaseError(ValueError):
    """A release file is not one; the message says what is wrong with it."""


class ReleaseModule(msgspec.Struct, frozen=True, kw_only=True):
    """A module of a release; `references` are module names, all in the vendor's case."""

    name: str
    version: str = ""
    references: tuple[str, ...] = ()


class Release(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A release's module list, as `drydock release import --out` writes it.

    `version` is the release's own number, for instance 10.0.21.
    """

    version: str
    platform_version: str = ""
    application_version: str = ""
    modules: tuple[ReleaseModule, ...] = ()

    @cached_property
    def names(self) -> frozenset[str]:
        """The modules in lower case."""
        return frozenset(module.name.lower() for module in self.modules)

    @cached_property
    def dangling(self) -> dict[str, tuple[str, ...]]:
        """Modules that the release's own modules refer to and its list lacks: name to who refers to it."""
        found: dict[str, list[str]] = {}
        for module in self.modules:
            for reference in module.references:
                if reference.lower() not in self.names:
                    found.setdefault(reference.lower(), []).append(module.name)
        return {name: tuple(sorted(found[name])) for name in sorted(found)}


def encode_release(release: Release) -> bytes:
    """Return the release as indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(release), indent=2) + b"\n"


def decode_release(content: bytes) -> Release:
    """Read a release from JSON; modules may be plain names. Raises ReleaseError."""
    try:
        document: Any = msgspec.json.decode(content)
        if isinstance(document, dict) and isinstance(document.get("modules"), list):
            modules = [{"name": one} if isinstance(one, str) else one for one in document["modules"]]
            document = {**document, "modules": modules}
        return msgspec.convert(document, Release)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise ReleaseError(f"not a release file: {error}") from error


def load_release(path: Path) -> Release:
    """Read a release file. Raises ReleaseError, and InfrastructureError where the file cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InfrastructureError(f"the release file cannot be read: {error}") from error
    return decode_release(content)
