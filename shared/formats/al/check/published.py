"""Which objects publish an event of a name, wherever that is."""

from weakref import WeakKeyDictionary

from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import Method, Symbol, fold

from .world import World

_PUBLISHERS = frozenset(("codeunit", "table", "page", "report", "xmlport", "query"))
_events: "WeakKeyDictionary[AppIndex, dict[str, list[tuple[Symbol, Method]]]]" = WeakKeyDictionary()


def publishers(world: World, event: str) -> list[tuple[Symbol, Method]]:
    """Objects of other apps that publish an event of that name."""
    return [found for app in world.apps[1:] for found in _events_of(app).get(fold(event), ())]


def _events_of(app: AppIndex) -> dict[str, list[tuple[Symbol, Method]]]:
    """Events by folded name; reads every publisher of the app, so it is asked only where one is gone."""
    known = _events.get(app)
    if known is None:
        known = _events[app] = {}
        for symbol in (app.symbol(e) for e in app.entries if e.kind in _PUBLISHERS):
            for method in symbol.methods:
                if method.event and method.event != "internal":
                    known.setdefault(fold(method.name), []).append((symbol, method))
    return known
