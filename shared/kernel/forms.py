"""In which forms a service's database holds its states, so that no earlier version is let at it.

A version that does not know a form would leave those states alone one by one, and decide on the rest as if they were
not there: it is refused as a whole, before it reads the first of them. What an earlier version has stored is brought up
while the service runs, once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shared.kernel.commit import Committer
from shared.kernel.inputs import BringUpInput
from shared.kernel.logs import get_logger
from shared.kernel.service import Service
from shared.kernel.store.port import Store, Write
from shared.version import this_version

COLLECTION = "drydock"
PAGE = 200
"""Documents that are brought up at once."""
_ID = "forms"

log = get_logger(__name__)


class NewerForms(Exception):
    """A later version has run on this; the message says what this one does not know, and the way out."""


def forms_of(service: Service) -> dict[str, int]:
    """The version of each aggregate of a service."""
    return {aggregate.name: aggregate.version for aggregate in service.aggregates.values()}


def check_forms(known: Mapping[str, int], found: Mapping[str, int], place: str, by: str) -> None:
    """Raise NewerForms if what is `found` at a place, where version `by` was run, is later than what is known."""
    later = {name: form for name, form in found.items() if form > known.get(name, form)}
    if later:
        name, form = min(later.items())
        raise NewerForms(
            f"{place} holds {name} in form {form}, and this version of Drydock knows form {known[name]}: a later one "
            f"({by}) was run on it. Start that one, or restore the backup of before it"
        )


async def claim_forms(service: Service, store: Store) -> None:
    """Note in the service's database what this version writes. Raise NewerForms if a later one has been at it."""
    known = forms_of(service)
    while True:
        record = await _read(store)
        check_forms(known, record.forms, f"the database of {service.name}", record.by)
        if all(record.forms.get(name) == form for name, form in known.items()):
            return
        if await _write(store, replace(record, forms={**record.forms, **known}, by=this_version())):
            return


async def bring_up(committer: Committer, store: Store) -> None:
    """Store what earlier versions have stored in the forms of this one, page by page, unless that was done.

    Any number of processes may do it at once. Raise StoreUnavailable and Conflict as the committer does.
    """
    for aggregate in committer.service.aggregates.values():
        if (await _read(store)).brought_up.get(aggregate.name, 1) >= aggregate.version:
            continue
        after = ""
        while ids := await store.ids(aggregate.name, after, PAGE):
            inputs = [BringUpInput(aggregate=aggregate, id=id_) for id_ in ids]
            await committer.commit(inputs)
            for input_ in inputs:
                if input_.error:
                    log.error("not_brought_up", aggregate=aggregate.name, id=input_.id, exc_info=input_.error)
            after = ids[-1]
        done = False
        while not done:
            record = await _read(store)
            brought_up = {**record.brought_up, aggregate.name: aggregate.version}
            done = await _write(store, replace(record, brought_up=brought_up))
        log.info("brought_up", aggregate=aggregate.name, form=aggregate.version)


@dataclass(frozen=True)
class _Record:
    """What a database says of itself."""

    version: int = 0
    forms: Mapping[str, int] = field(default_factory=dict)
    brought_up: Mapping[str, int] = field(default_factory=dict)
    """By aggregate the form that all its documents have at least."""
    by: str = ""


async def _read(store: Store) -> _Record:
    found = (await store.get_many(COLLECTION, [_ID])).get(_ID)
    return _Record(found["version"], found["forms"], found["brought_up"], found["by"]) if found else _Record()


async def _write(store: Store, record: _Record) -> bool:
    """Whether nobody has written it since it was read."""
    fields = {"forms": {**record.forms}, "brought_up": {**record.brought_up}, "by": record.by}
    document = {"_id": _ID, "version": record.version + 1, "due_at": None, **fields}
    [written] = await store.write_many(COLLECTION, [Write(document, record.version or None)])
    return written
