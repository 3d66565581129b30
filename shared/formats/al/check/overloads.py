"""Which overloads of a procedure a call may mean, and what they give."""

from collections.abc import Sequence

from shared.formats.al.symbols.symbols import Parameter, TypeRef

from .binding import NOTHING, UNKNOWN, Binding
from .fitting import fits
from .world import Owned, World


def is_refused(world: World, given: TypeRef | None, wanted: Parameter) -> bool:
    """Whether an argument certainly does not fit; a secret text and a text share no variable."""
    if given is None:
        return False
    names = {given.name.lower(), wanted.type.name.lower()}
    if wanted.by_reference and "secrettext" in names and len(names) > 1:
        return not names & {"variant", "any", "joker", ""}
    return fits(world, given, wanted.type) is False


def candidates(world: World, methods: Sequence[Owned], given: Sequence[TypeRef | None]) -> list[Owned]:
    """Overloads of that many parameters that take, or may take, arguments of the types `given`."""
    return [
        o
        for o in methods
        if len(o.member.parameters) == len(given)
        and not any(is_refused(world, t, p) for t, p in zip(given, o.member.parameters, strict=True))
    ]


def result(world: World, found: Binding, given: Sequence[TypeRef | None]) -> Binding:
    """What a call of the methods gives; of no type where the overloads that it may mean give different ones."""
    called = candidates(world, found.methods, given)
    if len(called) > 1:
        exact = [o for o in called if _takes(o, given)]
        called = exact if len(exact) == 1 else called
    returns = {str(o.member.returns): o.member.returns for o in called}
    if len(returns) != 1:
        return UNKNOWN
    (given_type,) = returns.values()
    foreign = all(o.app is not world.own for o in called)
    return Binding(given_type or NOTHING, tuple(called), owner=found.owner, foreign=foreign)


def _takes(owned: Owned, given: Sequence[TypeRef | None]) -> bool:
    """Whether the arguments are of the very types of the parameters."""
    parameters = owned.member.parameters
    return all(
        t is not None and (t.name.lower(), t.subject.lower()) == (p.type.name.lower(), p.type.subject.lower())
        for t, p in zip(given, parameters, strict=True)
    )
