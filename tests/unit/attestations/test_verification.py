"""An image is believed for what it is and went through; whatever is missing, changed or of another is named."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.demo.packages import CUSTOMIZATION_V1, CUSTOMIZATION_V2, PLATFORM
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import Image, write_image
from shared.artifacts.store_folder import StoreFolder
from shared.artifacts.subject import REFERRERS
from shared.attestations.envelope import LIMIT
from shared.attestations.evidence import Witness, copy_statements, stated_with, statements_about, store_statement
from shared.attestations.keyring import ensure_keys, retire_keys, rotate_key
from shared.attestations.predicates import (
    CandidateMark,
    SandboxApply,
    SignedOff,
    ValidationReport,
    predicate_values,
)
from shared.attestations.provenance import packages_of, provenance_of
from shared.attestations.sbom import sbom_of
from shared.attestations.statement import StatementKind
from shared.attestations.trust import SIGNERS, read_trust
from shared.attestations.verification import ImagePart, ImagePolicy, ImageVerdict, judge_image
from tests.support.demo_images import built

SIGNER = {kind: name for name, kinds in SIGNERS.items() for kind in kinds}
OF_SANDBOX = {"environment": "contoso-test", "project": "contoso", "update_name": "November release"}
PARTS = tuple(ImagePart)


@dataclass
class Place:
    """An installation's store and keys."""

    store: FolderStore
    folder: StoreFolder
    keys: Path

    async def judge(self, image: str, policy: ImagePolicy = ImagePolicy.PRODUCTION_SIGNED_OFF) -> ImageVerdict:
        return await judge_image(self.store, image, policy, read_trust(self.keys))

    async def refused(self, image: str, part: ImagePart) -> str:
        """What is said of the one part that is refused."""
        verdict = await self.judge(image)
        assert [one.part for one in verdict.refusals] == [part], verdict
        [refusal] = verdict.refusals
        assert refusal.way_out
        return refusal.message

    async def state(self, kind: StatementKind, digest: str, predicate: dict[str, object]) -> None:
        assert await Witness(self.store, self.keys, SIGNER[kind]).state(kind, digest, predicate)

    async def state_all(self, image: Image, *, without: ImagePart | None = None) -> None:
        """All that is stated of an image on its way to production."""
        packages = packages_of(image.contents)
        stated: list[tuple[StatementKind, str, dict[str, object]]] = [
            (StatementKind.SBOM, image.digest, sbom_of(image)),
            (
                StatementKind.PROVENANCE,
                image.digest,
                provenance_of(image, operation="op-1", package=max(packages)[1], compression="zstd"),
            ),
            *((StatementKind.VALIDATION_REPORT, digest, report()) for _, digest in packages),
            (StatementKind.SANDBOX_APPLY, image.digest, applied()),
            (StatementKind.SIGN_OFF, image.digest, signed_off()),
            (StatementKind.CANDIDATE, image.digest, marked()),
        ]
        for kind, digest, predicate in stated:
            if without is None or kind.value != without.value:
                await self.state(kind, digest, predicate)

    async def drop(self, image: str, kind: StatementKind) -> None:
        """Take the statements of a kind away."""
        names = [one for one in await self.store.references() if one.startswith(f"{REFERRERS}{image[7:]}/")]
        for name in names:
            manifest = json.loads(self.folder.blob((await self.store.resolve(name)).digest).read_bytes())
            if kind.value in manifest["artifactType"] or (kind is StatementKind.SBOM and "cyclone" in str(manifest)):
                index = json.loads(self.folder.index.read_bytes())
                index["manifests"] = [one for one in index["manifests"] if name not in one["annotations"].values()]
                self.folder.index.write_text(json.dumps(index))


def report(verdict: str = "valid") -> dict[str, object]:
    return predicate_values(
        ValidationReport(
            package="contoso/one", verdict=verdict, errors=0, warnings=0, rules="1", report="sha256:" + "0" * 64
        )
    )


def applied(**changed: str) -> dict[str, object]:
    values = {"operation": "op-1", "operation_kind": "apply", "finished_at": "2026-11-21T22:00:00Z"}
    return predicate_values(SandboxApply(**{**OF_SANDBOX, **values, **changed}))


def signed_off(**changed: str) -> dict[str, object]:
    values = {"operation": "op-1", "sign_off": "clean", "signed_off_by": "ada"}
    return predicate_values(SignedOff(**{**OF_SANDBOX, **values, **changed}))


def marked(**changed: str) -> dict[str, object]:
    values = {"marked_at": "2026-11-21T22:00:00Z", "marked_by": "ada"}
    return predicate_values(CandidateMark(**{**OF_SANDBOX, **values, **changed}))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    ensure_keys(tmp_path / "keys")
    store = FolderStore(tmp_path / "store")
    return Place(store, StoreFolder(tmp_path / "store"), tmp_path / "keys")


