"""Tells who watches how work goes: without an outbox, and without holding up the work. Lines may be lost."""

import asyncio

from shared.contracts.cloudevents import encode
from shared.contracts.envelope import Envelope, new_id
from shared.contracts.message import Progress
from shared.kernel.commit import Clock
from shared.kernel.records import OutgoingRecord
from shared.kernel.relay import Publisher
from shared.kernel.service import Service

QUEUE = 10_000
"""Lines that wait to be sent, at most; the oldest are lost first."""


class ProgressTeller:
    """Sends progress and log lines to the service's progress topic."""

    def __init__(self, service: Service, publisher: Publisher, clock: Clock) -> None:
        self._service = service
        self._publisher = publisher
        self._clock = clock
        self._waiting: list[OutgoingRecord] = []
        self._wake = asyncio.Event()

    def tell(self, line: Progress) -> None:
        """Send `line` when there is time."""
        record = encode(Envelope(id=new_id(), source=self._service.source, time=self._clock(), data=line))
        topic = self._service.catalogue.topic_of(type(line), self._service.name)
        self._waiting.append(OutgoingRecord(topic, record.key, record.value, record.headers))
        del self._waiting[:-QUEUE]
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            lines, self._waiting = self._waiting, []
            await self._publisher.send(lines)
