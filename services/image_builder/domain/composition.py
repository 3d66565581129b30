"""Which modules an image has after a package was put onto a base: rules without any I/O.

A customization package replaces the customization part, a platform package the platform part, a merged
one both. Module names mean the same in any case; they are shown as they were written.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from shared.contracts.image_builder import Reason
from shared.contracts.parts import Module, PackageContents
from shared.formats.difference import compare_modules
from shared.formats.oci_image import ImageModule, ImageParts, ModuleRemoval, Part
from shared.formats.versions import is_lower

Kind = Literal["platform", "customization", "merged"]
_PARTS: dict[Kind, tuple[Part, ...]] = {
    "platform": ("platform",),
    "customization": ("customization",),
    "merged": ("platform", "customization"),
}


class CompositionRefusedError(Exception):
    """The package does not go onto this base; the message says why, `modules` are those it is about."""

    def __init__(self, message: str, modules: Iterable[str] = (), *, reason: Reason = Reason.BUILD_FAILED) -> None:
        super().__init__(message)
        self.reason = reason
        self.modules = tuple(sorted(modules, key=str.casefold))


@dataclass(frozen=True, slots=True)
class PackageToApply:
    """What composition needs of a valid package.

    `digest` is the stored package's, `id` says what it is called, and where. `removals` are the lines of its
    ModuleToRemove.txt. What its modules refer to is not asked for: a build reads that.

    A customization package has no application version: an image takes that from its platform
    part. Its `platform_version` is the one it was built for.
    """

    digest: str
    kind: Kind
    modules: tuple[ImageModule, ...]
    platform_version: str
    application_version: str = ""
    removals: tuple[str, ...] = ()
    id: str = ""

    @property
    def reference(self) -> str:
        """The package as an image names it: `<id>@<digest>`.

        With the id, images belong to one project: two that submit the same file under the same update name have two
        images, which share their layers.
        """
        return f"{self.id}@{self.digest}" if self.id else self.digest


def package_to_apply(package: str, digest: str, contents: PackageContents) -> PackageToApply:
    """A valid package by what its validator found in it; `package` is its id, `digest` that of its file."""
    parts: tuple[tuple[Part, tuple[Module, ...]], ...] = (
        ("platform", contents.platform_modules),
        ("customization", contents.modules),
    )
    return PackageToApply(
        digest=digest,
        kind=contents.kind.value,
        modules=tuple(
            ImageModule(name=one.name, version=one.version, part=part) for part, some in parts for one in some
        ),
        platform_version=contents.platform_version or "0.0",
        application_version=contents.application_version or "0.0",
        removals=contents.removed_modules,
        id=package,
    )


@dataclass(frozen=True, slots=True)
class Composition:
    """The resulting image's contents, and what changes against the base: lists of module names."""

    contents: ImageParts
    replaced: tuple[Part, ...]
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    missing: tuple[str, ...]


def compose(
    base: ImageParts | None,
    package: PackageToApply,
    *,
    update_name: str,
    base_digest: str | None = None,
    acknowledged: Collection[str] = (),
) -> Composition:
    """Put `package` onto `base` (None: nothing runs yet), or raise CompositionRefusedError.

    Customization modules of the base that the package neither has nor removes are `missing`; each must be
    among `acknowledged`. `dropped` of the result = (dropped of the base + customization modules of the base)
    - modules of the result - modules of the removal file.
    """
    replaced = _PARTS[package.kind]
    _check_parts(base, package, replaced)
    kept = () if base is None else tuple(m for m in base.modules if m.part not in replaced)
    modules = (*kept, *package.modules)
    _check_unique(modules)
    removals = _check_removals(modules, package, replaced)
    platform_version = package.platform_version if base is None or "platform" in replaced else base.platform_version
    if is_lower(platform_version, package.platform_version):
        raise CompositionRefusedError(
            f"the package was built for platform {package.platform_version}, the image would have "
            f"{platform_version}: update the platform first, or build the package for that platform",
        )

    changes = compare_modules(() if base is None else base.modules, modules)
    customs = compare_modules(() if base is None else base.part("customization"), modules, removals)
    missing = [module.name for module in customs.missing]
    refused = _without(missing, {name.casefold() for name in acknowledged})
    if refused:
        raise CompositionRefusedError(
            f"the package lacks {_names(refused)}, which the base image has: acknowledge each by name, put "
            "them into the package, or name them in ModuleToRemove.txt to keep the image promotable",
            refused,
            reason=Reason.MODULES_MISSING,
        )
    once_dropped = () if base is None else base.dropped
    dropped = {name.casefold(): name for name in (*once_dropped, *missing)}
    healed = removals | {module.name.casefold() for module in modules}
    platform_package = package if base is None or "platform" in replaced else base
    return Composition(
        contents=ImageParts(
            update_name=update_name,
            platform_version=platform_version,
            application_version=platform_package.application_version,
            modules=tuple(sorted(modules, key=_order)),
            packages={**({} if base is None else base.packages), **dict.fromkeys(replaced, package.reference)},
            dropped=_sorted(_without(dropped.values(), healed)),
            base=base_digest,
            removals=_removals(base, package, [one.name for one in customs.removed], missing, modules),
        ),
        replaced=replaced,
        added=_sorted(module.name for module in changes.added),
        changed=_sorted(change.after.name for change in changes.changed),
        removed=_sorted(module.name for module in customs.removed),
        missing=_sorted(missing),
    )


