"""The topics of an installation: commands are published, answers awaited, events followed, views read."""

from asyncio import Lock, TimerHandle, get_running_loop
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar, overload

from services.console.failures import NotSent, Refused, Unreachable
from services.console.projection import Projection
from shared.contracts.catalogue import Catalogue
from shared.contracts.cloudevents import encode
from shared.contracts.common import CommandRejected, RedriveDeadLetter, RepublishSnapshots
from shared.contracts.envelope import Envelope, new_id
from shared.contracts.message import Command, Message, MessageKind
from shared.contracts.registry import CATALOGUE
from shared.contracts.topics import topic_name
from shared.kernel.client import KafkaPublisher, OutgoingRecord, Read, TopicReader

M = TypeVar("M", bound=Message)
N = TypeVar("N", bound=Message)
P = TypeVar("P", bound=Message)

Concerns = Callable[[Message], bool]

SAY_AFTER = 5.0
"""Seconds after which it is said what is waited for."""


class Client:
    """What there is of one installation: commands are published, their answers awaited, events and views read."""

    def __init__(
        self,
        bootstrap: str,
        actor: str,
        *,
        catalogue: Catalogue = CATALOGUE,
        publisher: KafkaPublisher | None = None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        """`actor` asks, unless another is named. A `publisher` that is given is kept by who gives it; else each command
        has one of its own. `say` tells a person what happens meanwhile.
        """
        self.bootstrap = bootstrap
        self.catalogue = catalogue
        self.say = say
        self._actor = actor
        self._publisher = publisher
        self._one_at_a_time = Lock()

    async def publish(self, command: Command, *, id_: str | None = None, actor: str | None = None) -> str:
        """Send a command; its id. Raise NotSent, or Unreachable if the broker has not confirmed it."""
        envelope: Envelope[Message] = Envelope(
            id=id_ or new_id(),
            source="drydock/console",
            time=datetime.now(UTC),
            data=command,
            actor=actor or self._actor,
        )
        try:
            record = encode(envelope)
        except ValueError as error:
            raise NotSent(str(error)) from None
        topic = self.catalogue.topic_of(type(command), self.taker_of(command))
        async with self._publishing() as publisher:
            sent = await publisher.send([OutgoingRecord(topic, record.key, record.value, [*record.headers])])
        if not all(sent):
            raise Unreachable(f"Kafka at {self.bootstrap} did not take the command; is Drydock running?")
        return envelope.id

    def taker_of(self, command: Command) -> str:
        """The service that takes a command. Raise NotSent where a command that every service takes names none."""
        if isinstance(command, RedriveDeadLetter):
            service, field = command.letter_id.partition(":")[0], "letter_id"
            rule = "a dead letter's id begins with the service that could not process it"
        elif isinstance(command, RepublishSnapshots):
            service, field = command.service, "service"
            rule = f"names one of {', '.join(self.catalogue.services)}"
        else:
            return command.owner
        if service not in self.catalogue.services:
            raise NotSent(rule, field)
        return service

    @asynccontextmanager
    async def _publishing(self) -> AsyncIterator[KafkaPublisher]:
        if self._publisher:
            async with self._one_at_a_time:
                yield self._publisher
            return
        publisher = KafkaPublisher(self.bootstrap, "drydock-console")
        try:
            yield publisher
        finally:
            await publisher.stop()

    @asynccontextmanager
    async def events_of(self, services: Sequence[str], *, from_start: bool = False) -> AsyncIterator[TopicReader]:
        """A reader of the services' events, positioned behind the last one there is, or before the first."""
        topics = [topic_name(service, MessageKind.EVENT) for service in services]
        async with TopicReader(self.bootstrap, self.catalogue, topics) as reader:
            await (reader.from_start() if from_start else reader.from_now())
            yield reader

    @asynccontextmanager
    async def sending(self, command: Command, *, id_: str) -> AsyncIterator[AsyncIterator[Envelope[Message]]]:
        """Send a command; all that its service tells from then on. The iteration raises Refused if it is refused."""
        async with self.events_of([self.taker_of(command)]) as reader:
            await self.publish(command, id_=id_)
            yield _unless_refused(reader.forever(), id_)

    @overload
    async def ask(
        self,
        command: Command,
        answer: type[M],
        /,
        *,
        id_: str | None = None,
        concerns: Concerns | None = None,
        heard: Callable[[Message], Awaitable[M | None]] | None = None,
    ) -> M: ...
    @overload
    async def ask(
        self,
        command: Command,
        answer: type[M],
        other: type[N],
        /,
        *,
        id_: str | None = None,
        concerns: Concerns | None = None,
        heard: Callable[[Message], Awaitable[M | N | None]] | None = None,
    ) -> M | N: ...
    @overload
    async def ask(
        self,
        command: Command,
        answer: type[M],
        other: type[N],
        third: type[P],
        /,
        *,
        id_: str | None = None,
        concerns: Concerns | None = None,
        heard: Callable[[Message], Awaitable[M | N | P | None]] | None = None,
    ) -> M | N | P: ...
    async def ask(
        self,
        command: Command,
        /,
        *answers: type[Message],
        id_: str | None = None,
        concerns: Concerns | None = None,
        heard: Callable[[Message], Awaitable[Any]] | None = None,
    ) -> Any:
        """Send a command and wait for its answer, which is one of `answers`. Raise Refused.

        An answer that only opens something is not the end: that is caused by what happened meanwhile. It is found by
        the correlation, among the events of the command's key, and where another command may bring it about, by
        `concerns`. What is said before is given to `heard`, which may know the end: a command that is repeated gets
        its first answer again, and no other.
        """
        id_ = id_ or new_id()
        with self.waiting_for(f"{self.taker_of(command)} to answer"):
            async with self.sending(command, id_=id_) as events:
                async for envelope in events:
                    event = envelope.data
                    ours = envelope.correlation == id_ or (concerns is not None and concerns(event))
                    if envelope.causation != id_ and not (ours and event.key == command.key):
                        continue
                    if isinstance(event, answers):
                        return event
                    if heard and (end := await heard(event)):
                        return end
        raise AssertionError("a reader reads for ever")

    @contextmanager
    def waiting_for(self, what: str) -> Iterator[TimerHandle]:
        """Say what is waited for, if it takes more than a moment; cancel what this gives once it has come."""
        timer = get_running_loop().call_later(SAY_AFTER, self.say, f"waiting for {what}")
        try:
            yield timer
        finally:
            timer.cancel()

    async def read(self, *types: type[Message]) -> Projection:
        """The latest views of these types, as they are now: of each the one with the highest sequence."""
        topics = {
            self.catalogue.topic_of(one, service)
            for one in types
            for service in (self.catalogue.services if one.owner == "drydock" else (one.owner,))
        }
        projection = Projection(self.catalogue)
        async with TopicReader(self.bootstrap, self.catalogue, sorted(topics)) as reader:
            await reader.from_start()
            async for read in reader.until_now():
                if read.envelope is None or isinstance(read.envelope.data, types):
                    projection.apply(read)
        return projection

    async def views(self, type_: type[M]) -> dict[str, M]:
        """The latest view of every aggregate of a type, by key."""
        return {view.key: view for view in (await self.read(type_)).all(type_)}

    async def changes(self, type_: type[M], key: str) -> AsyncGenerator[M | None, None]:
        """The latest view of one aggregate, None if there is none, and then each newer one as it comes."""
        projection = Projection(self.catalogue)
        async with TopicReader(self.bootstrap, self.catalogue, [self.catalogue.topic_of(type_, type_.owner)]) as reader:
            await reader.from_start()
            async for read in reader.until_now():
                if read.key == key:
                    projection.apply(read)
            yield projection.get(type_, key)
            async for read in reader.forever():
                if read.key == key and projection.apply(read):
                    yield projection.get(type_, key)

    async def view(self, type_: type[M], key: str) -> M | None:
        """The latest view of one aggregate; None if there is none."""
        return (await self.read(type_)).get(type_, key)


async def _unless_refused(reads: AsyncIterator[Read], id_: str) -> AsyncIterator[Envelope[Message]]:
    async for read in reads:
        if read.envelope is None:
            continue
        event = read.envelope.data
        if isinstance(event, CommandRejected) and event.command_id == id_:
            raise Refused(event)
        yield read.envelope
