"""Bases that lost a name, and the lines of an extension that name it: what a check of extensions is proven with.

A name is lost wherever a base has it: objects, their members and what refers to them are called otherwise afterwards.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import msgspec

from shared.formats.al.finding import BreakSeverity, Report
from shared.formats.al.package.version import Version
from shared.formats.al.source.lexer import T
from shared.formats.al.source.opening import OpenedExtension
from shared.formats.al.source.syntax import SourceFile, walk
from shared.formats.al.symbols.builtins import (
    AREAS,
    METHODS,
    PLATFORM_OBJECTS,
    STATIC_WORDS,
    SYSTEM_FIELDS,
    SYSTEM_FUNCTIONS,
    TEST_METHODS,
)
from shared.formats.al.symbols.index import AppIndex, build_index
from shared.formats.al.symbols.platform import FUNCTIONS
from shared.formats.al.symbols.symbols import EXTENSION_OF, Symbol, TypeRef, fold


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


Line = tuple[str, int]

_GONE = " (gone)"
_PARTS = {
    "fields": "field",
    "methods": "procedure or event",
    "controls": "control",
    "actions": "action",
    "views": "view",
    "columns": "column or data item",
    "values": "enum value",
    "variables": "protected variable",
}
# Words that mean something else wherever they are no member: no line can be told to name the member.
_LANGUAGE = _words("""
    action and area array as asserterror assembly begin biginteger blob boolean break byte case char class code
    codeunit column const content continue control count data database date dataitem dateformula datetime
    decimal default dialog div do dotnet downto duration else end enum event exist exit factboxes false field
    fieldref file filter for foreach group guid if image in integer interface internal is key keyref label list
    local lookup max media method min mod module name namespace no not number of option or order page part
    procedure profile protected query rec record recordid recordref repeat repeater report source sum system
    table tabledata temporary text then time to trigger true type until user using value var variant version
    view where while with average sorting xmlport xor xrec
""")
# What stands behind these and `::` is the platform's.
_PLATFORM_ENUMS = _words("""
    clienttype datascope defaultlayout executioncontext fieldclass notificationscope objecttype
    permissionobjecttype reportformat securityfilter tableconnectiontype telemetryscope testpermissions
    textencoding transactiontype verbosity
""")
# Properties whose values are words of the language.
_OF_WORDS = _words("""
    access applicationarea blankzero caption dataclassification defaultlayout extendeddatatype fieldclass image
    importance obsoletestate pagetype promotedcategory promotedonly querycategory querytype runpagemode
    showfilter style subtype tabletype textencoding type updatepropagation usagecategory direction format
""")
# Sections that give a name of the extension's own to what they hold.
_NAMING = _words("""
    action actionref column cuegroup dataitem field fixed grid group label part repeater systempart tableelement
    textelement usercontrol
""")
# Methods of its types that are no objects, as far as bases have procedures of that name.
_OF_TYPES = _words("""
    add addnamespace attributes class create hasvalue post readfrom remove save scope send split tostring
    writeto
