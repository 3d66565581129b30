"""`/livez`, `/readyz` and `/metrics` over HTTP."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Missing = Callable[[], Awaitable[dict[str, str]]]
"""What a process still lacks, by name; nothing: it is ready."""


def health_routes(missing: Missing, registry: CollectorRegistry) -> list[Route]:
    """Whether the process lives, whether it is ready, and what it has measured."""

    async def livez(_request: Request) -> Response:
        return JSONResponse({"alive": True})

    async def readyz(_request: Request) -> Response:
        found = await missing()
        return JSONResponse({"ready": not found, "missing": found}, status_code=503 if found else 200)

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/livez", livez, include_in_schema=False),
        Route("/readyz", readyz, include_in_schema=False),
        Route("/metrics", metrics, include_in_schema=False),
    ]


class HttpServer(uvicorn.Server):
    """Serves an application as a part of a process, to which it leaves the signals."""

    def __init__(self, app: Any, host: str, port: int, *, stop_seconds: int | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=stop_seconds,
            )
        )

    def listen(self) -> socket.socket:
        """The socket to serve. Raise OSError if its port is taken."""
        host, port = self.config.host, self.config.port
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)

    def capture_signals(self) -> Any:
        return nullcontext()


class HealthServer:
    """Answers `health_routes` on a port of their own."""

    def __init__(self, host: str, port: int, missing: Missing, registry: CollectorRegistry) -> None:
        self._server = HttpServer(Starlette(routes=health_routes(missing, registry)), host, port)
        self._task: asyncio.Task[Any] | None = None

    async def start(self) -> int:
        """Listen; the port. Raise OSError if it is taken."""
        listener = self._server.listen()
        self._task = asyncio.create_task(self._server.serve([listener]), name="health")
        port: int = listener.getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stop listening."""
        self._server.should_exit = True
        if self._task:
            await self._task
