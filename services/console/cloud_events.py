"""A message as CloudEvents 1.0 in JSON: for the event stream and for the command line."""

import json

from shared.contracts.envelope import Envelope
from shared.contracts.message import Message, utc_text


def cloud_event(envelope: Envelope[Message]) -> str:
    """The JSON format of CloudEvents; the extension attributes are those of the Kafka binding, without `ce_`."""
    attributes = {
        "specversion": "1.0",
        "id": envelope.id,
        "source": envelope.source,
        "type": envelope.data.type,
        "time": utc_text(envelope.time),
        "datacontenttype": "application/json",
        "subject": envelope.subject,
        "correlationid": envelope.correlation,
        "causationid": envelope.causation,
        "sequence": envelope.sequence,
        "actor": envelope.actor,
        "traceparent": envelope.traceparent,
        "partitionkey": envelope.data.key,
    }
    present = {name: value for name, value in attributes.items() if value is not None}
    return f'{json.dumps(present)[:-1]}, "data": {envelope.data.model_dump_json()}}}'