@pytest.fixture
async def images(place: Place, tmp_path: Path) -> list[Image]:
    """An image of a customization, and the next one."""
    found = [(await built(place.store, PLATFORM, tmp_path)).image]
    for package in (CUSTOMIZATION_V1, CUSTOMIZATION_V2):
        found.append((await built(place.store, package, tmp_path, found[-1].digest)).image)
    return found[1:]


async def test_an_image_that_went_through_all_of_it_is_believed(place: Place, images: list[Image]) -> None:
    await place.state_all(images[1])
    for policy in ImagePolicy:
        verdict = await place.judge(images[1].digest, policy)
        assert verdict.ok, verdict
    assert [one.part for one in verdict.parts] == list(PARTS)


@pytest.mark.parametrize("part", [one for one in ImagePart if one is not ImagePart.LAYERS])
async def test_what_is_missing_is_named_and_may_still_come(place: Place, images: list[Image], part: ImagePart) -> None:
    await place.state_all(images[1], without=part)
    verdict = await place.judge(images[1].digest)
    assert [one.part for one in verdict.refusals] == [part]
    assert verdict.only_absent
    assert verdict.refusals[0].way_out


async def test_policies_ask_for_more_and_more(place: Place, images: list[Image]) -> None:
    image = images[1].digest
    parts = {policy: [one.part for one in (await place.judge(image, policy)).parts] for policy in ImagePolicy}
    assert parts[ImagePolicy.BUILT] == list(PARTS[:3])
    assert parts[ImagePolicy.PRODUCTION] == [one for one in PARTS if one is not ImagePart.SIGN_OFF]
    assert parts[ImagePolicy.PRODUCTION_SIGNED_OFF] == list(PARTS)


async def test_a_layer_with_other_bytes_is_named(place: Place, images: list[Image]) -> None:
    image = images[1]
    await place.state_all(image)
    layer = image.layers[-1]
    path = place.folder.blob(layer.digest)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert layer.digest in await place.refused(image.digest, ImagePart.LAYERS)
    path.unlink()
    assert layer.digest in await place.refused(image.digest, ImagePart.LAYERS)


async def test_an_image_with_a_swapped_layer_has_no_evidence_of_its_own(place: Place, images: list[Image]) -> None:
    """Whoever swaps a layer makes another image; what is stated of the first one does not count for it."""
    first, image = images
    await place.state_all(image)
    forged = await write_image(place.store, image.contents, (*image.layers[:-1], first.layers[-1]), image.created)
    for kind in StatementKind:
        await copy_statements(place.store, kind, image.digest, forged.digest)
    verdict = await place.judge(forged.digest)
    refused = {one.part: one.message for one in verdict.refusals}
    assert set(refused) == set(PARTS) - {ImagePart.LAYERS, ImagePart.VALIDATION_REPORT}
    for part, message in refused.items():
        assert f"it is a statement about {image.digest}, not about {forged.digest}" in message, part
    # Also where image-builder itself was made to state it, the SBOM of the first does not fit.
    await place.state(StatementKind.SBOM, forged.digest, sbom_of(image))
    [message] = [one.message for one in (await place.judge(forged.digest)).refusals if one.part is ImagePart.SBOM]
    assert "the SBOM says" in message


@pytest.mark.parametrize("kind", [one for one in StatementKind if one is not StatementKind.VALIDATION_REPORT])
async def test_a_signature_is_of_no_other_image(place: Place, images: list[Image], kind: StatementKind) -> None:
    first, image = images
    await place.state_all(first)
    await place.state_all(image, without=ImagePart(kind.value))
    assert await copy_statements(place.store, kind, first.digest, image.digest) == 1
    message = await place.refused(image.digest, ImagePart(kind.value))
    assert f"it is a statement about {first.digest}, not about {image.digest}" in message


async def test_the_report_of_another_package_does_not_count(place: Place, images: list[Image]) -> None:
    image = images[1]
    await place.state_all(image, without=ImagePart.VALIDATION_REPORT)
    platform, customization = sorted(digest for _, digest in packages_of(image.contents))
    other = next(digest for _, digest in packages_of(images[0].contents) if digest not in (platform, customization))
    for digest in (platform, other):
        await place.state(StatementKind.VALIDATION_REPORT, digest, report())
        await copy_statements(place.store, StatementKind.VALIDATION_REPORT, digest, image.digest)
    message = await place.refused(image.digest, ImagePart.VALIDATION_REPORT)
    assert f"it is a statement about {other}" in message
    await place.state(StatementKind.VALIDATION_REPORT, customization, report())
    assert (await place.judge(image.digest)).ok


async def test_an_invalid_package_is_none_to_promote(place: Place, images: list[Image]) -> None:
    image = images[1]
    await place.state_all(image, without=ImagePart.VALIDATION_REPORT)
    for _, digest in packages_of(image.contents):
        await place.state(StatementKind.VALIDATION_REPORT, digest, report("invalid"))
    assert "the package was found invalid" in await place.refused(image.digest, ImagePart.VALIDATION_REPORT)


