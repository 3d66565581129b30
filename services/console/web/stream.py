"""The event stream over HTTP (server-sent events): from now on, or behind a position without loss."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from services.console.web import API
from services.console.web.feed import Feed, Missed
from services.console.web.frames import Frame, heartbeat, reset
from services.console.web.positions import Position, UnknownPosition
from services.console.web.problems import PROBLEMS, FieldProblem, Refusal
from shared.contracts.message import MessageKind

HEARTBEAT_SECONDS = 15.0
STREAMED = {
    "events": MessageKind.EVENT,
    "snapshots": MessageKind.SNAPSHOT,
    "dead-letters": MessageKind.DEAD_LETTER,
    "progress": MessageKind.PROGRESS,
}


def stream_routes(feed: Feed, *, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> APIRouter:
    """The route of the event stream."""
    router = APIRouter(prefix=API, tags=["events"])

    @router.get(
        "/events",
        operation_id="stream-events",
        summary="Messages as they come: server-sent events, each a CloudEvent in JSON",
        response_class=StreamingResponse,
        responses={
            200: {
                "description": "The id of each event is the position behind it. An event named `reset` says that "
                "messages were missed: read the views again, and connect without a position.",
                "content": {"text/event-stream": {}},
            },
            **PROBLEMS,
        },
    )
    async def events(
        environment: Annotated[str | None, Query(description="Only what is about this environment.")] = None,
        kinds: Annotated[
            str, Query(description="Which messages: some of events, snapshots, dead-letters, progress; with commas.")
        ] = "events",
        position: Annotated[str | None, Query(description="Begin behind this position; default: now.")] = None,
        last_event_id: Annotated[str | None, Header(description="Goes before `position`.")] = None,
    ) -> StreamingResponse:
        wanted = _wanted(kinds)

        def passes(frame: Frame) -> bool:
            return frame.kind in wanted and environment in (None, frame.environment)

        body = _stream(feed, last_event_id or position, passes, heartbeat_seconds)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(body, media_type="text/event-stream", headers=headers)

    return router


def _wanted(kinds: str) -> frozenset[MessageKind]:
    names = kinds.split(",")
    if unknown := [name for name in names if name not in STREAMED]:
        message = f"there is no kind {unknown[0]!r:.60}; there are {', '.join(STREAMED)}"
        raise Refusal(
            422, "INVALID_REQUEST", f"kinds: {message}", [FieldProblem(field="kinds", rule="enum", message=message)]
        )
    return frozenset(STREAMED[name] for name in names)


async def _stream(
    feed: Feed, position: str | None, passes: Callable[[Frame], bool], heartbeat_seconds: float
) -> AsyncIterator[bytes]:
    feed.clients.inc()
    try:
        number, known = feed.end, Position(feed.code, {})
        yield heartbeat(position or feed.position)
        if position is not None:
            known = Position(feed.code, feed.code.read(position))
            async for frame in feed.replay(known):
                if passes(frame):
                    yield frame.text
            number = feed.first
        while not feed.closed:
            frames = feed.frames(number)
            number += len(frames)
            new = (frame for frame in frames if frame.offset >= known.offsets.get(frame.place, 0))
            if text := b"".join(frame.text for frame in new if passes(frame)):
                yield text
            if not frames and not await feed.news(number, heartbeat_seconds):
                yield heartbeat(feed.position)
    except (Missed, UnknownPosition) as error:
        yield reset(getattr(error, "code", "UNKNOWN_POSITION"), str(error))
    finally:
        feed.clients.dec()
