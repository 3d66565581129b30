"""One installation with an instant runtime for all tests that are not about what an environment consists of."""

from collections.abc import Iterator

import pytest

from deploy.stack import Stack
from tests.end_to_end.installation import installation


@pytest.fixture(scope="package")
def instant() -> Iterator[Stack]:
    """Everything, with a runtime that only remembers. Each test has a project of its own on it."""
    with installation(runtime="instant") as stack:
        yield stack
