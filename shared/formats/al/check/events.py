"""Checks of event subscribers: publisher, event, element, parameters."""

from collections.abc import Iterator

from shared.formats.al.finding import PlaceLevel
from shared.formats.al.source.lexer import whole_number
from shared.formats.al.source.syntax import (
    Attribute,
    Expr,
    Literal,
    Name,
    ObjectDecl,
    Procedure,
    ScopeAccess,
    VarDecl,
    walk,
)
from shared.formats.al.symbols.builtins import PAGE_TRIGGER_EVENTS, TABLE_TRIGGER_EVENTS
from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import Method, Symbol, TypeRef, fold

from .context import ExtensionCheck
from .evidence import SymbolPath, parameters_text, signature, type_text
from .lifecycle import report_state
from .naming import named_object
from .places import Place
from .published import publishers
from .sameness import same_object
from .suggestions import nearest, same_parameters
from .world import KIND_OF_TYPE

_CAPACITY = ("text", "code")


def check_subscribers(check: ExtensionCheck) -> None:
    """Rows 15 to 18 for every procedure with the EventSubscriber attribute."""
    for declared in check.extension.objects:
        check.look_from(declared)
        for procedure, attribute in _subscriptions(declared):
            _Subscriber(check, declared, procedure, attribute).check_all()


def _subscriptions(declared: ObjectDecl) -> Iterator[tuple[Procedure, Attribute]]:
    for node, _ in walk(declared.root):
        for procedure in node.procedures:
            for attribute in procedure.attributes:
                if attribute.name.lower() == "eventsubscriber" and len(attribute.arguments) > 2:
                    yield procedure, attribute


