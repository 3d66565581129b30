"""Apps that an extension needs, and those of them that are not given: what these hold is not known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.formats.al.finding import CodePart
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
from shared.formats.al.package.version import Version
from shared.formats.al.symbols.index import AppIndex

NO_ID = "00000000-0000-0000-0000-000000000000"
_TEST_LIBRARIES = "Test"
# Apps of the vendor that had another id in every build.
_ID_PER_BUILD = frozenset((("Application", VENDOR), (_TEST_LIBRARIES, VENDOR)))
_WELL_KNOWN = {
    APPLICATION: "Application",
    BASE_APPLICATION: "Base Application",
    SYSTEM_APPLICATION: "System Application",
    BUSINESS_FOUNDATION: "Business Foundation",
    PLATFORM: "System",
}


@dataclass(frozen=True, slots=True)
class NeededApp:
    """An app, and why it is needed, for messages. `is_direct` says that the extension's own manifest asks for it.

    `part` is the part of the extension that needs it. `extends` is False for an app that is known to add no members
    to the objects of others.
    """

    app: AppRef
    why: str
    is_direct: bool = True
    part: CodePart = CodePart.RUNS
    extends: bool = True

    @property
    def name(self) -> str:
        """What it is called; its id where no manifest at hand names it."""
        return self.app.name or (f"App {self.app.id}" if self.app.id else "An app that nothing names")

    @property
    def title(self) -> str:
        """Name and publisher."""
        return f"{self.name} by {self.app.publisher}" if self.app.publisher else self.name

    @property
    def sentence(self) -> str:
        """Why something cannot be decided."""
        least = f", {self.app.min_version} or later" if self.app.min_version > Version() else ""
        return f"{self.title} is needed ({self.why}{least}), and its symbols were not given"


def provider(wanted: AppRef, apps: Sequence[AppIndex]) -> AppIndex | None:
    """The app that a dependency means, in its newest version.

    By id, then by alternate id; by name where the manifest names no id, or the app has another in every build. The
    base application up to 14 stands for those that it was divided into later, which it is too old for.
    """
    if wanted.id in ("", NO_ID) or (wanted.name, wanted.publisher) in _ID_PER_BUILD:
        found = [a for a in apps if (a.app.name, a.app.publisher) == (wanted.name, wanted.publisher)]
    else:
        found = [a for a in apps if wanted.id == a.app.id] or [a for a in apps if wanted.id in a.app.alternate_ids]
    if not found and wanted.id in (APPLICATION, BASE_APPLICATION):
        found = [a for a in apps if a.app.is_base and a.app.id != APPLICATION]
    return max(found, key=lambda a: a.app.version, default=None)


def namesakes(wanted: AppRef, apps: Sequence[AppIndex]) -> list[AppIndex]:
    """Apps of that name and publisher, whatever their ids."""
    return [a for a in apps if wanted.name and (a.app.name, a.app.publisher) == (wanted.name, wanted.publisher)]


def direct_needs(manifest: AppManifest) -> Iterator[NeededApp]:
    """The apps that a manifest asks for, whether by its dependencies or by its attributes.

    The server's own `System` app (attribute Platform) does not count: every server has it. It is needed where something
    names an object of its that is not among the well-known ones.
    """
    if manifest.application is not None:
        wanted = AppRef(APPLICATION, "Application", VENDOR, manifest.application)
        yield NeededApp(wanted, "attribute Application of the manifest")
    for dependency in manifest.dependencies:
        if dependency.id != PLATFORM:
            yield NeededApp(dependency, "a dependency")
    if manifest.test is not None:
        # These libraries are converted C/AL, like the base application of their time: it had no extension objects.
        wanted = AppRef("", _TEST_LIBRARIES, VENDOR, manifest.test)
        yield NeededApp(wanted, "attribute Test of the manifest", part=CodePart.TESTS, extends=False)


def absent_apps(manifest: AppManifest, apps: Sequence[AppIndex]) -> tuple[NeededApp, ...]:
    """Apps that the extension needs, directly or through others, and that are not among `apps`."""
    absent: list[NeededApp] = []
    pending = list(direct_needs(manifest))
    seen: set[tuple[str, str]] = set()
    while pending:
        needed = pending.pop(0)
        wanted = needed.app
        key = (wanted.id, wanted.name if wanted.id in ("", NO_ID) else "")
        if key in seen or wanted.id == PLATFORM:
            continue
        seen.add(key)
        found = provider(wanted, apps)
        if found is None:
            absent.append(needed)
            continue
        why = f"a dependency of {found.app.title}"
        pending += [NeededApp(d, why, is_direct=False, part=needed.part) for d in found.app.dependencies]
    return tuple(absent)


def lacks_what_it_stands_on(app: AppIndex, apps: Sequence[AppIndex]) -> bool:
    """Whether an app that `app` depends on, directly or through others, is not among `apps`.

    An object may have been moved down there: `No. Series` went from the base application to Business Foundation, on
    which it depends since.
    """
    pending, seen = list(app.app.dependencies), set()
    while pending:
        wanted = pending.pop()
        if wanted.id == PLATFORM or (wanted.id, wanted.name) in seen:
            continue
        seen.add((wanted.id, wanted.name))
        found = provider(wanted, apps)
        if found is None:
            return True
        pending += found.app.dependencies
    return False


def moved_away(app_id: str, what: str, manifest: AppManifest, apps: Sequence[AppIndex]) -> NeededApp:
    """The app that something moved to, by the names that the manifests at hand give it; it is not among `apps`."""
    named = [d for d in (*manifest.dependencies, *(d for a in apps for d in a.app.dependencies)) if d.id == app_id]
    known = named[0] if named else AppRef(app_id, _WELL_KNOWN.get(app_id, ""), "", Version())
    wanted = AppRef(app_id, known.name, known.publisher, Version())
    return NeededApp(wanted, f"{what} moved there", is_direct=False)


def platform_of(what: str, manifest: AppManifest) -> NeededApp:
    """The server's `System` app, whose id range something is in."""
    why = "attribute Platform of the manifest" if manifest.platform is not None else "every app needs it"
    wanted = AppRef(PLATFORM, "System", VENDOR, manifest.platform or Version())
    return NeededApp(wanted, f"{why}; it has the id of {what}", is_direct=False)
