"""Whether a value fits a declaration, as far as types and the objects that they name tell."""

from shared.formats.al.symbols.symbols import TypeRef

from .conversions import converts, same_subject
from .interfaces import implements, same_object
from .world import World


def fits(world: World, given: TypeRef, wanted: TypeRef) -> bool | None:
    """Whether a value may be given where a type is wanted: `converts`, with names and ids brought together."""
    answer = converts(given, wanted)
    if answer is not True and given.name.lower() == wanted.name.lower() and _name_objects(given, wanted):
        return same_object(world, given, wanted) if same_subject(given, wanted) is not True else answer
    if (given.name.lower(), wanted.name.lower()) == ("codeunit", "interface"):
        a, b = world.find_type(given), world.find_type(wanted)
        known = a is not None and b is not None and a[1] is not world.own
        if a is not None and b is not None and known and not implements(world, a[0], b[0]):
            return False
    return answer


def _name_objects(given: TypeRef, wanted: TypeRef) -> bool:
    return all((t.subject or t.subject_id) and not t.dimensions for t in (given, wanted))
