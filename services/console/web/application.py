"""The console's web application: what it knows, what it takes, what it shows."""

from collections.abc import Callable
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.staticfiles import StaticFiles

from services.console.client import Client
from services.console.web import API
from services.console.web.choices import choice_routes
from services.console.web.commands import command_routes, command_schemas, commands_of
from services.console.web.feed import Feed
from services.console.web.pages import STATIC, Guard, page_routes
from services.console.web.problems import Refusal, answer_problems
from services.console.web.queries import query_routes
from services.console.web.stream import HEARTBEAT_SECONDS, stream_routes
from shared.artifacts.port import ArtifactStore
from shared.contracts.catalogue import Catalogue
from shared.kernel.web import health_routes

DESCRIPTION = """\
Commands are answered with 202 and the address of what comes of them; everything else is read from what the services
tell on their topics. There is no authentication yet: `Drydock-Actor` is taken as it is given.
"""


def make_web(
    feed: Feed,
    client: Client,
    artifacts: ArtifactStore,
    *,
    version: str,
    hosts: frozenset[str],
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
) -> FastAPI:
    """The application. It does not read the topics itself: `feed` is run beside it."""
    app = FastAPI(
        title="Drydock", version=version, description=DESCRIPTION, openapi_url=f"{API}/openapi.json", docs_url=None
    )

    def ready() -> None:
        if not feed.caught_up:
            raise Refusal(503, "NOT_READY", "the console is still reading the topics; try again in a moment")

    async def missing() -> dict[str, str]:
        return {} if feed.caught_up else {"kafka": "the topics are still being read"}

    app.include_router(choice_routes(feed), dependencies=[Depends(ready)])
    app.include_router(query_routes(feed, artifacts), dependencies=[Depends(ready)])
    app.include_router(command_routes(client, feed.projection), dependencies=[Depends(ready)])
    app.include_router(stream_routes(feed, heartbeat_seconds=heartbeat_seconds), dependencies=[Depends(ready)])
    app.router.routes.extend(health_routes(missing, feed.registry))
    app.include_router(page_routes())
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    answer_problems(app)
    app.add_middleware(Guard, hosts=hosts)
    app.openapi = _openapi(app, client.catalogue)  # type: ignore[method-assign]  # as FastAPI documents it
    return app


def _openapi(app: FastAPI, catalogue: Catalogue) -> Callable[[], dict[str, Any]]:
    """OpenAPI with the schemas of the commands, whose bodies are read by the contracts rather than by FastAPI."""

    def make() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            known = schema.setdefault("components", {}).setdefault("schemas", {})
            for name, one in command_schemas(commands_of(catalogue).values()).items():
                known.setdefault(name, one)
            app.openapi_schema = schema
        return app.openapi_schema

    return make
