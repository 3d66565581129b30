"""The real work of the example: an errand leaves a line in a file, once, whatever happens on the way."""

import asyncio
import os
from pathlib import Path

from shared.kernel.app import Job
from tests.support.example.domain import Brought, Errand


async def run_errand(errand: Errand, job: Job) -> Brought:
    """Look whether the line is there; if not, write it."""
    if job.attempt <= errand.failures:
        raise ConnectionError(f"attempt {job.attempt} fails")
    if errand.seconds:
        await asyncio.sleep(errand.seconds)
    folder = os.environ.get("EXAMPLE_ERRANDS")
    if folder:
        _leave_line(Path(folder) / job.label.replace("/", "-"))
    job.log(f"errand {errand.name} done")
    return Brought(name=errand.name, amount=errand.amount)


def _leave_line(path: Path) -> None:
    if not path.exists():
        path.write_text("done\n")
