"""FileLocations.xml in a payload: where the installer copies a module's additional files to."""

import re
from xml.etree.ElementTree import Element

from shared.formats.deployable_package.archive.sources import Bytes
from shared.formats.deployable_package.limits import MIB
from shared.formats.deployable_package.read.documents import DocumentError, local_name, parse_xml, text

FILE_LOCATIONS = frozenset({"filelocations.xml", "additionalfiles/filelocations.xml"})
_MOST_BYTES, _MOST_COMPLAINTS = MIB, 10
# A place that is not inside the destination that the file names.
_LEAVES = re.compile(r"^[/\\]|:|(?:^|[/\\])\.\.(?:[/\\]|$)|[\x00-\x1f]")


# Destinations that are one folder, whatever RelativePath says.
_FIXED = ("packagebin", "modulebin")


def complaints_about_locations(content: Bytes | None) -> tuple[tuple[str, str], ...]:
    """Return what is wrong with the file as rule and message: DP203, DP214 and DP413.

    Each element File has Source, Destination and RelativePath, as attributes or as elements. Of Source, often a path
    on the developer's machine, the vendor's CreatePackage.psm1 and InstallMetadataPackages.ps1 use the file name alone,
    so it may be any. `content` is None where the file is too big for memory.
    """
    if content is None or len(content) > _MOST_BYTES:
        return (("DP214", f"has more than {_MOST_BYTES} bytes"),)
    try:
        root = parse_xml(content)
    except DocumentError as error:
        return (("DP203" if error.declares_type else "DP413", f"the file {error.message}"),)
    places = (
        _value(element, "RelativePath")
        for element in root.iter()
        if local_name(element) == "File" and _value(element, "Destination").lower() not in _FIXED
    )
    bad = [f"RelativePath {place[:200]!r} leaves its folder" for place in places if _LEAVES.search(place)]
    return tuple(("DP413", message) for message in bad[:_MOST_COMPLAINTS])


def _value(element: Element, name: str) -> str:
    return element.get(name, "").strip() or text(element, name)
