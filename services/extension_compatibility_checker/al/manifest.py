"""NavxManifest.xml: what a package says about itself."""

import uuid
from xml.etree.ElementTree import Element, ParseError

import msgspec
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from .version import Version

_NAMESPACE = "{http://schemas.microsoft.com/navx/2015/manifest}"

# Identities that manifests refer to without listing them under Dependencies
# (devenv-application-app-file; `Application` and `Platform` attributes).
APPLICATION = "c1335042-3002-4257-bf8a-75c898ccb1b8"
BASE_APPLICATION = "437dbf0e-84ff-417a-965d-ed2bb9650972"
SYSTEM_APPLICATION = "63ca2fa4-4f03-4f2b-a480-172fef340d3f"
BUSINESS_FOUNDATION = "f3552374-a1f2-4356-848e-196002525837"
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


class Manifest(msgspec.Struct, frozen=True):
    """One manifest. Versions are four-part; absent attributes are None, absent lists are empty."""

    id: str
    name: str
    publisher: str
    version: Version
    target: str
    runtime: Version | None
    platform: Version | None
    application: Version | None
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


def parse_manifest(xml: bytes) -> Manifest:
    """Read NavxManifest.xml; ManifestError names what is wrong."""
    try:
        root = fromstring(xml.lstrip(b"\xef\xbb\xbf").rstrip(b"\0"), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise ManifestError(f"NavxManifest.xml is not well-formed XML: {error}") from None
    app = _child(root, "App")
    if app is None:
        raise ManifestError("NavxManifest.xml has no App element")
    return Manifest(
        id=_guid(app, "Id"),
        name=_required(app, "Name"),
        publisher=app.get("Publisher", ""),
        version=_version(app, "Version") or Version(),
        target=app.get("Target", ""),
        runtime=_version(app, "Runtime"),
        platform=_version(app, "Platform"),
        application=_version(app, "Application"),
        show_my_code=_flag(app, "ShowMyCode"),
        propagates_dependencies=_flag(app, "PropagateDependencies"),
        dependencies=tuple(_dependency(e) for e in _grandchildren(root, "Dependencies", "Dependency")),
        id_ranges=tuple(
            _id_range(e) for e in [*_grandchildren(root, "IdRanges", "IdRange"), *root.iterfind(f"{_NAMESPACE}IdRange")]
        ),
        internals_visible_to=tuple(
            e.get("Id", "").lower() for e in _grandchildren(root, "InternalsVisibleTo", "Module")
        ),
        features=tuple((e.text or "").strip() for e in _grandchildren(root, "Features", "Feature")),
        preprocessor_symbols=tuple(
            text for e in _grandchildren(root, "PreprocessorSymbols", None) if (text := (e.text or "").strip())
        ),
        alternate_ids=tuple(
            ident.lower()
            for e in _grandchildren(root, "AlternateIds", None)
            if (ident := e.get("Id") or (e.text or "").strip())
        ),
    )


def _child(parent: Element, name: str) -> Element | None:
    found = parent.find(_NAMESPACE + name)
    return parent.find(name) if found is None else found


def _grandchildren(root: Element, group: str, name: str | None) -> list[Element]:
    parent = _child(root, group)
    if parent is None:
        return []
    return [e for e in parent if name is None or e.tag in (name, _NAMESPACE + name)]


def _required(app: Element, name: str) -> str:
    value = app.get(name, "")
    if not value.strip():
        raise ManifestError(f"NavxManifest.xml: App has no {name}")
    return value


def _guid(app: Element, name: str) -> str:
    text = _required(app, name)
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise ManifestError(f"NavxManifest.xml: App {name} '{text[:60]}' is not a GUID") from None


def _version(element: Element, name: str) -> Version | None:
    text = element.get(name)
    if not text:
        return None
    try:
        return Version.parse(text)
    except ValueError as error:
        raise ManifestError(f"NavxManifest.xml: {name} {error}") from None


def _flag(app: Element, name: str) -> bool:
    return app.get(name, "").casefold() in {"true", "1"}


def _dependency(element: Element) -> AppRef:
    return AppRef(
        id=(element.get("Id") or element.get("AppId") or "").lower().strip("{}"),
        name=element.get("Name", ""),
        publisher=element.get("Publisher", ""),
        min_version=_version(element, "MinVersion") or _version(element, "Version") or Version(),
    )


def _id_range(element: Element) -> IdRange:
    try:
        return IdRange(int(element.get("MinObjectId", "0")), int(element.get("MaxObjectId", "0")))
    except ValueError:
        raise ManifestError("NavxManifest.xml: an IdRange is not made of numbers") from None
