"""Packages that take a while to check."""

import random
from dataclasses import replace
from pathlib import Path

from shared.formats.deployable_package.damage.faults import sample
from shared.formats.deployable_package.write.build import placeholder_files, plan_package, write_package


def big_package(path: Path, megabytes: int) -> Path:
    """A sound package of random bytes, which take as much room in the archive as in the module."""
    core, sales = sample().modules
    noise = random.Random(1).randbytes(megabytes << 20)
    module = replace(core, files=(*placeholder_files(core.name), (f"bin/{core.name}.pdb", noise)))
    write_package(plan_package((module, sales), sample().options), path)
    return path