@pytest.mark.parametrize("kind", list(StatementKind))
async def test_a_statement_that_was_changed_or_is_of_a_stranger_is_refused(
    place: Place, images: list[Image], kind: StatementKind, tmp_path: Path
) -> None:
    image = images[1]
    await place.state_all(image)
    part = ImagePart(kind.value)
    subjects = [image.digest]
    if kind is StatementKind.VALIDATION_REPORT:
        subjects = [digest for _, digest in packages_of(image.contents)]
    envelopes = [await envelope_of(place, kind, subject) for subject in subjects]
    for subject in subjects:
        await place.drop(subject, kind)
    for subject, content in zip(subjects, envelopes, strict=True):
        await store_statement(place.store, kind, subject, changed(content, lambda text: text.replace("contoso", "x")))
    assert "somebody has changed it" in await place.refused(image.digest, part)
    ensure_keys(tmp_path / "strangers")
    strange = Place(place.store, place.folder, tmp_path / "strangers")
    for subject in subjects:
        await place.drop(subject, kind)
        await strange.state(kind, subject, {})
    assert "no key that is trusted has signed it" in await place.refused(image.digest, part)


async def envelope_of(place: Place, kind: StatementKind, subject: str) -> bytes:
    [found] = [one for one in await statements_about(place.store, subject) if one.kind is kind]
    return await place.store.read(found.digest, limit=LIMIT)


def changed(envelope: bytes, change: Callable[[str], str]) -> bytes:
    values = json.loads(envelope)
    payload = change(base64.b64decode(values["payload"]).decode()) + " "
    return json.dumps({**values, "payload": base64.b64encode(payload.encode()).decode()}).encode()


async def test_a_service_is_believed_for_its_own_statements_only(place: Place, images: list[Image]) -> None:
    image = images[1]
    await place.state_all(image, without=ImagePart.SIGN_OFF)
    await Witness(place.store, place.keys, "image-builder").state(StatementKind.SIGN_OFF, image.digest, signed_off())
    assert "not trusted for statements of sign-off" in await place.refused(image.digest, ImagePart.SIGN_OFF)


@pytest.mark.parametrize("part", [ImagePart.SIGN_OFF, ImagePart.CANDIDATE])
async def test_the_mark_of_another_update_does_not_count(place: Place, images: list[Image], part: ImagePart) -> None:
    image = images[1]
    await place.state_all(image, without=part)
    other = {"environment": "contoso-other"}
    predicate = signed_off(**other) if part is ImagePart.SIGN_OFF else marked(**other)
    await place.state(StatementKind(part.value), image.digest, predicate)
    assert "contoso-other/November release, which did not deploy" in await place.refused(image.digest, part)


async def test_what_cannot_be_understood_or_read_is_refused_and_does_no_harm_beside_what_counts(
    place: Place, images: list[Image]
) -> None:
    image = images[1]
    await place.state_all(image, without=ImagePart.SIGN_OFF)
    await place.state(StatementKind.SIGN_OFF, image.digest, {"environment": 3})
    assert "cannot be understood" in await place.refused(image.digest, ImagePart.SIGN_OFF)
    for rubbish in (b"", b"{}", b"[" * 1000):
        await store_statement(place.store, StatementKind.SIGN_OFF, image.digest, rubbish)
    assert "no DSSE envelope" in await place.refused(image.digest, ImagePart.SIGN_OFF)
    await place.state(StatementKind.SIGN_OFF, image.digest, signed_off())
    assert (await place.judge(image.digest)).ok


async def test_a_key_can_be_replaced_with_or_without_what_it_signed(place: Place, images: list[Image]) -> None:
    first, image = images
    await place.state_all(first)
    await place.state_all(image)
    _, earlier = rotate_key(place.keys, "image-builder")
    keys = {one.id: one.key for one in read_trust(place.keys).keys if one.id in earlier}
    [known] = (await stated_with(place.store, keys)).values()
    assert len(known) == 4
    retire_keys(place.keys, earlier, known)
    assert (await place.judge(image.digest)).ok
    retire_keys(place.keys, earlier, ())
    verdict = await place.judge(image.digest)
    assert [one.part for one in verdict.refusals] == [ImagePart.SBOM, ImagePart.PROVENANCE]
    assert not verdict.only_absent


async def test_an_image_that_is_not_there_is_refused(place: Place) -> None:
    verdict = await place.judge("sha256:" + "0" * 64)
    assert [one.part for one in verdict.refusals] == [ImagePart.LAYERS]


async def test_without_a_folder_of_keys_nothing_is_stated(place: Place, images: list[Image]) -> None:
    witness = Witness(place.store, None, "image-builder")
    assert witness.is_silent
    assert await witness.state(StatementKind.SBOM, images[0].digest, {}) is None
    assert await statements_about(place.store, images[0].digest) == []
