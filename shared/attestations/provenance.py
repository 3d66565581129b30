"""Where an image comes from, as SLSA provenance v1 (slsa.dev/spec/v1.0/provenance).

It names no times: whoever builds the same again under the same operation states the same.
"""

from collections.abc import Mapping
from typing import Any

from shared.formats.oci_image import Image, ImageParts
from shared.version import this_version

BUILD_TYPE = "urn:drydock:image-build:v1"
BUILDER = "urn:drydock:image-builder"
_BASE = "base image"


def provenance_of(image: Image, *, operation: str, package: str, compression: str) -> dict[str, Any]:
    """The predicate. `package` is the digest of the package that was put onto the base."""
    contents = image.contents
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "package": package,
                "updateName": contents.update_name,
                "base": contents.base or "",
            },
            "internalParameters": {"compression": compression},
            "resolvedDependencies": [
                *({"name": name, "digest": _digest_set(digest)} for name, digest in sorted(packages_of(contents))),
                *([{"name": _BASE, "digest": _digest_set(contents.base)}] if contents.base else []),
            ],
        },
        "runDetails": {
            "builder": {"id": BUILDER, "version": {"drydock": this_version()}},
            "metadata": {"invocationId": operation},
        },
    }


def packages_of(contents: ImageParts) -> set[tuple[str, str]]:
    """Name and digest of each package that an image is made from; the name may be empty."""
    found = set()
    for stated in contents.packages.values():
        name, _, digest = stated.rpartition("@")
        found.add((name, digest))
    return found


def provenance_objections(predicate: Mapping[str, Any], image: Image) -> list[str]:
    """In what a predicate contradicts the image, a sentence each."""
    definition = _object(predicate.get("buildDefinition"))
    run = _object(predicate.get("runDetails"))
    found = []
    if definition.get("buildType") != BUILD_TYPE or _object(run.get("builder")).get("id") != BUILDER:
        found.append("it is of no build of Drydock's image-builder")
    parameters = _object(definition.get("externalParameters"))
    contents = image.contents
    for key, there in (("updateName", contents.update_name), ("base", contents.base or "")):
        if parameters.get(key) != there:
            found.append(f"it says {key} {parameters.get(key)!r}, the image says {there!r}")
    stated = definition.get("resolvedDependencies")
    said = {_object(_object(one).get("digest")).get("sha256") for one in (stated if isinstance(stated, list) else ())}
    needed = {digest for _, digest in packages_of(contents)} | ({contents.base} if contents.base else set())
    known = {f"sha256:{one}" for one in said}
    found += [f"it does not name {one}, which the image is made from" for one in sorted(needed - known)]
    found += [f"it names {one}, which the image is not made from" for one in sorted(known - needed)]
    if (package := parameters.get("package")) not in {digest for _, digest in packages_of(contents)}:
        found.append(f"it is of package {package!r}, which the image is not made from")
    return found


def _digest_set(digest: str) -> dict[str, str]:
    algorithm, _, digits = digest.partition(":")
    return {algorithm: digits}


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
