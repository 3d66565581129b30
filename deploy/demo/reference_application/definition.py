"""The application as the local runtime starts it."""

import sys

from services.servicing_executor.runtimes.application import Application
from services.servicing_executor.runtimes.processes import ServiceDefinition


def application() -> Application:
    """AOS first, because the others need it; AOS answers for the environment."""
    return Application(
        services=tuple(
            ServiceDefinition(name, (sys.executable, "-P", "-m", f"{__package__}.{name.lower()}"))
            for name in ("AOS", "DIXF", "MR")
        ),
        front="AOS",
    )
