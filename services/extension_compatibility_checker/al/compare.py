"""Two versions of one app: what breaks its dependents or its own data, as AppSourceCop's upgrade rules say.

Source: the analyzer's public rule pages (appsourcecop, one page per rule). Public API is what others can
name; schema rules look at every table, field and key, whatever its access or obsolete state. Symbols that
were obsolete in the old version may go. Two holes of the analyzer are closed: report columns and data items,
and a return value that appears together with public access.
"""

from collections.abc import Iterator, Sequence

import msgspec

from .finding import Finding, Level, Severity
from .index import AppIndex
from .symbols import Element, Field, Method, Symbol, TypeRef, fold
from .version import Version

_E, _W, _I = Severity.BLOCKS, Severity.WARNS, Severity.FORECAST


class BaselineRule(msgspec.Struct, frozen=True):
    """One analyzer rule; `note` says what part of it is not decided here."""

    code: str
    severity: Severity
    condition: str
    note: str = ""


BASELINE_RULES: tuple[BaselineRule, ...] = (
    BaselineRule("AS0001", _E, "a table or table extension is gone"),
    BaselineRule("AS0002", _E, "a field is gone"),
    BaselineRule("AS0004", _E, "a field has another data type"),
    BaselineRule("AS0005", _E, "a field has another name, casing included"),
    BaselineRule("AS0006", _E, "a table has another name"),
    BaselineRule("AS0007", _E, "an object moved to another namespace"),
    BaselineRule("AS0009", _E, "the fields of the primary or a clustered key changed"),
    BaselineRule("AS0010", _E, "the primary key has another name"),
    BaselineRule("AS0018", _E, "a public procedure is gone"),
    BaselineRule("AS0019", _E, "an event attribute is gone"),
    BaselineRule("AS0020", _E, "an event has another type"),
    BaselineRule("AS0021", _E, "an event exposes its sender or globals no longer"),
    BaselineRule("AS0022", _E, "a procedure is public no longer"),
    BaselineRule("AS0023", _E, "a return type changed or is gone"),
    BaselineRule("AS0024", _E, "a public procedure has more or fewer parameters"),
    BaselineRule("AS0025", _E, "an event parameter is gone or renamed"),
    BaselineRule("AS0026", _E, "a parameter has another type"),
    BaselineRule("AS0027", _E, "a parameter has another array size"),
    BaselineRule("AS0029", _E, "a page or page extension is gone"),
    BaselineRule("AS0030", _E, "a page has another name"),
    BaselineRule("AS0031", _E, "an action is gone"),
    BaselineRule("AS0032", _E, "a control is gone"),
    BaselineRule("AS0033", _E, "a view is gone", "only where the compiler wrote views into the symbols"),
    BaselineRule("AS0036", _E, "a field is disabled or became a flow field", "other properties"),
    BaselineRule("AS0043", _E, "a clustered key is gone"),
    BaselineRule("AS0049", _E, "an object's access was reduced"),
    BaselineRule("AS0050", _E, "an object is extensible no longer"),
    BaselineRule("AS0063", _E, "an event parameter lost var"),
    BaselineRule("AS0064", _E, "an interface is implemented no longer"),
    BaselineRule("AS0065", _E, "an interface is gone"),
    BaselineRule("AS0066", _E, "a published interface has a new procedure"),
    BaselineRule("AS0067", _E, "an enum has a new interface without default implementation"),
    BaselineRule("AS0068", _E, "a table extension has another target"),
    BaselineRule("AS0077", _E, "an event parameter gained var"),
    BaselineRule("AS0078", _E, "a public procedure's parameter gained or lost var"),
    BaselineRule("AS0080", _E, "a field is shorter"),
    BaselineRule("AS0082", _E, "an enum value has another name"),
    BaselineRule("AS0083", _E, "an enum value is gone"),
    BaselineRule("AS0086", _W, "a field is longer: dependents may overflow"),
    BaselineRule("AS0088", _E, "an object with id that others can name is gone"),
    BaselineRule("AS0089", _E, "an object without id that others can name is gone"),
    BaselineRule("AS0090", _E, "an object that others can name has another name"),
    BaselineRule("AS0095", _E, "a field's access was reduced"),
    BaselineRule("AS0096", _E, "the app has another name while its runtime is below 8.0"),
    BaselineRule("AS0097", _E, "the app has another publisher while its runtime is below 8.0"),
    BaselineRule("AS0101", _E, "an event's isolation changed"),
    BaselineRule("AS0102", _E, "a return value was added"),
    BaselineRule("AS0106", _E, "a protected variable is gone"),
    BaselineRule("AS0108", _E, "a protected variable has another type"),
    BaselineRule("AS0109", _W, "a table became temporary"),
    BaselineRule("AS0115", _E, "the obsolete state went from none to removed at once"),
    BaselineRule("AS0118", _E, "a field of the primary key is longer or shorter"),
    BaselineRule("AS0123", _E, "a key of an existing table is clustered now"),
    BaselineRule("AS0124", _E, "an extension object has another target"),
    BaselineRule("AS0136", _W, "a field has another id"),
    BaselineRule("AS0137", _E, "a field of the primary key has another id"),
    BaselineRule("AS0146", _W, "a field went from Integer to BigInteger"),
    BaselineRule("DRYDOCK", _E, "a report column or data item is gone", "the analyzer has no rule for it"),
)
_SEVERITY = {rule.code: rule.severity for rule in BASELINE_RULES}
_EVENT_ORDER = {"internal": 0, "integration": 1, "business": 2, "externalbusiness": 3}
_ACCESS = {"local": 0, "internal": 0, "protected": 1, "": 2, "public": 2}
_WITHOUT_ID = frozenset(("interface", "controladdin", "profile", "pagecustomization"))
_OWN_RULE_WHEN_GONE = {
    "table": "AS0001",
    "tableextension": "AS0001",
    "page": "AS0029",
    "pageextension": "AS0029",
    "interface": "AS0065",
}
_OWN_RULE_WHEN_RENAMED = {"table": "AS0006", "page": "AS0030"}


