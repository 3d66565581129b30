"""What the console knows, over HTTP: lists and single things, as the messages describe them."""

from collections.abc import AsyncIterator, Sequence
from inspect import Parameter, Signature
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from services.console.noun import Noun
from services.console.nouns import DEAD_LETTERS, HISTORY, NOUNS
from services.console.web import API
from services.console.web.feed import Feed
from services.console.web.operations import (
    CommandView,
    DeadLetterView,
    OperationView,
    command_view,
    dead_letter_view,
    operation_view,
)
from services.console.web.problems import PROBLEMS, Refusal, not_found
from shared.artifacts.errors import ArtifactMissingError, ArtifactStoreError
from shared.artifacts.port import ArtifactStore
from shared.contracts.message import Message, utc_text
from shared.contracts.servicing_executor import EnvironmentSnapshot, OperationSnapshot

LIMIT = 1000
T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=LIMIT, description="At most so many items.")]
Before = Annotated[str | None, Query(description="Only what stands behind this item: the last one of the page before.")]

COLLECTIONS = tuple(noun for noun in NOUNS if not noun.of_environment)
"""Nouns that have a path of their own; what is of one environment stands below its path."""


class Page(BaseModel, Generic[T]):
    """Some items, and the position of the event stream from which they are kept current without a gap."""

    items: list[T]
    more: bool
    """Whether there are items behind the last one."""
    position: str
    sequences: dict[str, int] = {}
    """By key: what the sequence of a later snapshot must exceed to be newer than the item."""


def query_routes(feed: Feed, artifacts: ArtifactStore) -> APIRouter:
    """The routes that read."""
    router = APIRouter(prefix=API, tags=["views"], responses=PROBLEMS)
    _add_nouns(router)
    for noun in COLLECTIONS:
        _add_collection(router, feed, noun)
    _add_history(router, feed)
    _add_operations(router, feed, artifacts)
    return router


class NounView(BaseModel):
    """A kind of thing that there is a collection of."""

    name: str
    """The collection's path."""
    type: str
    """Type of the messages that keep it current."""
    key: str
    """Field that tells one from another."""
    filters: tuple[str, ...]
    """Fields whose values the collection can be asked for, by parameters of these names; each can be repeated."""


def _add_nouns(router: APIRouter) -> None:
    views = [
        NounView(name=noun.name, type=noun.view.type, key=noun.view.key_field, filters=noun.filters)
        for noun in COLLECTIONS
    ]

    @router.get("/nouns", operation_id="list-nouns", summary="The collections that there are")
    async def nouns() -> list[NounView]:
        return views


def _add_collection(router: APIRouter, feed: Feed, noun: Noun[Any]) -> None:
    projection, one_of = feed.projection, noun.one.replace("-", " ")

    async def page(limit: int, before: str | None, **wanted: list[str] | None) -> Page[Any]:
        items = noun.chosen(projection.all(noun.view), wanted)
        found = _page(feed, noun.view, items[::-1] if noun.backwards else items, limit, before)
        if noun is not DEAD_LETTERS:
            return found
        views = [dead_letter_view(projection, letter) for letter in found.items]
        return Page[Any](items=views, more=found.more, position=found.position)

    async def one(key: str) -> Any:
        found = projection.get(noun.view, key)
        if found is None:
            raise not_found(one_of, key)
        return found

    _let_filter(page, noun)
    listed = DeadLetterView if noun is DEAD_LETTERS else noun.view
    router.add_api_route(
        f"/{noun.name}",
        page,
        response_model=Page[listed],  # type: ignore[valid-type]  # made for each type at run time
        operation_id=f"list-{noun.name}",
        summary=f"All {noun.name.replace('-', ' ')}",
    )
    router.add_api_route(
        f"/{noun.name}/{{key:path}}" if noun.view is not EnvironmentSnapshot else f"/{noun.name}/{{key}}",
        one,
        response_model=noun.view,
        operation_id=f"show-{noun.one}",
        summary=f"One of the {noun.name.replace('-', ' ')}",
    )


