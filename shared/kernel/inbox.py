"""Takes records in batches: parses each by itself, commits them together, and says how far each partition is.

Nothing escapes: a record that cannot be read is a dead letter and costs its neighbours nothing; one that cannot be
processed now makes its partition wait, while the others go on.
"""

import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from shared.contracts.cloudevents import Unreadable, decode, readable_attributes
from shared.contracts.envelope import Envelope
from shared.contracts.message import Message
from shared.kernel.commit import Committer
from shared.kernel.crash_points import crash_point
from shared.kernel.dead_letter_sink import DeadLetters
from shared.kernel.inputs import Input, InputOutcome
from shared.kernel.inputs.dead_letters import NOT_A_SENDER
from shared.kernel.inputs.messages import MessageInput
from shared.kernel.logs import get_logger
from shared.kernel.metrics import Metrics
from shared.kernel.outcomes import Conflict, NewerDocument, Permanent
from shared.kernel.records import NOT_FETCHED, BatchResult, Partition, RawRecord, position_of, time_of
from shared.kernel.service import source_of
from shared.kernel.store.port import StoreUnavailable

log = get_logger(__name__)

Dead = list[tuple[RawRecord, Exception, int]]
"""Records that become dead letters, each with the error it ended in and how often it was tried."""

WAIT_FIRST = 0.2
WAIT_LONGEST = 5.0
SLOWED = 5.0
"""Seconds between two batches of a partition from which only dead letters come."""


