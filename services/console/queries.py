"""What the console knows, over HTTP: lists and single things, as the messages describe them."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from services.console.feed import Feed
from services.console.operations import (
    CommandView,
    DeadLetterView,
    OperationView,
    command_view,
    dead_letter_view,
    operation_view,
)
from services.console.problems import PROBLEMS, Refusal, not_found
from shared.artifacts.errors import ArtifactMissingError, ArtifactStoreError
from shared.artifacts.port import ArtifactStore
from shared.contracts import extension_compatibility_checker as checker
from shared.contracts import image_builder, notifier, package_validator, promotion_scheduler
from shared.contracts.common import DeadLetter
from shared.contracts.message import Message, Snapshot, utc_text
from shared.contracts.servicing_executor import EnvironmentSnapshot, OperationSnapshot

API = "/api/v1"
LIMIT = 1000
T = TypeVar("T")
S = TypeVar("S", bound=Snapshot)

Limit = Annotated[int, Query(ge=1, le=LIMIT, description="At most so many items.")]
Before = Annotated[str | None, Query(description="Only what stands behind this item: the last one of the page before.")]

COLLECTIONS: tuple[tuple[str, type[Snapshot], tuple[str, ...]], ...] = (
    ("environments", EnvironmentSnapshot, ("project",)),
    ("packages", package_validator.PackageSnapshot, ("project",)),
    ("images", image_builder.ImageSnapshot, ()),
    ("candidates", promotion_scheduler.CandidateSnapshot, ("project", "environment")),
    ("promotions", promotion_scheduler.PromotionSnapshot, ("project", "environment")),
    ("releases", promotion_scheduler.ReleaseSnapshot, ()),
    ("bases", checker.BaseSnapshot, ()),
    ("checks", checker.CheckSnapshot, ("project", "environment")),
    ("remediations", checker.RemediationsSnapshot, ("project",)),
    ("remediation-policies", checker.RemediationPolicySnapshot, ("project",)),
    ("rollouts", promotion_scheduler.RolloutSnapshot, ("project",)),
    ("audiences", notifier.AudienceSnapshot, ("project",)),
    ("notifications", notifier.NotificationSnapshot, ("project", "environment")),
)
"""Path, type, and the fields that a list can be filtered by."""


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
    for path, type_, filters in COLLECTIONS:
        _add_collection(router, feed, path, type_, filters)
    _add_history(router, feed)
    _add_operations(router, feed, artifacts)
    _add_dead_letters(router, feed)
    return router


def _add_collection(router: APIRouter, feed: Feed, path: str, type_: type[S], filters: Sequence[str]) -> None:
    projection = feed.projection

    def page(limit: int, before: str | None, **wanted: str | None) -> Page[Any]:
        items = sorted(
            (one for one in projection.all(type_) if all(v in (None, getattr(one, k)) for k, v in wanted.items())),
            key=lambda one: one.key,
        )
        return _page(feed, type_, items, limit, before)

    async def everything(limit: Limit = LIMIT, before: Before = None) -> Page[Any]:
        return page(limit, before)

    async def by_project(project: str | None = None, limit: Limit = LIMIT, before: Before = None) -> Page[Any]:
        return page(limit, before, project=project)

    async def by_both(
        project: str | None = None, environment: str | None = None, limit: Limit = LIMIT, before: Before = None
    ) -> Page[Any]:
        return page(limit, before, project=project, environment=environment)

    async def one(key: str) -> Any:
        found = projection.get(type_, key)
        if found is None:
            raise not_found(_one_of(path), key)
        return found

    lists: dict[tuple[str, ...], Callable[..., Any]] = {
        (): everything,
        ("project",): by_project,
        ("project", "environment"): by_both,
    }
    router.add_api_route(
        f"/{path}",
        lists[tuple(filters)],
        response_model=Page[type_],  # type: ignore[valid-type]  # made for each type at run time
        operation_id=f"list-{path}",
        summary=f"All {path}",
    )
    router.add_api_route(
        f"/{path}/{{key:path}}" if path != "environments" else f"/{path}/{{key}}",
        one,
        response_model=type_,
        operation_id=f"show-{_one_of(path)}",
        summary=f"One of the {path}",
    )


def _one_of(path: str) -> str:
    return f"{path[:-3]}y" if path.endswith("ies") else path[:-1]


def _add_history(router: APIRouter, feed: Feed) -> None:
    @router.get("/environments/{key}/history", operation_id="list-history", summary="Operations that have ended")
    async def history(key: str, limit: Limit = 50, before: Before = None) -> Page[OperationSnapshot]:
        if feed.projection.get(EnvironmentSnapshot, key) is None:
            raise not_found("environment", key)
        return _page(feed, OperationSnapshot, feed.projection.history(key), limit, before)


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


def _add_dead_letters(router: APIRouter, feed: Feed) -> None:
    @router.get("/dead-letters", operation_id="list-dead-letters", summary="Records that could not be processed")
    async def dead_letters(
        service: str | None = None, limit: Limit = LIMIT, before: Before = None
    ) -> Page[DeadLetterView]:
        letters = sorted(
            (one for one in feed.projection.all(DeadLetter) if service in (None, one.service)),
            key=lambda one: (one.dead_since, one.letter_id),
            reverse=True,
        )
        page = _page(feed, DeadLetter, letters, limit, before)
        views = [dead_letter_view(feed.projection, letter) for letter in page.items]
        return Page[DeadLetterView](items=views, more=page.more, position=page.position)

    @router.get("/dead-letters/{letter_id:path}", operation_id="show-dead-letter", summary="One of them, whole")
    async def dead_letter(letter_id: str) -> DeadLetter:
        found = feed.projection.get(DeadLetter, letter_id)
        if found is None:
            raise not_found("dead letter", letter_id)
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
