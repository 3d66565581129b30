"""Procedures and events of an object: what callers, subscribers and external systems hold on to."""

from collections.abc import Iterator, Sequence

from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import Method, Parameter, Symbol, TypeRef, fold

from .comparison import Comparison, is_onprem, same_type

_EVENT_ORDER = {"internal": 0, "integration": 1, "business": 2}
_EXTERNAL = "externalbusiness"
_OBSOLETE_MARK = "[obsolete]"


def compare_methods(c: Comparison, before: Symbol, after: Symbol) -> None:
    """Every procedure and event of an object that others can name."""
    known = _by_name(after.methods)
    for name, group in _by_name(before.methods).items():
        for method, now in _pairs(group, known.get(name, [])):
            if c.is_settled(method.obsolete):
                continue
            if now is None:
                _gone(c, before, method)
                continue
            c.tags(method.obsolete, now.obsolete, before, method.name)
            if _is_event(method) and (method.event != "internal" or c.settings.internal):
                _event(c, before, method, now)
            _procedure(c, before, method, now)
    if before.kind == "interface":
        was = _by_name(before.methods)
        for name, group in known.items():
            if len(group) > len(was.get(name, ())):
                c.add("AS0066", before, group[0].name, f"Procedure '{group[0].name}' is new")


def _is_event(method: Method) -> bool:
    return method.event in _EVENT_ORDER


def _by_name(methods: Sequence[Method]) -> dict[str, list[Method]]:
    found: dict[str, list[Method]] = {}
    for method in methods:
        found.setdefault(fold(method.name), []).append(method)
    return found


def _pairs(group: Sequence[Method], candidates: Sequence[Method]) -> Iterator[tuple[Method, Method | None]]:
    """Overloads with what became of them: the same parameter types first, then the nearest of those that are left."""
    if len(group) == 1 == len(candidates):
        yield group[0], candidates[0]
        return
    left = list(candidates)
    exact: dict[int, Method] = {}
    for position, method in enumerate(group):
        same = next((o for o in left if _same_parameters(method, o)), None)
        if same is not None:
            exact[position] = same
            left.remove(same)
    for position, method in enumerate(group):
        now = exact.get(position)
        if now is None and left:
            count = len(method.parameters)
            now = min(left, key=lambda o: abs(len(o.parameters) - count))
            left.remove(now)
        yield method, now


def _same_parameters(a: Method, b: Method) -> bool:
    return len(a.parameters) == len(b.parameters) and all(
        same_type(p.type, q.type) for p, q in zip(a.parameters, b.parameters, strict=True)
    )


def _gone(c: Comparison, owner: Symbol, method: Method) -> None:
    exposed = c.is_api_method(method)
    if _is_event(method):
        exposed = method.event != "internal" or c.settings.internal
    if exposed:
        what = "Event" if _is_event(method) else "Procedure"
        c.add("AS0018", owner, method.name, f"{what} '{_signature(method)}' is gone")


def _signature(method: Method) -> str:
    return f"{method.name}({', '.join(str(p.type) for p in method.parameters)})"


def _procedure(c: Comparison, owner: Symbol, before: Method, after: Method) -> None:
    name = before.name
    if c.is_api_method(before):
        reduced = after.access in ("local", "internal") and before.access not in ("local", "internal")
        if reduced or (before.access == "public" and after.access == "protected"):
            c.add("AS0022", owner, name, f"Procedure '{name}' is {after.access} now")
            return
        if is_onprem(after.scope) and not is_onprem(before.scope):
            c.add("AS0022", owner, name, f"Procedure '{name}' is of scope {after.scope} now")
            return
        if not _is_event(before):
            _parameters(c, owner, before, after)
        elif len(after.parameters) > len(before.parameters):
            # A public event can be raised from outside, so a new parameter breaks who raises it.
            c.add("AS0024", owner, name, f"Public event '{name}' has new parameters")
        _returns(c, owner, before, after)
    elif before.access == "internal" and after.access == "public" and not c.is_settled(before.obsolete):
        # Compiled callers among the friends of the app bind to the old form; the analyzer misses this.
        _returns(c, owner, before, after, added_only=True)


def _parameters(c: Comparison, owner: Symbol, before: Method, after: Method) -> None:
    name = before.name
    if len(before.parameters) != len(after.parameters):
        counts = f"{len(after.parameters)} parameters instead of {len(before.parameters)}"
        c.add("AS0024", owner, name, f"Procedure '{name}' has {counts}")
        return
    for was, now in zip(before.parameters, after.parameters, strict=True):
        _parameter_type(c, owner, name, was, now.type)
        if was.by_reference != now.by_reference:
            verb = "gained" if now.by_reference else "lost"
            c.add("AS0078", owner, name, f"Parameter '{was.name}' of procedure '{name}' {verb} var")


