"""Judges a history: what stands on the topics, what was done to environments, which mails arrived, what is kept.

It imports nothing of the services or their kernel, nor their contracts: it reads JSON, headers, plain documents, and
the lifecycles that `schemas/README.md` prints. Every rule yields sentences, one for each place where it is broken.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_bytes
from functools import cached_property
from itertools import pairwise
from typing import Any

from tests.chaos.simulation.history import Effect, History, Record
from tests.chaos.simulation.lifecycles import OUTSIDE, README, leads, printed_lifecycles

OFTEN = frozenset({"step-started", "step-finished", "environment-status-changed"})
"""Events of which one command may cause several."""
NEVER = ("dead-lettered", "decision-failed", "records-lost")
"""Events that tell of a fault of a service."""
ANSWERED_BY_WORK = frozenset({"build-image", "merge-packages", "publish-base"})
"""Commands that nothing answers before their work has ended: a repeat is not answered by itself."""
WITHOUT_EFFECT = frozenset({"build-image", "check-extensions"})
"""Steps that others do."""
ENDED = frozenset({"completed", "failed", "cancelled", "refused"})
OVERDUE = timedelta(minutes=2)
AT_REST = ("environments", "notifications", "promotions")
"""Aggregates that wait for nothing once everything has come to its end."""


class Told:
    """A record, read."""

    def __init__(self, at: int, record: Record) -> None:
        self.at = at
        self.record = record
        self.service, self.kind = record.topic.split(".")[1:]
        self.id = self.header("ce_id")
        self.type = self.header("ce_type").split(".")[1]
        self.subject = self.header("ce_subject")
        self.causation = self.header("ce_causationid")
        self.sequence = int(self.header("ce_sequence") or 0)
        self.key = record.key.decode()

    def header(self, name: str) -> str:
        """An attribute; empty where there is none."""
        return (self.record.headers.get(name) or b"").decode()

    @cached_property
    def data(self) -> dict[str, Any]:
        """What it says."""
        found: dict[str, Any] = json.loads(self.record.value)
        return found

    def __str__(self) -> str:
        return f"{self.type} {self.key} #{self.sequence} ({self.id})"


class Reading:
    """A history, with its records read and sorted."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.all = [Told(at, record) for at, record in enumerate(history.records)]
        self.events = [one for one in self.all if one.kind == "events"]
        self.first = {one.id: one for one in reversed(self.all)}
        """By its id the first record of each message."""
        self.by_environment: dict[str, list[Told]] = defaultdict(list)
        """The events of servicing-executor by environment, each once, by their sequence."""
        for one in self.first.values():
            if one.kind == "events" and one.subject.startswith("environments/"):
                self.by_environment[one.subject.partition("/")[2]].append(one)
        for events in self.by_environment.values():
            events.sort(key=lambda one: one.sequence)

    def of(self, *types: str) -> list[Told]:
        """Messages of some types, each once, in their order."""
        return sorted((one for one in self.first.values() if one.type in types), key=lambda one: one.at)

    def documents(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """All that is kept: service, collection, document."""
        for service, collections in self.history.documents.items():
            for collection, kept in collections.items():
                for document in kept.values():
                    yield service, collection, document

    def document(self, one: Told) -> dict[str, Any]:
        """What is kept of the aggregate that a message tells of."""
        collection, _, id_ = one.subject.partition("/")
        return self.history.documents[one.service].get(collection, {}).get(id_, {})


def check(history: History) -> list[str]:
    """Every place where a rule is broken."""
    reading = Reading(history)
    return [*history.faults, *(f"{rule.__name__}: {fault}" for rule in RULES for fault in rule(reading))]


def an_id_has_one_content(told: Reading) -> Iterator[str]:
    for one in told.all:
        first = told.first[one.id]
        same = (first.record.topic, first.key, first.record.value, first.record.headers)
        if same != (one.record.topic, one.key, one.record.value, one.record.headers):
            yield f"{one} came first as {first}, saying something else"


def the_events_of_an_aggregate_come_in_order_and_without_a_gap(told: Reading) -> Iterator[str]:
    known: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for one in told.events:
        if told.first[one.id] is one:
            known[one.service, one.subject].append(one)
    for (service, subject), events in known.items():
        sequences = [one.sequence for one in events]
        if sequences != list(range(1, len(events) + 1)):
            yield f"{service} {subject}: {sequences}"
        kept = told.document(events[0]).get("sequence")
        if kept != len(events):
            yield f"{service} {subject}: {len(events)} events stand on the topic, {kept} were committed"


def every_command_has_one_outcome(told: Reading) -> Iterator[str]:
    caused: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for one in told.events:
        caused[one.service, one.causation].append(one)
    copies: dict[str, Told] = {one.id: one for one in told.all if one.kind == "commands"}
    for command in copies.values():  # the last copy of each
        events = caused[command.service, command.id]
        ids = {one.id for one in events}
        types = Counter(told.first[id_].type for id_ in ids)
        several = [type_ for type_, times in types.items() if times > 1 and type_ not in OFTEN]
        if not events:
            yield f"{command} has none"
        elif several or (types["command-rejected"] and len(types) > 1):
            yield f"{command} has {dict(types)}"
        elif command.type not in ANSWERED_BY_WORK:
            answer = min(events, key=lambda one: one.sequence)
            if max(one.at for one in events if one.id == answer.id) < command.at:
                yield f"{command} came again and was not answered again with {answer}"


def the_last_snapshot_is_what_is_kept(told: Reading) -> Iterator[str]:
    last: dict[tuple[str, str], Told] = {}
    newest: dict[tuple[str, str], Told] = {}
    for one in told.all:
        if one.kind == "snapshots":
            key = (one.type, one.key)
            last[key] = one
            if key not in newest or newest[key].sequence < one.sequence:
                newest[key] = one
            elif newest[key].sequence == one.sequence and newest[key].data != one.data:
                yield f"{one} is there twice, saying two things"
    for key, one in last.items():
        if one.sequence < newest[key].sequence:
            yield f"{one} came after {newest[key]}"
        document = told.document(one)
        state = document.get("state") or {}
        if one.key in (document.get("_id"), state.get("id")):
            yield from (f"{one}: {difference}" for difference in _differences(one.data, state))


def _differences(seen: Any, kept: Any, path: str = "") -> Iterator[str]:
    """Where two values differ that have the same names; what only one of them has is no difference."""
    if isinstance(seen, dict) and isinstance(kept, dict):
        for name in seen.keys() & kept.keys():
            yield from _differences(seen[name], kept[name], f"{path}.{name}")
    elif isinstance(seen, list) and isinstance(kept, list) and len(seen) == len(kept):
        for at, (one, other) in enumerate(zip(seen, kept, strict=True)):
            yield from _differences(one, other, f"{path}.{at}")
    elif seen != kept:
        yield f"{path} is {seen!r}, kept is {kept!r}"


def operations_go_from_step_to_step_and_end_once(told: Reading) -> Iterator[str]:
    for environment, events in told.by_environment.items():
        running: _Operation | None = None
        for one in events:
            operation = str(one.data.get("operation"))
            if one.type == "operation-accepted":
                if running:
                    yield f"{environment}: {one} while {running.id} runs"
                running = _Operation(operation, one.data["steps"])
            elif one.type in ("step-started", "step-finished", "rollback-started", "operation-finished"):
                if running is None or running.id != operation:
                    yield f"{environment}: {one} of {operation} while {running and running.id} runs"
                    continue
                yield from (f"{environment}: {one}: {fault}" for fault in running.goes_on(one))
                if one.type == "operation-finished":
                    running = None
        if running:
            yield f"{environment}: {running.id} never ended"


class _Operation:
    """An operation as its events tell it."""

    def __init__(self, id_: str, steps: list[str]) -> None:
        self.id = id_
        self._to_come = list(steps)
        self._running: str | None = None
        self._going_back = False

    def goes_on(self, event: Told) -> Iterator[str]:
        """The next event; what is wrong with it."""
        data = event.data
        match event.type:
            case "step-started":
                if self._running:
                    yield f"{self._running} has not ended"
                expected = self._to_come.pop(0) if self._to_come and not self._going_back else None
                if not self._going_back and data["step"] != expected:
                    yield f"{expected} was to come"
                self._running = data["step"]
            case "step-finished":
                if self._running != data["record"]["name"]:
                    yield f"{self._running} runs"
                self._running = None
            case "rollback-started":
                self._going_back = True
            case _:
                if data["outcome"] == "succeeded" and (self._to_come or self._going_back or self._running):
                    yield f"it succeeded without {self._to_come}"


def a_step_is_not_done_twice_at_once_nor_after_its_end(told: Reading) -> Iterator[str]:
    finished: dict[tuple[str, str], Told] = {}
    for one in told.of("step-finished"):
        finished.setdefault((one.data["operation"], one.data["record"]["name"]), one)
    by_environment: dict[str, list[Effect]] = defaultdict(list)
    for effect in told.history.effects:
        if effect.disturbed:
            continue
        by_environment[effect.environment].append(effect)
        end = finished.get((effect.operation, effect.step))
        if end and end.at < effect.records:
            yield f"{effect} begins when {end} was told"
    for effects in by_environment.values():
        effects.sort(key=lambda effect: effect.began)
        yield from (f"{one} and {other} at once" for one, other in pairwise(effects) if other.began < one.ended)


def what_succeeded_was_done(told: Reading) -> Iterator[str]:
    done = {(effect.operation, effect.step) for effect in told.history.effects if effect.completed}
    for one in told.of("step-finished"):
        record = one.data["record"]
        is_ours = record["status"] == "succeeded" and record["name"] not in WITHOUT_EFFECT
        if is_ours and (one.data["operation"], record["name"]) not in done:
            yield f"{one}: {record['name']} was never done"


def a_mail_is_one_for_each_recipient_and_transition(told: Reading) -> Iterator[str]:
    named: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in told.of("notification-snapshot"):
        for delivery in one.data["deliveries"]:
            named[one.key, delivery["address"]].add(delivery["message_id"])
    for delivery, ids in named.items():
        if len(ids) > 1:
            yield f"{delivery} under {ids}"
    ids_of = {(id_, address) for (_, address), ids in named.items() for id_ in ids}
    mails = [(str(message_from_bytes(mail.content)["Message-ID"]), mail.address) for mail in told.history.mails]
    yield from (f"a mail {mail} that nobody told of" for mail in mails if mail not in ids_of)
    subjects: dict[str, set[str]] = defaultdict(set)
    for mail in told.history.mails:
        parsed = message_from_bytes(mail.content)
        subjects[str(parsed["Message-ID"])].add(f"{parsed['To']} {parsed['Date']} {parsed['Subject']}")
    yield from (f"{id_} is {len(some)} mails" for id_, some in subjects.items() if len(some) > 1)
    arrived = set(mails)
    for one in told.of("notification-sent"):
        key = (one.data["notification"], one.data["address"])
        if not any((id_, one.data["address"]) in arrived for id_ in named[key]):
            yield f"{one} is told, and no mail came"


def nothing_is_left(told: Reading) -> Iterator[str]:
    now = told.history.now
    for service, collection, document in told.documents():
        place = f"{service} {collection} {document['_id']}"
        for part in ("outbox", "work", "parked", "undecided", "view_again"):
            if document.get(part):
                yield f"{place}: {part} {str(document[part])[:300]}"
        for name, due, _ in document.get("timers", ()):
            if (now - OVERDUE).isoformat() > due or collection in AT_REST:
                yield f"{place}: the timer {name}, due at {due}"
    yield from (f"{one}: {one.data.get('message', '')}" for one in told.of(*NEVER))


def promotions_end_as_their_operations_do(told: Reading) -> Iterator[str]:
    ends: dict[str, set[str]] = defaultdict(set)
    for one in told.of(*(f"promotion-{end}" for end in ENDED)):
        ends[one.data["promotion"]].add(one.type.removeprefix("promotion-"))
    for one in told.of("promotion-scheduled"):
        if len(ends[one.data["promotion"]]) != 1:
            yield f"{one} ended as {ends[one.data['promotion']]}"
    for one in told.of("operation-finished"):
        if promotion := one.data["promotion"]:
            expected = "completed" if one.data["outcome"] == "succeeded" else "failed"
            if ends[promotion] != {expected}:
                yield f"{one} of {promotion}, which ended as {ends[promotion]}"
    for document in told.history.documents["promotion-scheduler"].get("promotions", {}).values():
        if (document["state"] or {"status": "refused"})["status"] not in ENDED:
            yield f"{document['_id']} is {document['state']['status']}"


def statuses_follow_the_printed_lifecycles(told: Reading) -> Iterator[str]:
    printed = printed_lifecycles(README.read_text(encoding="utf-8"))
    for one in told.of("environment-status-changed"):
        if one.data["status"] not in printed["EnvironmentStatus"].get(one.data["previous"], ()):
            yield f"{one}: {one.data['previous']} became {one.data['status']}"
    for name, type_, key, status in _LIFECYCLES:
        statuses: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for one in told.of(type_):
            if (where := key(one.data)) and (found := status(one.data)):
                statuses[where].append((one.sequence, found))
        for where, some in statuses.items():
            in_order = [OUTSIDE, *(one for _, one in sorted(some))]
            for before, after in pairwise(in_order):
                if not leads(printed[name], before, after):
                    yield f"{name} of {where}: {before} became {after}"


_Field = Callable[[dict[str, Any]], str | None]
_LIFECYCLES: tuple[tuple[str, str, _Field, _Field], ...] = (
    ("EnvironmentStatus", "environment-snapshot", lambda one: one["environment"], lambda one: one["status"]),
    (
        "OperationStatus",
        "environment-snapshot",
        lambda one: one["operation"] and one["operation"]["operation"],
        lambda one: one["operation"] and one["operation"]["status"],
    ),
    ("PromotionStatus", "promotion-snapshot", lambda one: one["promotion"], lambda one: one["status"]),
    ("PackageStatus", "package-snapshot", lambda one: one["package"], lambda one: one["status"]),
)
"""A lifecycle, the snapshots that show it, and where in them whose status stands."""

RULES: tuple[Callable[[Reading], Iterator[str]], ...] = (
    an_id_has_one_content,
    the_events_of_an_aggregate_come_in_order_and_without_a_gap,
    every_command_has_one_outcome,
    the_last_snapshot_is_what_is_kept,
    operations_go_from_step_to_step_and_end_once,
    a_step_is_not_done_twice_at_once_nor_after_its_end,
    what_succeeded_was_done,
    a_mail_is_one_for_each_recipient_and_transition,
    nothing_is_left,
    promotions_end_as_their_operations_do,
    statuses_follow_the_printed_lifecycles,
)
