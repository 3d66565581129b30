"""Whatever order events come in: one command in a window at most, and it names nobody whose remediation has ended."""

from datetime import UTC, datetime, timedelta
from itertools import count, pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.promotion_scheduler.domain import rollout_execution
from services.promotion_scheduler.domain.rollout_planning import BaseReleaseFacts
from services.promotion_scheduler.domain.state import BUSY, Rollout
from services.promotion_scheduler.domain.window_setting import WindowFacts, set_window
from shared.contracts.extension_compatibility_checker import RemediationEnded, RemovalDue
from shared.contracts.promotion_scheduler import (
    ROLLOUT_LIFECYCLE,
    RolloutFinished,
    RolloutPlanned,
    RolloutSkipped,
    RolloutStarted,
    RolloutStatus,
    SetUpdateWindow,
    UpdateWindow,
)
from shared.contracts.servicing_executor import ApplyRelease, Outcome, Reason
from shared.kernel import Decision, Send, TimerDue
from tests.support.effort import times
from tests.unit.promotion_scheduler.rollout_story import (
    BASE,
    EXECUTION,
    FREIGHT,
    LABELS,
    NEXT_RELEASE,
    PLANNING,
    RELEASE,
    SCALES,
    begun,
    behind,
    due,
    ended,
    over,
    refusal,
)
from tests.unit.promotion_scheduler.story import PRODUCTION, envelope, production

IDS = st.sampled_from((LABELS, FREIGHT, SCALES))
BASES = st.sampled_from((f"{BASE}/DE", f"{BASE}/DE", f"{BASE}/DE", f"{NEXT_RELEASE.base_version}/DE"))
WINDOWS = st.sampled_from(
    (
        UpdateWindow(),
        UpdateWindow(opens="02:30", closes="08:30", time_zone="Europe/Berlin"),
        UpdateWindow(opens="12:00", closes="18:00", time_zone="America/New_York"),
    )
)
REASONS = st.sampled_from([*(reason.value for reason in Reason), "NOT_PROCESSED"])


Word = tuple[int, RemovalDue | RemediationEnded]
"""What the checker says, and its sequence."""


