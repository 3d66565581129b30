"""One check under way: the extension, both sides of the update, and the findings so far."""

from dataclasses import dataclass, field

from shared.formats.al.finding import BreakFinding, BreakSeverity
from shared.formats.al.package.version import Version
from shared.formats.al.source.opening import OpenedExtension
from shared.formats.al.source.syntax import SourceFile
from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import Symbol, fold

from .evidence import SymbolPath, declaration
from .places import Place
from .rules import SEVERITIES
from .world import World


@dataclass
class ExtensionCheck:
    """State of one check. `old` is the base that the extension works with today, where it was given.

    `has_unread` says that a package of the set could not be read: it may be any dependency that is not found.
    `reached` are the ids of the apps that the manifest makes visible, None where nobody asks; `old_version` is
    that of the old base, like `target_version`. `unknown` are references that cannot be decided, `successors` what was
    found already to stand in the place of objects that are gone.
    """

    extension: OpenedExtension
    world: World
    old: World | None
    target_version: Version | None
    absent: tuple[str, ...] = ()
    has_unread: bool = False
    reached: frozenset[str] | None = None
    old_version: Version | None = None
    _findings: dict[tuple[str, str, str, int, int], BreakFinding] = field(default_factory=dict)
    unknown: dict[str, None] = field(default_factory=dict)
    successors: dict[SymbolPath, str] = field(default_factory=dict)

    @property
    def findings(self) -> tuple[BreakFinding, ...]:
        """Findings in the order of their places, each once."""
        order = {s: i for i, s in enumerate(BreakSeverity)}
        return tuple(
            sorted(self._findings.values(), key=lambda f: (order[f.severity], f.file, f.line, f.column, f.code))
        )

    def report(
        self,
        code: str,
        symbol: str,
        message: str,
        place: Place,
        suggestion: str = "",
        *,
        about: SymbolPath | None = None,
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
        spot = (0, 0) if severity is BreakSeverity.FORECAST or code == "AL0824" else (line, column)
        key = (code, fold(symbol), file, *spot)
        if key not in self._findings:
            before, after = evidence or (declaration(self.old, about), declaration(self.world, about))
            self._findings[key] = BreakFinding(
                code, severity, place.level, symbol, message, file, line, column, suggestion, before, after
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

    def sees_internals(self, app: AppIndex) -> bool:
        """Whether `app` opened its internal symbols to this extension."""
        return app is self.world.own or self.extension.manifest.id in app.app.internals_visible_to
