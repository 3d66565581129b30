"""Reads all topics once for everybody: keeps the projection current, and the last messages at hand for clients."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.console.projection import Projection
from services.console.web.frames import Frame, make_frame
from services.console.web.positions import Position, PositionCode
from shared.contracts.catalogue import Catalogue
from shared.contracts.message import MessageKind
from shared.kernel.client import Place, Read, TopicReader, get_logger

log = get_logger(__name__)

KINDS = (MessageKind.EVENT, MessageKind.SNAPSHOT, MessageKind.DEAD_LETTER, MessageKind.PROGRESS)
REMEMBERED = timedelta(hours=1)
"""How far back events are read at the start, for the answers to commands of late."""
FRAMES_KEPT = 20_000
BYTES_KEPT = 32 * 1024 * 1024


class Missed(Exception):
    """Messages behind a position are gone; `code` says why, for programs."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Feed:
    """The messages of an installation as they come, and the projection that they make."""

    def __init__(self, bootstrap: str, catalogue: Catalogue) -> None:
        self._bootstrap = bootstrap
        self._catalogue = catalogue
        self._topics = [topic for topic in catalogue.topics.values() if topic.kind in KINDS]
        self.code = PositionCode(self._topics)
        self.projection = Projection(catalogue)
        self.caught_up = False
        """Whether everything that stood on the topics at the start has been read."""
        self.closed = False
        self._position = Position(self.code, {})
        self._frames: deque[Frame] = deque()
        self._first = 0
        self._bytes = 0
        self._oldest: dict[Place, int] = {}
        self._news = asyncio.Event()
        self.registry = CollectorRegistry()
        self._read = Counter("drydock_console_messages", "Messages read, by kind.", ["kind"], registry=self.registry)
        self.clients = Gauge("drydock_console_clients", "Clients of the event stream.", registry=self.registry)
        self.resets = Counter("drydock_console_resets", "Clients that had missed events.", registry=self.registry)

    @property
    def position(self) -> str:
        """Behind the last message that was read."""
        return self._position.text

    @property
    def first(self) -> int:
        """The number of the first frame at hand."""
        return self._first

    @property
    def end(self) -> int:
        """The number of the next frame."""
        return self._first + len(self._frames)

    async def run(self) -> None:
        """Read until cancelled. Raise KafkaError if no broker answers."""
        async with self._reader() as reader:
            starts = await reader.starts()
            recently = await reader.since(datetime.now(UTC) - REMEMBERED)
            begin = {place: starts[place] if self._is_kept(place) else recently[place] for place in starts}
            reader.go_to(begin)
            self._position = Position(self.code, begin)
            async for read in reader.until_now():
                self._take(read, tell=False)
            self._oldest = dict(self._position.offsets)
            self.caught_up = True
            log.info("projection_caught_up", partitions=len(begin))
            async for read in reader.forever():
                self._take(read, tell=True)

    def close(self) -> None:
        """End the streams of all clients."""
        self.closed = True
        self._wake()

    async def replay(self, position: Position) -> AsyncIterator[Frame]:
        """Read from Kafka what is behind `position` and no longer at hand; it moves on until the rest is at hand.

        Raise Missed if messages behind the position have left their topic.
        """
        while not self._has(position.offsets):
            async with self._reader() as reader:
                _check_still_there(position.offsets, await reader.starts(), await reader.ends(), self._is_kept)
                reader.go_to(position.offsets)
                async for read in reader.until_now():
                    position.move((read.topic, read.partition), read.offset + 1)
                    if frame := make_frame(read, position.text):
                        yield frame
                for place, end in (await reader.positions()).items():
                    position.move(place, end)

    def frames(self, number: int) -> list[Frame]:
        """At most 500 frames from a number on. Raise Missed if they are no longer at hand."""
        if number < self._first:
            self.resets.inc()
            raise Missed("TOO_SLOW", "you read more slowly than events come, and have missed some")
        return list(islice(self._frames, number - self._first, number - self._first + 500))

    async def news(self, number: int, seconds: float) -> bool:
        """Wait until there is a frame of this number, or the feed is closed; False if it takes longer."""
        try:
            async with asyncio.timeout(seconds):
                while self.end <= number and not self.closed:
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    def _reader(self) -> TopicReader:
        return TopicReader(self._bootstrap, self._catalogue, [topic.name for topic in self._topics])

    def _is_kept(self, place: Place) -> bool:
        """Whether the latest message of each key, or each message, stays on a topic for ever."""
        topic = self._catalogue.topics[place[0]]
        return topic.compacted or topic.retention is None

    def _has(self, offsets: Mapping[Place, int]) -> bool:
        return all(offset >= self._oldest.get(place, 0) for place, offset in offsets.items())

    def _take(self, read: Read, *, tell: bool) -> None:
        place = (read.topic, read.partition)
        self._position.move(place, read.offset + 1)
        self.projection.apply(read)
        if read.envelope:
            self._read.labels(read.envelope.data.kind.value).inc()
        if tell and (frame := make_frame(read, self._position.text)):
            self._frames.append(frame)
            self._bytes += len(frame.text)
            while len(self._frames) > FRAMES_KEPT or self._bytes > BYTES_KEPT:
                self._drop()
            self._wake()

    def _drop(self) -> None:
        frame = self._frames.popleft()
        self._first += 1
        self._bytes -= len(frame.text)
        self._oldest[frame.place] = frame.offset + 1

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def _check_still_there(
    offsets: Mapping[Place, int],
    starts: Mapping[Place, int],
    ends: Mapping[Place, int],
    kept: Callable[[Place], bool],
) -> None:
    for place, offset in offsets.items():
        if offset < starts[place] and not kept(place):
            raise Missed("GONE", "events behind this position are no longer kept")
        if offset > ends[place]:
            raise Missed("UNKNOWN_POSITION", "this position lies ahead of what there is: the topics were made anew")
