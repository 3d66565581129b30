"""One check under way: the extension, both sides of the update, and the findings so far."""

from collections.abc import Callable
from dataclasses import dataclass, field

from shared.formats.al.finding import Finding, Level, Severity
from shared.formats.al.package.version import Version
from shared.formats.al.source.lexer import whole_number
from shared.formats.al.source.opening import Extension
from shared.formats.al.source.syntax import SourceFile
from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import Obsolete, Symbol, fold

from .evidence import About, declaration
from .rules import SEVERITIES
from .suggestions import nearest, predicted_removal, replacement
from .world import World, is_moved


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands; without source there is no place."""

    file: SourceFile | None = None
    at: int = -1


NOWHERE = Place()
_TITLES = {"xmlport": "XmlPort", "controladdin": "ControlAddIn", "permissionset": "PermissionSet"}


def called(kind: str, name: str) -> str:
    """`Codeunit 'Sales-Post'`: how the compiler names an object."""
    return f"{_TITLES.get(kind, kind.capitalize())} '{name}'"


@dataclass
class Check:
    """State of one check. `old` is the base that the extension works with today, where it was given.

    `has_unread` says that a package of the set could not be read: it may be any dependency that is not found.
    `reached` are the ids of the apps that the manifest makes visible, None where nobody asks; `old_version` is
    that of the old base, like `target_version`.
    """

    extension: Extension
    world: World
    old: World | None
    target_version: Version | None
    absent: tuple[str, ...] = ()
    has_unread: bool = False
    reached: frozenset[str] | None = None
    old_version: Version | None = None
    _findings: dict[tuple[str, str, str, int, int], Finding] = field(default_factory=dict)
    unknown: dict[str, None] = field(default_factory=dict)
    _instead: dict[tuple[str, str, int], str] = field(default_factory=dict)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Findings in the order of their places, each once."""
        order = {s: i for i, s in enumerate(Severity)}
        return tuple(
            sorted(self._findings.values(), key=lambda f: (order[f.severity], f.file, f.line, f.column, f.code))
        )

    def report(
        self,
        code: str,
        level: Level,
        symbol: str,
        message: str,
        place: Place = NOWHERE,
        suggestion: str = "",
        *,
        about: About | None = None,
        evidence: tuple[str, str] | None = None,
    ) -> None:
        """Add a finding unless the same was found at the same place.

        `about` says whose declarations are the evidence; `evidence` gives (before, after) where those are no
        declarations.
        """
        file, line, column = "", 0, 0
        if place.file is not None and place.at >= 0:
            file = place.file.path
            line, column = place.file.tokens.place(place.at)
        severity = SEVERITIES[code]
        # A symbol's future, and its move, is told once per file, a break at each of its places.
        spot = (0, 0) if severity is Severity.FORECAST or code == "AL0824" else (line, column)
        key = (code, fold(symbol), file, *spot)
        if key not in self._findings:
            before, after = evidence or (declaration(self.old, about), declaration(self.world, about))
            self._findings[key] = Finding(
                code, severity, level, symbol, message, file, line, column, suggestion, before, after
            )

    def look_from(self, file: SourceFile | None) -> None:
        """Names mean from now on what they mean in `file`, on both sides."""
        for world in (self.world, self.old):
            if world is not None:
                world.look_from(file)

    def missing(self, kind: str, name: str, number: int = 0) -> bool:
        """Whether an object that was not found is certainly gone; otherwise it is noted as unknown.

        With a needed app absent nothing is certain, except that the old base had the object and today's
        version of that same app has not.
        """
        if self.extension.has_gaps:
            self.unknown.setdefault(f"{kind} {name or number}")
            return False
        if self.world.is_missing(kind, name, number):
            return True
        if self.old is not None:
            before = self.old.find(kind, name, number)
            if before is not None and before[1] is not self.old.own and self._has_app(before[1]):
                return True
        if not self.world.closed:
            self.unknown.setdefault(f"{kind} {name or number}")
        return False

    def member_missing(self, owner: Symbol) -> bool:
        """Whether a member that was not found on `owner` is certainly gone: no absent app could add it."""
        if not self.world.closed:
            self.unknown.setdefault(f"a member of {owner.title}")
        return self.world.closed

    def _has_app(self, app: AppIndex) -> bool:
        return any(
            a.app.id == app.app.id or (a.app.is_base and app.app.is_base)
            for a in self.world.apps
            if a is not self.world.own
        )

    def reference(
        self,
        kind: str,
        name: str,
        number: int,
        level: Level,
        place: Place,
        *,
        code: str = "AL0185",
        instead: Callable[[], str] | None = None,
    ) -> tuple[Symbol, AppIndex] | None:
        """Resolve a named object; a missing, removed, pending or inaccessible one is reported.

        `instead` gives a suggestion that is better than what names and ids tell, or nothing. None stands for a
        missing and for an inaccessible object: nothing more can be said of its members.
        """
        found = self.world.find(kind, name, number)
        label = name or str(number)
        about = About(kind, name, number)
        if found is None:
            if (label or number) and self.missing(kind, name, number):
                message = f"{called(kind, label)} is missing."
                if code == "AL0132":
                    scope = "Database" if kind == "table" else _TITLES.get(kind, kind.capitalize())
                    message = f"'{scope}' does not contain a definition for '{label}'."
                advice = (instead() if instead else "") or self.instead(kind, label, number)
                self.report(code, level, label, message, place, advice, about=about)
            return None
        symbol, app = found
        if app is self.world.own:
            return found
        if self._out_of_sight(symbol, name):
            message, advice = f"{called(kind, label)} is missing.", f"Add: using {symbol.namespace};"
            self.report("AL0185", level, label, message, place, advice, about=about)
            return None
        rivals = self.world.rivals(kind, name) if name else []
        # A file without namespace sees every one; that it compiled with two of a name says they are told apart.
        if rivals and (self.world.spaces is not None or (self.old and not self.old.rivals(kind, name))):
            self._ambiguous(name, rivals, level, place)
            return None
        if not self.accessible(symbol, app, level, place):
            return None
        self.target_state(symbol, app, level, place)
        return found

    def target_state(self, symbol: Symbol, app: AppIndex, level: Level, place: Place, removed: str = "AL0433") -> None:
        """Report an object that is removed, moved or pending; `removed` is the code for a removed one."""
        if is_moved(symbol):
            self._moved(symbol, level, place)
            return
        title = called(symbol.kind, symbol.name)
        self.state(symbol.obsolete, title, symbol.name, level, place, About.object(symbol), removed=removed)
        self._unreached(symbol, app, level, place)

    def _out_of_sight(self, symbol: Symbol, name: str) -> bool:
        """Whether the object moved to a namespace that the file does not use: known where the old base is."""
        if not name or "." in name or self.old is None or self.world.in_sight(symbol):
            return False
        before = self.old.find(symbol.kind, name)
        return before is not None and self.old.in_sight(before[0])

    def _ambiguous(self, name: str, rivals: list[tuple[Symbol, AppIndex]], level: Level, place: Place) -> None:
        (one, first), (two, second) = rivals[:2]
        names = [f"{s.namespace}.{s.name}" if s.namespace else s.name for s in (one, two)]
        message = (
            f"'{name}' is an ambiguous reference between '{names[0]}' defined by the extension '{first.app.name}' "
            f"and '{names[1]}' defined by the extension '{second.app.name}'."
        )
        advice = f"Write the namespace before the name: {' or '.join(names)}."
        after = f"{names[0]}; {names[1]}"
        self.report("AL0275", level, name, message, place, advice, evidence=("", after))

    # -- what moved to another app -----------------------------------------------------------------

    def _moved(self, symbol: Symbol, level: Level, place: Place) -> None:
        """Only the marker that the object left in its old app is in sight: where did it go?"""
        wanted = symbol.properties.get("movedto", "").strip("{}'").lower()
        home = next((a for a in self.world.apps if a.app.id == wanted), None)
        if home is None and not self.world.closed:
            self.unknown.setdefault(f"{symbol.kind} {symbol.name}")
            return
        reason = f" Reason: {symbol.obsolete.reason}." if symbol.obsolete and symbol.obsolete.reason else ""
        message = f"{called(symbol.kind, symbol.name)} is removed.{reason} It moved to another app."
        where = home.app.title if home else f"the app {wanted}" if wanted else "another app"
        advice = f"It moved to {where}, which is not in the target set: install that app, and depend on it."
        if home is not None:
            advice = f"It moved to {where}, which does not have it in this version."
        self.report("AL0433", level, symbol.name, message, place, advice, about=About.object(symbol))

    def _unreached(self, symbol: Symbol, app: AppIndex, level: Level, place: Place) -> None:
        """It is there, in an app that this extension does not depend on yet."""
        origin = symbol.properties.get("movedfrom", "").strip("{}'").lower()
        if not origin or self.reached is None or app.app.id in self.reached or origin not in self.reached:
            return
        if not any(a.app.id == origin for a in self.world.apps):
            return  # what the old owner passes on to its dependents is not known
        message = f"{called(symbol.kind, symbol.name)} has been moved to the extension '{app.app.name}'."
        advice = f"Add a dependency on {app.app.name} by {app.app.publisher} ({app.app.id})."
        self.report("AL0824", level, symbol.name, message, place, advice, about=About.object(symbol))

    def accessible(self, symbol: Symbol, app: AppIndex, level: Level, place: Place) -> bool:
        """Whether this extension may name an object; it is reported if not."""
        access = symbol.properties.get("access", "").lower()
        if access == "internal" and not self.sees_internals(app):
            message = f"'{symbol.name}' is inaccessible due to its protection level."
            self.report("AL0161", level, symbol.name, message, place, about=About.object(symbol))
            return False
        if is_on_premises(symbol.properties.get("scope", "")) and self.extension.manifest.is_cloud:
            self.on_premises(symbol.name, level, place, About.object(symbol))
        return True

    def sees_internals(self, app: AppIndex) -> bool:
        """Whether `app` opened its internal symbols to this extension."""
        return app is self.world.own or self.extension.manifest.id in app.app.internals_visible_to

    def on_premises(self, name: str, level: Level, place: Place, about: About) -> None:
        """Report the use of something that a cloud extension must not use."""
        message = (
            f"The application object or method '{name}' has scope 'OnPrem' and cannot be used for 'Cloud' development."
        )
        self.report("AL0296", level, name, message, place, about=about)

    def state(
        self,
        obsolete: Obsolete | None,
        title: str,
        name: str,
        level: Level,
        place: Place,
        about: About | None = None,
        *,
        removed: str = "AL0433",
    ) -> None:
        """Report a removed symbol (as `removed`), or the forecast of a pending one."""
        if obsolete is None:
            return
        reason = f" Reason: {obsolete.reason.rstrip('.')}." if obsolete.reason else ""
        tag = f" Tag: {obsolete.tag}." if obsolete.tag else ""
        if obsolete.state in ("removed", "moved"):
            message = f"{title} is removed.{reason}{tag}"
            self.report(removed, level, name, message, place, replacement(obsolete), about=about)
        elif obsolete.state in ("pending", "pendingmove"):
            major = predicted_removal(obsolete)
            when = f" It may be gone from version {major}.0 on." if major else ""
            what = "removal" if obsolete.state == "pending" else "a move to another app"
            message = f"{title} is marked for {what}.{reason}{tag}{when}"
            self.report("AL0432", level, name, message, place, replacement(obsolete), about=about)

    def instead(self, kind: str, name: str, number: int) -> str:
        """What took the place of an object that is gone, as far as ids, reasons and names tell."""
        key = (kind, fold(name), number)
        if key not in self._instead:
            self._instead[key] = self._successor(kind, name, number)
        return self._instead[key]

    def _successor(self, kind: str, name: str, number: int) -> str:
        before = self.old.find(kind, name, number) if self.old else None
        if before is not None and before[0].id:
            renamed = self.world.find(kind, "", before[0].id)
            if renamed is not None and renamed[1] is not self.world.own:
                return f'It is called "{renamed[0].name}" now.'
        if before is not None and before[0].obsolete and before[0].obsolete.reason:
            return before[0].obsolete.reason
        bare = name.rpartition(".")[2]
        elsewhere = self.world.find(kind, bare) if bare != name and not whole_number(name) else None
        if elsewhere is not None:
            space = elsewhere[0].namespace
            return f"It is in namespace {space} now." if space else "It is in no namespace now."
        for other in ("codeunit", "table", "page", "enum", "query", "report"):
            moved = self.world.find(other, name) if other != kind and name else None
            if moved is not None and moved[1] is not self.world.own:
                return f"There is a {moved[0].title} now."
        return nearest(name, (n for app in self.world.apps for n in app.names(kind)))


def is_on_premises(scope: str) -> bool:
    """Scope `OnPrem`, which was called `Internal` before runtime 4.0."""
    return scope.strip("'").lower() in ("onprem", "internal")