def _let_filter(page: Any, noun: Noun[Any], first: Sequence[tuple[str, Any, Any]] = (), limit: int = LIMIT) -> None:
    """Give a route a parameter for each field that its noun can be filtered by."""
    named: list[tuple[str, Any, Any]] = [*first, ("limit", limit, Limit), ("before", None, Before)]
    for field in noun.filters:
        asked = Query(description="Only those with this value; of several given, with one of them.")
        named.append((field, None, Annotated[list[str] | None, asked]))
    page.__signature__ = Signature(
        [Parameter(name, Parameter.KEYWORD_ONLY, default=value, annotation=type_) for name, value, type_ in named],
        return_annotation=Page[Any],
    )


def _add_history(router: APIRouter, feed: Feed) -> None:
    async def history(key: str, limit: int, before: str | None, **wanted: list[str] | None) -> Page[OperationSnapshot]:
        if feed.projection.get(EnvironmentSnapshot, key) is None:
            raise not_found("environment", key)
        entries = HISTORY.chosen(feed.projection.history(key), wanted)
        return _page(feed, OperationSnapshot, entries[::-1], limit, before)

    _let_filter(history, HISTORY, first=[("key", Parameter.empty, str)], limit=50)
    router.add_api_route(
        "/environments/{key}/history",
        history,
        response_model=Page[OperationSnapshot],
        operation_id="list-history",
        summary="Operations that have ended",
    )


def _add_operations(router: APIRouter, feed: Feed, artifacts: ArtifactStore) -> None:
    projection = feed.projection

    @router.get(
        "/operations/{id_:path}/log",
        operation_id="show-operation-log",
        summary="The log of an operation as text; while it runs, its last lines",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/plain": {}}}},
    )
    async def log(id_: str) -> StreamingResponse:
        ended = projection.ended_operation(id_)
        if ended is None:
            running = projection.running_operation(id_)
            if running is None:
                raise not_found("operation", id_)
            lines = projection.log_lines(running[0], id_)
            return _text(_once("".join(f"{utc_text(line.at)} {line.text}\n" for line in lines).encode()))
        if ended.log is None:
            return _text(_once(b""))
        try:
            await artifacts.describe(ended.log.digest)
        except ArtifactMissingError:
            raise Refusal(410, "LOG_GONE", "the log of this operation is no longer kept") from None
        except ArtifactStoreError as error:
            raise Refusal(503, "ARTIFACTS_UNAVAILABLE", str(error)) from None
        return _text(artifacts.open(ended.log.digest))

    @router.get("/operations/{id_:path}", operation_id="show-operation", summary="An operation, running or ended")
    async def operation(id_: str) -> OperationView:
        found = operation_view(projection, id_)
        if found is None:
            raise not_found("operation", id_)
        return found

    @router.get("/commands/{id_:path}", operation_id="show-command", summary="What came of a command of late")
    async def command(id_: str) -> CommandView:
        found = command_view(projection, id_)
        if found is None:
            raise not_found("command of late", id_)
        return found


M = TypeVar("M", bound=Message)


def _page(feed: Feed, type_: type[M], items: Sequence[M], limit: int, before: str | None) -> Page[M]:
    first = 0
    if before is not None:
        first = next((at for at, one in enumerate(items, 1) if one.key == before), len(items))
    some = list(items[first : first + limit])
    sequences = {one.key: feed.projection.sequence(type_, one.key) for one in some}
    return Page[Any](
        items=some,
        more=first + limit < len(items),
        position=feed.position,
        sequences={key: sequence for key, sequence in sequences.items() if sequence is not None},
    )


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _text(content: AsyncIterator[bytes]) -> StreamingResponse:
    return StreamingResponse(content, media_type="text/plain; charset=utf-8")
