"""Which codeunits of an extension are there to test it, and what the subtype of a codeunit permits its code."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from shared.formats.al.finding import CodePart
from shared.formats.al.source.opening import OpenedExtension
from shared.formats.al.source.syntax import ObjectDecl
from shared.formats.al.symbols.symbols import fold

_TESTS = frozenset(("test", "testrunner"))
_TAKES_OVER = frozenset(("upgrade", "install"))


@dataclass(frozen=True)
class CodeParts:
    """`subtypes` are those of codeunits, in lower case, by folded names; `tests` names the ones that only test."""

    subtypes: dict[str, str]
    tests: frozenset[str]

    def subtype(self, kind: str, name: str) -> str:
        """The subtype of an object; empty unless it is a codeunit that has one."""
        return self.subtypes.get(fold(name), "") if kind == "codeunit" else ""

    def part(self, kind: str, name: str) -> CodePart:
        """The part that an object belongs to."""
        return CodePart.TESTS if kind == "codeunit" and fold(name) in self.tests else CodePart.RUNS


def may_name_removed(subtype: str) -> bool:
    """Whether code of a codeunit of that subtype may name removed tables and fields, whose data it takes over.

    It goes by the codeunit and not by its triggers (the vendor's documentation of ObsoleteState; seen for `Install`
    too, from runtime 3.0 on).
    """
    return subtype in _TAKES_OVER


def parts_of(extension: OpenedExtension) -> CodeParts:
    """Test codeunits and test runners, and the codeunits that nothing but these uses."""
    subtypes = {
        fold(s.name): s.properties["subtype"].strip("'").lower()
        for s in extension.index.symbols()
        if s.kind == "codeunit" and "subtype" in s.properties
    }
    tests = {name for name, subtype in subtypes.items() if subtype in _TESTS}
    if not tests:
        return CodeParts(subtypes, frozenset())
    users = _users(extension, {n: w for n, w in _helpers(extension) if n not in subtypes})
    grown = True
    while grown:
        helpers = {name for name, by in users.items() if by and by <= tests | {name} and by != {name}}
        grown = not helpers <= tests
        tests |= helpers
    return CodeParts(subtypes, frozenset(tests))


def _helpers(extension: OpenedExtension) -> Iterator[tuple[str, str]]:
    """Codeunits that do nothing unless other code calls them: folded name, and id in words."""
    for declared in extension.objects:
        if declared.kind == "codeunit" and not _acts_by_itself(declared):
            yield fold(declared.name), str(declared.id)


def _acts_by_itself(declared: ObjectDecl) -> bool:
    """Whether the server may start its code: by an event, as a job, or by an endpoint."""
    if any(p.kind == "trigger" for p in declared.root.procedures):
        return True
    instance = declared.root.properties.get("eventsubscriberinstance")
    if instance is not None and declared.file.tokens.lower[instance.first] == "manual":
        return False
    attributes = (a.name.lower() for p in declared.root.procedures for a in p.attributes)
    return any(name in ("eventsubscriber", "serviceenabled") for name in attributes)


def _users(extension: OpenedExtension, helpers: dict[str, str]) -> dict[str, set[str]]:
    """Helpers -> the objects whose text names them: codeunits by folded name, others by kind and name."""
    words = {name: name for name in helpers} | {number: name for name, number in helpers.items()}
    users: dict[str, set[str]] = defaultdict(set)
    for file in extension.files:
        objects = sorted(file.objects, key=lambda o: o.at)
        begins = [_begin(o) for o in objects]
        for at, word in enumerate(file.tokens.lower):
            helper = words.get(word)
            if helper is not None:
                inside = bisect_right(begins, at) - 1
                users[helper].add(_called(objects[inside]) if inside >= 0 else "")
    return users


def _begin(declared: ObjectDecl) -> int:
    """The number of the token with which an object begins: its kind, before its id and name."""
    return bisect_left(declared.file.tokens.offsets, declared.at) - (2 if declared.id else 1)


def _called(declared: ObjectDecl) -> str:
    return fold(declared.name) if declared.kind == "codeunit" else f"{declared.kind} {declared.name}"
