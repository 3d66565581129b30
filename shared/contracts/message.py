"""What a message is: an immutable model whose type name follows from its class and owner."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, StringConstraints

from shared.contracts.value import Value


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside the years 1 to 9999 of UTC") from None


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A point in time. It must come with its offset, and is kept in UTC."""

Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""A whole number that every reader of JSON, and the store, can hold."""

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")]
"""An id or key: 1 to 200 printable ASCII characters without blanks."""

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MAJOR = re.compile(r"^(?P<name>.+?)(?:V(?P<major>[2-9]|[1-9][0-9]+))?$")


class MessageKind(StrEnum):
    """What a message is for; each kind has a topic of its own in every service."""

    COMMAND = "commands"
    EVENT = "events"
    SNAPSHOT = "snapshots"
    PROGRESS = "progress"
    DEAD_LETTER = "dead-letters"


class Part(Value):
    """A value inside a message: frozen, unknown fields ignored (readers tolerate newer writers)."""

    model_config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False, use_attribute_docstrings=True)


class Message(Part):
    """A message. Subclass `Command`, `Event`, `Snapshot` or `Progress`, and name the field that is the key.

    The type name is `<service>.<kebab-name>.v<major>`: the service is the module's name, or its package's where the
    module is called `messages`, the rest the class's name; a class called `...V2` is major version 2 of the message
    without the suffix. The Kafka key is the value of the field given as `key`: the environment's id, or the
    aggregate's where there is no environment.

    A command that services alone send names them as `senders`: its owner takes it from nobody else.
    """

    kind: ClassVar[MessageKind]
    owner: ClassVar[str]
    type: ClassVar[str]
    key_field: ClassVar[str]
    senders: ClassVar[tuple[str, ...]] = ()
    """The services that send this command; empty: it is public."""

    def __init_subclass__(cls, *, key: str | None = None, senders: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)  # pydantic passes class arguments to both hooks

    @classmethod
    def __pydantic_init_subclass__(
        cls, *, key: str | None = None, senders: tuple[str, ...] = (), **kwargs: Any
    ) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if senders and cls.kind is not MessageKind.COMMAND:
            raise TypeError(f"{cls.__name__} names senders, which only a command has")
        cls.senders = senders
        if key is None:
            return
        if key not in cls.model_fields:
            raise TypeError(f"{cls.__name__} names {key!r} as its key, which is not one of its fields")
        cls.key_field = key
        module = cls.__module__.removesuffix(".messages").rpartition(".")[2]
        cls.owner = "drydock" if module == "common" else module.replace("_", "-")
        cls.type = _type_name(cls.owner, cls.__name__)

    @property
    def key(self) -> str:
        """The Kafka key: messages with one key keep their order."""
        return str(getattr(self, self.key_field))


class Command(Message):
    """Asks its owner to do something; named in the imperative. Answered by an event.

    `starts_operation=True`: its id is that of the operation that it starts.
    """

    kind: ClassVar[MessageKind] = MessageKind.COMMAND
    starts_operation: ClassVar[bool] = False

    def __init_subclass__(cls, *, starts_operation: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)

    @classmethod
    def __pydantic_init_subclass__(cls, *, starts_operation: bool = False, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.starts_operation = starts_operation


class Event(Message):
    """Says what happened; named in the past. Carries what a subscriber needs, so that he never calls back.

    `final=False`: it is never the last word on a command, it opens or goes along with what another event ends.
    """

    kind: ClassVar[MessageKind] = MessageKind.EVENT
    final: ClassVar[bool] = True

    def __init_subclass__(cls, *, final: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)

    @classmethod
    def __pydantic_init_subclass__(cls, *, final: bool = True, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.final = final


class Snapshot(Message):
    """The latest public view of one aggregate, on a compacted topic: a reader can start from nothing."""

    kind: ClassVar[MessageKind] = MessageKind.SNAPSHOT


class Progress(Message):
    """How far work has come, or a line of its log. May be lost; the full log is an artifact."""

    kind: ClassVar[MessageKind] = MessageKind.PROGRESS


def _type_name(owner: str, class_name: str) -> str:
    match = _MAJOR.match(class_name)
    name, major = (match["name"], match["major"] or "1") if match else (class_name, "1")
    return f"{owner}.{_BOUNDARY.sub('-', name).lower()}.v{major}"


@lru_cache(maxsize=64)  # all that one commit sends has one time
def utc_text(moment: datetime) -> str:
    """The aware `moment` as RFC 3339 in UTC with microseconds, as in `ce_time`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
