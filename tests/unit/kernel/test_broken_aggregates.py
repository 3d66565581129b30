"""What is wrong with one aggregate stays with it: the others of the same batch are committed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contracts.cloudevents import encode
from shared.contracts.envelope import Envelope, new_id
from shared.contracts.message import Command, Message
from shared.kernel.app import Service, Settings
from shared.kernel.commit import Committer
from shared.kernel.inputs import InputOutcome
from shared.kernel.inputs.messages import MessageInput
from shared.kernel.records import RecordPosition
from shared.kernel.store.memory import MemoryStore
from shared.kernel.store.port import Write
from tests.support.example.app import make
from tests.support.example.example import AddAsMuchAs, AddToCounter

NOW = datetime(2026, 11, 21, tzinfo=UTC)
TOO_MUCH = 10**30


class NoOutboxes:
    """Nobody sends, and nobody looks again: these tests are about what is stored."""

    def published(self, key: Any) -> int:
        return 0

    def overtakes(self, key: Any, document: Any) -> bool:
        return False

    def take(self, key: Any, document: Any, since: datetime) -> None: ...

    def forget(self, key: Any) -> None: ...

    def committed(self, key: Any, document: Any, *, arrived: bool) -> None: ...


def committer(store: MemoryStore, service: Service) -> Committer:
    nobody = NoOutboxes()
    return Committer(service, store, nobody, nobody, lambda: NOW, timedelta(seconds=1))


def receive(service: Service, command: Command) -> MessageInput:
    envelope: Envelope[Message] = Envelope(id=new_id(), source="test", time=NOW, data=command)
    [line] = service.handlers[command.type]
    position = RecordPosition("drydock.example.commands", 0, 0)
    return MessageInput(
        aggregate=line.aggregate,
        id=command.key,
        handler=line,
        envelope=envelope,
        position=position,
        value=encode(envelope).value,
    )


async def values(store: MemoryStore, *counters: str) -> dict[str, int]:
    found = await store.get_many("counters", counters)
    return {id_: document["state"]["value"] for id_, document in found.items()}


async def test_a_change_that_no_store_takes_is_found_among_those_of_its_aggregate() -> None:
    store, service = MemoryStore(), make(Settings())
    amounts = (("a", 1), ("b", 1), ("b", TOO_MUCH), ("b", 1), ("c", 1))
    inputs = [receive(service, AddToCounter(counter=counter, amount=amount)) for counter, amount in amounts]
    await committer(store, service).commit(inputs)
    assert [one.outcome for one in inputs] == [
        InputOutcome.APPLIED,
        InputOutcome.APPLIED,
        None,
        None,
        InputOutcome.APPLIED,
    ]
    assert [type(one.error) for one in inputs] == [type(None), type(None), ValueError, type(None), type(None)]
    assert await values(store, "a", "b", "c") == {"a": 1, "b": 1, "c": 1}


async def test_a_document_that_cannot_be_read_fails_its_own_changes_and_those_that_refer_to_it() -> None:
    store, service = MemoryStore(), make(Settings())
    await committer(store, service).commit([receive(service, AddToCounter(counter="broken", amount=1))])
    [document] = (await store.get_many("counters", ["broken"])).values()
    strange = {**document, "version": 2, "state": {"value": "of another release"}}
    assert await store.write_many("counters", [Write(strange, expected=1)]) == [True]
    inputs = [
        receive(service, AddToCounter(counter="broken", amount=1)),
        receive(service, AddAsMuchAs(counter="refers", other="broken")),
        receive(service, AddToCounter(counter="well", amount=1)),
    ]
    await committer(store, service).commit(inputs)
    assert [one.outcome for one in inputs] == [None, None, InputOutcome.APPLIED]
    assert all("value" in str(one.error) for one in inputs[:2])
    assert await values(store, "well") == {"well": 1}


async def test_a_view_that_raises_fails_the_change_that_leads_to_it() -> None:
    store, service = MemoryStore(), make(Settings())
    counters = service.aggregates["counters"]
    view = counters.view
    assert view

    def fails_at_two(id_: str, state: Any) -> Any:
        if state.value == 2:
            raise ZeroDivisionError("a fault in the view")
        return view(id_, state)

    object.__setattr__(counters, "view", fails_at_two)
    inputs = [receive(service, AddToCounter(counter=counter, amount=1)) for counter in ("x", "x", "y")]
    try:
        await committer(store, service).commit(inputs)
    finally:
        object.__setattr__(counters, "view", view)
    assert [one.outcome for one in inputs] == [InputOutcome.APPLIED, None, InputOutcome.APPLIED]
    assert isinstance(inputs[1].error, ZeroDivisionError)
    assert await values(store, "x", "y") == {"x": 1, "y": 1}