""")
_PLATFORM = frozenset().union(
    *METHODS.values(),
    AREAS,
    _OF_TYPES,
    STATIC_WORDS,
    SYSTEM_FUNCTIONS,
    TEST_METHODS,
    SYSTEM_FIELDS,
    PLATFORM_OBJECTS,
    FUNCTIONS,
)


class Bases:
    """Indexes of the apps of a base, in versions of which each lost some names."""

    def __init__(self, indexes: Sequence[AppIndex]) -> None:
        self.indexes = indexes
        self.kinds: dict[str, set[str]] = defaultdict(set)
        for index in indexes:
            for symbol in index.symbols():
                for kind, name in _named_by(symbol):
                    self.kinds[fold(name)].add(kind)
        for word in _LANGUAGE | _PLATFORM | _PLATFORM_ENUMS | {""}:
            self.kinds.pop(word, None)

    @cached_property
    def _holders(self) -> dict[str, set[tuple[int, int]]]:
        """Folded name -> (index, entry) of everything that says it."""
        found: dict[str, set[tuple[int, int]]] = defaultdict(set)
        for app, index in enumerate(self.indexes):
            for at, symbol in enumerate(index.symbols()):
                for text in _texts(msgspec.to_builtins(symbol)):
                    if (name := fold(text)) in self.kinds:
                        found[name].add((app, at))
        return found

    def without(self, names: Iterable[str]) -> list[AppIndex]:
        """The next version of the bases, in which nothing is called by these folded names any more."""
        lost = frozenset(names)
        touched = set().union(*(self._holders[name] for name in lost)) if lost else set()
        return [
            _changed(index, {at for number, at in touched if number == app}, lost)
            for app, index in enumerate(self.indexes)
        ]


def _changed(index: AppIndex, entries: set[int], lost: frozenset[str]) -> AppIndex:
    found = list(index.entries)
    for at in entries:
        plain = _renamed(msgspec.to_builtins(index.symbol(found[at])), lost)
        found[at] = build_index(index.app, [msgspec.convert(plain, Symbol)]).entries[0]
    major, minor, build, revision = index.app.version
    later = Version(major, minor, build, revision + 1)
    return AppIndex(msgspec.structs.replace(index.app, version=later), found)


def _renamed(value: object, lost: frozenset[str]) -> object:
    if isinstance(value, str):
        return value.strip('"') + _GONE if fold(value) in lost else value
    if isinstance(value, list | tuple):
        return [_renamed(v, lost) for v in value]
    return {k: _renamed(v, lost) for k, v in value.items()} if isinstance(value, dict) else value


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple | dict):
        for v in value.values() if isinstance(value, dict) else value:
            yield from _texts(v)


def _named_by(symbol: Symbol) -> Iterator[tuple[str, str]]:
    """(kind, name) of what others may name of an object, the object itself among it."""
    if symbol.kind not in EXTENSION_OF:
        yield symbol.kind, symbol.name
    for part, kind in _PARTS.items():
        for member in getattr(symbol, part):
            if getattr(member, "access", "public") != "local" or member.event:
                yield kind, member.name
            yield from (("option member", name) for name in _options(getattr(member, "type", None)))


def _options(declared: TypeRef | None) -> Sequence[str]:
    return declared.options if declared is not None else ()


# -- lines -------------------------------------------------------------------------------------------------------------


def named_lines(extension: OpenedExtension, bases: Bases) -> dict[str, set[Line]]:
    """Folded names of the bases that the source of an extension names, and at which lines.

    What the extension declares itself, in whatever place, is left out: there a name is not the base's.
    """
    own = set(_declared(extension))
    found: dict[str, set[Line]] = defaultdict(set)
    for file in extension.files:
        for name, line in _tokens(file):
            if name in bases.kinds and name not in own:
                found[name].add((file.path, line))
    return dict(found)


def _tokens(file: SourceFile) -> Iterator[tuple[str, int]]:
    """Names, and the strings of attributes of subscribers, with their lines; not what only the platform brings."""
    tokens = file.tokens
    in_attribute = False
    passed = set(_of_the_platform(file))
    for at, kind in enumerate(tokens.kinds):
        if at in passed:
            continue
        if tokens.lower[at] == "eventsubscriber":
            in_attribute = True
        elif in_attribute and tokens.sign(at) == "]":
            in_attribute = False
        if kind in (T.NAME, T.QUOTED) or (in_attribute and kind is T.STRING):
            yield fold(tokens.texts[at]), tokens.place(tokens.offsets[at])[0]


def _of_the_platform(file: SourceFile) -> Iterator[int]:
    """Tokens in declarations of .NET, in properties that hold words of the language, and values of its enums."""
    tokens = file.tokens
    for at in range(2, len(tokens.kinds)):
        if tokens.sign(at - 1) == "::" and tokens.lower[at - 2] in _PLATFORM_ENUMS:
            yield at
    for declared in file.objects:
        for node, _ in walk(declared.root):
            for prop in node.properties.values():
                if prop.name in _OF_WORDS:
                    yield from range(prop.first, prop.last)
            if declared.kind == "dotnet":
                for first, last in node.arguments:
                    yield from range(first, last)


def _declared(extension: OpenedExtension) -> Iterator[str]:
    """Everything that the source itself gives a name, and the words of its sections and properties, folded."""
    for symbol in extension.index.symbols():
        yield fold(symbol.name)
        for kind, name in _named_by(symbol):
            # A field that a control of the same name shows is named, and not declared, where it stands.
            if kind not in ("control", "column or data item"):
                yield fold(name)
    for declared in extension.objects:
        yield from map(str.casefold, declared.namespace.split("."))
        for using in declared.usings:
            yield from map(str.casefold, using.split("."))
        for node, _ in walk(declared.root):
            yield node.keyword
            yield from node.properties
            if node.keyword in _NAMING and node.arguments:
                yield fold("".join(declared.file.tokens.texts[slice(*node.arguments[0])]))
            for variable in node.variables:
                yield fold(variable.name)
                yield from map(fold, variable.type.options)
            for procedure in node.procedures:
                yield fold(procedure.name)
                for variable in (*procedure.parameters, *procedure.locals):
                    yield fold(variable.name)
                    yield from map(fold, variable.type.options)


def blocked_lines(report: Report) -> set[Line]:
    """Where something blocks."""
    return {(f.file, f.line) for f in report.findings if f.severity is BreakSeverity.BLOCKS}
