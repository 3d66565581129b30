"""A new platform whose base nobody names is no way around the check of extensions."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.servicing_executor.domain.facts import PackageFacts
from services.servicing_executor.domain.plans import StepName
from services.servicing_executor.domain.projections.packages import ApplicablePackageProjection
from services.servicing_executor.domain.projections.platforms import PlatformReleaseProjection
from services.servicing_executor.domain.state import Environment
from services.servicing_executor.domain.updates import apply_update
from shared.contracts.envelope import Envelope
from shared.contracts.package_validator import PackageStatus
from shared.contracts.parts import (
    ArtifactRef,
    EnvironmentKind,
    Extension,
    ExtensionScope,
    ImageContents,
    PackageContents,
    PackageKind,
    Update,
)
from shared.contracts.servicing_executor import ApplyUpdate, EnvironmentStatus, OperationAccepted, Reason
from shared.kernel import NotYet

NOW = datetime(2026, 11, 21, 22, tzinfo=UTC)
APP = "5f0c2a57-3a0f-4c7e-9a63-0d1f6b7c8e21"
ARTIFACT = ArtifactRef(digest=f"sha256:{'a' * 64}", size=1, media_type="application/zip")
FREIGHT = Extension(
    app_id=APP,
    name="Freight",
    publisher="Contoso",
    version="1.0",
    scope=ExtensionScope.TENANT,
    artifact=ARTIFACT,
    dependencies=(),
)


def sandbox(*extensions: Extension) -> Environment:
    contents = ImageContents(
        platform_package="contoso/vendor-1",
        customization_package=None,
        platform_version="7.0.1",
        application_version="10.0.1",
        base_version="26.0",
        modules=(),
        dropped=(),
    )
    return Environment(
        id="contoso-test",
        project="contoso",
        environment_kind=EnvironmentKind.SANDBOX,
        country="DE",
        status=EnvironmentStatus.DEPLOYED,
        running=Update(name="first", image=ARTIFACT.digest, contents=contents),
        extensions=extensions,
    )


def apply(
    state: Environment, *, base: str | None, kind: PackageKind = PackageKind.PLATFORM, **values: Any
) -> list[str]:
    """The steps of the operation that applying a package becomes."""
    contents = PackageContents(
        kind=kind,
        modules=(),
        platform_modules=(),
        removed_modules=(),
        platform_version="7.0.2",
        application_version="10.0.2",
    )
    package = ApplicablePackageProjection(sequence=1, status=PackageStatus.VALID, artifact=ARTIFACT, contents=contents)
    release = PlatformReleaseProjection(version="10.0.2", base_version=base) if base else None
    command = ApplyUpdate(environment=state.id, package="contoso/vendor-2", update_name="second", **values)
    envelope = Envelope(id="apply", source="test", time=NOW, data=command)
    decision = apply_update(state, envelope, PackageFacts(package, release), NOW)
    [accepted] = [event for event in decision.events if isinstance(event, OperationAccepted)]
    return list(accepted.steps)


def test_an_update_waits_for_the_release_that_names_its_base_then_it_is_unverifiable() -> None:
    with pytest.raises(NotYet, match="Freight") as not_yet:
        apply(sandbox(FREIGHT), base=None)
    assert not_yet.value.waits_for == "contoso/vendor-2"
    assert not_yet.value.reason is Reason.EXTENSIONS_UNVERIFIABLE


@pytest.mark.parametrize(
    ("state", "values"),
    [
        (sandbox(), {"base": None}),
        (sandbox(FREIGHT), {"base": None, "acknowledge_unverifiable": (APP,)}),
        (sandbox(FREIGHT), {"base": None, "kind": PackageKind.CUSTOMIZATION}),
        (sandbox(FREIGHT), {"base": "26.0"}),
    ],
    ids=["no extensions", "acknowledged", "the same platform", "the same base"],
)
def test_an_update_without_anything_to_judge_is_not_checked(state: Environment, values: dict[str, Any]) -> None:
    assert StepName.CHECK_EXTENSIONS not in apply(state, **values)


def test_an_update_with_another_base_is_checked_first() -> None:
    assert apply(sandbox(FREIGHT), base="27.0")[0] == StepName.CHECK_EXTENSIONS
