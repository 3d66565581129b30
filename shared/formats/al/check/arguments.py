"""Rows 12, 13, 14, 29 and 33: what is given to a procedure, and what it gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from shared.formats.al.source.syntax import Call, Expr, Literal, Many, start_of
from shared.formats.al.symbols.symbols import Method, Parameter, Symbol, TypeRef, fold

from .context import ExtensionCheck
from .evidence import SymbolPath, signature, text_of_member, type_text
from .fitting import fits
from .members import Binding
from .places import Place
from .world import Owned, World


@dataclass(frozen=True, slots=True)
class _Called:
    """Methods of one name of an object of another app, and the place where they are called."""

    check: ExtensionCheck
    owner: Symbol
    methods: Sequence[Owned]
    place: Place

    @property
    def name(self) -> str:
        return self.methods[0].member.name

    def report(self, code: str, message: str, advice: str, place: Place | None = None) -> None:
        about = SymbolPath.of(self.owner, "methods", self.name)
        self.check.report(code, self.name, message, place or self.place, advice, about=about)


def check_arguments(
    check: ExtensionCheck,
    call: Call,
    found: Binding,
    types: Sequence[TypeRef | None],
    place: Place,
    *,
    ignored: bool = False,
) -> None:
    """Rows 12, 13, 14, 29 and 33 for a call of methods that are not the extension's own.

    `types` are those of the arguments. `ignored`: the call is a statement of its own, so what it returns is lost.
    """
    if found.owner is None or any(o.app is check.world.own for o in found.methods):
        return
    called, count = _Called(check, found.owner, found.methods, place), len(call.arguments)
    fitting = [o for o in called.methods if len(o.member.parameters) == count]
    if not fitting:
        _wrong_count(called, count)
    elif len(fitting) > 1:
        _ambiguous(called, fitting)
    else:
        method = fitting[0].member
        if ignored and len(called.methods) == 1:
            _returns_now(called, method)
        _arguments(called, method, call.arguments, types)


def _arguments(called: _Called, method: Method, given: Sequence[Expr], types: Sequence[TypeRef | None]) -> None:
    world = called.check.world
    advice = f"The procedure is: {signature(method, world)}"
    for number, (parameter, expr, type_) in enumerate(zip(method.parameters, given, types, strict=True), start=1):
        place = Place(called.place.level, called.place.file, start_of(expr))
        if parameter.by_reference and not _assignable(expr):
            called.report("AL0130", "A 'var' argument must be an assignable variable.", advice, place)
        elif type_ is not None and _is_refused(world, type_, parameter):
            a, b = type_text(type_, world), type_text(parameter.type, world)
            called.report("AL0133", f"Argument {number}: cannot convert from '{a}' to '{b}'.", advice, place)


def _is_refused(world: World, given: TypeRef, wanted: Parameter) -> bool:
    """Whether an argument certainly does not fit; a secret text and a text share no variable."""
    names = {given.name.lower(), wanted.type.name.lower()}
    if wanted.by_reference and "secrettext" in names and len(names) > 1:
        return not names & {"variant", "any", "joker", ""}
    return fits(world, given, wanted.type) is False


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
    candidates = "; ".join(signature(o.member, world) for o in called.methods[:4])
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
