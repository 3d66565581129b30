"""Records that a topic has lost before they were read: noticed, told once, and kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.contracts.common import RecordsLost
from shared.kernel.commit import Committer
from shared.kernel.document import Origin
from shared.kernel.inputs import Input, InputOutcome
from shared.kernel.logs import get_logger
from shared.kernel.metrics import Metrics
from shared.kernel.outcomes import Conflict
from shared.kernel.records import Gap
from shared.kernel.state import State
from shared.kernel.store.port import StoreUnavailable
from shared.kernel.table import Aggregate
from shared.kernel.unit_of_work import UnitOfWork

log = get_logger(__name__)


class NoticedGap(State):
    """The state of a gap."""

    topic: str
    partition: int
    first: int
    count: int
    noticed_at: datetime


GAPS = Aggregate("gaps", NoticedGap)


@dataclass(kw_only=True, eq=False)
class _GapInput(Input):
    """A gap was noticed; who notices it again changes nothing."""

    gap: Gap

    def apply(self, unit: UnitOfWork, facts: Any) -> InputOutcome:
        if unit.state is not None:
            return InputOutcome.DUPLICATE
        gap = self.gap
        outbox = unit.outbox_writer()
        outbox.event(
            RecordsLost(
                gap=self.id,
                topic=gap.topic,
                partition=gap.partition,
                first_offset=gap.first,
                count=gap.count,
            ),
            Origin(),
        )
        unit.become(
            NoticedGap(topic=gap.topic, partition=gap.partition, first=gap.first, count=gap.count, noticed_at=unit.now),
            outbox,
        )
        return InputOutcome.APPLIED


class Gaps:
    """Tells of gaps in what a service reads."""

    def __init__(self, committer: Committer, metrics: Metrics) -> None:
        self._committer = committer
        self._metrics = metrics

    async def tell(self, gap: Gap) -> None:
        """Log, count and announce a gap. While the store is away it is logged and counted only."""
        log.error("records_lost", topic=gap.topic, partition=gap.partition, first=gap.first, count=gap.count)
        self._metrics.lost.labels(gap.topic).inc(gap.count)
        id_ = f"{self._committer.service.name}:{gap.topic}:{gap.partition}:{gap.first}"
        try:
            await self._committer.commit([_GapInput(aggregate=GAPS, id=id_, gap=gap)])
        except (StoreUnavailable, Conflict) as error:
            log.warning("gap_not_announced", error=str(error))
