"""Reads the small XML and text files of a package without trusting them."""

import codecs
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException, DTDForbidden
from defusedxml.ElementTree import fromstring

from shared.formats.deployable_package.archive.sources import Bytes


class DocumentError(Exception):
    """A file is not what its name says; `declares_type` if it has a DOCTYPE (rule DP203)."""

    def __init__(self, message: str, *, declares_type: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.declares_type = declares_type


def parse_xml(content: Bytes) -> Element:
    """Return the root of an XML document; with or without a byte order mark.

    Raises DocumentError for anything that is not well-formed and for every DOCTYPE: whether the parser
    limits entities depends on the version it is linked to.
    """
    try:
        root: Element = fromstring(bytes(content), forbid_dtd=True)
    except DTDForbidden as error:
        raise DocumentError("declares a document type (DOCTYPE)", declares_type=True) from error
    except DefusedXmlException as error:
        raise DocumentError("declares entities", declares_type=True) from error
    except (ParseError, ValueError, LookupError) as error:
        raise DocumentError(f"is not well-formed XML: {error}") from error
    return root


def local_name(element: Element) -> str:
    """Return an element's name without its namespace, which differs between producers."""
    return str(element.tag).rpartition("}")[2]


def children(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element if local_name(child) == name)


def child(element: Element, name: str) -> Element | None:
    return next(children(element, name), None)


def text(element: Element, name: str) -> str:
    """Return the trimmed text of a child, empty where it is absent, empty or nil."""
    found = child(element, name)
    return (found.text or "").strip() if found is not None else ""


def decode_any_text(content: Bytes) -> str:
    """Decode text that may be in Windows-1252 too, as old editors save it. Raises DocumentError for what is no text."""
    try:
        return decode_text(content)
    except DocumentError:
        data = bytes(content)
        if b"\0" in data:
            raise
        return data.decode("cp1252", "replace")


def decode_text(content: Bytes) -> str:
    """Decode UTF-8 or UTF-16 text by its byte order mark, UTF-8 without one. Raises DocumentError."""
    data = bytes(content)
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        decoded = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DocumentError(f"is not {encoding.removesuffix('-sig').upper()} text: {error.reason}") from error
    if "\0" in decoded:
        raise DocumentError("is not text: it has NUL characters")
    return decoded
