"""What goes into an outbox: messages of every kind, encoded once, before anything is changed."""

from datetime import datetime

from shared.contracts.cloudevents import encode
from shared.contracts.common import DeadLetter
from shared.contracts.envelope import Envelope, new_id
from shared.contracts.message import Command, Event, Message, MessageKind
from shared.kernel.decision import Send
from shared.kernel.document import Document, Origin, OutboxEntry
from shared.kernel.records import OutgoingRecord
from shared.kernel.service import Service


class OutboxWriter:
    """Outbox entries in the making: encoded first, kept in the document only when all of them could be."""

    def __init__(self, service: Service, aggregate: str, document: Document, now: datetime) -> None:
        self._service = service
        self._aggregate = aggregate
        self._document = document
        self._now = now
        self._sequence = document.sequence
        self.new: list[OutboxEntry] = []

    def event(self, event: Event, origin: Origin) -> None:
        """An event of this service, under the next sequence number of its aggregate."""
        if event.kind is not MessageKind.EVENT or event.owner not in (self._service.name, "drydock"):
            raise TypeError(f"{self._service.name} does not send {event.type}")
        self._sequence += 1
        self._message(event, origin, new_id(), self._sequence, None)

    def command(self, command: Command | Send, origin: Origin) -> None:
        """A command to the service that owns it."""
        send = command if isinstance(command, Send) else Send(command)
        if send.command.senders and self._service.name not in send.command.senders:
            raise TypeError(f"{self._service.name} is no sender of {send.command.type}, says its contract")
        self._message(send.command, origin, send.id or new_id(), None, send.to)

    def dead_letter(self, letter: DeadLetter) -> None:
        """A dead letter."""
        self._message(letter, Origin(), new_id(), None, None)

    def snapshot(self, view: Message) -> None:
        """The public view, in the order of the document's entries."""
        self._message(view, Origin(), new_id(), self._next_entry, None)

    def add(self, record: OutgoingRecord) -> None:
        """A record as it is. Raise ValueError if its topic takes none as large as that."""
        topic = self._service.catalogue.topics.get(record.topic)
        if topic and record.size > topic.max_message_bytes:
            # In the outbox it would be refused for ever, and so would what stands behind it.
            raise ValueError(f"a record of {record.size} bytes is too large for {record.topic}")
        self.new.append(OutboxEntry(self._next_entry, record))

    def keep(self) -> None:
        """Put them into the document's outbox."""
        self._document.outbox.extend(self.new)
        self._document.entries += len(self.new)
        self._document.sequence = self._sequence

    @property
    def _next_entry(self) -> int:
        return self._document.entries + len(self.new) + 1

    def _message(self, data: Message, origin: Origin, id_: str, sequence: int | None, to: str | None) -> None:
        record = encode(
            Envelope(
                id=id_,
                source=self._service.source,
                time=self._now,
                data=data,
                subject=f"{self._aggregate}/{self._document.id}",
                correlation=origin.correlation,
                causation=origin.causation,
                sequence=sequence,
                actor=origin.actor,
                traceparent=origin.traceparent,
            )
        )
        topic = self._service.catalogue.topic_of(type(data), to or self._service.name)
        self.add(OutgoingRecord(topic, record.key, record.value, record.headers))
