"""Rows 12, 13, 14, 29 and 33: what is given to a procedure, and what it gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from shared.formats.al.source.syntax import Call, Expr, Literal, Many, start_of
from shared.formats.al.symbols.symbols import Method, Parameter, Symbol, fold

from .binding import NOTHING, Binding, are_judged
from .blame import has_new_type, path_of_value
from .context import ExtensionCheck
from .evidence import SymbolPath, signature, text_of_member, type_text
from .overloads import is_refused
from .places import Place
from .world import Owned

_MOST_SHOWN = 4


@dataclass(frozen=True, slots=True)
class _Called:
    """Methods of one name of an object, and the place where they are called."""

    check: ExtensionCheck
    owner: Symbol
    methods: Sequence[Owned]
    place: Place

    @property
    def name(self) -> str:
        return self.methods[0].member.name

    def report_value(self, message: str, advice: str, place: Place, value: Binding) -> None:
        """Report an argument that does not convert: it is the value's fault where that is of another type now."""
        own = self.methods[0].app is self.check.world.own
        if value.name and value.foreign and (own or has_new_type(self.check, value)):
            self.check.report("AL0133", value.name, message, place, advice, about=path_of_value(value))
        else:
            self.report("AL0133", message, advice, place)

    def report(self, code: str, message: str, advice: str, place: Place | None = None) -> None:
        about = SymbolPath.of(self.owner, "methods", self.name)
        self.check.report(code, self.name, message, place or self.place, advice, about=about)


def check_arguments(
    check: ExtensionCheck, call: Call, found: Binding, given: Sequence[Binding], place: Place, *, ignored: bool = False
) -> None:
    """Rows 12, 13, 14, 29 and 33 for a call of methods; of the extension's own only whether values still convert.

    `given` are the arguments. `ignored`: the call is a statement of its own, so what it returns is lost.
    """
    if found.owner is None:
        return
    called, count = _Called(check, found.owner, found.methods, place), len(call.arguments)
    counted = [o for o in called.methods if len(o.member.parameters) == count]
    own = any(o.app is check.world.own for o in counted or called.methods)
    if not counted:
        if not own:
            _wrong_count(called, count)
    elif len(counted) > 1:
        if not own:
            _ambiguous(called, counted)
        _none_takes(called, counted, call.arguments, given)
    else:
        method = counted[0].member
        if ignored and not own and len(called.methods) == 1:
            _returns_now(called, method)
        _arguments(called, counted[0], call.arguments, given)


def _arguments(called: _Called, owned: Owned, exprs: Sequence[Expr], given: Sequence[Binding]) -> None:
    method, world = owned.member, called.check.world
    foreign = owned.app is not world.own
    for number, (parameter, expr, value) in enumerate(zip(method.parameters, exprs, given, strict=True), start=1):
        place = Place(called.place.level, called.place.file, start_of(expr))
        if foreign and parameter.by_reference and not _assignable(expr):
            advice = f"The procedure is: {signature(method, world)}"
            called.report("AL0130", "A 'var' argument must be an assignable variable.", advice, place)
        elif _is_judged_refused(called.check, value, parameter, foreign=foreign):
            _not_taken(called, method, number, parameter, value, place)


def _not_taken(
    called: _Called, method: Method, number: int, parameter: Parameter, value: Binding, place: Place
) -> None:
    world = called.check.world
    assert value.type is not None
    message = (
        f"Argument {number}: cannot convert from '{type_text(value.type, world)}' to "
        f"'{type_text(parameter.type, world)}'."
    )
    advice = f"The procedure is: {signature(method, world)}"
    called.report_value(message, advice, place, value)


def _is_judged_refused(check: ExtensionCheck, value: Binding, parameter: Parameter, *, foreign: bool) -> bool:
    wanted = Binding(parameter.type, foreign=foreign)
    return are_judged(value, wanted) and is_refused(check.world, value.type, parameter)


def _none_takes(called: _Called, methods: Sequence[Owned], exprs: Sequence[Expr], given: Sequence[Binding]) -> None:
    """Several procedures have that many parameters, and each refuses one of the arguments for certain."""
    world, refusals = called.check.world, []
    for owned in methods:
        foreign = owned.app is not world.own
        pairs = enumerate(zip(owned.member.parameters, given, strict=True))
        refused = next((n for n, (p, v) in pairs if _is_judged_refused(called.check, v, p, foreign=foreign)), None)
        if refused is None:
            return
        refusals.append(refused)
    at, first = refusals[0], methods[0].member
    place = Place(called.place.level, called.place.file, start_of(exprs[at]))
    message = (
        f"Argument {at + 1}: cannot convert from '{type_text(given[at].type or NOTHING, world)}' to "
        f"'{type_text(first.parameters[at].type, world)}'."
    )
    advice = f"The procedures are: {'; '.join(signature(o.member, world) for o in methods[:_MOST_SHOWN])}"
    called.report_value(message, advice, place, given[at])


def _returns_now(called: _Called, method: Method) -> None:
    """Row 33, where the extension is not compiled anew: an update within one major version."""
    check = called.check
    old, now = check.old_version, check.target_version
    if check.old is None or method.returns is None or old is None or now is None or old.major != now.major:
        return
    before = check.old.find(called.owner.kind, called.owner.name)
    was = [m for m in before[0].methods if fold(m.name) == fold(method.name)] if before else []
    if len(was) == 1 and was[0].returns is None and len(was[0].parameters) == len(method.parameters):
        message = f"'{method.name}' returns a value now: an extension that was compiled before fails to call it."
        advice = "Compile the extension against the target and install that version; its source need not change."
        called.report("AS0102", message, advice)


def _wrong_count(called: _Called, count: int) -> None:
    world, method = called.check.world, called.methods[0].member
    candidates = "; ".join(signature(o.member, world) for o in called.methods[:_MOST_SHOWN])
    advice = f"The procedure is: {candidates}"
    if len(called.methods) == 1 and count < len(method.parameters):
        required = method.parameters[count].name
        message = (
            "There is no argument given that corresponds to the required formal parameter "
            f"'{required}' of '{signature(method, world)}'."
        )
        called.report("AL0135", message, advice)
        return
    message = f"No overload for method '{called.name}' takes {count} arguments. Candidates: {candidates}."
    called.report("AL0126", message, advice)


def _ambiguous(called: _Called, methods: Sequence[Owned]) -> None:
    """Two apps bring methods of the same parameters; the first such pair is reported."""
    twins = (
        (first, second)
        for position, first in enumerate(methods)
        for second in methods[position + 1 :]
        if first.app is not second.app and _have_same_types(first.member, second.member)
    )
    for first, second in islice(twins, 1):
        name = called.name
        message = (
            f"The call is ambiguous between the method '{name}' defined in {first.owner.title} "
            f"by the extension '{first.app.app.name}' and the method '{name}' defined in "
            f"{second.owner.title} by the extension '{second.app.app.name}'."
        )
        after = "; ".join(text_of_member(o.member, called.check.world) for o in (first, second))
        called.check.report("AL0196", name, message, called.place, evidence=("", after))


def _have_same_types(a: Method, b: Method) -> bool:
    pairs = zip(a.parameters, b.parameters, strict=True)
    return all(str(one.type).lower() == str(other.type).lower() for one, other in pairs)


def _assignable(expr: Expr) -> bool:
    return not isinstance(expr, Literal | Call) and not (isinstance(expr, Many) and len(expr.parts) > 1)
