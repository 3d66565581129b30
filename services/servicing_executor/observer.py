"""Tells the executor how the services of its environments are, whenever that changes, and all of it at its start."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from services.servicing_executor.runtimes.watch import ServiceWatch
from shared.contracts.servicing_executor import ReportServices, ServiceDown
from shared.kernel.app import Tell


class Observer:
    """Observes the services of the environments below `root`. Called once, without end."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def __call__(self, tell: Tell) -> None:
        told: dict[str, object] = {}
        with closing(ServiceWatch(self._root)) as watch:
            while True:
                for environment, ended in watch.look().items():
                    now = datetime.now(UTC)
                    down = tuple(ServiceDown(service=name, since=now) for name in sorted(ended))
                    # By the processes, not their names: one that was started again and ended again is news.
                    if told.get(environment) != ended and await tell(
                        ReportServices(environment=environment, down=down)
                    ):
                        told[environment] = ended
                await watch.wait()
