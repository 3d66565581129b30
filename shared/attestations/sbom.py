"""The bill of materials of an image in CycloneDX 1.6: a pure function of what manifest and config say.

A component that is a layer of its own has the layer's digest as its hash. The modules of the platform share one layer;
they stand below it. The serial number follows from the image's digest, so that the same image has the same document.
"""

import uuid
from collections.abc import Iterable
from typing import Any

from shared.attestations.predicates import moment_text
from shared.formats.oci_image import Image, ImageLayer, ImageModule

_SERIALS = uuid.UUID("6c0f2f5e-3f0f-4c55-9d6c-6d2a5f8e6b11")
"""Namespace of serial numbers (RFC 9562, version 5)."""
_PART = "dev.drydock:part"
_REMOVED = "dev.drydock:removed"

Component = dict[str, Any]


def sbom_of(image: Image) -> dict[str, Any]:
    """The document as JSON values."""
    components = _components(image)
    refs = {one.name.casefold(): _ref(one) for one in image.contents.modules}
    dependencies = [
        {
            "ref": _ref(one),
            "dependsOn": sorted({refs[name.casefold()] for name in one.references if name.casefold() in refs}),
        }
        for one in image.contents.modules
    ]
    whole = {"ref": image.digest, "dependsOn": [one["bom-ref"] for one in components]}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_SERIALS, image.digest)}",
        "version": 1,
        "metadata": {
            "timestamp": moment_text(image.created),
            "component": {
                "type": "container",
                "bom-ref": image.digest,
                "name": image.contents.update_name,
                "version": image.contents.application_version,
                "hashes": [_hash(image.digest)],
                "properties": [_property("dev.drydock:platform-version", image.contents.platform_version)]
                + [_property(_REMOVED, f"{one.name} ({one.how})") for one in image.contents.removals],
            },
        },
        "components": components,
        "dependencies": [whole, *sorted(dependencies, key=lambda one: str(one["ref"]))],
    }


def sbom_objections(document: dict[str, Any], image: Image) -> list[str]:
    """In what a document contradicts the image, a sentence each: modules, versions, hashes."""
    said, there = dict(_facts(document)), dict(_facts(sbom_of(image)))
    found = [f"{what} is in the image, and not in the SBOM" for what in sorted(there.keys() - said.keys())]
    found += [f"{what} is in the SBOM, and not in the image" for what in sorted(said.keys() - there.keys())]
    for what in sorted(said.keys() & there.keys()):
        if said[what] != there[what]:
            found.append(f"{what}: the SBOM says {_words(said[what])}, the image has {_words(there[what])}")
    return found


_Facts = tuple[str, tuple[str, ...]]


def _facts(document: dict[str, Any]) -> Iterable[tuple[str, _Facts]]:
    """By what a person calls it: the version and the hashes of the image and of everything in it."""
    metadata = document.get("metadata")
    whole = metadata.get("component") if isinstance(metadata, dict) else None
    if isinstance(whole, dict):
        yield "the image", _stated(whole)
    waiting = list(_dicts(document.get("components")))
    while waiting:
        one = waiting.pop()
        yield f"{one.get('type')} {str(one.get('name')).casefold()}", _stated(one)
        waiting += _dicts(one.get("components"))


def _stated(component: Component) -> _Facts:
    hashes = [f"{one.get('alg')} {one.get('content')}" for one in _dicts(component.get("hashes"))]
    return str(component.get("version", "")), tuple(sorted(hashes))


def _dicts(value: object) -> list[dict[str, Any]]:
    """What of a document that anybody may have written is a list of objects."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _words(facts: _Facts) -> str:
    version, hashes = facts
    return ", ".join([f"version {version}", *hashes])


def _components(image: Image) -> list[Component]:
    return [_component(image, layer) for layer in image.layers]


def _component(image: Image, layer: ImageLayer) -> Component:
    modules = image.contents.part(layer.part)
    if layer.module is not None:
        own = next(one for one in modules if one.name.casefold() == layer.module.casefold())
        return {**_module(own), "hashes": [_hash(layer.digest)]}
    return {
        "type": "framework",
        "bom-ref": f"layer:{layer.digest}",
        "name": layer.title,
        "version": image.contents.platform_version if layer.part == "platform" else "",
        "hashes": [_hash(layer.digest)],
        "components": [_module(one) for one in sorted(modules, key=lambda one: one.name.casefold())],
    }


def _module(module: ImageModule) -> Component:
    return {
        "type": "library",
        "bom-ref": _ref(module),
        "name": module.name,
        "version": module.version,
        "properties": [_property(_PART, module.part)],
    }


def _ref(module: ImageModule) -> str:
    return f"module:{module.name.casefold()}"


def _hash(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest.removeprefix("sha256:")}


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}