def _removals(
    base: ImageParts | None,
    package: PackageToApply,
    removed: Iterable[str],
    missing: Iterable[str],
    modules: Iterable[ImageModule],
) -> tuple[ModuleRemoval, ...]:
    """By which package each module went that the line of images had and this one has not; its last going counts."""
    known = {} if base is None else {name.casefold(): ModuleRemoval(name=name, how="omission") for name in base.dropped}
    known |= {} if base is None else {one.name.casefold(): one for one in base.removals}
    by = package.reference
    known |= {name.casefold(): ModuleRemoval(name=name, how="omission", package=by) for name in missing}
    names = {name.casefold(): name for name in removed}
    # A removal file may also name what an earlier image had dropped: then that was removed after all.
    names |= {key: known[key].name for key in _keys(package.removals) if key in known and key not in names}
    known |= {key: ModuleRemoval(name=name, how="removal-file", package=by) for key, name in names.items()}
    there = {module.name.casefold() for module in modules}
    return tuple(known[key] for key in sorted(known) if key not in there)


def _keys(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.strip().casefold() for name in names) - {""}


def _check_parts(base: ImageParts | None, package: PackageToApply, replaced: tuple[Part, ...]) -> None:
    if base is None and "platform" not in replaced:
        raise CompositionRefusedError(
            "a customization package needs an image with a platform below it: apply a platform package first",
            reason=Reason.PLATFORM_NEEDED,
        )
    found = {module.part for module in package.modules}
    for part in found.difference(replaced):
        raise CompositionRefusedError(f"a {package.kind} package has modules of the {part} part")
    if "platform" in replaced and "platform" not in found:
        raise CompositionRefusedError(f"a {package.kind} package has no platform modules: use a customization package")


def _check_unique(modules: Iterable[ImageModule]) -> None:
    seen: dict[str, ImageModule] = {}
    for module in modules:
        other = seen.setdefault(module.name.casefold(), module)
        if other is not module:
            raise CompositionRefusedError(
                f"module {module.name} would be in the image twice ({other.part} {other.version} and "
                f"{module.part} {module.version}): rename or leave out one of them",
                [module.name],
            )


def _check_removals(
    modules: Iterable[ImageModule], package: PackageToApply, replaced: tuple[Part, ...]
) -> frozenset[str]:
    removals = _keys(package.removals)
    if removals and "customization" not in replaced:
        raise CompositionRefusedError(
            "a platform package keeps the customization part, so its ModuleToRemove.txt can remove nothing: "
            "put the file into a customization package",
        )
    of_platform = [m.name for m in modules if m.part == "platform" and m.name.casefold() in removals]
    if of_platform:
        raise CompositionRefusedError(
            f"ModuleToRemove.txt names {_names(of_platform)} of the platform: only customization modules "
            "may be removed",
            of_platform,
        )
    return removals


def _without(names: Iterable[str], keys: Collection[str]) -> list[str]:
    return [name for name in names if name.casefold() not in keys]


def _order(module: ImageModule) -> tuple[bool, str]:
    return module.part != "platform", module.name.casefold()


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=str.casefold))


def _names(names: Iterable[str]) -> str:
    return ", ".join(_sorted(names))
