"""One check under way: the extension, both sides of the update, and the findings so far."""

from dataclasses import dataclass, field
from functools import cached_property

from shared.formats.al.finding import BreakFinding, BreakSeverity, CodePart
from shared.formats.al.package.version import Version
from shared.formats.al.source.opening import OpenedExtension
from shared.formats.al.source.syntax import ObjectDecl
from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import Symbol, fold, has_member

from .evidence import SymbolPath, declaration
from .needs import NeededApp, lacks_what_it_stands_on, moved_away, platform_of
from .parts import CodeParts, parts_of
from .places import Place
from .rules import SEVERITIES, TOLD_ONCE_A_FILE
from .world import World


@dataclass
class ExtensionCheck:
    """State of one check. `old` is the base that the extension works with today, where it was given.

    `absent` are apps that are needed and were not given: what is not found may be in there. `has_unread` says that a
    package of the set could not be read: it may be any of them. `old_version` is that of the old base, like
    `target_version`. `successors` is what was found already to stand in the place of objects that are gone. `subtype`
    is that of the codeunit in hand, in lower case, and `part` whom the object in hand serves.
    """

    extension: OpenedExtension
    world: World
    old: World | None
    target_version: Version | None
    absent: tuple[NeededApp, ...] = ()
    has_unread: bool = False
    old_version: Version | None = None
    _findings: dict[tuple[str, str, str, int, int], BreakFinding] = field(default_factory=dict)
    _unknown: dict[CodePart, dict[str, None]] = field(default_factory=lambda: {part: {} for part in CodePart})
    _holders: dict[CodePart, dict[str, NeededApp]] = field(default_factory=lambda: {part: {} for part in CodePart})
    successors: dict[SymbolPath, str] = field(default_factory=dict)
    subtype: str = ""
    part: CodePart = CodePart.RUNS

    @cached_property
    def parts(self) -> CodeParts:
        """The parts that the extension's objects belong to."""
        return parts_of(self.extension)

    @property
    def unknown(self) -> dict[str, None]:
        """References of the part in hand that cannot be decided."""
        return self._unknown[self.part]

    def unknown_in(self, part: CodePart) -> tuple[str, ...]:
        """References of a part that cannot be decided."""
        return tuple(self._unknown[part])

    def holders_in(self, part: CodePart) -> tuple[NeededApp, ...]:
        """Apps that are not given and hold something that a part names: it moved there, or its id says so."""
        return tuple(self._holders[part].values())

    def moved_out_of_sight(self, app_id: str, reference: str) -> None:
        """What a reference names has moved to an app that is not given: that leaves it undecided."""
        self._without(moved_away(app_id, reference, self.extension.manifest, self.world.apps), reference)

    def _without(self, needed: NeededApp, reference: str) -> None:
        self._holders[self.part].setdefault(needed.app.id, needed)
        self.unknown.setdefault(reference)

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
        spot = (0, 0) if severity is BreakSeverity.FORECAST or code in TOLD_ONCE_A_FILE else (line, column)
        key = (code, fold(symbol), file, *spot)
        if key not in self._findings:
            before, after = evidence or (declaration(self.old, about), declaration(self.world, about))
            self._findings[key] = BreakFinding(
                code, severity, place.level, symbol, message, file, line, column, suggestion, before, after, self.part
            )

    def look_from(self, declared: ObjectDecl | None, symbol: Symbol | None = None) -> None:
        """From now on an object of the extension is in hand: in source, or by its symbol; None for its manifest.

        Names mean what they mean in its file, on both sides, and its code may do what its subtype permits.
        """
        for world in (self.world, self.old):
            if world is not None:
                world.look_from(declared.file if declared else None)
        one = declared or symbol
        self.subtype = self.parts.subtype(one.kind, one.name) if one else ""
        self.part = self.parts.part(one.kind, one.name) if one else CodePart.RUNS

    def missing(self, kind: str, name: str, number: int = 0) -> bool:
        """Whether an object that was not found is certainly gone; otherwise it is noted as unknown.

        With a needed app absent nothing is certain, except that the old base had the object and today's version of
        that same app has not, with all that it stands on.
        """
        reference = f"{kind} {name or number}"
        if self.extension.has_gaps:
            self.unknown.setdefault(reference)
            return False
        if self.world.is_missing(name, number):
            return True
        if self.old is not None:
            before = self.old.find(kind, name, number)
            today = self._today(before[1]) if before else None
            if today is not None and not lacks_what_it_stands_on(today, self.world.apps):
                return True
        if self.world.is_well_known(name):
            return False
        if self.world.is_platforms(name, number):
            self._without(platform_of(reference, self.extension.manifest), reference)
        elif not self.world.closed:
            self.unknown.setdefault(reference)
        return False

    def member_missing(self, owner: Symbol, name: str) -> bool:
        """Whether a member that was not found on `owner` is certainly gone; otherwise it is noted as unknown.

        No absent app could add it, or the old base had it and today's version of that same app has not.
        """
        if self.world.has_all_extensions or self._had(owner, name):
            return True
        self.unknown.setdefault(f"a member of {owner.title}")
        return False

    def _had(self, owner: Symbol, name: str) -> bool:
        """Whether an app that is given today, too, declared such a member in the old base."""
        before = self.old.find(owner.kind, owner.name) if self.old else None
        if self.old is None or before is None:
            return False
        declaring = (before, *self.old.extensions(before[0]))
        return any(has_member(symbol, name) and self._today(app) is not None for symbol, app in declaring)

    def _today(self, app: AppIndex) -> AppIndex | None:
        """What an app of the old base, another one than the extension itself, is in the target set; None: not there."""
        if self.old is not None and app is self.old.own:
            return None
        return next(
            (
                a
                for a in self.world.apps
                if a is not self.world.own and (a.app.id == app.app.id or (a.app.is_base and app.app.is_base))
            ),
            None,
        )

    def sees_internals(self, app: AppIndex) -> bool:
        """Whether `app` opened its internal symbols to this extension."""
        return app is self.world.own or self.extension.manifest.id in app.app.internals_visible_to
