"""Whether a value fits a declaration, as far as types and the objects that they name tell."""

from shared.formats.al.symbols.symbols import TypeRef, fold

from .conversions import converts, same_subject
from .interfaces import implements
from .world import World


def fits(world: World, given: TypeRef, wanted: TypeRef) -> bool | None:
    """Whether a value may be given where a type is wanted: `converts`, with names and ids brought together."""
    answer = converts(given, wanted)
    if answer is None and given.name.lower() == wanted.name.lower() and same_subject(given, wanted) is None:
        a, b = world.find_type(given), world.find_type(wanted)
        if a is not None and b is not None:
            return a[0].kind == b[0].kind and a[0].id == b[0].id and fold(a[0].name) == fold(b[0].name)
    if (given.name.lower(), wanted.name.lower()) == ("codeunit", "interface"):
        a, b = world.find_type(given), world.find_type(wanted)
        known = a is not None and b is not None and a[1] is not world.own
        if a is not None and b is not None and known and not implements(world, a[0], b[0]):
            return False
    return answer
