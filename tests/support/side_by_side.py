"""A plugin: which tests stay together, and which come first, when a run is side by side (`pytest -n`).

Unit tests go wherever there is time. What sets up a service or an installation for all tests of a module, or of a
folder, stays together; so do tests that look at the whole machine. The longest groups come first.
"""

from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the groups, and put them in the order in which they begin."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    limits: dict[str, float] = {}
    for item in items:
        if group := group_of(item):
            item.add_marker(pytest.mark.xdist_group(group))
            marker = item.get_closest_marker("timeout")
            limits[group] = max(limits.get(group, 0), float(marker.args[0]) if marker else 1)
    if config.getoption("dist", "no") != "no":
        items.sort(key=lambda item: -limits.get(group_of(item) or "", 0))


def group_of(item: pytest.Item) -> str | None:
    """The group of a test, None if it can go anywhere."""
    if marked := item.get_closest_marker("machine"):
        return marked.name
    path = item.path.relative_to(TESTS)
    if path.parts[0] == "unit" or path.parts[0] == "static":
        return None
    if "instant" in getattr(item, "fixturenames", ()):
        return "end_to_end"
    return path.with_suffix("").as_posix().replace("/", ".")
