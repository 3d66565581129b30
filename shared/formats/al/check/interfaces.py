"""Row 27: what implements an interface, or names an implementation, must have all of it."""

from shared.formats.al.finding import PlaceLevel
from shared.formats.al.source.declared import text_of
from shared.formats.al.source.syntax import Node, ObjectDecl
from shared.formats.al.symbols.symbols import Method, Symbol, TypeRef, fold, fold_reference

from .context import ExtensionCheck
from .evidence import SymbolPath, signature
from .lifecycle import called
from .naming import named_object
from .places import Place, object_place
from .sameness import same_object
from .world import World

_IMPLEMENTATIONS = ("implementation", "defaultimplementation", "unknownvalueimplementation")
_MOST_ANCESTORS = 20


def check_interfaces(check: ExtensionCheck, symbol: Symbol, declared: ObjectDecl | None) -> None:
    """Interfaces that a codeunit or enum implements, and codeunits that an enum names as implementations."""
    here = object_place(declared)
    places = (
        {fold(n): Place(PlaceLevel.SYMBOLS, declared.file, at) for n, at in declared.interfaces} if declared else {}
    )
    for interface in symbol.interfaces:
        place = places.get(fold(interface), here)
        found = named_object(check, SymbolPath("interface", fold_reference(interface)), place)
        whole = declared is None or not declared.is_partial
        if found is not None and symbol.kind == "codeunit" and whole:
            _complete(check, symbol, found[0], place)
    if declared is not None and declared.kind in ("enum", "enumextension"):
        for node in (declared.root, *declared.root.children):
            _implementations(check, declared, node)


def _complete(check: ExtensionCheck, symbol: Symbol, interface: Symbol, place: Place) -> None:
    for owner in ancestry(check.world, interface):
        for wanted in owner.methods:
            mine = [m for m in symbol.methods if m.access != "local" and fold(m.name) == fold(wanted.name)]
            if not any(_fits(check.world, m, wanted) for m in mine):
                message = f"'{symbol.name}' does not implement the interface member '{wanted.name}'."
                advice = f"{'Write' if mine else 'Add'}: procedure {signature(wanted, check.world)}"
                about = SymbolPath.of(owner, "methods", wanted.name)
                check.report("AL0582", wanted.name, message, place, advice, about=about)


def ancestry(world: World, interface: Symbol) -> list[Symbol]:
    """The interface and those that it extends, as far as the symbols name them."""
    found = [interface]
    for one in found:
        for name in one.interfaces:
            above = world.find("interface", fold_reference(name))
            if above is not None and above[0] not in found and len(found) < _MOST_ANCESTORS:
                found.append(above[0])
    return found


def _fits(world: World, mine: Method, wanted: Method) -> bool:
    """Whether `mine` implements `wanted`; where a type cannot be told it is presumed to."""
    if len(mine.parameters) != len(wanted.parameters) or (mine.returns is None) != (wanted.returns is None):
        return False
    if mine.returns is not None and wanted.returns is not None and not _same(world, mine.returns, wanted.returns):
        return False
    pairs = zip(mine.parameters, wanted.parameters, strict=True)
    return all(a.by_reference == b.by_reference and _same(world, a.type, b.type) for a, b in pairs)


def _same(world: World, a: TypeRef, b: TypeRef) -> bool:
    if a.name.lower() != b.name.lower() or a.dimensions != b.dimensions:
        return "" in (a.name, b.name)
    alike = not a.length or not b.length or a.length == b.length
    return alike and same_object(world, a, b) is not False


def _implementations(check: ExtensionCheck, declared: ObjectDecl, node: Node) -> None:
    """`Implementation = Price = "Price Codeunit", Other = "Other Codeunit"`."""
    tokens = declared.file.tokens
    for name in _IMPLEMENTATIONS:
        prop = node.properties.get(name)
        if prop is None:
            continue
        at = prop.first
        while at < prop.last:
            end = next((i for i in range(at, prop.last) if tokens.texts[i] == ","), prop.last)
            equals = next((i for i in range(at, end) if tokens.texts[i] == "="), None)
            if equals is not None and at < equals < end - 1:
                place = Place(PlaceLevel.SYMBOLS, declared.file, tokens.offsets[equals + 1])
                pair = text_of(tokens, at, equals), text_of(tokens, equals + 1, end)
                _implementation(check, *pair, Place(PlaceLevel.SYMBOLS, declared.file, tokens.offsets[at]), place)
            at = end + 1


def _implementation(check: ExtensionCheck, interface: str, codeunit: str, interface_at: Place, place: Place) -> None:
    wanted = named_object(check, SymbolPath("interface", interface), interface_at)
    found = named_object(check, SymbolPath("codeunit", codeunit), place)
    if wanted is None or found is None or found[1] is check.world.own:
        return
    if implements(check.world, found[0], wanted[0]) is False:
        message = f"'{codeunit}' does not implement {called('interface', interface)}."
        check.report("AL0595", codeunit, message, place, about=SymbolPath.object(found[0]))


def implements(world: World, codeunit: Symbol, interface: Symbol) -> bool:
    """Whether a codeunit implements an interface, itself or by one that extends it."""
    for name in codeunit.interfaces:
        found = world.find("interface", fold_reference(name))
        if found is None or fold(interface.name) in {fold(a.name) for a in ancestry(world, found[0])}:
            return True
    return False
