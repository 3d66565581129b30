"""SBOM, statements and provenance, held against the schemas that their specifications publish."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf.json_format import ParseDict
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.statement import Statement as OfficialStatement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage

from deploy.demo.packages import CUSTOMIZATION_V1, CUSTOMIZATION_V2, PLATFORM
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import Image, ImageLayer
from shared.attestations.provenance import packages_of, provenance_objections, provenance_of
from shared.attestations.sbom import sbom_objections, sbom_of
from shared.attestations.statement import StatementKind, encode_statement
from tests.support.demo_images import built


@pytest.fixture
async def images(tmp_path: Path) -> list[Image]:
    """The platform alone, with a customization, and with its next version."""
    store = FolderStore(tmp_path / "store")
    found = [(await built(store, PLATFORM, tmp_path)).image]
    for package in (CUSTOMIZATION_V1, CUSTOMIZATION_V2):
        found.append((await built(store, package, tmp_path, found[-1].digest, acknowledged=())).image)
    return found


def provenance(image: Image) -> dict[str, Any]:
    package = sorted(packages_of(image.contents))[-1][1]
    return provenance_of(image, operation="op-1", package=package, compression="zstd")


def of_earlier_layout(image: Image) -> Image:
    """The same with one layer for the whole customization part."""
    platform, *others = image.layers
    return msgspec.structs.replace(image, layers=(platform, msgspec.structs.replace(others[0], module=None)))


async def test_sboms_are_valid_cyclonedx_1_6(images: list[Image]) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    for image in (*images, of_earlier_layout(images[1])):
        assert validator.validate_str(json.dumps(sbom_of(image))) is None
    # The schema is one that refuses.
    assert validator.validate_str(json.dumps({**sbom_of(images[0]), "serialNumber": "1"})) is not None


async def test_an_sbom_names_every_module_with_its_version_and_the_hash_of_its_layer(images: list[Image]) -> None:
    image = images[1]
    components = sbom_of(image)["components"]
    flat = {one["name"]: one for top in components for one in (top, *top.get("components", ()))}
    for module in image.contents.modules:
        assert flat[module.name]["version"] == module.version
    for layer in image.layers:
        digits = layer.digest.removeprefix("sha256:")
        assert flat[layer.module or layer.title]["hashes"] == [{"alg": "SHA-256", "content": digits}]
    assert sbom_of(image) == sbom_of(image)
    assert sbom_of(image)["serialNumber"] != sbom_of(images[2])["serialNumber"]


async def test_an_sbom_is_of_one_image_alone(images: list[Image]) -> None:
    assert sbom_objections(sbom_of(images[1]), images[1]) == []
    assert sbom_objections(sbom_of(images[1]), images[2]) != []


async def test_what_an_sbom_says_wrongly_is_named(images: list[Image]) -> None:
    image = images[1]
    name = next(layer.module for layer in image.layers if layer.module)
    for change, words in (
        ({"version": "9.9.9.9"}, "version 9.9.9.9"),
        ({"hashes": [{"alg": "SHA-256", "content": "0" * 64}]}, "0" * 64),
        ({"name": "Another"}, "library another is in the SBOM, and not in the image"),
    ):
        said = deepcopy(sbom_of(image))
        next(one for one in said["components"] if one["name"] == name).update(change)
        assert any(words in one for one in sbom_objections(said, image)), change
    said = sbom_of(image)
    said["components"] = said["components"][:-1]
    assert any("is in the image, and not in the SBOM" in one for one in sbom_objections(said, image))


@pytest.mark.parametrize("said", [{}, {"components": 1}, {"components": [1, {"components": "x"}]}, {"metadata": []}])
async def test_an_sbom_of_any_form_is_only_objected_to(images: list[Image], said: dict[str, Any]) -> None:
    assert sbom_objections(said, images[0]) != []


async def test_provenance_is_valid_slsa_1_0(images: list[Image]) -> None:
    for image in images:
        ParseDict(provenance(image), Provenance())  # raises for a field that is none, or of another type
        assert provenance_objections(provenance(image), image) == []


async def test_statements_are_valid_in_toto_statements(images: list[Image]) -> None:
    for kind in StatementKind:
        payload = json.loads(encode_statement(kind, images[0].digest, "an image", {"any": "thing"}))
        message = ParseDict(payload, StatementMessage())
        OfficialStatement.copy_from_pb(message).validate()


async def test_provenance_is_of_one_image_alone(images: list[Image]) -> None:
    for image in images:
        for other in images:
            assert (provenance_objections(provenance(image), other) == []) is (image is other)


async def test_what_provenance_says_wrongly_is_named(images: list[Image]) -> None:
    image = images[2]
    said = provenance(image)
    definition = said["buildDefinition"]
    for where, change, words in (
        (said["runDetails"], {"builder": {"id": "https://example.com"}}, "of no build"),
        (definition["externalParameters"], {"base": images[0].digest}, "base"),
        (definition["externalParameters"], {"package": images[0].digest}, "of package"),
        (definition, {"resolvedDependencies": definition["resolvedDependencies"][1:]}, "does not name"),
        (definition, {"resolvedDependencies": 3}, "does not name"),
    ):
        before = dict(where)
        where.update(change)
        assert any(words in one for one in provenance_objections(said, image)), change
        where.update(before)
    assert provenance_objections(said, image) == []


def test_layers_are_told_apart_by_their_hashes(images: list[Image]) -> None:
    image = images[1]
    last: ImageLayer = msgspec.structs.replace(image.layers[-1], digest=image.layers[0].digest)
    swapped = msgspec.structs.replace(image, layers=(*image.layers[:-1], last))
    assert any("the SBOM says" in one for one in sbom_objections(sbom_of(image), swapped))
