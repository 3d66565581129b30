"""A plugin: which tests stay together, and which come first, when a run is side by side (`pytest -n`).

Unit tests go wherever there is time. What sets up a service or an installation for all tests of a module, or of a
folder, stays together. The longest groups come first. No test may look at what is not its own: all processes of the
machine, a port that is not taken.
"""

from pathlib import PurePosixPath
from typing import Any

import pytest

_ANYWHERE = ("tests/unit/", "tests/static/")
_INSTALLATION = "tests/end_to_end"
# They have installations of their own, the others of their folder share one.
_ALONE = {"tests/end_to_end/test_main_job.py", "tests/end_to_end/test_backup.py"}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Scopes are our groups. Marks of groups do nothing: pytest 9.2 has ended how xdist 3.8 passes them on."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):  # type: ignore[misc]  # it is not everywhere installed
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    config.option.loadscopereorder = False
    return Groups(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The order in which groups begin: by the longest time limit of their tests; those that go anywhere fill up."""
    if not hasattr(config, "workerinput"):
        return
    limits: dict[str, float] = {}
    for item in items:
        group, marker = group_of(item.nodeid), item.get_closest_marker("timeout")
        limit = float(marker.args[0]) if marker else 1.0
        limits[group] = 0.0 if item.nodeid.startswith(_ANYWHERE) else max(limits.get(group, 0.0), limit)
    items.sort(key=lambda item: -limits[group_of(item.nodeid)])


def group_of(nodeid: str) -> str:
    """What a test shares with those that run in the same process, one after the other."""
    if nodeid.startswith(_ANYWHERE):
        return nodeid
    module = nodeid.partition("::")[0]
    return _INSTALLATION if PurePosixPath(module).is_relative_to(_INSTALLATION) and module not in _ALONE else module
