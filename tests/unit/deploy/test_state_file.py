"""The record beside the state file tells a file that went back in time from one that did not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded.state import StateServer
from deploy.embedded.state_file import StoreEnd, record_of, recorded, refusal, why, write_record

COMMITS = st.integers(0, 10**18)


@given(st.lists(COMMITS, min_size=1, max_size=4))
def test_the_last_record_counts(tmp_path_factory: pytest.TempPathFactory, written: list[int]) -> None:
    record = tmp_path_factory.mktemp("state") / "state.generation"
    assert recorded(record) is None
    for generation in written:
        write_record(record, generation)
    assert recorded(record) == written[-1]
    assert list(record.parent.iterdir()) == [record]


@pytest.mark.parametrize(
    ("known", "found", "served"),
    [(None, 0, True), (None, 7, True), (7, 7, True), (7, 8, True), (7, 6, False), (7, 0, False), (7, -1, False)],
)
def test_only_a_file_that_holds_less_than_was_acknowledged_is_refused(
    tmp_path: Path, known: int | None, found: int, served: bool
) -> None:
    server = StateServer.of(tmp_path)
    server.folder.mkdir()
    file = server.folder / "state.mv"
    if known is not None:
        write_record(record_of(file), known)
    reason = refusal(file, found)
    assert (reason is None) == served
    if reason is not None:
        assert str(file) in reason
        assert "backup" in reason
        assert f"`drydock engines accept-older-state --data {tmp_path}`" in reason
    assert server.accept_older() == (known is not None)
    assert refusal(file, found) is None
    assert not server.accept_older()


@pytest.mark.parametrize("damage", [0, 10, 27, 40, 60, 63])
def test_a_record_that_was_damaged_is_no_record_of_less(tmp_path: Path, damage: int) -> None:
    record = record_of(tmp_path / "state.mv")
    write_record(record, 1999)
    text = bytearray(record.read_bytes())
    text[damage % len(text)] ^= 1
    record.write_bytes(text)
    with pytest.raises(ValueError, match="no record"):
        recorded(record)
    assert "accept-older-state" in (refusal(tmp_path / "state.mv", 10**9) or "")


@pytest.mark.parametrize("text", [b"", b"\xff", b"drydock-state-generation 1 "])
def test_what_is_no_record_is_not_taken_for_one(tmp_path: Path, text: bytes) -> None:
    record = tmp_path / "state.generation"
    record.write_bytes(text)
    with pytest.raises(ValueError, match="no record"):
        recorded(record)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (StoreEnd.NO_SPACE, "no space left"),
        (StoreEnd.FAILED, "read or written"),
        (StoreEnd.OLDER, "older"),
        (StoreEnd.OUT_OF_MEMORY, "memory"),
    ],
)
def test_how_the_server_ended_is_said_in_words(tmp_path: Path, code: int, said: str) -> None:
    assert said in (why(code, tmp_path) or "")
    assert why(1, tmp_path) is None
