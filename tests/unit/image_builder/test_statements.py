"""What image-builder states of the images that it builds, and that a build does not depend on it."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.image_builder.domain.work import BuildInput, Built
from services.image_builder.steps import Steps
from shared.artifacts.errors import StoreUnavailableError
from shared.artifacts.folder import FolderStore
from shared.attestations.evidence import Witness, statements_about
from shared.attestations.keyring import ensure_keys
from shared.attestations.keys import private_file
from shared.attestations.predicates import ValidationReport, predicate_values
from shared.attestations.statement import StatementKind
from shared.attestations.trust import read_trust
from shared.attestations.verification import ImagePart, ImagePolicy, judge_image
from shared.contracts.image_builder import BuildImage
from shared.contracts.parts import PackageKind
from shared.formats.deployable_package.damage.faults import build_sample
from shared.formats.deployable_package.read.kinds import DeployableKind as SampleKind
from shared.kernel import Transient
from tests.unit.image_builder.test_steps import VENDORS, contents, request


@dataclass
class Attempt:
    """As much of a job as the step asks for, and what it was told."""

    warnings: list[str] = field(default_factory=list)

    def log(self, text: str, level: str = "info") -> None:
        if level == "warning":
            self.warnings.append(text)

    def progress(self, done: float, total: float, unit: str) -> None:
        """Nobody looks."""


@dataclass
class Place:
    """A builder with its store and its keys."""

    store: FolderStore
    keys: Path

    async def build(self, asked: BuildImage, keys: Path | None) -> tuple[Built, list[str]]:
        """What came of it, and what it warned of."""
        attempt = Attempt()
        steps = Steps(self.store, keys=keys)
        built = await steps.build(BuildInput(request=asked, base=None), attempt)  # type: ignore[arg-type]  # see there
        return built, attempt.warnings


@pytest.fixture
def place(tmp_path: Path) -> Place:
    ensure_keys(tmp_path / "keys")
    return Place(FolderStore(tmp_path / "store"), tmp_path / "keys")


@pytest.fixture
async def asked(place: Place) -> BuildImage:
    package = build_sample(kind=SampleKind.PLATFORM)
    return await request(place.store, package, contents(PackageKind.PLATFORM, platform=VENDORS), None)


async def test_a_built_image_has_an_sbom_and_provenance_that_are_believed(place: Place, asked: BuildImage) -> None:
    built, warnings = await place.build(asked, place.keys)
    assert built.image
    assert warnings == []
    assert (await judge_image(place.store, built.image, ImagePolicy.BUILT, read_trust(place.keys))).ok
    first = await statements_about(place.store, built.image)
    assert await place.build(asked, place.keys) == (built, [])
    assert await statements_about(place.store, built.image) == first


async def test_the_report_of_its_package_goes_with_the_image(place: Place, asked: BuildImage) -> None:
    report = ValidationReport(package="a", verdict="valid", errors=0, warnings=0, rules="1", report="sha256:0")
    witness = Witness(place.store, place.keys, "package-validator")
    await witness.state(StatementKind.VALIDATION_REPORT, asked.artifact.digest, predicate_values(report))
    built, _ = await place.build(asked, place.keys)
    assert built.image
    kinds = [one.kind for one in await statements_about(place.store, built.image)]
    assert sorted(kinds) == sorted([StatementKind.SBOM, StatementKind.PROVENANCE, StatementKind.VALIDATION_REPORT])
    verdict = await judge_image(place.store, built.image, ImagePolicy.PRODUCTION, read_trust(place.keys))
    assert [one.part for one in verdict.refusals] == [ImagePart.SANDBOX_APPLY, ImagePart.CANDIDATE]


async def test_without_a_key_an_image_is_built_and_it_is_said_that_nothing_is_stated(
    place: Place, asked: BuildImage
) -> None:
    private_file(place.keys, "image-builder").unlink()
    built, [warning] = await place.build(asked, place.keys)
    assert built.image
    assert "drydock keys create image-builder" in warning
    assert await statements_about(place.store, built.image) == []
    assert await place.build(asked, None) == (built, [])


async def test_a_store_that_fails_while_it_is_stated_is_tried_again(
    place: Place, asked: BuildImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = place.store.set_reference

    async def broken(name: str, target: object) -> None:
        if name.startswith("referrers/"):
            raise StoreUnavailableError("the disk is away")
        await real(name, target)  # type: ignore[arg-type]  # whatever it was

    monkeypatch.setattr(place.store, "set_reference", broken)
    with pytest.raises(Transient, match="the disk is away"):
        await place.build(asked, place.keys)
    monkeypatch.undo()
    built, _ = await place.build(asked, place.keys)
    assert built.image
    assert len(await statements_about(place.store, built.image)) == 2
