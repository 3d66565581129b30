"""A release is published when its package is known to be valid."""

from datetime import UTC, datetime

from shared.contracts.package_validator import PackageSubmitted, PackageValidated
from shared.contracts.parts import ArtifactRef, PackageContents, PackageKind
from shared.contracts.promotion_scheduler import PublishRelease, ReleasePublished, ReleaseSnapshot
from tests.integration.promotion_scheduler.world import World

ARTIFACT = ArtifactRef(digest=f"sha256:{'a' * 64}", size=1, media_type="application/zip")
CONTENTS = PackageContents(
    kind=PackageKind.PLATFORM,
    modules=(),
    platform_modules=(),
    removed_modules=(),
    platform_version="7.0.7690.21",
    application_version="10.0.2177.37",
)


async def test_a_release_waits_for_the_verdict_on_its_package(world: World) -> None:
    package = f"{world.project}/service-update"
    version = f"10.0.{int(datetime.now(UTC).timestamp()) % 10**9}"
    modules = ArtifactRef(digest=f"sha256:{'b' * 64}", size=2048, media_type="application/json")
    publish = PublishRelease(version=version, package=package, base_version="27.0.38460.0", modules=modules)
    command = await world.user.send(publish)
    submitted = PackageSubmitted(package=package, project=world.project, artifact=ARTIFACT, file_name="one.zip")
    await world.tell(submitted, "package-validator")
    validated = PackageValidated(
        package=package, project=world.project, artifact=ARTIFACT, contents=CONTENTS, warnings=()
    )
    await world.tell(validated, "package-validator")

    [seen] = await world.user.wait_for(
        lambda seen: isinstance(seen.envelope.data, ReleasePublished) and seen.envelope.causation == command
    )
    told = seen.envelope.data
    assert isinstance(told, ReleasePublished)
    assert told.published_at is not None
    assert told == ReleasePublished(
        version=version,
        package=package,
        platform_version="7.0.7690.21",
        application_version="10.0.2177.37",
        base_version="27.0.38460.0",
        modules=modules,
        published_at=told.published_at,
    )
    [view] = await world.user.wait_for(
        lambda seen: isinstance(seen.envelope.data, ReleaseSnapshot) and seen.envelope.data.version == version
    )
    assert isinstance(view.envelope.data, ReleaseSnapshot)
    assert view.envelope.data.modules == modules