class _Subscriber:
    def __init__(self, check: ExtensionCheck, declared: ObjectDecl, procedure: Procedure, attribute: Attribute) -> None:
        self.check = check
        self.file = declared.file
        self.procedure = procedure
        kind, publisher, event, *rest = attribute.arguments
        self.kind = KIND_OF_TYPE.get(kind.text.lower(), "") if isinstance(kind, ScopeAccess) else ""
        self.publisher = publisher
        self.event = event
        self.element = rest[0] if rest else None

    def check_all(self) -> None:
        name, number = self._publisher_name()
        if not self.kind or not (name or number):
            return
        place = self._place(self.publisher)
        event = _text(self.event)
        wanted = SymbolPath(self.kind, name, number)
        found = named_object(self.check, wanted, place, code="AL0132", instead=lambda: self._moved_to(event))
        if found is None or found[1] is self.check.world.own:
            return
        publisher, app = found
        if self.kind == "table" and fold(event) in TABLE_TRIGGER_EVENTS:
            self._table_trigger(publisher, fold(event))
        elif self.kind == "page" and fold(event) in PAGE_TRIGGER_EVENTS:
            self._page_trigger(publisher, fold(event))
        elif event:
            self._published(publisher, app, event)

    def _publisher_name(self) -> tuple[str, int]:
        if isinstance(self.publisher, ScopeAccess):
            return self.publisher.text, 0
        if isinstance(self.publisher, Literal):
            return "", whole_number(self.publisher.text)
        return "", 0

    def _place(self, expr: Expr) -> Place:
        return Place(PlaceLevel.SOURCE, self.file, expr.at)

    # -- events that code raises -------------------------------------------------------------------

    def _published(self, publisher: Symbol, app: AppIndex, event: str) -> None:
        check = self.check
        methods = check.world.methods(publisher, app)
        found = methods.get(fold(event), [])
        events = [owned.member for owned in found if owned.member.event]
        place, about = self._place(self.event), SymbolPath.of(publisher, "methods", event)
        if not found:
            if check.member_missing(publisher, event):
                known = [o.member for group in methods.values() for o in group if o.member.event]
                message = f"The event '{event}' is not found in the target."
                advice = self._other_event(publisher, event, known)
                check.report("AL0280", event, message, place, advice, about=about)
            return
        if not events:
            message = f"Object member '{event}' is not an event."
            known = [o.member for group in methods.values() for o in group if o.member.event]
            advice = self._other_event(publisher, event, known)
            check.report("AL0281", event, message, place, advice, about=about)
            return
        method = events[0]
        if method.event == "internal" and not check.sees_internals(app):
            message = f"The publisher '{publisher.name}' does not have any public events named '{event}'."
            check.report("AL0462", event, message, place, about=about)
            return
        report_state(check, "Event", method, place, about)
        for parameter in self.procedure.parameters:
            self._parameter(parameter, method, publisher)

    def _other_event(self, publisher: Symbol, event: str, known: list[Method]) -> str:
        """The reason that the old base gave, an event with the same parameters, the event elsewhere, the nearest."""
        old_world = self.check.old
        before = old_world.find(publisher.kind, publisher.name) if old_world else None
        old = next((m for m in before[0].methods if fold(m.name) == fold(event)), None) if before else None
        if old is not None and old.obsolete is not None and old.obsolete.reason:
            return old.obsolete.reason
        was = {fold(m.name) for m in before[0].methods} if before else set()
        fresh = [m for m in known if fold(m.name) not in was]
        # Without the old base the subscriber's own parameters tell; it need not list them all.
        alike = same_parameters(old.parameters if old else self.procedure.parameters, fresh)
        if len(alike) == 1:
            other = f"Subscribe to {alike[0].name}: it has the same parameters."
            return f"{other} The event is: {self._signature(alike[0])}"
        return self._moved_to(event) or nearest(event, (m.name for m in known))

    def _moved_to(self, event: str) -> str:
        """The one object that publishes an event of that name, if there is one."""
        places = publishers(self.check.world, event) if event else []
        if len(places) != 1:
            return ""
        owner, method = places[0]
        return f"{owner.title} publishes it. The event is: {self._signature(method)}"

    def _signature(self, method: Method) -> str:
        return signature(method, self.check.world)

    def _to_write(self, method: Method) -> str:
        """The subscriber's header with the parameters that the event has, in the event's types."""
        wanted = {fold(p.name): p for p in method.parameters}
        kept = [wanted[fold(p.name)] for p in self.procedure.parameters if fold(p.name) in wanted]
        given = {fold(p.name): p for p in self.procedure.parameters}
        sender = given.get("sender")
        written = parameters_text(kept, self.check.world)
        if sender is not None and "sender" not in wanted and method.event_arguments[:1] == ("true",):
            written = "; ".join(filter(None, (parameters_text([sender], self.check.world), written)))
        access = "" if self.procedure.access == "public" else f"{self.procedure.access} "
        return f"Write: {access}procedure {self.procedure.name}({written}). The event is: {self._signature(method)}"

    def _parameter(self, parameter: VarDecl, method: Method, publisher: Symbol) -> None:
        wanted = next((p for p in method.parameters if fold(p.name) == fold(parameter.name)), None)
        place, about = (
            Place(PlaceLevel.SOURCE, self.file, parameter.at),
            SymbolPath.of(publisher, "methods", method.name),
        )
        if wanted is not None:
            self._compare(parameter, wanted.type, place, about, self._to_write(method))
            if parameter.by_reference and not wanted.by_reference:
                message = (
                    f"Parameter '{parameter.name}' is only allowed to be 'var' if the publisher parameter is 'var'."
                )
                advice = self._to_write(method)
                self.check.report("AL0288", parameter.name, message, place, advice, about=about)
            return
        arguments = method.event_arguments
        if fold(parameter.name) == "sender" and arguments[:1] == ("true",):
            return
        if fold(parameter.name) != "sender" and method.event == "integration" and arguments[1:2] == ("true",):
            return  # a global variable of the publisher, which symbols do not list
        message = (
            f"The member referenced by event subscriber '{self.procedure.name}' parameter "
            f"'{parameter.name}' is not found."
        )
        advice = self._to_write(method)
        self.check.report("AL0282", parameter.name, message, place, advice, about=about)

    def _compare(self, parameter: VarDecl, wanted: TypeRef, place: Place, about: SymbolPath, advice: str) -> None:
        given = parameter.type
        a, b = given.name.lower(), wanted.name.lower()
        if not b or b == "dotnet":
            return
        subscriber = f"event subscriber '{self.procedure.name}'"
        expected = type_text(wanted, self.check.world)
        if a == b:
            if a in _CAPACITY and given.length and (not wanted.length or given.length < wanted.length):
                message = (
                    f"The type of the parameter '{parameter.name}' on the {subscriber} has a smaller capacity than "
                    f"the parameter type '{expected}' on the publisher."
                )
                self.check.report("AL0593", parameter.name, message, place, advice, about=about)
                return
            if same_object(self.check.world, given, wanted) is not False and given.dimensions == wanted.dimensions:
                return
        if {a, b} == {"option", "enum"}:
            if a == "option":
                message = (
                    f"The type of parameter '{parameter.name}' on {subscriber} is of type 'Option', but the expected "
                    f"type is '{expected}'. Please update the subscriber type to match the publisher."
                )
                self.check.report("AL0588", parameter.name, message, place, advice, about=about)
            return
        message = (
            f"The type of the parameter '{parameter.name}' on the {subscriber} does not match the expected type "
            f"'{expected}'."
        )
        self.check.report("AL0284", parameter.name, message, place, advice, about=about)

    # -- events of triggers ------------------------------------------------------------------------

    def _table_trigger(self, table: Symbol, event: str) -> None:
        if "validate" in event:
            fields = self.check.world.fields(table)
            self._element(table, "fields", {name: f.name for name, (f, _) in fields.items()})
        allowed = TABLE_TRIGGER_EVENTS[event]
        for parameter in self.procedure.parameters:
            place = Place(PlaceLevel.SOURCE, self.file, parameter.at)
            if fold(parameter.name) not in allowed:
                message = (
                    f"The member referenced by event subscriber '{self.procedure.name}' parameter "
                    f"'{parameter.name}' is not found."
                )
                self.check.report("AL0282", parameter.name, message, place)
            elif fold(parameter.name) in ("rec", "xrec"):
                self._record(parameter, table, place, SymbolPath.object(table))

    def _page_trigger(self, page: Symbol, event: str) -> None:
        world = self.check.world
        if "action" in event:
            self._element(page, "actions", {name: e.name for name, e in world.actions(page).items()})
        elif "validate" in event:
            self._element(page, "controls", {name: e.name for name, e in world.controls(page).items()})
        table = world.source_table(page)
        for parameter in self.procedure.parameters:
            if fold(parameter.name) in ("rec", "xrec") and table is not None:
                self._record(
                    parameter, table[0], Place(PlaceLevel.SOURCE, self.file, parameter.at), SymbolPath.object(page)
                )

    def _record(self, parameter: VarDecl, table: Symbol, place: Place, about: SymbolPath) -> None:
        wanted = TypeRef("Record", subject=table.name, subject_id=table.id)
        self._compare(parameter, wanted, place, about, f"Declare it as {type_text(wanted)}.")

    def _element(self, owner: Symbol, part: str, known: dict[str, str]) -> None:
        name = _text(self.element) if self.element is not None else ""
        if not name or fold(name) in known or not self.check.member_missing(owner, name):
            return
        assert self.element is not None
        message = f"The member referenced by event subscriber '{self.procedure.name}' parameter '{name}' is not found."
        place, advice = self._place(self.element), nearest(name, known.values())
        self.check.report("AL0282", name, message, place, advice, about=SymbolPath.of(owner, part, name))


def _text(expr: Expr) -> str:
    return expr.text if isinstance(expr, Literal | Name | ScopeAccess) else ""