def compare(old: AppIndex, new: AppIndex) -> tuple[Finding, ...]:
    """Every rule that the step from `old` to `new` violates, each once, in the order of the old symbols."""
    comparison = _Comparison(old, new)
    comparison.run()
    return tuple(dict.fromkeys(comparison.findings))


class _Comparison:
    def __init__(self, old: AppIndex, new: AppIndex) -> None:
        self.old = old
        self.new = new
        self.findings: list[Finding] = []

    def add(self, code: str, owner: Symbol | None, symbol: str, message: str) -> None:
        where = f" in {owner.title}" if owner else ""
        file = owner.source if owner else ""
        self.findings.append(Finding(code, _SEVERITY[code], Level.SYMBOLS, symbol, f"{message}{where}.", file))

    def run(self) -> None:
        a, b = self.old.app, self.new.app
        if a.runtime is not None and a.runtime < Version(8):
            if a.name != b.name:
                self.add("AS0096", None, a.name, f"The app is called '{b.name}' instead of '{a.name}'")
            if a.publisher != b.publisher:
                self.add(
                    "AS0097",
                    None,
                    a.publisher,
                    f"The publisher is '{b.publisher}' instead of '{a.publisher}'",
                )
        for before in self.old.symbols():
            if before.kind == "dotnet":
                continue
            after = self._partner(before)
            if after is None:
                self._gone(before)
            else:
                self._object(before, after)

    def _partner(self, before: Symbol) -> Symbol | None:
        named = self.new.named(before.kind, before.name)
        same_space = [s for s in named if fold(s.namespace) == fold(before.namespace)]
        return next(iter(same_space or named), None) or self.new.numbered(before.kind, before.id)

    def _gone(self, before: Symbol) -> None:
        schema = before.kind in ("table", "tableextension")
        if not schema and (before.obsolete is not None or not _is_public(before)):
            return
        code = _OWN_RULE_WHEN_GONE.get(before.kind) or ("AS0089" if before.kind in _WITHOUT_ID else "AS0088")
        self.add(code, None, before.name, f"{before.title} is gone")

    def _object(self, before: Symbol, after: Symbol) -> None:
        if fold(before.name) != fold(after.name):
            code = _OWN_RULE_WHEN_RENAMED.get(before.kind, "AS0090")
            self.add(code, None, before.name, f"{before.title} is called '{after.name}' now")
        if fold(before.namespace) != fold(after.namespace):
            spaces = f"from '{before.namespace}' to '{after.namespace}'"
            self.add("AS0007", None, before.name, f"{before.title} moved {spaces}")
        if before.obsolete is None and after.obsolete is not None and after.obsolete.state == "removed":
            self.add("AS0115", None, before.name, f"{before.title} was not pending before it was removed")
        if before.target and fold(before.target) != fold(after.target):
            code = "AS0068" if before.kind == "tableextension" else "AS0124"
            self.add(code, None, before.name, f"{before.title} extends '{after.target}', not '{before.target}'")
        self._fields(before, after)
        self._keys(before, after)
        if before.obsolete is not None or not _is_public(before):
            return
        self._reach(before, after)
        self._interfaces(before, after)
        self._methods(before, after)
        self._variables(before, after)
        self._parts(before, after)
        self._values(before, after)

    # -- schema ------------------------------------------------------------------------------------

    def _fields(self, before: Symbol, after: Symbol) -> None:
        by_id = {f.id: f for f in after.fields}
        by_name = {fold(f.name): f for f in after.fields}
        primary = {fold(n) for n in before.keys[0].fields} if before.keys and before.kind == "table" else set()
        for field in before.fields:
            now = by_id.get(field.id)
            same_name = by_name.get(fold(field.name))
            if now is None and same_name is None:
                self.add("AS0002", before, field.name, f"Field {field.id} '{field.name}' is gone")
                continue
            if same_name is not None and same_name.id != field.id:
                code = "AS0137" if fold(field.name) in primary else "AS0136"
                self.add(
                    code,
                    before,
                    field.name,
                    f"Field {field.id} has id {same_name.id} now",
                )
                now = same_name
            assert now is not None
            if now.name != field.name:
                self.add(
                    "AS0005",
                    before,
                    field.name,
                    f"Field {field.id} is called '{now.name}', not '{field.name}'",
                )
            self._field(before, field, now, in_primary_key=fold(field.name) in primary)

    def _field(self, owner: Symbol, before: Field, after: Field, *, in_primary_key: bool) -> None:
        a, b = before.type, after.type
        name = before.name
        change = f"Field '{name}' is {b} instead of {a}"
        if a.name.lower() != b.name.lower() or fold(a.subject) != fold(b.subject):
            kinds = (a.name.lower(), b.name.lower())
            if kinds == ("integer", "biginteger"):
                self.add("AS0146", owner, name, change)
            elif kinds != ("option", "enum"):
                self.add("AS0004", owner, name, change)
        elif a.length != b.length:
            code = "AS0118" if in_primary_key else "AS0080" if b.length < a.length else "AS0086"
            self.add(code, owner, name, change)
        was, now = before.properties, after.properties
        disabled = _is_true(was.get("enabled", "1")) and not _is_true(now.get("enabled", "1"))
        classes = (was.get("fieldclass", "Normal").lower(), now.get("fieldclass", "Normal").lower())
        if disabled or (classes[0] == "normal" and classes[1] != "normal"):
            self.add("AS0036", owner, name, f"Field '{name}' stores data no longer")
        if _access(now) < _access(was):
            self.add("AS0095", owner, name, f"Field '{name}' has access {now.get('access')}")

    def _keys(self, before: Symbol, after: Symbol) -> None:
        if not before.keys or before.kind != "table":
            return
        known = {k.name: k for k in after.keys}
        for position, key in enumerate(before.keys):
            now = known.get(key.name)
            if now is None:
                if position == 0:
                    self.add("AS0010", before, key.name, f"Primary key '{key.name}' is gone or has another name")
                elif key.clustered:
                    self.add("AS0043", before, key.name, f"Clustered key '{key.name}' is gone")
                continue
            changed = [fold(f) for f in key.fields] != [fold(f) for f in now.fields]
            if changed and (position == 0 or key.clustered):
                self.add("AS0009", before, key.name, f"Key '{key.name}' has other fields")
            if now.clustered and not key.clustered and position:
                self.add("AS0123", before, key.name, f"Key '{key.name}' is clustered now")

    # -- what others can name ----------------------------------------------------------------------

    def _reach(self, before: Symbol, after: Symbol) -> None:
        if _access(after.properties) < _access(before.properties):
            access = after.properties["access"]
            self.add("AS0049", None, before.name, f"{before.title} has access {access}")
        if _is_extensible(before) and not _is_extensible(after):
            self.add("AS0050", None, before.name, f"{before.title} is extensible no longer")
        types = [s.properties.get("tabletype", "Normal").lower() for s in (before, after)]
        if before.kind == "table" and types[0] != "temporary" and types[1] == "temporary":
            self.add("AS0109", None, before.name, f"{before.title} became temporary")

    def _interfaces(self, before: Symbol, after: Symbol) -> None:
        now = {fold(i) for i in after.interfaces}
        for interface in before.interfaces:
            if fold(interface) not in now:
                self.add("AS0064", before, interface, f"Interface '{interface}' is implemented no longer")
        was = {fold(i) for i in before.interfaces}
        defaults = after.properties.get("defaultimplementation", "").casefold()
        for interface in after.interfaces:
            if before.kind == "enum" and fold(interface) not in was and fold(interface) not in defaults:
                self.add("AS0067", before, interface, f"Interface '{interface}' has no default implementation")

    def _methods(self, before: Symbol, after: Symbol) -> None:
        now = _by_name(after.methods)
        for group in _by_name(before.methods).values():
            for method in group:
                if method.obsolete is None and (method.event or method.access != "local"):
                    self._method(before, method, now.get(fold(method.name), []))
        if before.kind == "interface":
            known = _by_name(before.methods)
            for method in after.methods:
                if fold(method.name) not in known:
                    self.add("AS0066", before, method.name, f"Procedure '{method.name}' is new")

    def _method(self, owner: Symbol, method: Method, candidates: Sequence[Method]) -> None:
        if not candidates:
            if method.event or method.access in ("public", "protected"):
                self.add("AS0018", owner, method.name, f"Procedure '{method.name}' is gone")
            return
        now = _closest(method, candidates)
        if method.event:
            self._event(owner, method, now)
        if method.access == "public":
            if now.access != "public" or (method.scope != "onprem" and now.scope == "onprem"):
                self.add("AS0022", owner, method.name, f"Procedure '{method.name}' is public no longer")
            elif not method.event:
                self._signature(owner, method, now)
        if method.access in ("public", "internal") and now.access == "public":
            self._returns(owner, method, now)

    def _event(self, owner: Symbol, before: Method, after: Method) -> None:
        name = before.name
        if not after.event:
            self.add("AS0019", owner, name, f"'{name}' is an event no longer")
            return
        if _EVENT_ORDER.get(after.event, 1) < _EVENT_ORDER.get(before.event, 1):
            self.add("AS0020", owner, name, f"Event '{name}' is of type {after.event} instead of {before.event}")
        pairs = list(zip(before.event_arguments, after.event_arguments, strict=False))
        exposing = 2 if before.event == "integration" else 1
        if ("true", "false") in pairs[:exposing]:
            self.add("AS0021", owner, name, f"Event '{name}' exposes less")
        isolation = [m.event_arguments[exposing : exposing + 1] or ("false",) for m in (before, after)]
        if before.event == after.event and isolation[0] != isolation[1]:
            self.add("AS0101", owner, name, f"Event '{name}' changed its isolation")
        known = {fold(p.name): p for p in after.parameters}
        for parameter in before.parameters:
            now = known.get(fold(parameter.name))
            if now is None:
                self.add("AS0025", owner, name, f"Parameter '{parameter.name}' of event '{name}' is gone")
                continue
            self._parameter_type(owner, name, parameter.type, now.type)
            if parameter.by_reference != now.by_reference:
                code = "AS0063" if parameter.by_reference else "AS0077"
                self.add(code, owner, name, f"Parameter '{parameter.name}' of event '{name}' changed var")

    def _signature(self, owner: Symbol, before: Method, after: Method) -> None:
        name = before.name
        if len(before.parameters) != len(after.parameters):
            counts = f"{len(after.parameters)} parameters instead of {len(before.parameters)}"
            self.add("AS0024", owner, name, f"Procedure '{name}' has {counts}")
            return
        for was, now in zip(before.parameters, after.parameters, strict=True):
            self._parameter_type(owner, name, was.type, now.type)
            if was.by_reference != now.by_reference:
                self.add("AS0078", owner, name, f"Parameter '{was.name}' of procedure '{name}' changed var")

    def _parameter_type(self, owner: Symbol, name: str, was: TypeRef, now: TypeRef) -> None:
        kinds = (was.name.lower(), now.name.lower())
        if was.dimensions != now.dimensions:
            self.add("AS0027", owner, name, f"A parameter of '{name}' is {now} instead of {was}")
        elif kinds != ("option", "enum") and _signature_type(was) != _signature_type(now):
            self.add("AS0026", owner, name, f"A parameter of '{name}' is {now} instead of {was}")

    def _returns(self, owner: Symbol, before: Method, after: Method) -> None:
        if before.returns is None:
            if after.returns is not None:
                self.add("AS0102", owner, before.name, f"Procedure '{before.name}' returns {after.returns} now")
        elif before.access == "public" and (
            after.returns is None or _signature_type(before.returns) != _signature_type(after.returns)
        ):
            change = f"{after.returns or 'nothing'} instead of {before.returns}"
            self.add("AS0023", owner, before.name, f"Procedure '{before.name}' returns {change}")

    def _variables(self, before: Symbol, after: Symbol) -> None:
        known = {fold(v.name): v for v in after.variables}
        for variable in before.variables:
            now = known.get(fold(variable.name))
            if now is None:
                if variable.obsolete is None:
                    self.add("AS0106", before, variable.name, f"Variable '{variable.name}' is gone")
            elif _signature_type(variable.type) != _signature_type(now.type):
                self.add("AS0108", before, variable.name, f"Variable '{variable.name}' is {now.type} now")

    def _parts(self, before: Symbol, after: Symbol) -> None:
        for code, part, what in (
            ("AS0032", "controls", "Control"),
            ("AS0031", "actions", "Action"),
            ("AS0033", "views", "View"),
            ("DRYDOCK", "columns", "Column or data item"),
        ):
            if part == "columns" and not before.kind.startswith("report"):
                continue
            known = {fold(e.name) for e in getattr(after, part)}
            for element in _nameable(getattr(before, part)):
                if fold(element.name) not in known:
                    self.add(code, before, element.name, f"{what} '{element.name}' is gone")

    def _values(self, before: Symbol, after: Symbol) -> None:
        by_ordinal = {v.ordinal: v for v in after.values}
        for value in before.values:
            now = by_ordinal.get(value.ordinal)
            if now is None:
                if value.obsolete is None:
                    self.add("AS0083", before, value.name, f"Value {value.ordinal} '{value.name}' is gone")
            elif fold(now.name) != fold(value.name):
                change = f"Value {value.ordinal} is called '{now.name}' instead of '{value.name}'"
                self.add("AS0082", before, value.name, change)


