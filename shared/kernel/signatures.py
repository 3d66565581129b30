"""Checks that the function of each line takes and returns what the line says, before any message arrives."""

import inspect
from collections.abc import Mapping
from datetime import datetime
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from shared.contracts.envelope import Envelope
from shared.kernel.decision import Decision, DecisionBuilder, TimerDue, WorkEnded
from shared.kernel.table import Aggregate, Line, On, OnTimer, OnWork, WiringError, words


def check_function(line: Line) -> None:
    """Raise WiringError unless the function of `line` has the types that the line needs."""
    parameters = [
        parameter
        for parameter in inspect.signature(line.decide).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    if len(parameters) != 4:
        raise WiringError(f"{words(line)}: the function takes (state, message, facts, now), not {len(parameters)}")
    if inspect.iscoroutinefunction(line.decide):
        raise WiringError(f"{words(line)}: the function decides and does nothing, so it is not async")
    hints = _hints(line, line.decide)
    state, happening, facts, now = (hints.get(parameter.name, Any) for parameter in parameters)
    model = line.aggregate.state
    if line.needs_state:
        _expect(line, "state", state, {model}, {state})
    else:
        _expect(line, "state", state, {model, NoneType}, set(get_args(state)))
    _check_happening(line, happening)
    wanted = line.facts.model if line.facts else NoneType
    _expect(line, "facts", facts, {wanted}, {facts})
    _expect(line, "now", now, {datetime}, {now})
    returned = hints.get("return", Any)
    if not (isinstance(returned, type) and issubclass(returned, DecisionBuilder) and returned.decides(model)):
        _expect(line, "result", returned, {Decision[model]}, {returned})  # type: ignore[valid-type]  # a type made at run time


def _check_happening(line: Line, hint: Any) -> None:
    if isinstance(line, On):
        _expect(line, "message", hint, {Envelope[line.message]}, {hint})  # type: ignore[name-defined]  # a type made at run time
    elif isinstance(line, OnTimer):
        _expect(line, "timer", hint, {TimerDue}, {hint})
    else:
        if not inspect.iscoroutinefunction(line.run):
            raise WiringError(f"{words(line)}: run is an async function")
        _check_run(line)
        model = _hints(line, line.run).get("return")
        if get_origin(hint) is not WorkEnded or get_args(hint) != (model,):
            raise WiringError(f"{words(line)}: run returns {model}, the function takes {hint}")


def _check_run(line: OnWork[Any, Any, Any, Any]) -> None:
    names = list(inspect.signature(line.run).parameters)
    hints = _hints(line, line.run)
    for what, hint in (("input", hints.get(names[0]) if len(names) == 2 else None), ("result", hints.get("return"))):
        if not (isinstance(hint, type) and issubclass(hint, BaseModel)):
            raise WiringError(f"{words(line)}: run takes (input, job); its {what} is {hint}, it should be a model")


def check_facts(line: Line, aggregates: Mapping[str, Aggregate[Any]]) -> None:
    """Raise WiringError unless the facts of `line` can be made, from `aggregates`."""
    if line.facts is None:
        return
    try:
        inspect.signature(line.facts.model).bind(**line.facts.facts)
    except TypeError as error:
        raise WiringError(f"{words(line)}: {line.facts.model.__name__} is not made of these facts: {error}") from None
    for name, fact in line.facts.facts.items():
        if aggregates.get(fact.aggregate.name) is not fact.aggregate:
            raise WiringError(f"{words(line)}: the fact {name!r} is of {fact.aggregate.name!r}, which nothing reaches")


def _hints(line: Line, function: Any) -> dict[str, Any]:
    try:
        return get_type_hints(function)
    except (NameError, TypeError) as error:
        raise WiringError(f"{words(line)}: the types of the function cannot be read: {error}") from None


def _expect(line: Line, what: str, hint: Any, wanted: set[Any], found: set[Any]) -> None:
    if found != wanted:
        names = " | ".join(sorted(getattr(one, "__name__", str(one)) for one in wanted))
        raise WiringError(f"{words(line)}: the {what} of the function is {hint}, it should be {names}")
