"""What a package changes in an image that runs: for people as lines, for programs as a document."""

from collections.abc import Iterator, Sequence
from typing import Any

from services.console.cli.package.targets import Target
from shared.formats.deployable_package.findings import printable
from shared.formats.deployable_package.judge.verdict import PackageVerdict
from shared.formats.deployable_package.read.kinds import DeployableKind
from shared.formats.deployable_package.read.module_names import ModuleVersion
from shared.formats.difference import compare_modules

_IDENTICAL = "DP708"


def changes_document(verdict: PackageVerdict, target: Target) -> dict[str, Any]:
    """Say what the package changes in the image.

    `modules` are the customization modules, `platform_modules` the vendor's; null where the package leaves that part
    as it is, or where nobody can tell what is in it. Names in the case in which they are written.
    """
    image = target.image
    return {
        "image": target.digest,
        "environment": target.environment,
        "update_name": target.update_name,
        "platform_version": image.platform_version,
        "application_version": image.application_version,
        "modules": _customization(verdict, target),
        "platform_modules": _platform(verdict, target),
        "identical": any(finding.rule == _IDENTICAL for finding in verdict.findings),
    }


def changes_lines(verdict: PackageVerdict, target: Target) -> Iterator[str]:
    """The same for a person: a heading, and a line for each thing that changes."""
    document = changes_document(verdict, target)
    where = f"{target.environment} runs" if target.environment else "the image is"
    yield f"against {target.digest[:19]}: {where} {printable(target.update_name)!r}"
    parts = [("", document["modules"]), ("platform module ", document["platform_modules"])]
    if all(changes is None for _, changes in parts):
        yield "  nothing can be compared: it cannot be told what the package holds"
        return
    yield from _version_lines(verdict, target)
    for what, changes in parts:
        yield from _module_lines(what, changes or {})
    if document["identical"]:
        yield "  nothing changes: every module is byte for byte what runs, and applying it costs downtime for nothing"
    elif not any(any(changes.values()) for _, changes in parts if changes):
        yield "  no module is added, missing, removed, upgraded, downgraded or rebuilt"
    missing = [one["name"] for one in (document["modules"] or {}).get("missing", ())]
    if missing:
        options = " ".join(f"--acknowledge-missing {printable(name)}" for name in missing)
        yield "  to drop what is missing, tell `drydock update apply` exactly this; the update cannot be promoted then:"
        yield f"    {options}"


def _customization(verdict: PackageVerdict, target: Target) -> dict[str, Any] | None:
    if verdict.kind not in (DeployableKind.CUSTOMIZATION, DeployableKind.MERGED):
        return None
    own = [one for one in verdict.modules if not one.vendor]
    running = {one.key: one for one in target.image.modules}
    changes = _changes(target.image.modules, [ModuleVersion(one.name, one.version) for one in own], verdict)
    changes["rebuilt"] = [
        one.name
        for one in sorted(own, key=lambda one: one.name.lower())
        if (before := running.get(one.name.lower()))
        and before.version == one.version
        and "" not in (before.content, one.content_sha256)
        and before.content != one.content_sha256
    ]
    return changes


def _platform(verdict: PackageVerdict, target: Target) -> dict[str, Any] | None:
    if verdict.kind not in (DeployableKind.PLATFORM, DeployableKind.MERGED):
        return None
    vendors = [ModuleVersion(one.name, one.version) for one in verdict.modules if one.vendor]
    return _changes(target.platform_modules, vendors, None)


def _changes(
    before: Sequence[ModuleVersion], after: Sequence[ModuleVersion], verdict: PackageVerdict | None
) -> dict[str, Any]:
    changes = compare_modules(before, after, verdict.removed_modules if verdict else ())
    found: dict[str, Any] = {
        title: [{"name": one.name, "version": one.version} for one in sorted(modules, key=lambda one: one.key)]
        for title, modules in (("added", changes.added), ("missing", changes.missing), ("removed", changes.removed))
    }
    for title, changed in (("upgraded", changes.upgraded), ("downgraded", changes.downgraded)):
        found[title] = [
            {"name": one.after.name, "running": one.before.version, "package": one.after.version}
            for one in sorted(changed, key=lambda one: one.after.key)
        ]
    return found


def _version_lines(verdict: PackageVerdict, target: Target) -> Iterator[str]:
    image = target.image
    if verdict.kind == DeployableKind.CUSTOMIZATION:
        built_for = printable(verdict.platform_version) or "no platform that it states"
        yield f"  platform    {image.platform_version} stays; the package was built for {built_for}"
        yield f"  application {image.application_version} stays"
        return
    for what, old, new in (
        ("platform   ", image.platform_version, verdict.platform_version),
        ("application", image.application_version, verdict.application_version),
    ):
        yield f"  {what} {old} stays" if old == new else f"  {what} {old} -> {printable(new) or 'not stated'}"


def _module_lines(what: str, changes: dict[str, Any]) -> Iterator[str]:
    for title in ("added", "missing", "removed"):
        for one in changes.get(title, ()):
            yield f"  {title:11} {what}{printable(one['name'])} {printable(one['version'])}"
    for title in ("upgraded", "downgraded"):
        for one in changes.get(title, ()):
            versions = f"{printable(one['running'])} -> {printable(one['package'])}"
            yield f"  {title:11} {what}{printable(one['name'])} {versions}"
    for name in changes.get("rebuilt", ()):
        yield f"  {'rebuilt':11} {what}{printable(name)}: other files under the same version"
