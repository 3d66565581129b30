"""Messages of another service, whose events the example reads and to which it sends a command."""

from shared.contracts.message import Command, Event, Identifier


class CountThis(Command, key="counter", senders=("example",)):
    """The example sends this whenever a counter reaches a round hundred."""

    counter: Identifier
    value: int


class SomethingHappened(Event, key="counter"):
    """Adds one to a counter of the example."""

    counter: Identifier