def _nameable(elements: Sequence[Element]) -> Iterator[Element]:
    return (e for e in elements if e.name and e.kind not in ("area", "separator") and e.obsolete is None)


def _by_name(methods: Sequence[Method]) -> dict[str, list[Method]]:
    found: dict[str, list[Method]] = {}
    for method in methods:
        found.setdefault(fold(method.name), []).append(method)
    return found


def _closest(method: Method, candidates: Sequence[Method]) -> Method:
    """The overload that is most alike: the same parameter types, else the same count, else the first."""

    wanted = [_signature_type(p.type) for p in method.parameters]

    def likeness(other: Method) -> tuple[bool, bool]:
        types = [_signature_type(p.type) for p in other.parameters]
        return types == wanted, len(types) == len(wanted)

    return max(candidates, key=likeness)


def _signature_type(declared: TypeRef) -> object:
    arguments = tuple(_signature_type(a) for a in declared.arguments)
    subject = declared.subject_id or fold(declared.subject)
    return declared.name.lower(), declared.length, subject, declared.temporary, arguments


def _access(properties: dict[str, str]) -> int:
    return _ACCESS.get(properties.get("access", "").lower(), 2)


def _is_public(symbol: Symbol) -> bool:
    return symbol.properties.get("access", "").lower() in ("", "public")


def _is_extensible(symbol: Symbol) -> bool:
    default = "0" if symbol.kind == "enum" else "1"
    return _is_true(symbol.properties.get("extensible", default))


def _is_true(text: str) -> bool:
    return text.lower() in ("1", "true", "yes", "")
