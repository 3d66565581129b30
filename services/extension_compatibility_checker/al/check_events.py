"""Checks of event subscribers: publisher, event, element, parameters."""

from .builtins import PAGE_TRIGGER_EVENTS, TABLE_TRIGGER_EVENTS
from .context import Check, Place
from .conversions import same_subject
from .finding import Level
from .index import AppIndex
from .lexer import whole_number
from .suggestions import nearest, signature
from .symbols import Method, Symbol, TypeRef, fold
from .syntax import Attribute, Expr, Literal, Name, Node, ObjectDecl, Procedure, Scope, VarDecl
from .world import KIND_OF_TYPE

_CAPACITY = ("text", "code")


def check_subscribers(check: Check) -> None:
    """Rows 15 to 18 for every procedure with the EventSubscriber attribute."""
    for declared in check.extension.objects:
        for procedure in _procedures(declared.root):
            for attribute in procedure.attributes:
                if attribute.name.lower() == "eventsubscriber" and len(attribute.arguments) > 2:
                    _Subscriber(check, declared, procedure, attribute).check_all()


def _procedures(node: Node) -> list[Procedure]:
    return [*node.procedures, *(p for child in node.children for p in _procedures(child))]


class _Subscriber:
    def __init__(self, check: Check, declared: ObjectDecl, procedure: Procedure, attribute: Attribute) -> None:
        self.check = check
        self.file = declared.file
        self.procedure = procedure
        kind, publisher, event, *rest = attribute.arguments
        self.kind = KIND_OF_TYPE.get(kind.text.lower(), "") if isinstance(kind, Scope) else ""
        self.publisher = publisher
        self.event = event
        self.element = rest[0] if rest else None

    def check_all(self) -> None:
        name, number = self._publisher_name()
        if not self.kind or not (name or number):
            return
        place = self._place(self.publisher)
        found = self.check.reference(self.kind, name, number, Level.SOURCE, place, code="AL0132")
        if found is None or found[1] is self.check.world.own:
            return
        publisher, app = found
        event = _text(self.event)
        if self.kind == "table" and fold(event) in TABLE_TRIGGER_EVENTS:
            self._table_trigger(publisher, fold(event))
        elif self.kind == "page" and fold(event) in PAGE_TRIGGER_EVENTS:
            self._page_trigger(publisher, fold(event))
        elif event:
            self._published(publisher, app, event)

    def _publisher_name(self) -> tuple[str, int]:
        if isinstance(self.publisher, Scope):
            return self.publisher.text, 0
        if isinstance(self.publisher, Literal):
            return "", whole_number(self.publisher.text)
        return "", 0

    def _place(self, expr: Expr) -> Place:
        return Place(self.file, expr.at)

    # -- events that code raises -------------------------------------------------------------------

    def _published(self, publisher: Symbol, app: AppIndex, event: str) -> None:
        methods = self.check.world.methods(publisher, app)
        found = methods.get(fold(event), [])
        events = [owned.member for owned in found if owned.member.event]
        place = self._place(self.event)
        if not found:
            if self.check.member_missing(publisher):
                known = [o.member.name for group in methods.values() for o in group if o.member.event]
                message = f"The event '{event}' is not found in the target."
                self.check.report("AL0280", Level.SOURCE, event, message, place, self._other_event(publisher, known))
            return
        if not events:
            message = f"Object member '{event}' is not an event."
            self.check.report("AL0281", Level.SOURCE, event, message, place)
            return
        method = events[0]
        if method.event == "internal" and not self.check.sees_internals(app):
            message = f"The publisher '{publisher.name}' does not have any public events named '{event}'."
            self.check.report("AL0462", Level.SOURCE, event, message, place)
            return
        title = f"Event '{method.name}' of {publisher.title}"
        self.check.state(method.obsolete, title, method.name, Level.SOURCE, place)
        for parameter in self.procedure.parameters:
            self._parameter(parameter, method, publisher)

    def _other_event(self, publisher: Symbol, known: list[str]) -> str:
        event = _text(self.event)
        before = self.check.old.find(publisher.kind, publisher.name) if self.check.old else None
        advice = nearest(event, known)
        if before is not None:
            old = next((m for m in before[0].methods if fold(m.name) == fold(event)), None)
            if old is not None and old.obsolete is not None and old.obsolete.reason:
                return old.obsolete.reason
        return advice

    def _parameter(self, parameter: VarDecl, method: Method, publisher: Symbol) -> None:
        wanted = next((p for p in method.parameters if fold(p.name) == fold(parameter.name)), None)
        place = Place(self.file, parameter.at)
        if wanted is not None:
            self._compare(parameter, wanted.type, place)
            if parameter.by_reference and not wanted.by_reference:
                message = (
                    f"Parameter '{parameter.name}' is only allowed to be 'var' if the publisher parameter is 'var'."
                )
                self.check.report("AL0288", Level.SOURCE, parameter.name, message, place, f"Write: {signature(method)}")
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
        self.check.report("AL0282", Level.SOURCE, parameter.name, message, place, f"The event is: {signature(method)}")

    def _compare(self, parameter: VarDecl, wanted: TypeRef, place: Place) -> None:
        given = parameter.type
        a, b = given.name.lower(), wanted.name.lower()
        if not b or b == "dotnet":
            return
        if a == b:
            if a in _CAPACITY and given.length and (not wanted.length or given.length < wanted.length):
                message = (
                    f"The type of the parameter '{parameter.name}' on the event subscriber "
                    f"'{self.procedure.name}' has a smaller capacity than the parameter type '{wanted}' "
                    "on the publisher."
                )
                self.check.report("AL0593", Level.SOURCE, parameter.name, message, place, f"Declare it as {wanted}.")
                return
            if self._same(given, wanted) is not False and given.dimensions == wanted.dimensions:
                return
        if {a, b} == {"option", "enum"}:
            if a == "option":
                message = (
                    f"The type of parameter '{parameter.name}' on event subscriber "
                    f"'{self.procedure.name}' is of type 'Option', but the expected type is '{wanted}'."
                )
                self.check.report("AL0588", Level.SOURCE, parameter.name, message, place, f"Declare it as {wanted}.")
            return
        message = (
            f"The type of the parameter '{parameter.name}' on the event subscriber "
            f"'{self.procedure.name}' does not match the expected type '{self._named(wanted)}'."
        )
        self.check.report(
            "AL0284", Level.SOURCE, parameter.name, message, place, f"Declare it as {self._named(wanted)}."
        )

    def _same(self, given: TypeRef, wanted: TypeRef) -> bool | None:
        answer = same_subject(given, wanted)
        if answer is not None:
            return answer
        if given.name.lower() in ("list", "dictionary"):
            return True
        a, b = self.check.world.find_type(given), self.check.world.find_type(wanted)
        if a is None or b is None:
            return None
        return (a[0].kind, a[0].id, fold(a[0].name)) == (b[0].kind, b[0].id, fold(b[0].name))

    def _named(self, wanted: TypeRef) -> str:
        found = self.check.world.find_type(wanted)
        return f'{wanted.name} "{found[0].name}"' if found else str(wanted)

    # -- events of triggers ------------------------------------------------------------------------

    def _table_trigger(self, table: Symbol, event: str) -> None:
        if "validate" in event:
            fields = self.check.world.fields(table)
            self._element(table, {name: f.name for name, (f, _) in fields.items()})
        allowed = TABLE_TRIGGER_EVENTS[event]
        for parameter in self.procedure.parameters:
            place = Place(self.file, parameter.at)
            if fold(parameter.name) not in allowed:
                message = (
                    f"The member referenced by event subscriber '{self.procedure.name}' parameter "
                    f"'{parameter.name}' is not found."
                )
                self.check.report("AL0282", Level.SOURCE, parameter.name, message, place)
            elif fold(parameter.name) in ("rec", "xrec"):
                self._record(parameter, table, place)

    def _page_trigger(self, page: Symbol, event: str) -> None:
        if "action" in event:
            self._element(page, {name: e.name for name, e in self.check.world.actions(page).items()})
        elif "validate" in event:
            self._element(page, {name: e.name for name, e in self.check.world.controls(page).items()})
        table = self.check.world.source_table(page)
        for parameter in self.procedure.parameters:
            if fold(parameter.name) in ("rec", "xrec") and table is not None:
                self._record(parameter, table[0], Place(self.file, parameter.at))

    def _record(self, parameter: VarDecl, table: Symbol, place: Place) -> None:
        self._compare(parameter, TypeRef("Record", subject=table.name, subject_id=table.id), place)

    def _element(self, owner: Symbol, known: dict[str, str]) -> None:
        name = _text(self.element) if self.element is not None else ""
        if not name or fold(name) in known or not self.check.member_missing(owner):
            return
        assert self.element is not None
        message = f"The member referenced by event subscriber '{self.procedure.name}' parameter '{name}' is not found."
        self.check.report(
            "AL0282", Level.SOURCE, name, message, self._place(self.element), nearest(name, known.values())
        )


def _text(expr: Expr) -> str:
    return expr.text if isinstance(expr, Literal | Name | Scope) else ""
