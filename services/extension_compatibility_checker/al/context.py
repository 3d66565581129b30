"""One check under way: the extension, both sides of the update, and the findings so far."""

from dataclasses import dataclass, field

from .extension import Extension
from .finding import Finding, Level, Severity
from .index import AppIndex
from .rules import SEVERITIES
from .suggestions import nearest, predicted_removal, replacement
from .symbols import Obsolete, Symbol, fold
from .syntax import SourceFile
from .version import Version
from .world import World


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands; without source there is no place."""

    file: SourceFile | None = None
    at: int = -1


NOWHERE = Place()
_TITLES = {"xmlport": "XmlPort", "controladdin": "ControlAddIn"}


@dataclass
class Check:
    """State of one check. `old` is the base that the extension works with today, where it was given.

    `has_unread` says that a package of the set could not be read: it may be any dependency that is not found.
    """

    extension: Extension
    world: World
    old: World | None
    target_version: Version | None
    absent: tuple[str, ...] = ()
    has_unread: bool = False
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
        self, code: str, level: Level, symbol: str, message: str, place: Place = NOWHERE, suggestion: str = ""
    ) -> None:
        """Add a finding unless the same was found at the same place."""
        file, line, column = "", 0, 0
        if place.file is not None and place.at >= 0:
            file = place.file.path
            line, column = place.file.tokens.place(place.at)
        severity = SEVERITIES[code]
        # A symbol's future is told once per file, a break at each of its places.
        spot = (0, 0) if severity is Severity.FORECAST else (line, column)
        key = (code, fold(symbol), file, *spot)
        if key not in self._findings:
            self._findings[key] = Finding(code, severity, level, symbol, message, file, line, column, suggestion)

    def missing(self, kind: str, name: str, number: int = 0) -> bool:
        """Whether an object that was not found is certainly gone; otherwise it is noted as unknown.

        With a needed app absent nothing is certain, except that the old base had the object and today's
        version of
        that same app has not.
        """
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
        self, kind: str, name: str, number: int, level: Level, place: Place, *, code: str = "AL0185"
    ) -> tuple[Symbol, AppIndex] | None:
        """Resolve a named object; a missing, removed, pending or inaccessible one is reported.

        None stands for a missing and for an inaccessible one: nothing more can be said of its members.
        """
        found = self.world.find(kind, name, number)
        label = name or str(number)
        if found is None:
            if (label or number) and self.missing(kind, name, number):
                message = f"{_TITLES.get(kind, kind.capitalize())} '{label}' is missing."
                if code == "AL0132":
                    scope = "Database" if kind == "table" else _TITLES.get(kind, kind.capitalize())
                    message = f"'{scope}' does not contain a definition for '{label}'."
                self.report(code, level, label, message, place, self.instead(kind, label, number))
            return None
        symbol, app = found
        if app is not self.world.own:
            if not self.accessible(symbol, app, level, place):
                return None
            self.state(symbol.obsolete, symbol.title, symbol.name, level, place)
        return found

    def accessible(self, symbol: Symbol, app: AppIndex, level: Level, place: Place) -> bool:
        """Whether this extension may name an object; it is reported if not."""
        access = symbol.properties.get("access", "").lower()
        if access == "internal" and not self.sees_internals(app):
            message = f"'{symbol.name}' is inaccessible due to its protection level."
            self.report("AL0161", level, symbol.name, message, place)
            return False
        if is_on_premises(symbol.properties.get("scope", "")) and self.extension.manifest.is_cloud:
            message = f"The object '{symbol.name}' has scope 'OnPrem' and cannot be used for 'Cloud' development."
            self.report("AL0296", level, symbol.name, message, place)
        return True

    def sees_internals(self, app: AppIndex) -> bool:
        """Whether `app` opened its internal symbols to this extension."""
        return app is self.world.own or self.extension.manifest.id in app.app.internals_visible_to

    def state(self, obsolete: Obsolete | None, title: str, name: str, level: Level, place: Place) -> None:
        """Report a removed symbol, or the forecast of a pending one."""
        if obsolete is None:
            return
        if obsolete.state in ("removed", "moved"):
            message = f"{title} is removed. {obsolete.reason}".strip()
            self.report("AL0433", level, name, message, place, replacement(obsolete))
        elif obsolete.state in ("pending", "pendingmove"):
            major = predicted_removal(obsolete)
            when = f" It may be gone from version {major}.0 on." if major else ""
            tag = f" Tag: {obsolete.tag}." if obsolete.tag else ""
            message = f"{title} is marked for removal. {obsolete.reason}{tag}{when}".strip()
            self.report("AL0432", level, name, message, place, replacement(obsolete))

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
            if renamed is not None:
                return f'It is called "{renamed[0].name}" now.'
        if before is not None and before[0].obsolete and before[0].obsolete.reason:
            return before[0].obsolete.reason
        for other in ("codeunit", "table", "page", "enum", "query", "report"):
            moved = self.world.find(other, name) if other != kind and name else None
            if moved is not None:
                return f"There is a {moved[0].title} now."
        return nearest(name, (n for app in self.world.apps for n in app.names(kind)))


def is_on_premises(scope: str) -> bool:
    """Scope `OnPrem`, which was called `Internal` before runtime 4.0."""
    return scope.strip("'").lower() in ("onprem", "internal")
