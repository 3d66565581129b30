"""The engines' Java archives: fetched once, checked at every start.

A lock file (written by `relock`) lists coordinates and SHA-256 digests. Archives live under their digest in
the cache folder, so that two versions of Drydock share it without disturbing each other. A file appears
there only by an atomic rename of a complete, checked download.
"""

import hashlib
import os
import threading
import tomllib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.filelock import FileLock
from deploy.embedded.process import EnginesError
from deploy.embedded.scratch import scratch_folder

HERE = Path(__file__).parent
KAFKA_LOCK = HERE / "kafka.lock.toml"
STATE_LOCK = HERE / "state.lock.toml"


@dataclass(frozen=True)
class LockedJar:
    """One archive of a lock file: Maven coordinates and the SHA-256 of its bytes, in hex."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    def path(self, cache: Path) -> Path:
        return cache / "jars" / self.sha256[:16] / self.name


def cache_folder() -> Path:
    """The folder for what can be fetched again: DRYDOCK_CACHE, or `drydock` in the user's cache folder."""
    if chosen := os.environ.get("DRYDOCK_CACHE"):
        return Path(chosen).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "drydock"


def read_lock(lock: Path) -> list[LockedJar]:
    """The archives of a lock file, in class path order."""
    entries = tomllib.loads(lock.read_text(encoding="utf-8"))["dependencies"]
    return [LockedJar(e["groupId"], e["artifactId"], e["version"], e["sha256"]) for e in entries]


def resolve(
    lock: Path, cache: Path, say: Callable[[str], None], cancelled: threading.Event | None = None
) -> list[Path]:
    """Paths of all archives of `lock`, each present and matching its digest; missing ones are downloaded.

    Raises EnginesError when an archive cannot be fetched, when what was fetched does not match the lock, or
    when `cancelled` is set meanwhile.
    """
    jars = read_lock(lock)
    if damaged := [jar for jar in jars if not _is_good(jar, cache)]:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / "fetch.lock").wait(), scratch_folder(cache, "fetch") as folder:
            missing = [jar for jar in damaged if not _is_good(jar, cache)]
            if missing:
                say(f"fetching {len(missing)} Java archives for {lock.name.split('.')[0]} into {cache} (once)")
                _fetch_all(missing, folder, cache, cancelled or threading.Event())
    return [jar.path(cache) for jar in jars]


def _is_good(jar: LockedJar, cache: Path) -> bool:
    try:
        with jar.path(cache).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except FileNotFoundError:
        return False


def _fetch_all(jars: Sequence[LockedJar], folder: Path, cache: Path, cancelled: threading.Event) -> None:
    # jgo costs 0.2 s to import; a start that finds everything in the cache does without.
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    repositories = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    context = MavenContext(repo_cache=folder, remote_repos=repositories, timeout=30)

    def fetch(jar: LockedJar) -> None:
        if cancelled.is_set():
            raise EnginesError("fetching the Java archives was interrupted")
        try:
            downloaded: Path = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
        except (OSError, RuntimeError) as error:
            raise EnginesError(
                f"{jar.group}:{jar.artifact}:{jar.version} could not be fetched: {_reason(error)}. "
                "The engines' Java archives are downloaded once, from Maven Central or the [repositories] of "
                f"~/.config/jgo.conf. Without a network, copy {cache / 'jars'} from a machine that has it "
                "(or point DRYDOCK_CACHE there), or give running servers with --kafka and --mongo."
            ) from error
        with downloaded.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != jar.sha256:
            raise EnginesError(
                f"{jar.name} was fetched with SHA-256 {digest}, but the lock file says {jar.sha256}. It was "
                "thrown away. Try again; if it happens again, the repository serves another file."
            )
        target = jar.path(cache)
        target.parent.mkdir(parents=True, exist_ok=True)
        downloaded.replace(target)

    with ThreadPoolExecutor(8, thread_name_prefix="fetch") as pool:
        pending = [pool.submit(fetch, jar) for jar in jars]
        try:
            for future in pending:
                future.result()
        except EnginesError:
            pool.shutdown(cancel_futures=True)
            raise


def _reason(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text if len(text) < 200 else text[:200] + "..."
