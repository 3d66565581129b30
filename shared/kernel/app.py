"""The kernel's face for `app.py` and `steps.py`: the lines of the table, the way to run it, the job of a step."""

from collections.abc import Sequence

from shared.contracts.catalogue import Catalogue
from shared.kernel import dead_letters, republishing
from shared.kernel.answers import ANSWERS
from shared.kernel.gaps import GAPS
from shared.kernel.process import run
from shared.kernel.service import Service
from shared.kernel.settings import Settings
from shared.kernel.table import Aggregate, Fact, Line, Load, Observer, On, OnTimer, OnWork, Tell, WiringError
from shared.kernel.worker import Job

__all__ = [
    "Aggregate",
    "Fact",
    "Job",
    "Line",
    "Load",
    "Observer",
    "On",
    "OnTimer",
    "OnWork",
    "Service",
    "Settings",
    "Tell",
    "WiringError",
    "make_service",
    "run",
]


def make_service(name: str, catalogue: Catalogue, *table: Line, observer: Observer | None = None) -> Service:
    """The service `name` with its table, and what every service has in it. Raise WiringError for a mistake."""
    lines: Sequence[Line] = table
    builtin = (*dead_letters.LINES, *republishing.lines(name))
    return Service(name, catalogue, lines, builtin=builtin, kept=(ANSWERS, GAPS), observer=observer)
