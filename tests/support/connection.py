"""A connection to a real server that a test can make fail."""

import asyncio
from types import TracebackType
from typing import Self

from pymongo.uri_parser import parse_uri


class Connection:
    """Listens on a port of its own and passes everything on to the server of a mongodb:// URL and back.

    While `loses_replies` is true, a reply of the server ends the connection instead of being passed on.
    """

    def __init__(self, url: str) -> None:
        self._server = parse_uri(url)["nodelist"][0]
        self._tasks: set[asyncio.Task[None]] = set()
        self.loses_replies = False
        self.url = ""

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = self._listener.sockets[0].getsockname()[1]
        self.url = f"mongodb://127.0.0.1:{port}/?directConnection=true"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        from_server, to_server = await asyncio.open_connection(*self._server)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass_on(reader, to_server, replies=False))
                both.create_task(self._pass_on(from_server, writer, replies=True))
        except* (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            to_server.close()
            self._tasks.discard(task)

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, replies: bool) -> None:
        while data := await source.read(1 << 16):
            if replies and self.loses_replies:
                break
            target.write(data)
            await target.drain()
        raise ConnectionError("one side has ended the connection")
