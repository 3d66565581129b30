"""Members of typed values on one side of an update: what is there, and nothing is reported."""

from shared.formats.al.symbols.builtins import METHODS, SYSTEM_FIELDS, TEST_METHODS
from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import Element, Symbol, TypeRef, fold

from .binding import UNKNOWN, Binding
from .interfaces import ancestry
from .world import Owned, World

_WITH_MEMBERS = frozenset(("record", "codeunit", "page", "report", "query", "xmlport", "interface", "controladdin"))
# Types that give the controls of an object, and those of them that give its actions too.
OF_CONTROLS = {
    "currpage": "page",
    "testpage": "page",
    "testpart": "page",
    "requestoptionspage": "report",
    "testrequestpage": "report",
}
_TESTED = frozenset(("testpage", "testpart", "testrequestpage"))
_PARTS = {"currpage": "PagePart", "testpage": "TestPart", "testpart": "TestPart"}


def find_subject(world: World, owner: TypeRef | None) -> tuple[Symbol, AppIndex] | None:
    """The object behind a type, where its members can be known."""
    if owner is None or owner.dimensions:
        return None
    kind = owner.name.lower()
    if kind in OF_CONTROLS:
        return world.find(OF_CONTROLS[kind], owner.subject, owner.subject_id)
    return world.find_type(owner) if kind in _WITH_MEMBERS else None


def find_member(world: World, owner: TypeRef | None, name: str) -> Binding | None:
    """The member `name` of a value of type `owner`: None if it has none, UNKNOWN if that cannot be known."""
    found = find_subject(world, owner)
    if found is None or owner is None:
        return UNKNOWN
    kind = owner.name.lower()
    if kind in OF_CONTROLS:
        return _control(world, owner, found, name)
    symbol, app = found
    folded, is_table = fold(name), symbol.kind == "table"
    field = world.fields(symbol).get(folded) if is_table else None
    if field is not None:
        declared, by = field[0], field[1] or app
        return Binding(declared.type, field=declared, table=symbol, app=by, foreign=by is not world.own)
    methods = _methods(world, symbol, app, folded)
    if methods:
        return Binding(methods=methods, owner=symbol, foreign=all(o.app is not world.own for o in methods))
    if folded in METHODS.get(symbol.kind, ()) or (is_table and folded in SYSTEM_FIELDS):
        return Binding(platform=folded, on=owner, table=symbol if is_table else None)
    if symbol.kind in ("query", "report") and (column := world.columns(symbol).get(folded)):
        return Binding(element=column, foreign=app is not world.own)
    # The schema and the variables of an XmlPort are not in the symbols.
    return UNKNOWN if symbol.kind == "xmlport" else None


def _methods(world: World, symbol: Symbol, app: AppIndex, folded: str) -> tuple[Owned, ...]:
    methods = world.methods(symbol, app).get(folded)
    if not methods and symbol.kind == "interface":
        inherited = (m for o in ancestry(world, symbol)[1:] for m in o.methods if fold(m.name) == folded)
        methods = [Owned(m, symbol, app) for m in inherited]
    return tuple(methods or ())


def _control(world: World, owner: TypeRef, page: tuple[Symbol, AppIndex], name: str) -> Binding | None:
    """A control or action of a page by way of `CurrPage`, a TestPage or a request page, or its procedure."""
    (symbol, app), kind, folded = page, owner.name.lower(), fold(name)
    known = TEST_METHODS if kind in _TESTED else METHODS["page"]
    element = elements(world, symbol, tested=kind in _TESTED).get(folded)
    if element is not None and (kind in _TESTED or folded not in known):
        return Binding(_of_element(kind, element), element=element, owner=symbol, foreign=app is not world.own)
    if kind == "currpage" and (methods := _methods(world, symbol, app, folded)):
        return Binding(methods=methods, owner=symbol, foreign=all(o.app is not world.own for o in methods))
    return Binding(platform=folded, on=owner) if folded in known else None


def _of_element(owner: str, element: Element) -> TypeRef | None:
    """What may be said of a part or of an add-in; other controls have only members of the platform."""
    if element.kind == "part" and owner in _PARTS:
        return TypeRef(_PARTS[owner], subject=element.subject)
    if element.kind == "usercontrol" and owner == "currpage":
        return TypeRef("ControlAddIn", subject=element.subject)
    return None


def elements(world: World, symbol: Symbol, *, tested: bool) -> dict[str, Element]:
    """Controls of a page or request page by folded name; tests see its actions too."""
    return world.actions(symbol) | world.controls(symbol) if tested else world.controls(symbol)
