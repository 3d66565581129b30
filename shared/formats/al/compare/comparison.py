"""What every comparison of two versions shares: settings, lookups, and the findings so far."""

from collections.abc import Sequence

import msgspec

from shared.formats.al.finding import BreakFinding, PlaceLevel
from shared.formats.al.package.container import display_path
from shared.formats.al.symbols.index import AppIndex, IndexEntry
from shared.formats.al.symbols.symbols import Method, Obsolete, Symbol, TypeRef, fold

from .rules import HIDDEN, SEVERITY

_REACH = {"local": 0, "internal": 0, "protected": 1, "": 2, "public": 2}


class ComparisonSettings(msgspec.Struct, frozen=True):
    """The analyzer's settings: what beside the public API is compared, and what else is reported.

    `obsolete_tag` is the tag that newly obsolete symbols must have (AS0072); empty: not asked.
    """

    internal: bool = False
    obsolete: bool = False
    onprem: bool = False
    hidden: bool = False
    obsolete_tag: str = ""


class Comparison:
    """One step from `old` to `new`; `others` are apps that objects come from or go to, or that hold enums."""

    def __init__(self, old: AppIndex, new: AppIndex, settings: ComparisonSettings, others: Sequence[AppIndex]) -> None:
        self.old = old
        self.new = new
        self.settings = settings
        self.others = [app for app in others if app.app.id != new.app.id]
        self.findings: list[BreakFinding] = []
        self.undecided: list[str] = []
        self._unchanged = old.by_digest().keys() & new.by_digest().keys()

    def add(self, code: str, owner: Symbol | None, symbol: str, message: str, file: str = "") -> None:
        """Report a rule; `owner` is the object that holds `symbol`, None where it is the object itself."""
        if code in HIDDEN and not self.settings.hidden:
            return
        where = f" in {owner.title}" if owner else ""
        source = owner.source if owner else file
        place = display_path(f"src/{source}") if source else ""
        self.findings.append(
            BreakFinding(code, SEVERITY[code], PlaceLevel.SYMBOLS, symbol, f"{message}{where}.", place)
        )

    def is_unchanged(self, entry: IndexEntry) -> bool:
        """Whether an object's symbols are byte for byte the same in both versions."""
        return (entry.kind, entry.namespace, entry.digest) in self._unchanged

    def is_settled(self, state: Obsolete | None) -> bool:
        """Whether a symbol that was obsolete already may change."""
        return state is not None and not self.settings.obsolete

    def is_api(self, symbol: Symbol) -> bool:
        """Whether others may name an object, so that rules other than those of the schema look at it."""
        properties = symbol.properties
        if self.is_settled(symbol.obsolete) or (is_onprem(properties.get("scope", "")) and not self.settings.onprem):
            return False
        return self.settings.internal or properties.get("access", "").lower() in ("", "public")

    def is_api_method(self, method: Method) -> bool:
        """Whether others may call a procedure."""
        if self.is_settled(method.obsolete) or (is_onprem(method.scope) and not self.settings.onprem):
            return False
        return method.access in ("public", "protected") or (self.settings.internal and method.access == "internal")

    def tags(self, before: Obsolete | None, after: Obsolete | None, owner: Symbol | None, name: str) -> None:
        """AS0072, AS0074 and AS0115: how an obsolete state may go on."""
        if after is None:
            return
        if before is None and after.state == "removed":
            self.add("AS0115", owner, name, f"'{name}' was not pending before it was removed")
        wanted = self.settings.obsolete_tag
        if before is None or before.state != after.state:
            if wanted and after.tag != wanted:
                self.add("AS0072", owner, name, f"'{name}' has the obsolete tag '{after.tag}', not '{wanted}'")
        elif before.tag and after.tag != before.tag:
            self.add("AS0074", owner, name, f"'{name}' has the obsolete tag '{after.tag}' instead of '{before.tag}'")


def reach(properties: dict[str, str]) -> int:
    """How far an access goes: 2 public, 1 protected, 0 internal or local."""
    return _REACH.get(properties.get("access", "").lower(), 2)


def is_onprem(scope: str) -> bool:
    """Whether a scope shuts out extensions that run online."""
    return scope.lower() in ("onprem", "internal")


def is_true(text: str) -> bool:
    """A boolean property; one that is there without value is true."""
    return text.lower() in ("1", "true", "yes", "")


def signature_type(declared: TypeRef, other: TypeRef | None = None) -> object:
    """What callers see of a type. Ids decide where both types have one, since old compilers left names out."""
    arguments = tuple(
        signature_type(a, b)
        for a, b in zip(declared.arguments, other.arguments if other else declared.arguments, strict=False)
    )
    has_ids = declared.subject_id and (other is None or other.subject_id)
    subject = declared.subject_id if has_ids else fold(declared.subject)
    count = len(declared.arguments)
    return declared.name.lower(), declared.length, subject, declared.temporary, count, arguments


def same_type(was: TypeRef, now: TypeRef) -> bool:
    """Whether two types are one to a caller, array sizes left aside."""
    return signature_type(was, now) == signature_type(now, was)
