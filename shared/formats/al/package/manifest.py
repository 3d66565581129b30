"""NavxManifest.xml: what a package says about itself."""

import uuid
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

import msgspec
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from .version import Version

# Identities that manifests refer to without listing them under Dependencies
# (devenv-application-app-file; `Application` and `Platform` attributes).
APPLICATION = "c1335042-3002-4257-bf8a-75c898ccb1b8"
BASE_APPLICATION = "437dbf0e-84ff-417a-965d-ed2bb9650972"
SYSTEM_APPLICATION = "63ca2fa4-4f03-4f2b-a480-172fef340d3f"
BUSINESS_FOUNDATION = "f3552374-a1f2-4356-848e-196002525837"
VENDOR = "Microsoft"
"""The publisher of the base and of what belongs to it."""
PLATFORM = "8874ed3a-0643-4247-9ced-7a7002f7135d"
# Base versions up to 14 are one app named Application, under an id of its own in every build.
SINGLE_APPLICATION = "7e6a08ed-2e68-46c5-a040-72760e720ae3"


class ManifestError(ValueError):
    """The manifest cannot be read; the message says which part and why."""


class AppRef(msgspec.Struct, frozen=True, array_like=True):
    """Another app as a manifest names it; `min_version` is the least that will do."""

    id: str
    name: str
    publisher: str
    min_version: Version


class IdRange(msgspec.Struct, frozen=True, array_like=True):
    """Object ids that the app may use, both ends included."""

    first: int
    last: int


class AppManifest(msgspec.Struct, frozen=True):
    """One manifest. Versions are four-part; absent attributes are None, absent lists are empty.

    `test` is the least version of the vendor's test libraries that the app's tests need (seen up to base 14).
    """

    id: str
    name: str
    publisher: str
    version: Version
    target: str
    runtime: Version | None
    platform: Version | None
    application: Version | None
    test: Version | None
    show_my_code: bool
    propagates_dependencies: bool
    dependencies: tuple[AppRef, ...]
    id_ranges: tuple[IdRange, ...]
    internals_visible_to: tuple[str, ...]
    features: tuple[str, ...]
    preprocessor_symbols: tuple[str, ...]
    alternate_ids: tuple[str, ...]

    @property
    def is_cloud(self) -> bool:
        """Whether the app limits itself to what runs online (`Cloud`, once called `Extension`)."""
        return self.target.casefold() in {"cloud", "extension", ""}


def parse_manifest(xml: bytes) -> AppManifest:
    """Read NavxManifest.xml; ManifestError names what is wrong.

    Names are matched without case and namespace; elements that are not known are passed over.
    """
    try:
        if not xml.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16 may well end in NUL
            xml = xml.removeprefix(b"\xef\xbb\xbf").rstrip(b"\0")
        root = fromstring(xml, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise ManifestError(f"NavxManifest.xml is not well-formed XML: {error}") from None
    found = next(_children(root, "App"), None)
    if found is None:
        raise ManifestError("NavxManifest.xml has no App element")
    app = _attributes(found)
    ranges = [*_grandchildren(root, "IdRanges", "IdRange"), *_children(root, "IdRange")]
    return AppManifest(
        id=_guid(app, "Id"),
        name=_required(app, "Name"),
        publisher=app.get("publisher", ""),
        version=_version(app, "Version") or Version(),
        target=app.get("target", ""),
        runtime=_version(app, "Runtime"),
        platform=_version(app, "Platform"),
        application=_version(app, "Application"),
        test=_version(app, "Test"),
        show_my_code=_flag(app, "ShowMyCode"),
        propagates_dependencies=_flag(app, "PropagateDependencies"),
        dependencies=tuple(_dependency(e) for e in _grandchildren(root, "Dependencies", "Dependency")),
        id_ranges=tuple(_id_range(e) for e in ranges),
        internals_visible_to=tuple(_plain_id(e) for e in _grandchildren(root, "InternalsVisibleTo", "Module")),
        features=_texts(root, "Features"),
        preprocessor_symbols=_texts(root, "PreprocessorSymbols"),
        alternate_ids=tuple(filter(None, map(_plain_id, _grandchildren(root, "AlternateIds")))),
    )


def _local(element: Element) -> str:
    """The name without its namespace, in lower case; empty for a comment."""
    return element.tag.rpartition("}")[2].casefold() if isinstance(element.tag, str) else ""


def _attributes(element: Element) -> dict[str, str]:
    return {name.rpartition("}")[2].casefold(): value for name, value in element.attrib.items()}


def _children(parent: Element, name: str = "") -> Iterator[Element]:
    return (e for e in parent if (_local(e) == name.casefold() if name else _local(e)))


def _grandchildren(root: Element, group: str, name: str = "") -> list[Element]:
    return [e for parent in _children(root, group) for e in _children(parent, name)]


def _texts(root: Element, group: str) -> tuple[str, ...]:
    return tuple(text for e in _grandchildren(root, group) if (text := (e.text or "").strip()))


def _plain_id(element: Element) -> str:
    """An app id, whatever carries it: the attribute `Id` or `AppId`, or the text."""
    found = _attributes(element)
    return (found.get("id") or found.get("appid") or element.text or "").strip().strip("{}").lower()


def _required(app: dict[str, str], name: str) -> str:
    value = app.get(name.casefold(), "")
    if not value.strip():
        raise ManifestError(f"NavxManifest.xml: App has no {name}")
    return value


def _guid(app: dict[str, str], name: str) -> str:
    text = _required(app, name)
    try:
        return str(uuid.UUID(text.strip()))
    except ValueError:
        raise ManifestError(f"NavxManifest.xml: App {name} '{text[:60]}' is not a GUID") from None


def _version(attributes: dict[str, str], name: str) -> Version | None:
    text = attributes.get(name.casefold(), "").strip()
    if not text:
        return None
    try:
        return Version.parse(text)
    except ValueError as error:
        raise ManifestError(f"NavxManifest.xml: {name} {error}") from None


def _flag(app: dict[str, str], name: str) -> bool:
    return app.get(name.casefold(), "").strip().casefold() in {"true", "1", "yes"}


def _dependency(element: Element) -> AppRef:
    attributes = _attributes(element)
    return AppRef(
        id=_plain_id(element),
        name=attributes.get("name", ""),
        publisher=attributes.get("publisher", ""),
        min_version=_version(attributes, "MinVersion") or _version(attributes, "Version") or Version(),
    )


def _id_range(element: Element) -> IdRange:
    attributes = _attributes(element)
    try:
        return IdRange(int(attributes.get("minobjectid") or 0), int(attributes.get("maxobjectid") or 0))
    except ValueError:
        raise ManifestError("NavxManifest.xml: an IdRange is not made of numbers") from None
