"""The page that lists topics and messages, and draws lifecycles."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from shared.contracts.catalogue import Catalogue
from shared.contracts.cloudevents import HEADER_LIMIT
from shared.contracts.lifecycle import Lifecycle
from shared.contracts.message import Message, MessageKind
from shared.contracts.schemas.json_schema import file_name
from shared.contracts.topics import MESSAGE_LIMIT, topic_name

_HEAD = f"""# Topics and messages

Written by `python -m shared.contracts.schemas` (`make schemas`); changes made by hand are lost.

Every message is a [CloudEvents 1.0](https://cloudevents.io) record in Kafka's binary content mode: the value is JSON,
its attributes are headers (`ce_id`, `ce_source`, `ce_type`, ...), the key keeps the order of what belongs together.
A value has at most {MESSAGE_LIMIT // 1024} KiB, an attribute {HEADER_LIMIT // 1024} KiB; files travel as digests.
Readers ignore fields that they do not know. Under the messages of each service stand the lifecycles of what they tell
of: a move that is not drawn there does not happen.

* `<service>/<message>.schema.json`: JSON Schema 2020-12 of the value
* `<service>/examples/<message>.json`: headers, key and value of one record
* `<service>/asyncapi.json`: AsyncAPI 3.0, with the topics of others that the service reads
* `drydock/`: what every service sends and takes
* `released/`: the schemas of the last release, which `--check` compares with; absent until one is released
"""


def page_of(catalogue: Catalogue, lifecycles: Mapping[str, Sequence[Lifecycle[Any]]]) -> str:
    """The page in Markdown; `lifecycles` by service."""
    parts = [_HEAD, "## On the topics of every service\n"]
    for kind in MessageKind:
        common = [each for each in catalogue.messages.values() if each.owner == "drydock" and each.kind is kind]
        if common:
            parts.append(f"### drydock.*.{kind.value}\n\n{_table(common, 'drydock')}")
    for service in catalogue.services:
        parts.append(f"## {service}\n")
        for kind in MessageKind:
            topic = catalogue.topics[topic_name(service, kind)]
            kept = "compacted" if topic.compacted else f"kept {_span(topic.retention)}"
            parts.append(f"### {topic.name}\n\n{topic.partitions} partitions, {kept}\n")
            own = [message for message in catalogue.on_topic(topic.name).values() if message.owner == service]
            if own:
                parts.append(_table(own, service))
        parts += [_diagram(lifecycle) for lifecycle in lifecycles.get(service, ())]
    return "\n".join(parts).rstrip() + "\n"


def _table(messages: list[type[Message]], folder: str) -> str:
    rows = ["| Type | Key | |", "|---|---|---|"]
    for message in messages:
        says = (message.__doc__ or "").partition("\n")[0]
        if message.senders:
            says = f"*Sent by {', '.join(message.senders)} alone.* {says}"
        rows.append(f"| [{message.type}]({folder}/{file_name(message)}.schema.json) | {message.key_field} | {says} |")
    return "\n".join(rows) + "\n"


def _diagram(lifecycle: Lifecycle[Any]) -> str:
    name = lifecycle.statuses.__name__
    says = (lifecycle.statuses.__doc__ or "").partition("\n")[0].removesuffix(".")
    unused = ", ".join(f"`{status}`" for status in lifecycle.unused)
    rest = f"\n\nNothing leads to {unused} yet." if unused else ""
    return f"### {name}\n\n{says}, and where it can go from there:\n\n```mermaid\n{lifecycle.mermaid()}\n```{rest}\n"


def _span(retention: timedelta | None) -> str:
    if retention is None:
        return "for ever"
    days, hours = retention.days, retention.seconds // 3600
    return f"{days} days" if days else f"{hours} hours"
