"""What became due between a backup and the first start of what was restored from it."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from deploy.installation.record import RESTORED, Record, read_record, write_record
from shared.contracts.topics import SERVICES

if TYPE_CHECKING:
    from pymongo import MongoClient

_MOST = 1000
_TIMEOUT_MS = 10_000


def look_up_overdue(data: Path, mongo: str, settings: Mapping[str, str]) -> Record | None:
    """Where the folder was restored from, with what is overdue; None where it was not restored.

    What is overdue is looked up once, before the services of a restored installation start for the first time, and
    kept. `settings` are the services' own, which go before the environment. Raise OSError where it cannot be looked up.
    """
    record = read_record(data / RESTORED)
    if record is None or record.overdue is not None:
        return record
    ahead = settings.get("DRYDOCK_CLOCK_AHEAD") or os.environ.get("DRYDOCK_CLOCK_AHEAD") or "PT0S"
    now = datetime.now(UTC) + TypeAdapter(timedelta).validate_python(ahead)
    record = replace(record, overdue=tuple(_overdue(mongo, now)))
    write_record(data / RESTORED, record)
    return record


def _overdue(mongo: str, now: datetime) -> Iterator[str]:
    from pymongo import MongoClient  # costs 0.1 s: only for who was restored
    from pymongo.errors import PyMongoError

    try:
        with MongoClient[dict[str, object]](mongo, timeoutMS=_TIMEOUT_MS, tz_aware=True) as client:
            for service in SERVICES:
                yield from _of(service, client, now)
    except PyMongoError as error:
        raise ConnectionError(f"what is overdue cannot be looked up: {error}") from error


def _of(service: str, client: "MongoClient[dict[str, object]]", now: datetime) -> Iterator[str]:
    """What a service wanted to be woken for by now, oldest first."""
    database = client[f"drydock_{service.replace('-', '_')}"]
    found: list[tuple[datetime, str]] = []
    for name in sorted(database.list_collection_names()):
        for document in database[name].find({"due_at": {"$lte": now}}).limit(_MOST):
            found += [(due, f"{name}/{document['_id']}: {what}") for what, due in _timers(document, now)]
    for due, what in sorted(found):
        yield f"{service}: {what}, due {due:%Y-%m-%d %H:%M:%S} UTC"


def _timers(document: Mapping[str, object], now: datetime) -> Iterator[tuple[str, datetime]]:
    timers = document.get("timers")
    for name, moment, *_ in timers if isinstance(timers, list) else ():
        due = datetime.fromisoformat(moment)
        if due <= now:
            yield name, due