class Inbox:
    """The way of records into aggregates."""

    def __init__(
        self, committer: Committer, dead_letters: DeadLetters, metrics: Metrics, *, attempts: int, dead_in_a_row: int
    ) -> None:
        self._committer = committer
        self._service = committer.service
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._attempts = attempts
        self._dead_in_a_row = dead_in_a_row
        self._failed: dict[tuple[Partition, int], int] = {}
        self._outages = 0
        self._dead_run: Counter[Partition] = Counter()
        """Dead letters of each partition since a record of it was processed."""

    async def process(self, records: Sequence[RawRecord]) -> BatchResult:
        """Process a batch; records of one partition stand in it in their order."""
        crash_point("inbox.received")
        try:
            unresolved = await self._process(records)
        except (StoreUnavailable, Conflict) as error:
            self._outages += 1
            log.warning("batch_waits", records=len(records), error=str(error), outages=self._outages)
            return self._result(records, {id(record) for record in records}, self._outages)
        self._outages = 0
        result = self._result(records, {id(record) for record in unresolved}, 0)
        self._slow_down(result)
        return result

    async def _process(self, records: Sequence[RawRecord]) -> list[RawRecord]:
        """Do all that can be done; the records that could not be done with."""
        dead: Dead = []
        inputs: dict[int, tuple[RawRecord, list[Input]]] = {}
        for record in records:
            try:
                inputs[id(record)] = (record, self._inputs(record))
            except Unreadable as unreadable:
                if not self._is_newer(record, unreadable):
                    dead.append((record, unreadable, 0))
            except Exception as error:  # noqa: BLE001 - a key function is pure: trying again changes nothing
                dead.append((record, error, 1))
        await self._store_dead(dead)
        waiting = inputs
        while waiting:
            await self._committer.commit([input_ for _, some in waiting.values() for input_ in some])
            dead = []
            ended: Counter[InputOutcome] = Counter()
            for record, some in waiting.values():
                self._judge(record, some, dead, ended)
            for outcome, count in ended.items():
                self._metrics.messages.labels(outcome.name.lower()).inc(count)
            await self._store_dead(dead)
            for record, _, _ in dead:
                del inputs[id(record)]
            # Behind a record that is dead now, others of its aggregate have waited.
            waiting = {at: pair for at, pair in inputs.items() if dead and _is_waiting(pair[1])}
        for record, some in inputs.values():
            if _is_done(some):
                self._dead_run.pop((record.topic, record.partition), None)
        return [record for record, some in inputs.values() if not _is_done(some)]

    def _inputs(self, record: RawRecord) -> list[Input]:
        if record.headers and record.headers[0][0] == NOT_FETCHED:
            raise Unreadable("not-fetched", "record", (record.headers[0][1] or b"").decode(errors="replace"))
        envelope = decode(
            self._service.catalogue,
            record.topic,
            record.key,
            record.value,
            record.headers,
            record_time=time_of(record),
        )
        _check_sender(envelope)
        position = position_of(record)
        return [
            MessageInput(
                aggregate=handler.aggregate,
                id=id_,
                handler=handler,
                envelope=envelope,
                position=position,
                value=record.value or b"",
            )
            for handler in self._service.handlers_of(envelope.data.type, record.topic)
            if (id_ := handler.aggregate_id(envelope)) is not None
        ]

    def _is_newer(self, record: RawRecord, unreadable: Unreadable) -> bool:
        """Whether it is an event of a later version of the service it comes from: of no concern to this version."""
        topic = self._service.catalogue.topics.get(record.topic)
        if unreadable.rule != "unknown-type" or topic is None or topic.service == self._service.name:
            return False
        name = readable_attributes(record.headers).get("ce_type", "")
        return bool(re.fullmatch(rf"{re.escape(topic.service)}\.[a-z0-9-]+\.v[1-9][0-9]*", name))

    def _judge(self, record: RawRecord, inputs: Iterable[Input], dead: Dead, ended: Counter[InputOutcome]) -> None:
        """Count how a record ended, or that an attempt failed; after the last one it is dead."""
        at = ((record.topic, record.partition), record.offset)
        error = next((input_.error for input_ in inputs if input_.error), None)
        if error is None:
            self._failed.pop(at, None)
            ended.update(input_.outcome for input_ in inputs if input_.outcome)
            return
        attempts = self._failed[at] = self._failed.get(at, 0) + 1
        log.warning("record_failed", topic=at[0][0], partition=at[0][1], offset=at[1], attempt=attempts, exc_info=error)
        given_up = attempts >= self._attempts and not isinstance(error, NewerDocument)
        if isinstance(error, Permanent) or given_up:
            del self._failed[at]
            dead.append((record, error, attempts))

    async def _store_dead(self, dead: Dead) -> None:
        if dead:
            await self._dead_letters.store(dead)
            self._dead_run.update((record.topic, record.partition) for record, _, _ in dead)
            self._metrics.messages.labels("dead").inc(len(dead))

    def _slow_down(self, result: BatchResult) -> None:
        """Take less of a partition from which only dead letters come: it goes on, and costs the others little."""
        slowed = [partition for partition, dead in self._dead_run.items() if dead >= self._dead_in_a_row]
        self._metrics.slowed.set(len(slowed))
        for partition in slowed:
            if partition in result.done and partition not in result.waiting:
                log.error(
                    "partition_slowed", topic=partition[0], partition=partition[1], dead=self._dead_run[partition]
                )
                result.waiting[partition] = SLOWED

    def _result(self, records: Sequence[RawRecord], unresolved: set[int], outages: int) -> BatchResult:
        result = BatchResult()
        for record in records:
            partition = (record.topic, record.partition)
            if partition in result.waiting:
                continue
            if id(record) in unresolved:
                failed = outages or self._failed.get((partition, record.offset), 1)
                wait = min(WAIT_FIRST * 2 ** min(failed - 1, 10), WAIT_LONGEST)
                result.waiting[partition] = wait * (0.5 + random.random())  # noqa: S311 - spreads retries
                result.done[partition] = record.offset
            else:
                result.done[partition] = record.offset + 1
        return result


def _check_sender(envelope: Envelope[Message]) -> None:
    """Raise Unreadable for a command that only services send, if none of them is its source.

    Nothing of it reaches an aggregate: the id is not used up, so that the command of a true sender under the same id
    is taken as if the other had never come.
    """
    senders = envelope.data.senders
    if senders and envelope.source not in map(source_of, senders):
        names = " and ".join(senders)
        raise Unreadable(NOT_A_SENDER, "ce_source", f"is {envelope.source!r}; {envelope.data.type} is sent by {names}")


def _is_done(inputs: Iterable[Input]) -> bool:
    return all(input_.outcome for input_ in inputs)


def _is_waiting(inputs: Iterable[Input]) -> bool:
    """Whether it was neither applied nor tried, because it stands behind one that failed."""
    return any(input_.outcome is None and input_.error is None for input_ in inputs)
