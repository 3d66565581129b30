"""How values look to people."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.console.cli.printing import when


@pytest.mark.parametrize("hours", [-11, -1, 0, 1, 13])
def test_a_time_is_told_in_the_zone_that_stands_behind_it(hours: int) -> None:
    moment = datetime(2026, 12, 24, 21, 0, tzinfo=UTC).astimezone(timezone(timedelta(hours=hours)))
    assert when(moment) == "2026-12-24 21:00:00 UTC"


def test_no_time_is_nothing() -> None:
    assert when(None) == ""
