"""Reads from the topics of an installation what it needs of its artifacts."""

from datetime import UTC, datetime
from typing import Any

from services.console.client import Client
from services.console.failures import NeedsUnknown
from services.console.projection import Projection
from services.console.retention import Needs, Retention, needs_of
from shared.contracts.message import Message, MessageKind
from shared.contracts.topics import topic_name
from shared.kernel.client import Read, TopicReader

_KINDS = (MessageKind.SNAPSHOT, MessageKind.DEAD_LETTER, MessageKind.COMMAND)


class _CompleteReader(TopicReader):
    """A reader that says what it has passed over."""

    passed_over: dict[tuple[str, bytes], int]

    def _read(self, record: Any) -> Read | None:
        read = super()._read(record)
        place = (record.topic, record.key or b"")
        if read is None:
            self.passed_over[place] = record.offset
        else:
            self.passed_over.pop(place, None)
        return read


async def read_needs(client: Client, keep: Retention) -> Needs:
    """What the installation needs, by all its topics from their start to now. Raise NeedsUnknown.

    A view or dead letter that cannot be read may name anything: it is of another version of Drydock, which must do
    this itself. A command that cannot be read becomes a dead letter.
    """
    topics = [topic_name(service, kind) for service in client.catalogue.services for kind in _KINDS]
    known = Projection(client.catalogue)
    commands: list[Message] = []
    async with _CompleteReader(client.bootstrap, client.catalogue, topics) as reader:
        reader.passed_over = {}
        await reader.from_start()
        async for read in reader.until_now():
            if read.envelope and read.envelope.data.kind is MessageKind.COMMAND:
                commands.append(read.envelope.data)
            else:
                known.apply(read)
    lasting = {topic_name(service, kind) for service in client.catalogue.services for kind in _KINDS[:2]}
    unread = [f"{topic} offset {offset}" for (topic, _), offset in reader.passed_over.items() if topic in lasting]
    if unread:
        raise NeedsUnknown(
            f"{len(unread)} view(s) or dead letter(s) cannot be read, the first at {unread[0]}: another version of "
            "Drydock has written them. Nothing may be collected by this one; use the version that the services have"
        )
    return needs_of(known.views(), commands, keep, datetime.now(UTC))
