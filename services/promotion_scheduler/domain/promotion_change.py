"""A decision about a promotion in the making: each step changes its status and says what follows from it."""

from datetime import datetime
from typing import Any, TypedDict

from services.promotion_scheduler.domain.projections import KnownEnvironment
from services.promotion_scheduler.domain.state import ANSWER_GRACE, TRANSITIONS, Check, Promotion, promotion_view
from shared.contracts.extension_compatibility_checker import CheckCompatibility, Verdicts
from shared.contracts.extension_sets import on_base, replaced
from shared.contracts.message import Command, Event
from shared.contracts.parts import Downtime, Problem, Update
from shared.contracts.promotion_scheduler import (
    MOST_EXTENSIONS_TOLD,
    PromotionCancelled,
    PromotionCheckStarted,
    PromotionCompleted,
    PromotionFailed,
    PromotionRefused,
    PromotionScheduled,
    PromotionStarted,
    PromotionStatus,
)
from shared.contracts.servicing_executor import ApplyImage
from shared.kernel import Decision, Send


class _About(TypedDict):
    environment: str
    project: str
    promotion: str
    sandbox: str
    update: Update


class Draft:
    """One promotion while a single decision about it is made."""

    def __init__(self, promotion: Promotion) -> None:
        self.promotion = promotion
        self._events: list[Event] = []
        self._commands: list[Command | Send] = []
        self._timers: dict[str, datetime | None] = {}

    def check(self, check: Check, production: KnownEnvironment, give_up_at: datetime) -> None:
        """Ask whether the extensions, as they will be then, work with the base that it brings."""
        self.promotion = self.promotion.model_copy(update={"check": check})
        current = production.running.contents.base_version if production.running else None
        coming = self.promotion.update.contents.base_version
        extensions = on_base(production.extensions, production.staged, current, coming)
        question = CheckCompatibility(
            environment=self.promotion.environment,
            project=self.promotion.project,
            set_version=check.set_version,
            extensions=extensions,
            base=check.base,
            current_base=f"{current}/{production.country}" if current else None,
            replaced=replaced(production.extensions, extensions),
            promotion=self.promotion.id,
        )
        self._commands.append(Send(question, id=self.promotion.check_command))
        self._timers[f"check:{self.promotion.id}"] = give_up_at
        self._events.append(
            PromotionCheckStarted(
                **self._about(), start=self.promotion.start, set_version=check.set_version, base=check.base
            )
        )

    def refuse(self, problem: Problem, extensions: Verdicts = ()) -> None:
        """End it before it is scheduled; `extensions` are those that stand in the way, the first of which are told."""
        self._end(PromotionStatus.REFUSED, problem)
        self._events.append(
            PromotionRefused(
                **self._about(),
                start=self.promotion.start,
                problem=problem,
                extensions=extensions[:MOST_EXTENSIONS_TOLD],
                further_extensions=len(extensions[MOST_EXTENSIONS_TOLD:]),
            )
        )

    def schedule(self, downtime: Downtime, not_after: datetime) -> None:
        """Let it wait for its start."""
        if self.promotion.status is not PromotionStatus.SCHEDULED:
            self._move(PromotionStatus.SCHEDULED)
        self.promotion = self.promotion.model_copy(update={"downtime": downtime, "not_after": not_after})
        self._timers[f"check:{self.promotion.id}"] = None
        self._timers[f"start:{self.promotion.id}"] = downtime.start
        self._events.append(PromotionScheduled(**self._about(), downtime=downtime))

    def start(self, now: datetime) -> None:
        """Ask the executor to begin; he decides, under his lock."""
        assert self.promotion.not_after
        self._move(PromotionStatus.STARTING)
        command = ApplyImage(
            environment=self.promotion.environment,
            update_name=self.promotion.update.name,
            image=self.promotion.update.image,
            promotion=self.promotion.id,
            not_after=self.promotion.not_after,
            acknowledge_unverifiable=self.promotion.acknowledged,
        )
        self._commands.append(Send(command, id=self.promotion.apply_command))
        self._timers[f"answer:{self.promotion.id}"] = max(now, self.promotion.not_after) + ANSWER_GRACE

    def started(self, operation: str) -> None:
        """Its operation holds the environment."""
        self._move(PromotionStatus.STARTED, operation=operation)
        self._timers[f"answer:{self.promotion.id}"] = None
        self._events.append(PromotionStarted(**self._about(), downtime=self._downtime, operation=operation))

    def complete(self, operation: str) -> None:
        """Production runs its image."""
        self._end(PromotionStatus.COMPLETED, None)
        self._events.append(PromotionCompleted(**self._about(), operation=operation))

    def fail(self, operation: str, problem: Problem) -> None:
        """Its operation has ended without success."""
        self._end(PromotionStatus.FAILED, problem)
        self._events.append(PromotionFailed(**self._about(), operation=operation, problem=problem))

    def cancel(self, problem: Problem) -> None:
        """It was scheduled, and will not take place."""
        self._end(PromotionStatus.CANCELLED, problem)
        self._events.append(PromotionCancelled(**self._about(), downtime=self._downtime, problem=problem))

    def decision(self) -> Decision[Promotion]:
        """What was decided.

        The view is the promotion's, not the environment's: it stays when the next promotion takes this one's place.
        """
        return Decision(
            self.promotion,
            events=self._events,
            commands=self._commands,
            timers=self._timers,
            snapshots=[promotion_view(self.promotion)],
        )

    @property
    def _downtime(self) -> Downtime:
        assert self.promotion.downtime
        return self.promotion.downtime

    def _about(self) -> _About:
        return _About(
            environment=self.promotion.environment,
            project=self.promotion.project,
            promotion=self.promotion.id,
            sandbox=self.promotion.sandbox,
            update=self.promotion.update,
        )

    def _move(self, status: PromotionStatus, **values: Any) -> None:
        assert status in TRANSITIONS[self.promotion.status], f"{self.promotion.status} does not become {status}"
        self.promotion = self.promotion.model_copy(update={"status": status, **values})

    def _end(self, status: PromotionStatus, problem: Problem | None) -> None:
        if self.promotion.status is PromotionStatus.STARTING:
            self._timers[f"answer:{self.promotion.id}"] = None
        self._move(status, problem=problem)
        self._timers[f"check:{self.promotion.id}"] = None
        self._timers[f"start:{self.promotion.id}"] = None
