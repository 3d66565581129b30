"""The decision about a promotion: each verb changes its status and says what follows from it."""

from datetime import datetime
from typing import TypedDict

from services.promotion_scheduler.domain.state import AskedCheck, Promotion
from services.promotion_scheduler.domain.terms import ANSWER_GRACE
from services.promotion_scheduler.domain.views import promotion_view
from shared.contracts.extension_compatibility_checker import CheckCompatibility, Verdicts
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
from shared.kernel import DecisionBuilder


class _About(TypedDict):
    environment: str
    project: str
    promotion: str
    sandbox: str
    update: Update


class PromotionChange(DecisionBuilder[Promotion]):
    """A decision about a promotion.

    It shows the promotion under its own id, not the environment's: the view stays when the next promotion takes this
    one's place.
    """

    def check_started(self, question: CheckCompatibility, give_up_at: datetime) -> None:
        """Ask whether the extensions, as they will be then, work with the base that it brings."""
        check = AskedCheck(set_version=question.set_version, base=question.base)
        self.replace(check=check)
        self.send(question, id=self.state.check_command)
        self.at(f"check:{self.state.id}", give_up_at)
        self.say(
            PromotionCheckStarted(
                **self._about(), start=self.state.start, set_version=check.set_version, base=check.base
            )
        )

    def refused(self, problem: Problem, extensions: Verdicts = ()) -> None:
        """It ends before it is scheduled; `extensions` are those that stand in the way, the first of which are told."""
        self._ended(PromotionStatus.REFUSED, problem)
        self.say(
            PromotionRefused(
                **self._about(),
                start=self.state.start,
                problem=problem,
                extensions=extensions[:MOST_EXTENSIONS_TOLD],
                further_extensions=len(extensions[MOST_EXTENSIONS_TOLD:]),
            )
        )

    def scheduled(self, downtime: Downtime, not_after: datetime) -> None:
        """It waits for its start."""
        self.move(PromotionStatus.SCHEDULED, downtime=downtime, not_after=not_after)
        self.cancel(f"check:{self.state.id}")
        self.at(f"start:{self.state.id}", downtime.start)
        self.say(PromotionScheduled(**self._about(), downtime=downtime))

    def starting(self) -> None:
        """Ask the executor to begin; he decides, under his lock."""
        self.move(PromotionStatus.STARTING)
        promotion = self.state
        assert promotion.not_after
        command = ApplyImage(
            environment=promotion.environment,
            update_name=promotion.update.name,
            image=promotion.update.image,
            promotion=promotion.id,
            not_after=promotion.not_after,
            acknowledge_unverifiable=promotion.acknowledged,
        )
        self.send(command, id=promotion.apply_command)
        self.at(f"answer:{promotion.id}", max(self.now, promotion.not_after) + ANSWER_GRACE)

    def started(self, operation: str) -> None:
        """Its operation holds the environment."""
        self.move(PromotionStatus.STARTED, operation=operation)
        self.cancel(f"answer:{self.state.id}")
        self.say(PromotionStarted(**self._about(), downtime=self._downtime, operation=operation))

    def completed(self, operation: str) -> None:
        """Production runs its image."""
        self._ended(PromotionStatus.COMPLETED, None)
        self.say(PromotionCompleted(**self._about(), operation=operation))

    def failed(self, operation: str, problem: Problem) -> None:
        """Its operation has ended without success."""
        self._ended(PromotionStatus.FAILED, problem)
        self.say(PromotionFailed(**self._about(), operation=operation, problem=problem))

    def cancelled(self, problem: Problem) -> None:
        """It was scheduled, and will not take place."""
        self._ended(PromotionStatus.CANCELLED, problem)
        self.say(PromotionCancelled(**self._about(), downtime=self._downtime, problem=problem))

    @property
    def _downtime(self) -> Downtime:
        assert self.state.downtime
        return self.state.downtime

    def _about(self) -> _About:
        return _About(
            environment=self.state.environment,
            project=self.state.project,
            promotion=self.state.id,
            sandbox=self.state.sandbox,
            update=self.state.update,
        )

    def _ended(self, status: PromotionStatus, problem: Problem | None) -> None:
        if self.state.status is PromotionStatus.STARTING:
            self.cancel(f"answer:{self.state.id}")
        self.move(status, problem=problem)
        self.cancel(f"check:{self.state.id}")
        self.cancel(f"start:{self.state.id}")

    def _become(self, state: Promotion) -> None:
        super()._become(state)
        self._snapshots[:] = [promotion_view(state)]
