"""Checks that need only manifests: is everything there that the extension asks for, in its version?"""

from collections.abc import Sequence

from shared.formats.al.package.manifest import (
    APPLICATION,
    BASE_APPLICATION,
    BUSINESS_FOUNDATION,
    PLATFORM,
    SYSTEM_APPLICATION,
    AppManifest,
    AppRef,
)
from shared.formats.al.package.version import Version, base_major_of_runtime, runtime_major_of_base
from shared.formats.al.symbols.index import App, AppIndex

from .context import ExtensionCheck
from .places import IN_MANIFEST

_NO_ID = "00000000-0000-0000-0000-000000000000"


def provider(wanted: AppRef, apps: Sequence[AppIndex]) -> AppIndex | None:
    """The app that a dependency means, in its newest version.

    By id, then by alternate id; by name where the manifest names no id.
    """
    if wanted.id in ("", _NO_ID):
        found = [a for a in apps if (a.app.name, a.app.publisher) == (wanted.name, wanted.publisher)]
    else:
        found = [a for a in apps if wanted.id == a.app.id] or [a for a in apps if wanted.id in a.app.alternate_ids]
    return max(found, key=lambda a: a.app.version, default=None)


def newest(apps: Sequence[AppIndex]) -> list[AppIndex]:
    """Each app once, in its newest version; early base apps all have the same empty id and are kept."""
    best: dict[str, AppIndex] = {}
    for app in apps:
        known = best.get(app.app.id)
        if known is None or app.app.version > known.app.version:
            best[app.app.id] = app
    return [a for a in apps if a.app.id in ("", _NO_ID) or best[a.app.id] is a]


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


def absent_apps(manifest: AppManifest, apps: Sequence[AppIndex]) -> tuple[str, ...]:
    """Names of apps that the extension needs, directly or through others, and that are not in the set.

    The server's own `System` app does not count: every server has it.
    """
    absent: dict[str, None] = {}
    if manifest.application is not None and not any(a.app.is_base for a in apps):
        absent["Application"] = None
    pending = list(manifest.dependencies)
    if manifest.application is not None:
        pending += [AppRef(a.app.id, a.app.name, a.app.publisher, Version()) for a in apps if a.app.is_base]
    seen: set[str] = set()
    while pending:
        wanted = pending.pop()
        if wanted.id in seen or wanted.id == PLATFORM:
            continue
        seen.add(wanted.id)
        found = provider(wanted, apps)
        if found is None:
            absent[wanted.name or wanted.id] = None
        else:
            pending += found.app.dependencies
    return tuple(absent)


def check_manifest(check: ExtensionCheck, apps: Sequence[AppIndex]) -> None:
    """Rows 1 to 5: dependencies, minimum versions, runtime."""
    manifest = check.extension.manifest
    for wanted in manifest.dependencies:
        _dependency(check, wanted, provider(wanted, apps))
    platform = next((a.app.version for a in apps if a.app.is_platform), None)
    base = application_version(apps)
    if manifest.application is not None and base is not None and manifest.application > base:
        _too_old(check, "Application", manifest.application, base)
    if manifest.platform is not None:
        if platform is not None and manifest.platform > platform:
            _too_old(check, "System", manifest.platform, platform)
        elif platform is None and base is not None and manifest.platform.major > base.major:
            # Without `System` in the set: a server's platform has the major version of its application.
            _too_old(check, "System", manifest.platform, base)
    if manifest.runtime is not None and base is not None:
        _runtime(check, manifest.runtime, base)


def _dependency(check: ExtensionCheck, wanted: AppRef, found: AppIndex | None) -> None:
    label = f"{wanted.name} by {wanted.publisher}" if wanted.publisher else wanted.name or wanted.id
    if found is None and check.has_unread:
        check.unknown.setdefault(f"dependency {wanted.name}")
        return
    if found is None:
        message = (
            f"A package with publisher '{wanted.publisher}', name '{wanted.name}' and a version compatible "
            f"with '{wanted.min_version}' could not be found in the target set."
        )
        advice = f"Install {label}, or check with its package among --base."
        evidence = (_before(check, wanted), "")
        check.report("AL1022", wanted.name or wanted.id, message, IN_MANIFEST, advice, evidence=evidence)
        return
    if found.app.version < wanted.min_version:
        _too_old(check, wanted.name, wanted.min_version, found.app.version)
    if wanted.id == found.app.id and wanted.name and _renamed(wanted, found.app):
        message = (
            f"The dependency '{wanted.name}' by '{wanted.publisher}' is called '{found.app.name}' by "
            f"'{found.app.publisher}' now."
        )
        evidence = (f"{wanted.name} by {wanted.publisher}", f"{found.app.name} by {found.app.publisher}")
        advice = "Use the new name in app.json."
        check.report("AL1076", wanted.name, message, IN_MANIFEST, advice, evidence=evidence)


def _before(check: ExtensionCheck, wanted: AppRef) -> str:
    """The app as the old base's set has it."""
    found = provider(wanted, check.old.apps[1:]) if check.old else None
    return found.app.title if found else ""


def _renamed(wanted: AppRef, found: App) -> bool:
    return (wanted.name, wanted.publisher) != (found.name, found.publisher)


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
