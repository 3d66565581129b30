"""Commands that are imported when they are asked for: a check of one file need not wait for the Kafka client."""

from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup


class _Commands(dict[str, Any]):
    """Commands by name; `places` says where each stands, as `module:attribute`, until it is asked for."""

    def __init__(self, own: Mapping[str, Any], places: Mapping[str, str]) -> None:
        super().__init__({**own, **dict.fromkeys(places)})
        self._places = places

    def __getitem__(self, name: str) -> Any:
        found = super().__getitem__(name)
        if found is None:
            found = self[name] = _load(name, self._places[name])
        return found

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401  # not dict's own get

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]  # a view of what is loaded by then
        return dict(self._all()).items()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        return dict(self._all()).values()

    def _all(self) -> Iterator[tuple[str, Any]]:
        for name in self:
            yield name, self[name]


def lazy(places: Mapping[str, str]) -> type[TyperGroup]:
    """A group with further commands, each at `module:attribute`: a typer application, or a function."""

    class LazyGroup(TyperGroup):
        def __init__(self, **values: Any) -> None:
            super().__init__(**values)
            self.commands = _Commands(self.commands, places)

        def list_commands(self, ctx: Any) -> list[str]:
            return list(self.commands)

    return LazyGroup


def _load(name: str, place: str) -> Any:
    module, _, attribute = place.partition(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        command: Any = typer.main.get_group(found)
    else:
        alone = typer.Typer(add_completion=False)
        alone.command(name)(found)
        command = typer.main.get_command(alone)
    command.name = name
    return command
