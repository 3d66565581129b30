"""How a command on the artifact store alone runs: its errors become one sentence and an exit code."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from services.console.cli.image.finding import open_store
from services.console.cli.running import Exit, Stopped, leave
from shared.artifacts.errors import ArtifactStoreError
from shared.artifacts.folder import FolderStore

T = TypeVar("T")


def on_store(work: Callable[[FolderStore], Coroutine[Any, Any, T]]) -> T:
    """Do it; end with a sentence where it cannot be done."""
    store = open_store()
    with store_faults_said():
        try:
            return asyncio.run(work(store))
        except Stopped as stopped:
            leave(stopped.code, str(stopped))
        except FileExistsError as error:
            leave(Exit.USAGE, f"{error}; name another place")


@contextmanager
def store_faults_said() -> Iterator[None]:
    """End with a sentence where the store, or a file, is at fault."""
    try:
        yield
    except ArtifactStoreError as error:
        leave(Exit.FAILED, f"artifact store: {error}")
    except OSError as error:
        leave(Exit.FAILED, f"{error.filename or 'the file'}: {error.strerror or error}")
