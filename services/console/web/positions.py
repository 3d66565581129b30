"""A position in the stream of messages: the next offset of every partition, as a short text.

The text is the id that the event stream gives to an event, so that a client that lost its connection, or whose
console was restarted, goes on exactly behind the last event it has seen.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b

from shared.contracts.topics import Topic
from shared.kernel.client import Place

_MARK = 4


class UnknownPosition(Exception):
    """The text is no position in these topics."""


class PositionCode:
    """Writes and reads positions in `topics`. A position in another list of topics is refused, never misread."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        ordered = sorted(topics, key=lambda topic: topic.name)
        self.places: list[Place] = [(topic.name, number) for topic in ordered for number in range(topic.partitions)]
        self._numbers = {place: number for number, place in enumerate(self.places)}
        table = "\n".join(f"{topic.name} {topic.partitions}" for topic in ordered)
        self._mark = blake2b(table.encode(), digest_size=_MARK).digest()

    def write(self, offsets: Mapping[Place, int]) -> str:
        """`offsets` as text: 1 to 5 characters for each partition that has an offset above 0."""
        return Position(self, offsets).text

    def read(self, text: str) -> dict[Place, int]:
        """The offset of every partition. Raise UnknownPosition."""
        try:
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (Error, ValueError):
            raise UnknownPosition(f"{text!r:.60} is no position") from None
        if raw[:_MARK] != self._mark:
            raise UnknownPosition("the position is of another installation, or of another version of Drydock")
        offsets = dict.fromkeys(self.places, 0)
        numbers = _numbers(raw[_MARK:])
        for number, offset in zip(numbers, numbers, strict=False):
            if number >= len(self.places):
                raise UnknownPosition(f"{text!r:.60} names a partition that is not there")
            offsets[self.places[number]] = offset
        return offsets

    def encoded(self, place: Place, offset: int) -> bytes:
        """One partition's part of a position."""
        return _varint(self._numbers[place]) + _varint(offset) if offset else b""

    def joined(self, parts: Iterable[bytes]) -> str:
        """The text of all parts."""
        return urlsafe_b64encode(self._mark + b"".join(parts)).rstrip(b"=").decode("ascii")


class Position:
    """A position that moves on; its text is cheap to have after every step."""

    def __init__(self, code: PositionCode, offsets: Mapping[Place, int]) -> None:
        self._code = code
        self._offsets = dict(offsets)
        self._parts = {place: code.encoded(place, offset) for place, offset in offsets.items()}

    @property
    def offsets(self) -> Mapping[Place, int]:
        """The next offset of every partition."""
        return self._offsets

    @property
    def text(self) -> str:
        """The position as text."""
        return self._code.joined(self._parts.values())

    def move(self, place: Place, offset: int) -> None:
        """Go on to `offset` in one partition."""
        self._offsets[place] = offset
        self._parts[place] = self._code.encoded(place, offset)


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _numbers(raw: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in raw:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0
