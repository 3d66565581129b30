"""How a promotion comes to be scheduled, or refused."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.promotion_scheduler.domain.guards import ScheduleFacts, check_needed, promotable
from services.promotion_scheduler.domain.projections import KnownEnvironment
from services.promotion_scheduler.domain.promotion_change import Draft
from services.promotion_scheduler.domain.state import Promotion, problem
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import CompatibilityChecked, Verdicts
from shared.contracts.parts import Downtime, Problem, Verdict
from shared.contracts.promotion_scheduler import PromotionStatus, Reason, SchedulePromotion
from shared.kernel import Decision, Rejected, TimerDue

_STANDS_IN_THE_WAY = (Verdict.INCOMPATIBLE, Verdict.CHECK_FAILED, Verdict.UNVERIFIABLE)
"""The verdicts that speak against a promotion, those first that nobody can acknowledge."""

START_GRACE = timedelta(seconds=30)
"""A start is `now` until it is older than this: the command travelled, and may have waited for its candidate."""

LATEST_START = timedelta(days=366)
"""So far ahead may a promotion be scheduled."""

DURATIONS_NEEDED = 3
"""So many downtimes of an environment must be known before they say how long the next one takes."""


@dataclass(frozen=True)
class ProductionFacts:
    """The production environment that a promotion goes to."""

    production: KnownEnvironment | None


@dataclass(frozen=True)
class Scheduling:
    """Scheduling as an installation has set it."""

    start_within: timedelta
    """How long after its start a promotion may begin."""
    expected_downtime: timedelta
    """How long a downtime takes where it is not known."""
    check_within: timedelta
    """How long an answer about extensions may take."""

    def schedule(
        self, state: Promotion | None, message: Envelope[SchedulePromotion], facts: ScheduleFacts, now: datetime
    ) -> Decision[Promotion]:
        """A candidate is to go to production: it is scheduled, or its effect on extensions is checked first."""
        command = message.data
        if state and state.open:
            raise Rejected(
                Reason.PROMOTION_OPEN,
                f"promotion {state.id} of {state.update.name!r} is {state.status.value}; cancel it or wait for its end",
                facts={"promotion": state.id, "status": state.status.value},
            )
        _check_start(command.start, now)
        production, candidate = promotable(command, facts)
        check = check_needed(candidate.update, production)
        promotion = Promotion(
            id=f"{command.environment}/{message.id}",
            environment=command.environment,
            project=production.project,
            sandbox=command.sandbox,
            update=candidate.update,
            start=max(command.start, now),
            acknowledged=command.acknowledge_unverifiable,
            actor=message.actor,
            status=PromotionStatus.CHECKING if check else PromotionStatus.SCHEDULED,
        )
        draft = Draft(promotion)
        self._check_or_schedule(draft, production, now)
        return draft.decision()

    def compatibility_checked(
        self, state: Promotion | None, message: Envelope[CompatibilityChecked], facts: ProductionFacts, now: datetime
    ) -> Decision[Promotion]:
        """Production's extensions were judged. The answer counts if they are still the same."""
        checked = message.data
        production = facts.production
        if state is None or state.status is not PromotionStatus.CHECKING or state.check is None or production is None:
            return Decision(state)
        asked = (state.id, state.check.set_version, state.check.base)
        if (checked.promotion, checked.set_version, checked.base) != asked:
            return Decision(state)
        draft = Draft(state)
        if check_needed(state.update, production) != state.check:
            self._check_or_schedule(draft, production, now)
        elif objection := _objection(state, checked):
            draft.refuse(objection, _in_the_way(state, checked))
        else:
            self._schedule(draft, production)
        return draft.decision()

    def _check_or_schedule(self, draft: Draft, production: KnownEnvironment, now: datetime) -> None:
        check = check_needed(draft.promotion.update, production)
        if check:
            draft.check(check, production, now + self.check_within)
        else:
            self._schedule(draft, production)

    def _schedule(self, draft: Draft, production: KnownEnvironment) -> None:
        start = draft.promotion.start
        downtime = Downtime(start=start, end=start + self.expected_duration(production.durations))
        draft.schedule(downtime, start + self.start_within)

    def expected_duration(self, durations: tuple[float, ...]) -> timedelta:
        """How long the next downtime takes: as long as the longest of these, in seconds, if they are enough."""
        if len(durations) < DURATIONS_NEEDED:
            return self.expected_downtime
        return timedelta(seconds=max(durations))


def _check_start(start: datetime, now: datetime) -> None:
    told = f"{start:%Y-%m-%d %H:%M:%S} UTC"
    if start < now - START_GRACE:
        raise Rejected(Reason.START_IN_PAST, f"{told} has passed; the earliest start is now")
    if start > now + LATEST_START:
        raise Rejected(
            Reason.START_TOO_FAR, f"{told} is more than {LATEST_START.days} days ahead; choose an earlier one"
        )


def check_overdue(state: Promotion | None, timer: TimerDue, facts: None, now: datetime) -> Decision[Promotion]:
    """Nobody could say in time whether production's extensions work with the update's base."""
    if state is None or state.id != timer.argument or state.status is not PromotionStatus.CHECKING:
        return Decision(state)
    draft = Draft(state)
    draft.refuse(problem(Reason.CHECK_FAILED, "the extensions were not checked in time; schedule it again later"))
    return draft.decision()


def _in_the_way(state: Promotion, checked: CompatibilityChecked) -> Verdicts:
    """The extensions that speak against the promotion, those that decide first."""
    acknowledged = {(Verdict.UNVERIFIABLE, app_id) for app_id in state.acknowledged}
    return tuple(
        one
        for verdict in _STANDS_IN_THE_WAY
        for one in checked.extensions
        if one.verdict is verdict and (one.verdict, one.app_id) not in acknowledged
    )


def _objection(state: Promotion, checked: CompatibilityChecked) -> Problem | None:
    """Why the promotion may not be scheduled, if it may not."""
    named = {
        verdict: [extension for extension in checked.extensions if extension.verdict is verdict] for verdict in Verdict
    }
    if broken := named[Verdict.INCOMPATIBLE]:
        first = "; ".join(f"{one.name} {one.version}: {one.summary}" for one in broken)
        return problem(
            Reason.EXTENSIONS_INCOMPATIBLE,
            f"{len(broken)} extension(s) do not work with base {checked.base}: {first}",
        )
    if checked.verdict is Verdict.CHECK_FAILED or named[Verdict.CHECK_FAILED]:
        return problem(
            Reason.CHECK_FAILED,
            f"the extensions could not be checked against {checked.base}; schedule it again later",
        )
    open_ = [one for one in named[Verdict.UNVERIFIABLE] if one.app_id not in state.acknowledged]
    if not open_:
        return None
    names = ", ".join(f"{one.name} ({one.app_id})" for one in open_)
    return problem(
        Reason.EXTENSIONS_UNVERIFIABLE,
        f"cannot be judged against {checked.base}; acknowledge to go on: {names}",
    )
