"""Values that several messages share."""

from enum import StrEnum
from typing import Annotated, Protocol, Self

from pydantic import Field

from shared.contracts.message import Count, Instant, Part
from shared.contracts.scalars import (
    AppId,
    Digest,
    ModuleName,
    PackageId,
    ReasonCode,
    Sentence,
    UpdateName,
    Version,
    sentence,
)

MOST_MODULES = 400
"""Modules of one kind that a package or an image may have: a message must be able to hold them all."""

MOST_EXTENSIONS = 200
"""Extensions that an environment may have."""


class ArtifactRef(Part):
    """A file in the artifact store: packages, images, logs and reports travel as this, never themselves."""

    digest: Digest
    size: Count
    """In bytes."""
    media_type: str = Field(min_length=1, max_length=200)

    @classmethod
    def of(cls, stored: "_Stored") -> Self:
        """What messages say of a file, from what the artifact store says of it."""
        return cls(digest=stored.digest, size=stored.size, media_type=stored.media_type)


class _Stored(Protocol):
    """What an artifact store says of a file; it lies above the messages."""

    @property
    def digest(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def media_type(self) -> str: ...


class Module(Part):
    """A module in one version."""

    name: ModuleName
    version: Version


Modules = Annotated[tuple[Module, ...], Field(max_length=MOST_MODULES)]
ModuleNames = Annotated[tuple[ModuleName, ...], Field(max_length=MOST_MODULES)]


class ModuleChange(Part):
    """A module whose version a package changes."""

    name: ModuleName
    running: Version
    package: Version


class ModuleChanges(Part):
    """How the customization modules of a package differ from those of the image that runs."""

    added: Modules
    changed: tuple[ModuleChange, ...] = Field(max_length=MOST_MODULES)
    missing: Modules
    """Those that run and that neither the package nor its removal file names."""


class Severity(StrEnum):
    """Whether a finding makes a package invalid."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Finding(Part):
    """One thing that a check found in a package."""

    rule: str = Field(pattern=r"^[A-Z]{2}[0-9]{3}$")
    """Stable id of the rule."""
    severity: Severity
    path: str = Field(max_length=300)
    """Path inside the package, cut if it is longer; empty if the whole package is meant."""
    message: Sentence
    fix: str = Field(max_length=500)
    """What to do about it."""


class PackageKind(StrEnum):
    """What a package brings."""

    PLATFORM = "platform"
    CUSTOMIZATION = "customization"
    MERGED = "merged"


class PackageContents(Part):
    """What is in a valid package."""

    kind: PackageKind
    modules: Modules
    """The customization modules."""
    platform_modules: Modules
    """The vendor's modules; empty in a customization package."""
    removed_modules: ModuleNames
    """Those that its removal file names."""
    platform_version: Version | None
    """The version it brings, or for a customization package the one it was built for; None: not stated."""
    application_version: Version | None
    """Like `platform_version`."""


class ImageContents(Part):
    """What an image consists of."""

    platform_package: PackageId
    customization_package: PackageId | None
    platform_version: Version
    application_version: Version
    base_version: Version | None
    """Version of the base that extensions compile against; None if no release names one."""
    modules: Modules
    """The customization modules."""
    dropped: ModuleNames
    """Customization modules that were left out without a removal file. Promotable only while this is empty."""


class EnvironmentKind(StrEnum):
    """What an environment is for."""

    SANDBOX = "sandbox"
    PRODUCTION = "production"


class Downtime(Part):
    """The window [start, end) of a promotion."""

    start: Instant
    end: Instant
    """Start plus the expected duration."""


class ExtensionScope(StrEnum):
    """Where an extension comes from."""

    TENANT = "tenant"
    MARKETPLACE = "marketplace"


class ExtensionName(Part):
    """How an extension is called in one version."""

    app_id: AppId
    name: str = Field(min_length=1, max_length=250)
    publisher: str = Field(min_length=1, max_length=250)
    version: Version


class Dependency(Part):
    """An extension that another one needs."""

    app_id: AppId
    minimum_version: Version


class Extension(ExtensionName):
    """An extension as it is installed."""

    scope: ExtensionScope
    artifact: ArtifactRef
    """Its `.app` file."""
    dependencies: tuple[Dependency, ...] = Field(max_length=50)
    """Other extensions that it needs; the base is none."""


ExtensionSet = Annotated[tuple[Extension, ...], Field(max_length=MOST_EXTENSIONS)]


class Verdict(StrEnum):
    """What a check says about an extension, and about an environment: the worst of its extensions."""

    COMPATIBLE = "compatible"
    COMPATIBLE_WITH_WARNINGS = "compatible-with-warnings"
    """It works on this base; what a check found is worth knowing, or will break it on a later one."""
    INCOMPATIBLE = "incompatible"
    UNVERIFIABLE = "unverifiable"
    """Its file does not hold what a check needs; no fault of the extension is known."""
    CHECK_FAILED = "check-failed"
    """The check could not be done, by a fault of ours."""


class Problem(Part):
    """Why something did not succeed."""

    reason: ReasonCode
    message: Sentence

    @classmethod
    def of(cls, reason: str, text: str) -> Self:
        """The problem in `text`, as a message may carry it: cut where it is too long, and never empty."""
        return cls(reason=reason, message=sentence(text))


class Update(Part):
    """An image under the name that it has in an environment."""

    name: UpdateName
    image: Digest
    contents: ImageContents
