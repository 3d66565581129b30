"""Checks that need only manifests: is everything there that the extension asks for, in its version?"""

from collections.abc import Sequence

from .context import Check
from .finding import Level
from .index import App, AppIndex
from .manifest import BUSINESS_FOUNDATION, PLATFORM, SYSTEM_APPLICATION, AppRef, Manifest
from .version import Version, base_major_of_runtime, runtime_major_of_base

_NO_ID = "00000000-0000-0000-0000-000000000000"


def provider(wanted: AppRef, apps: Sequence[AppIndex]) -> AppIndex | None:
    """The app that a dependency means: by id or alternate id; by name where the manifest names no id."""
    for app in apps:
        if wanted.id == app.app.id or wanted.id in app.app.alternate_ids:
            return app
    if wanted.id in ("", _NO_ID):
        for app in apps:
            if (app.app.name, app.app.publisher) == (wanted.name, wanted.publisher):
                return app
    return None


def application_version(apps: Sequence[AppIndex]) -> Version | None:
    """The base application's version; without one that of an app which is released together with it."""
    bases = [a.app.version for a in apps if a.app.is_base]
    if bases:
        return max(bases)
    siblings = [a.app.version for a in apps if a.app.id in (SYSTEM_APPLICATION, BUSINESS_FOUNDATION)]
    return max(siblings, default=None)


def absent_apps(manifest: Manifest, apps: Sequence[AppIndex]) -> tuple[str, ...]:
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


def check_manifest(check: Check, apps: Sequence[AppIndex]) -> None:
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


def _dependency(check: Check, wanted: AppRef, found: AppIndex | None) -> None:
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
        check.report("AL1022", Level.MANIFEST, wanted.name or wanted.id, message, suggestion=advice)
        return
    if found.app.version < wanted.min_version:
        _too_old(check, wanted.name, wanted.min_version, found.app.version)
    if wanted.id == found.app.id and wanted.name and _renamed(wanted, found.app):
        message = (
            f"The dependency '{wanted.name}' by '{wanted.publisher}' is called '{found.app.name}' by "
            f"'{found.app.publisher}' now."
        )
        check.report("AL1076", Level.MANIFEST, wanted.name, message, suggestion="Use the new name in app.json.")


def _renamed(wanted: AppRef, found: App) -> bool:
    return (wanted.name, wanted.publisher) != (found.name, found.publisher)


def _too_old(check: Check, name: str, least: Version, there: Version) -> None:
    message = f"'{name}' {least} or later is required; the target set has {there}."
    check.report("AL1022", Level.MANIFEST, name, message, suggestion=f"Needs a target with {name} {least}.")


def _runtime(check: Check, runtime: Version, base: Version) -> None:
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
        check.report("AL1043", Level.MANIFEST, f"{runtime.major}.{runtime.minor}", message, suggestion=advice)
