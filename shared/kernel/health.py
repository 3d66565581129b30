"""`/livez`, `/readyz` and `/metrics` over HTTP, on a port of their own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


class HealthServer:
    """Answers whether the process lives, whether it is ready, and what it has measured.

    `ready` returns what is missing, by name; nothing: it is ready.
    """

    def __init__(
        self, host: str, port: int, ready: Callable[[], Awaitable[dict[str, str]]], registry: CollectorRegistry
    ) -> None:
        self._ready = ready
        self._registry = registry
        routes = [
            Route("/livez", self._livez),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
        ]
        self._server = _Server(
            uvicorn.Config(
                Starlette(routes=routes), host=host, port=port, log_config=None, access_log=False, lifespan="off"
            )
        )
        self._task: asyncio.Task[Any] | None = None

    async def start(self) -> int:
        """Listen; the port. Raise OSError if it is taken."""
        socket = self._server.config.bind_socket()
        self._task = asyncio.create_task(self._server.serve([socket]), name="health")
        port: int = socket.getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stop listening."""
        self._server.should_exit = True
        if self._task:
            await self._task

    async def _livez(self, _request: Request) -> Response:
        return JSONResponse({"alive": True})

    async def _readyz(self, _request: Request) -> Response:
        missing = await self._ready()
        return JSONResponse({"ready": not missing, "missing": missing}, status_code=503 if missing else 200)

    async def _metrics(self, _request: Request) -> Response:
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)


class _Server(uvicorn.Server):
    """A server that leaves signals to the process it is part of."""

    def capture_signals(self) -> Any:
        from contextlib import nullcontext

        return nullcontext()
