"""What the type checker learns about `replace` and `move`: their keyword arguments are the fields of the model.

Registered in pyproject.toml. Without it both take anything, and a misspelt field is found when the code runs.
"""

from collections.abc import Callable, Iterator

from mypy.expandtype import expand_type_by_instance
from mypy.maptype import map_instance_to_supertype
from mypy.nodes import ARG_NAMED_OPT, ARG_POS, TypeInfo, Var
from mypy.plugin import MethodSigContext, Plugin
from mypy.types import AnyType, CallableType, FunctionLike, Instance, Type, TypeOfAny, get_proper_type

_VALUE = "shared.contracts.value.Value"
_STATE = "shared.kernel.state.State"
_BUILDER = "shared.kernel.decision.DecisionBuilder"
_STATUS = "status"


class DrydockPlugin(Plugin):
    """Gives the copying methods of values, states and decision builders the signatures that their models imply."""

    def get_method_signature_hook(self, fullname: str) -> Callable[[MethodSigContext], FunctionLike] | None:
        match fullname.rpartition(".")[2]:
            case "replace":
                return _replace
            case "move":
                return _move
        return None


def _replace(context: MethodSigContext) -> FunctionLike:
    model = _model(context, "replace")
    if model is None:
        return context.default_signature
    fields = dict(_fields(model))
    if _has_lifecycle(model.type):
        fields.pop(_STATUS, None)
    return _with_fields(context.default_signature, fields)


def _move(context: MethodSigContext) -> FunctionLike:
    model = _model(context, "move")
    if model is None:
        return context.default_signature
    fields = dict(_fields(model))
    status = fields.pop(_STATUS, None)
    if status is None or not _has_lifecycle(model.type):
        context.api.fail(f"{model.type.name} has no lifecycle, or no field `status`", context.context)
        return context.default_signature
    return _with_fields(context.default_signature, fields, status)


def _model(context: MethodSigContext, method: str) -> Instance | None:
    """The model that the call copies; None where the method is another one, or the model is not known yet."""
    receiver = get_proper_type(context.type)
    if not isinstance(receiver, Instance):
        return None
    defined = receiver.type.get_containing_type_info(method)
    if defined is None:
        return None
    if defined.fullname in (_VALUE, _STATE):
        return receiver
    if defined.fullname != _BUILDER:
        return None
    state = get_proper_type(map_instance_to_supertype(receiver, defined).args[0])
    return state if isinstance(state, Instance) else None


def _fields(model: Instance) -> Iterator[tuple[str, Type]]:
    """The fields and their types, those of its bases first."""
    for base in reversed(model.type.mro):
        if not base.has_base(_VALUE):
            continue
        for name, symbol in base.names.items():
            field = symbol.node
            if isinstance(field, Var) and not field.is_classvar and not name.startswith(("_", "model_")):
                instance = map_instance_to_supertype(model, base)
                yield name, expand_type_by_instance(field.type or AnyType(TypeOfAny.unannotated), instance)


def _has_lifecycle(model: TypeInfo) -> bool:
    return any("lifecycle" in base.names for base in model.mro if base.fullname != _STATE)


def _with_fields(signature: CallableType, fields: dict[str, Type], *positional: Type) -> CallableType:
    return signature.copy_modified(
        arg_types=[*positional, *fields.values()],
        arg_kinds=[ARG_POS] * len(positional) + [ARG_NAMED_OPT] * len(fields),
        arg_names=[*signature.arg_names[: len(positional)], *fields],
    )


def plugin(version: str) -> type[Plugin]:
    """What mypy asks for; `version` is its own."""
    return DrydockPlugin
