"""Java archives are fetched once, whole, and only as the lock file knows them."""

import hashlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.embedded.jars import KAFKA_LOCK, STATE_LOCK, read_lock, resolve
from deploy.embedded.process import EnginesError

ARCHIVES = {f"org/example/part{n}/1.0/part{n}-1.0.jar": f"archive {n} ".encode() * 5000 for n in range(3)}
FIRST = "org/example/part0/1.0/part0-1.0.jar"


class Repository:
    """A Maven repository on loopback whose files a test may change; `requests` counts what was asked for."""

    def __init__(self) -> None:
        self.files = dict(ARCHIVES)
        self.requests: list[str] = []
        self.cut_short: set[str] = set()
        repository = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.lstrip("/")
                if path not in repository.files:
                    self.send_error(404)
                    return
                repository.requests.append(path)
                body = repository.files[path]
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if path in repository.cut_short else body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


def use_repository(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = folder / "jgo.conf"
    settings.write_text(f"[repositories]\ncentral = {url}\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    served = Repository()
    thread = threading.Thread(target=served.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    use_repository(served.url, tmp_path, monkeypatch)
    yield served
    served.server.shutdown()
    served.server.server_close()
    thread.join()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    entries = []
    for path, body in ARCHIVES.items():
        artifact = path.split("/")[2]
        digest = hashlib.sha256(body).hexdigest()
        entries.append(
            f'[[dependencies]]\ngroupId = "org.example"\nartifactId = "{artifact}"\n'
            f'version = "1.0"\nsha256 = "{digest}"\n'
        )
    file = tmp_path / "example.lock.toml"
    file.write_text("\n".join(entries))
    return file


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def fetch(lock: Path, cache: Path) -> list[bytes]:
    return [path.read_bytes() for path in resolve(lock, cache, lambda _: None)]


def leftovers(cache: Path) -> list[Path]:
    return [path for path in cache.iterdir() if path.name not in ("jars", "fetch.lock")]


def test_archives_come_in_the_order_of_the_lock_and_are_fetched_once(
    repository: Repository, lock: Path, cache: Path
) -> None:
    assert fetch(lock, cache) == list(ARCHIVES.values())
    assert fetch(lock, cache) == list(ARCHIVES.values())
    assert sorted(repository.requests) == sorted(ARCHIVES)
    assert leftovers(cache) == []


def test_a_damaged_archive_in_the_cache_is_fetched_again(repository: Repository, lock: Path, cache: Path) -> None:
    damaged = resolve(lock, cache, lambda _: None)[0]
    damaged.write_bytes(damaged.read_bytes()[:100])
    repository.requests.clear()
    assert fetch(lock, cache) == list(ARCHIVES.values())
    assert repository.requests == [FIRST]


def test_an_archive_that_differs_from_the_lock_is_refused_and_not_kept(
    repository: Repository, lock: Path, cache: Path
) -> None:
    repository.files[FIRST] = b"something else"
    with pytest.raises(EnginesError, match=r"part0-1\.0\.jar was fetched .* but the lock file says"):
        fetch(lock, cache)
    assert list(cache.rglob("part0*")) == []


def test_a_download_that_breaks_off_leaves_nothing_behind(repository: Repository, lock: Path, cache: Path) -> None:
    repository.cut_short.add(FIRST)
    with pytest.raises(EnginesError, match=r"org\.example:part0:1.0 could not be fetched"):
        fetch(lock, cache)
    assert list(cache.rglob("part0*")) == []
    assert leftovers(cache) == []
    repository.cut_short.clear()
    assert fetch(lock, cache) == list(ARCHIVES.values())


def test_two_at_once_fetch_each_archive_once(repository: Repository, lock: Path, cache: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(fetch, lock, cache) for _ in range(2)]
        assert [each.result() for each in both] == [list(ARCHIVES.values())] * 2
    assert sorted(repository.requests) == sorted(ARCHIVES)


def test_what_a_killed_download_left_is_swept(repository: Repository, lock: Path, cache: Path) -> None:
    # No process has an id this large.
    (cache / "scratch-99999999-fetch-x").mkdir(parents=True)
    fetch(lock, cache)
    assert leftovers(cache) == []


def test_without_a_network_the_error_names_the_ways_out(
    lock: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        use_repository(f"http://127.0.0.1:{nobody.getsockname()[1]}", tmp_path, monkeypatch)
        with pytest.raises(EnginesError) as refused:
            fetch(lock, cache)
    message = str(refused.value)
    for way_out in ("DRYDOCK_CACHE", str(cache / "jars"), "jgo.conf", "--kafka", "--mongo"):
        assert way_out in message


@pytest.mark.parametrize("file", [KAFKA_LOCK, STATE_LOCK])
def test_the_lock_files_pin_every_archive_by_digest_and_name_no_host(file: Path) -> None:
    assert all(len(jar.sha256) == 64 for jar in read_lock(file))
    assert "://" not in file.read_text()
