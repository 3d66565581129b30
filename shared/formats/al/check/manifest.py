"""Checks that need only manifests: is everything there that the extension asks for, in its version?"""

from collections.abc import Sequence

from shared.formats.al.package.manifest import (
    APPLICATION,
    BASE_APPLICATION,
    BUSINESS_FOUNDATION,
    PLATFORM,
    SYSTEM_APPLICATION,
    VENDOR,
    AppManifest,
    AppRef,
)
from shared.formats.al.package.version import Version, base_major_of_runtime, runtime_major_of_base
from shared.formats.al.symbols.index import App, AppIndex

from .context import ExtensionCheck
from .needs import NO_ID, direct_needs, namesakes, provider
from .places import IN_MANIFEST


def newest(apps: Sequence[AppIndex]) -> list[AppIndex]:
    """Each app once, in its newest version; early base apps all have the same empty id and are kept."""
    best: dict[str, AppIndex] = {}
    for app in apps:
        known = best.get(app.app.id)
        if known is None or app.app.version > known.app.version:
            best[app.app.id] = app
    return [a for a in apps if a.app.id in ("", NO_ID) or best[a.app.id] is a]


def reached_apps(manifest: AppManifest, apps: Sequence[AppIndex]) -> frozenset[str]:
    """Ids of the apps whose objects the extension may name, whether they are in the set or not.

    Those it depends on, those of the base if it names a minimum application, and what these pass on.
    """
    reached = {d.id for d in manifest.dependencies}
    if manifest.application is not None:
        reached |= {APPLICATION, BASE_APPLICATION, SYSTEM_APPLICATION, BUSINESS_FOUNDATION}
        reached |= {a.app.id for a in apps if a.app.is_base}
    pending = list(reached)
    by_id = {a.app.id: a.app for a in apps}
    while pending:
        app = by_id.get(pending.pop())
        passed_on = app.dependencies if app is not None and app.propagates_dependencies else ()
        pending += [d.id for d in passed_on if d.id not in reached]
        reached |= {d.id for d in passed_on}
    return frozenset(reached)


def application_version(apps: Sequence[AppIndex]) -> Version | None:
    """The base application's version; without one that of an app which is released together with it."""
    bases = [a.app.version for a in apps if a.app.is_base]
    if bases:
        return max(bases)
    siblings = [a.app.version for a in apps if a.app.id in (SYSTEM_APPLICATION, BUSINESS_FOUNDATION)]
    return max(siblings, default=None)


def check_manifest(check: ExtensionCheck, apps: Sequence[AppIndex], *, is_whole: bool = False) -> frozenset[AppRef]:
    """Rows 1 to 5: dependencies, minimum versions, runtime. `is_whole` says that no other extension is installed.

    Returns the dependencies that are certainly not there; what else is not given is not known.
    """
    manifest = check.extension.manifest
    gone = frozenset(d for d in manifest.dependencies if _is_gone(check, d, apps, is_whole=is_whole))
    base = application_version(apps)
    for needed in direct_needs(manifest):
        found, check.part = provider(needed.app, apps), needed.part
        there = found.app.version if found is not None else base if needed.app.id == APPLICATION else None
        if needed.app in gone:
            _not_found(check, needed.app, namesakes(needed.app, apps))
        elif there is not None and there < needed.app.min_version:
            _too_old(check, needed.app.name, needed.app.min_version, there)
        if found is not None and found.app.id == needed.app.id:
            _renamed(check, needed.app, found.app)
    check.look_from(None)
    platform = next((a.app.version for a in apps if a.app.is_platform), None)
    if manifest.platform is not None:
        if platform is not None and manifest.platform > platform:
            _too_old(check, "System", manifest.platform, platform)
        elif platform is None and base is not None and manifest.platform.major > base.major:
            # Without `System` in the set: a server's platform has the major version of its application.
            _too_old(check, "System", manifest.platform, base)
    if manifest.runtime is not None and base is not None:
        _runtime(check, manifest.runtime, base)
    return gone


def _is_gone(check: ExtensionCheck, wanted: AppRef, apps: Sequence[AppIndex], *, is_whole: bool) -> bool:
    """Whether a dependency is certainly not there: the set has that app under another id, or has all there is.

    Of the vendor's apps a set never has all: their symbols may not have been published with the base.
    """
    if wanted.id == PLATFORM or provider(wanted, apps) is not None or check.has_unread:
        return False
    return bool(namesakes(wanted, apps)) or (is_whole and wanted.publisher.casefold() not in ("", VENDOR.casefold()))


def _not_found(check: ExtensionCheck, wanted: AppRef, others: Sequence[AppIndex]) -> None:
    label = f"{wanted.name} by {wanted.publisher}" if wanted.publisher else wanted.name or wanted.id
    message = (
        f"A package with publisher '{wanted.publisher}', name '{wanted.name}' and a version compatible "
        f"with '{wanted.min_version}' could not be found in the target set."
    )
    advice = f"Install {label}."
    after = ""
    if others:
        advice = f"The set has {label} with the id {others[0].app.id}, and not {wanted.id}: depend on that id."
        after = f"{others[0].app.title} {others[0].app.id}"
    check.report(
        "AL1022", wanted.name or wanted.id, message, IN_MANIFEST, advice, evidence=(_before(check, wanted), after)
    )


def _renamed(check: ExtensionCheck, wanted: AppRef, found: App) -> None:
    if not wanted.name or (wanted.name, wanted.publisher) == (found.name, found.publisher):
        return
    message = (
        f"The dependency '{wanted.name}' by '{wanted.publisher}' is called '{found.name}' by '{found.publisher}' now."
    )
    evidence = (f"{wanted.name} by {wanted.publisher}", f"{found.name} by {found.publisher}")
    check.report("AL1076", wanted.name, message, IN_MANIFEST, "Use the new name in app.json.", evidence=evidence)


def _before(check: ExtensionCheck, wanted: AppRef) -> str:
    """The app as the old base's set has it."""
    found = provider(wanted, check.old.apps[1:]) if check.old else None
    return found.app.title if found else ""


def _too_old(check: ExtensionCheck, name: str, least: Version, there: Version) -> None:
    message = f"'{name}' {least} or later is required; the target set has {there}."
    advice, evidence = f"Needs a target with {name} {least}.", ("", f"{name} {there}")
    check.report("AL1022", name, message, IN_MANIFEST, advice, evidence=evidence)


def _runtime(check: ExtensionCheck, runtime: Version, base: Version) -> None:
    newest = runtime_major_of_base(base)
    if not newest:
        return
    # From runtime 6 on the minor versions of runtime and base go together (6.1 came with 17.1).
    same_major = runtime.major == newest >= 6 and runtime.minor > base.minor
    if runtime.major > newest or same_major:
        message = (
            f"The runtime version {runtime.major}.{runtime.minor} is not supported by base version "
            f"{base.major}.{base.minor}."
        )
        advice = f"It needs base version {base_major_of_runtime(runtime)}.{runtime.minor if same_major else 0}."
        symbol, evidence = f"{runtime.major}.{runtime.minor}", ("", f"runtime {newest_of(base)}")
        check.report("AL1043", symbol, message, IN_MANIFEST, advice, evidence=evidence)


def newest_of(base: Version) -> str:
    """The newest runtime that a base version runs."""
    major = runtime_major_of_base(base)
    return f"{major}.{base.minor}" if major >= 6 else f"{major}.x"