class Rollouts(RuleBasedStateMachine):
    """One environment, a checker whose words arrive in any order and twice, and an executor that says anything."""

    said = Bundle("said")

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 10, 20, 9, 0, tzinfo=UTC)
        self.state: Rollout | None = None
        self.timers: dict[str, datetime] = {}
        self.commands: list[tuple[str, ApplyRelease]] = []
        self.windows: list[datetime] = []
        self.ended: dict[tuple[str, int], int] = {}
        """The latest end of each remediation that has arrived."""
        self.named: dict[tuple[str, int], int] = {}
        """The latest word that has arrived of each that it is to be removed, by itself or with another."""
        self.open_starts: list[bool] = []
        self._sequence = count(1)
        self.published: set[str] = set()

    @property
    def releases(self) -> BaseReleaseFacts:
        return BaseReleaseFacts(tuple(one for one in (RELEASE, NEXT_RELEASE) if one.version in self.published))

    def apply(self, decision: Decision[Rollout]) -> None:
        before = self.state.status if self.state else RolloutStatus.NONE
        self.state = decision.state_after(self.state)
        for name, when in decision.timers.items():
            self.timers.pop(name, None)
            if when:
                self.timers[name] = when
        if self.state and self.state.status is not before:
            assert decision.events or self.state.status is RolloutStatus.STARTING
            path = [before, *(_status(event) for event in decision.events)]
            steps = [status for status in path if status is not None]
            for one, following in pairwise(steps):
                assert ROLLOUT_LIFECYCLE.allows(one, following) or (one, following) == (
                    RolloutStatus.STARTING,
                    RolloutStatus.SUCCEEDED,
                )
        for send in decision.commands:
            assert isinstance(send, Send)
            assert isinstance(send.command, ApplyRelease)
            assert send.id
            assert self.state
            assert self.state.start
            self.commands.append((send.id, send.command))
            self.windows.append(self.state.start)
            self.check_command(send.command)

    def check_command(self, command: ApplyRelease) -> None:
        assert self.state
        assert self.state.base
        major = int(self.state.base.partition(".")[0])
        assert command.remove_extensions
        assert self.now <= command.not_after
        for app_id in command.remove_extensions:
            end = self.ended.get((app_id, major), 0)
            assert self.named.get((app_id, major), 0) > end, f"{app_id} has ended"

    @rule(
        target=said,
        app_id=IDS,
        dependents=st.lists(IDS, unique=True, max_size=1),
        version=st.sampled_from((1, 1, 1, 2)),
        base=BASES,
        delayed=st.booleans(),
    )
    def checker_says_due(self, app_id: str, dependents: list[str], version: int, base: str, delayed: bool) -> Word:
        others = [one for one in dependents if one != app_id]
        return self.say(due(app_id, *others, set_version=version, base=base), delayed)

    @rule(target=said, app_id=IDS, base=BASES, delayed=st.booleans())
    def checker_says_ended(self, app_id: str, base: str, delayed: bool) -> Word:
        return self.say(ended(app_id, base=base), delayed)

    def say(self, event: RemovalDue | RemediationEnded, delayed: bool) -> Word:
        word = (next(self._sequence), event)
        if not delayed:
            self.take(word)
        return word

    @rule(word=said)
    def word_arrives_late_or_again(self, word: Word) -> None:
        self.take(word)

    def take(self, word: Word) -> None:
        sequence, event = word
        if isinstance(event, RemovalDue):
            decision = PLANNING.removal_due(self.state, envelope(event, sequence=sequence), self.releases, self.now)
            ids = [event.extension.app_id, *(one.app_id for one in event.dependents)]
            latest = self.named
        else:
            decision = PLANNING.remediation_ended(
                self.state, envelope(event, sequence=sequence), self.releases, self.now
            )
            ids, latest = [event.extension.app_id], self.ended
        for app_id in ids:
            key = (app_id, event.target_major)
            latest[key] = max(latest.get(key, 0), sequence)
        self.apply(decision)

    @initialize(versions=st.sampled_from(((RELEASE.version, NEXT_RELEASE.version), ())))
    def some_releases_are_there(self, versions: tuple[str, ...]) -> None:
        self.published.update(versions)

    @rule(version=st.sampled_from((RELEASE.version, NEXT_RELEASE.version)))
    @precondition(lambda self: len(self.published) < 2)
    def release_is_published(self, version: str) -> None:
        self.published.add(version)

    @rule(window=WINDOWS)
    def window_is_chosen(self, window: UpdateWindow) -> None:
        command = SetUpdateWindow(environment=PRODUCTION, window=window)
        self.apply(set_window(self.state, envelope(command), WindowFacts(production()), self.now))

    @rule(late=st.sampled_from([timedelta(0), timedelta(minutes=3), timedelta(hours=11)]))
    @precondition(lambda self: self.timers)
    def time_passes_to_the_next_timer(self, late: timedelta) -> None:
        assert self.state
        kind, when = min(self.timers.items(), key=lambda item: item[1])
        self.now = max(self.now, when + late)
        del self.timers[kind]
        timer = TimerDue(kind, "", when)
        if kind == "start":
            self.apply(rollout_execution.start(self.state, timer, behind(), self.now))
        else:
            self.apply(PLANNING.poll_releases(self.state, timer, self.releases, self.now))

    @rule()
    @precondition(lambda self: self.state and self.state.start)
    def timer_fires_again(self) -> None:
        assert self.state
        assert self.state.start
        self.apply(rollout_execution.start(self.state, TimerDue("start", "", self.state.start), behind(), self.now))

    @rule()
    @precondition(lambda self: self.commands)
    def executor_accepts(self) -> None:
        assert self.state
        told = begun(self.state).model_copy(update={"operation": self.commands[-1][0]})
        self.apply(rollout_execution.operation_accepted(self.state, envelope(told), None, self.now))

    @rule(outcome=st.sampled_from(list(Outcome)), reason=REASONS)
    @precondition(lambda self: self.commands)
    def executor_ends(self, outcome: Outcome, reason: str) -> None:
        assert self.state
        why = None if outcome is Outcome.SUCCEEDED else reason
        told = over(self.state, outcome, why).model_copy(update={"operation": self.commands[-1][0]})
        self.apply(EXECUTION.operation_finished(self.state, envelope(told), self.releases, self.now))

    @rule(reason=REASONS)
    @precondition(lambda self: self.state and self.state.status is RolloutStatus.STARTING)
    def executor_refuses(self, reason: str) -> None:
        assert self.state
        told = refusal(self.state, reason)
        self.apply(EXECUTION.start_refused(self.state, envelope(told), self.releases, self.now))

    @invariant()
    def one_command_in_a_window(self) -> None:
        assert len(set(self.windows)) == len(self.windows)
        assert len({id_ for id_, _ in self.commands}) == len(self.commands)

    @invariant()
    def what_is_planned_has_a_timer(self) -> None:
        if self.state and self.state.start and self.state.status not in {*BUSY, RolloutStatus.SUCCEEDED}:
            assert self.timers.get("start") == self.state.start or self.now >= self.state.start
        if self.state and self.state.status is RolloutStatus.PLANNED:
            assert self.state.removals


def _status(event: object) -> RolloutStatus | None:
    """The status that an event tells."""
    if isinstance(event, RolloutPlanned):
        return RolloutStatus.PLANNED
    if isinstance(event, RolloutSkipped):
        return RolloutStatus.SKIPPED
    if isinstance(event, RolloutStarted):
        return RolloutStatus.STARTED
    if isinstance(event, RolloutFinished):
        return RolloutStatus.FAILED if event.problem else RolloutStatus.SUCCEEDED
    return None


TestRollouts = Rollouts.TestCase
TestRollouts.settings = settings(max_examples=times(60), stateful_step_count=50, deadline=None)
