"""What the `app.py` of a service imports: the lines of its table, and the way to run it."""

from collections.abc import Sequence

from shared.contracts.catalogue import Catalogue
from shared.kernel.dead_letters import BUILTIN
from shared.kernel.process import run
from shared.kernel.service import Aggregate, Fact, Line, Load, On, OnTimer, OnWork, Service, WiringError
from shared.kernel.settings import Settings

__all__ = [
    "Aggregate",
    "Fact",
    "Load",
    "On",
    "OnTimer",
    "OnWork",
    "Service",
    "Settings",
    "WiringError",
    "make_service",
    "run",
]


def make_service(name: str, catalogue: Catalogue, *table: Line) -> Service:
    """The service `name` with its table, and what every service has in it. Raise WiringError for a mistake."""
    lines: Sequence[Line] = table
    return Service(name, catalogue, lines, builtin=BUILTIN)
