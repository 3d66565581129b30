"""The JVM's ahead-of-time cache makes Kafka's start quicker and is never in its way."""

from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.embedded import Endpoints, Engines
from deploy.embedded.archive import archive_path, options
from deploy.embedded.jars import KAFKA_LOCK, cache_folder, resolve

pytestmark = pytest.mark.engines


def test_kafka_starts_with_a_damaged_archive(
    own_engines: Callable[..., Engines], engines: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class_path = resolve(KAFKA_LOCK, cache_folder(), lambda _: None)
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "jars").symlink_to(class_path[0].parents[1])
    monkeypatch.setenv("DRYDOCK_CACHE", str(cache))
    damaged = archive_path([cache / "jars" / jar.parent.name / jar.name for jar in class_path], cache)
    damaged.write_bytes(b"not an archive")
    own = own_engines(mongo=engines.mongo)
    assert own.kafka.running
    assert damaged.read_bytes() == b"not an archive"


def test_an_archive_is_for_one_class_path_and_one_state_of_its_files(tmp_path: Path) -> None:
    one, other = tmp_path / "one.jar", tmp_path / "other.jar"
    one.write_bytes(b"1")
    other.write_bytes(b"2")
    first = archive_path([one], tmp_path)
    assert archive_path([one], tmp_path) == first
    assert archive_path([other], tmp_path) != first
    one.write_bytes(b"12")
    assert archive_path([one], tmp_path) != first


def test_without_an_archive_the_jvm_gets_no_option_for_it(tmp_path: Path) -> None:
    jar = tmp_path / "one.jar"
    jar.write_bytes(b"1")
    assert options([jar], tmp_path) == []
    archive_path([jar], tmp_path).touch()
    assert options([jar], tmp_path)[0] == f"-XX:AOTCache={archive_path([jar], tmp_path)}"
