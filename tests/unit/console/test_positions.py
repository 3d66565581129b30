"""Positions as texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.web.positions import Position, PositionCode, UnknownPosition
from shared.contracts.topics import TOPICS

CODE = PositionCode(list(TOPICS.values()))
OFFSETS = st.dictionaries(st.sampled_from(CODE.places), st.integers(0, 2**62))


@given(OFFSETS)
def test_a_position_that_was_written_is_read_again(offsets: dict[tuple[str, int], int]) -> None:
    assert CODE.read(CODE.write(offsets)) == dict.fromkeys(CODE.places, 0) | offsets


@given(OFFSETS, st.sampled_from(CODE.places), st.integers(0, 2**40))
def test_moving_in_one_partition_leaves_the_others(
    offsets: dict[tuple[str, int], int], place: tuple[str, int], offset: int
) -> None:
    position = Position(CODE, offsets)
    position.move(place, offset)
    assert CODE.read(position.text) == dict.fromkeys(CODE.places, 0) | offsets | {place: offset}


@given(st.text(max_size=200))
def test_any_other_text_is_refused(text: str) -> None:
    try:
        offsets = CODE.read(text)
    except UnknownPosition:
        return
    assert set(offsets) == set(CODE.places)


def test_a_position_in_other_topics_is_refused() -> None:
    fewer = PositionCode([topic for topic in TOPICS.values() if topic.service != "notifier"])
    with pytest.raises(UnknownPosition, match="another version"):
        CODE.read(fewer.write({fewer.places[0]: 5}))


def test_a_position_in_a_busy_installation_stays_short() -> None:
    assert len(CODE.write(dict.fromkeys(CODE.places, 1_000_000))) < 1_400
    assert len(CODE.write(dict.fromkeys(CODE.places[:20], 1_000_000))) < 150
