"""Images of demo packages for tests: what package-validator and image-builder do between them."""

from pathlib import Path

from deploy.demo.packages import DemoPackage
from services.image_builder.domain.composition import PackageToApply
from services.image_builder.image_build import BuiltImage, build_image
from shared.artifacts.image import ImageModule
from shared.artifacts.port import ArtifactStore


async def stored(store: ArtifactStore, package: DemoPackage, folder: Path) -> PackageToApply:
    """Write the package, store it, and say of it what a validator would find."""
    path = package.write(folder)
    descriptor = await store.put_file(path, "application/zip")
    return PackageToApply(
        digest=descriptor.digest,
        kind=package.kind,
        modules=tuple(
            ImageModule(name=m.name, version=m.version, part=package.kind, references=m.references)
            for m in package.modules
        ),
        platform_version=package.platform_version,
        application_version=package.application_version if package.kind == "platform" else "",
        removals=package.removals,
    )


async def built(
    store: ArtifactStore,
    package: DemoPackage,
    folder: Path,
    base: str | None = None,
    acknowledged: tuple[str, ...] = (),
) -> BuiltImage:
    """The image of the package on the base, its update named after the package."""
    source = await stored(store, package, folder)
    return await build_image(store, source, update_name=package.name, base=base, acknowledged=acknowledged)
