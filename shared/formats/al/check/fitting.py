"""Whether a value fits a declaration, as far as types and the objects that they name tell."""

from shared.formats.al.symbols.symbols import TypeRef

from .conversions import converts
from .interfaces import implements
from .sameness import same_object
from .world import World


def fits(world: World, given: TypeRef, wanted: TypeRef) -> bool | None:
    """Whether a value may be given where a type is wanted: `converts`, with names and ids brought together."""
    answer = converts(given, wanted)
    if answer is not True and given.name.lower() == wanted.name.lower() and not (given.dimensions or wanted.dimensions):
        return same_object(world, given, wanted)
    if (given.name.lower(), wanted.name.lower()) == ("codeunit", "interface"):
        a, b = world.find_type(given), world.find_type(wanted)
        known = a is not None and b is not None and a[1] is not world.own
        if a is not None and b is not None and known and not implements(world, a[0], b[0]):
            return False
    return answer
