"""Files are replaced as a whole or not at all."""

from pathlib import Path

import pytest

from shared.files import draft_of, write_atomically


def test_another_content_takes_the_place_of_the_old_one_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"old", b"new"):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_whoever_reads_while_it_is_written_sees_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with draft_of(path) as draft, path.open("rb") as reader:
        draft.write_bytes(b"ne")
        assert path.read_bytes() == b"old"
    assert (reader.closed, path.read_bytes()) == (True, b"ne")


def test_a_draft_that_comes_to_nothing_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(FileNotFoundError), draft_of(path):
        (tmp_path / "there is none").read_bytes()
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"file": b"old"}


def test_two_drafts_of_a_file_do_not_meet_and_the_last_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with draft_of(path) as last:
        last.write_bytes(b"last")
        with draft_of(path) as first:
            first.write_bytes(b"first")
        assert path.read_bytes() == b"first"
    assert path.read_bytes() == b"last"
