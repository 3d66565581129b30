"""Whether two types name one object of one side of an update."""

from shared.formats.al.symbols.symbols import TypeRef

from .conversions import same_subject
from .world import World


def same_object(world: World, a: TypeRef, b: TypeRef) -> bool | None:
    """Whether two types name one object, by name or id; None where one of them names none that is there.

    Nothing follows from a type whose object is gone: that is told where it is declared.
    """
    if same_subject(a, b):
        return True
    one, two = world.find_type(a), world.find_type(b)
    return None if one is None or two is None else one[0] is two[0]