def _parameter_type(c: Comparison, owner: Symbol, name: str, was: Parameter, now: TypeRef) -> None:
    kinds = (was.type.name.lower(), now.name.lower())
    change = f"Parameter '{was.name}' of '{name}' is {now} instead of {was.type}"
    if kinds != ("option", "enum") and not same_type(was.type, now):
        c.add("AS0026", owner, name, change)
    elif was.type.dimensions != now.dimensions:
        c.add("AS0028" if _is_smaller(was.type.dimensions, now.dimensions) else "AS0027", owner, name, change)


def _is_smaller(was: tuple[int, ...], now: tuple[int, ...]) -> bool:
    return len(was) == len(now) and all(b <= a for a, b in zip(was, now, strict=True))


def _returns(c: Comparison, owner: Symbol, before: Method, after: Method, *, added_only: bool = False) -> None:
    name = before.name
    if before.returns is None:
        if after.returns is not None:
            c.add("AS0102", owner, name, f"Procedure '{name}' returns {after.returns} now")
    elif not added_only and (after.returns is None or not same_type(before.returns, after.returns)):
        c.add("AS0023", owner, name, f"Procedure '{name}' returns {after.returns or 'nothing'}, not {before.returns}")


# -- events ----------------------------------------------------------------------------------------


def _event(c: Comparison, owner: Symbol, before: Method, after: Method) -> None:
    name = before.name
    if not _is_event(after):
        c.add("AS0019", owner, name, f"'{name}' is an event no longer")
        return
    if before.event != "internal":
        _event_type(c, owner, before, after)
    known = {fold(p.name): p for p in after.parameters}
    for parameter in before.parameters:
        now = known.get(fold(parameter.name))
        if now is None:
            c.add("AS0025", owner, name, f"Parameter '{parameter.name}' of event '{name}' is gone")
            continue
        _parameter_type(c, owner, name, parameter, now.type)
        if parameter.by_reference != now.by_reference:
            code = "AS0063" if parameter.by_reference else "AS0077"
            verb = "gained" if now.by_reference else "lost"
            c.add(code, owner, name, f"Parameter '{parameter.name}' of event '{name}' {verb} var")


def _event_type(c: Comparison, owner: Symbol, before: Method, after: Method) -> None:
    name = before.name
    shown_globals = before.event == "integration" and _argument(before, 1)
    if _EVENT_ORDER[after.event] < _EVENT_ORDER[before.event]:
        c.add("AS0020", owner, name, f"Event '{name}' is of type {after.event} instead of {before.event}")
        return
    if after.event != before.event and shown_globals:
        c.add("AS0020", owner, name, f"Event '{name}' is of type {after.event} and exposes globals no longer")
        return
    lost = ["its sender"] if _argument(before, 0) and not _argument(after, 0) else []
    if shown_globals and not _argument(after, 1):
        lost.append("its globals")
    if lost:
        c.add("AS0021", owner, name, f"Event '{name}' exposes {' and '.join(lost)} no longer")
    if before.event == after.event and _isolated(before) != _isolated(after):
        c.add("AS0101", owner, name, f"Event '{name}' changed its isolation")


def _argument(method: Method, position: int) -> bool:
    return method.event_arguments[position : position + 1] == ("true",)


def _isolated(method: Method) -> bool:
    return _argument(method, 2 if method.event == "integration" else 1)


# -- external business events: what other systems subscribe to, whatever AL can reach ----------------


def compare_external_events(c: Comparison) -> None:
    """AS0114, AS0134, AS0135; an event may move to another object of the app."""
    events = list(_external(c.old))
    if not events:
        return
    current = list(_external(c.new))
    names = {_text(m, 0) for _, m in current}
    by_procedure = {(o.kind, o.id or fold(o.name), fold(m.name)): m for o, m in current}
    for owner, event in events:
        now = by_procedure.get((owner.kind, owner.id or fold(owner.name), fold(event.name)))
        title = _text(event, 0) or event.name
        if now is None:
            settled = event.obsolete is not None and _text(event, 1).startswith(_OBSOLETE_MARK)
            if _text(event, 0) not in names and not settled:
                c.add("AS0135", owner, title, f"External business event '{title}' is gone")
        elif _text(now, 0) != _text(event, 0):
            c.add("AS0114", owner, title, f"External business event '{title}' is called '{_text(now, 0)}' now")
        elif _text(now, 4) != _text(event, 4):
            change = f"version '{_text(now, 4)}' instead of '{_text(event, 4)}'"
            c.add("AS0134", owner, title, f"External business event '{title}' has {change}")


def _external(app: AppIndex) -> Iterator[tuple[Symbol, Method]]:
    mark = _EXTERNAL.encode()
    for entry in app.entries:
        if mark in bytes(entry.body):
            owner = app.symbol(entry)
            yield from ((owner, method) for method in owner.methods if method.event == _EXTERNAL)


def _text(method: Method, position: int) -> str:
    return next(iter(method.event_arguments[position : position + 1]), "")
