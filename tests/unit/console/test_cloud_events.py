"""A message as a CloudEvent in JSON says the same wherever it is shown."""

import json

import pytest

from services.console.cli.events import print_event
from services.console.cli.printing import Form
from services.console.cloud_events import cloud_event
from shared.contracts.envelope import Envelope
from shared.contracts.message import Message
from tests.support.played_services import NOON, environment

EVENT: Envelope[Message] = Envelope(
    id="event-1",
    source="drydock/servicing-executor",
    time=NOON,
    data=environment("contoso-test"),
    subject="contoso-test",
    correlation="first",
    causation="before",
    sequence=7,
    actor="ada",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


def test_every_attribute_of_the_binding_is_there() -> None:
    told = json.loads(cloud_event(EVENT))
    assert told.pop("data") == json.loads(EVENT.data.model_dump_json())
    assert told == {
        "specversion": "1.0",
        "id": "event-1",
        "source": "drydock/servicing-executor",
        "type": "servicing-executor.environment-snapshot.v1",
        "time": "2026-11-21T12:00:00.000000Z",
        "datacontenttype": "application/json",
        "subject": "contoso-test",
        "correlationid": "first",
        "causationid": "before",
        "sequence": 7,
        "actor": "ada",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "partitionkey": "contoso-test",
    }


def test_the_command_line_prints_that_very_event(capsys: pytest.CaptureFixture[str]) -> None:
    print_event(EVENT, Form.JSON)
    assert capsys.readouterr().out == f"{cloud_event(EVENT)}\n"
