"""Services that end by themselves are told of, shown, and started again: never against an operation, nor for ever."""

import itertools
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.servicing_executor.domain.health import PAUSES, STEADY, TIMER, TOLD_WITHIN, report_services
from services.servicing_executor.domain.plans import StepName
from services.servicing_executor.domain.recovery import ACTOR, recover
from services.servicing_executor.domain.restarts import restart_service
from services.servicing_executor.domain.state import Environment
from services.servicing_executor.domain.updates import apply_update
from services.servicing_executor.domain.views import environment_view
from shared.contracts.servicing_executor import (
    ApplyUpdate,
    EnvironmentHealthChanged,
    EnvironmentStatus,
    HealthLevel,
    OperationAccepted,
    OperationFinished,
    OperationKind,
    Outcome,
    Reason,
    ReportServices,
    RestartableService,
    RestartService,
    ServiceDown,
)
from shared.kernel import Decision, NotYet, TimerDue
from tests.support.effort import times
from tests.unit.servicing_executor.play import NEXT, NOW, Play, envelope, environment, package_facts


class Watched(Play):
    """An environment whose runtime tells what it sees, with a clock and its timer."""

    def __init__(self, **values: object) -> None:
        super().__init__(environment(**values))
        self.now = NOW
        self.timer: datetime | None = None
        self.report()

    def decide(self, decision: Decision[Environment]) -> None:
        super().decide(decision)
        if TIMER in decision.timers:
            self.timer = decision.timers[TIMER]

    def report(self, *down: str) -> None:
        seen = tuple(ServiceDown(service=one, since=self.now) for one in down)
        told = envelope(ReportServices(environment=self.state.id, down=seen))
        self.decide(report_services(self.state, told, None, self.now))

    def ring(self) -> None:
        """The timer becomes due."""
        assert self.timer
        self.now, self.timer = max(self.timer, self.now), None
        self.decide(recover(self.state, TimerDue(TIMER, "", self.now), None, self.now))

    def operate(self, *, well: bool = True) -> OperationFinished:
        """The operation that runs comes to its end; its steps take no time."""
        while self.due:
            self.go(well=well)
        return self.said(OperationFinished)[-1]

    @property
    def level(self) -> HealthLevel:
        health = environment_view(self.state.id, self.state).health
        assert health is not None
        return health.level

    @property
    def told(self) -> list[HealthLevel]:
        return [one.health.level for one in self.said(EnvironmentHealthChanged)]


def test_an_environment_that_was_never_looked_at_has_no_health() -> None:
    assert environment_view("contoso-test", environment()).health is None


def test_a_service_that_ends_is_told_of_started_again_and_told_of_again() -> None:
    play = Watched()
    play.report("DIXF")
    assert play.told == [HealthLevel.RECOVERING]
    shown = environment_view(play.state.id, play.state).health
    assert shown is not None
    assert shown.services == (ServiceDown(service="DIXF", since=NOW),)
    play.ring()
    assert play.now == NOW
    [accepted] = play.said(OperationAccepted)
    assert accepted.operation_kind is OperationKind.RESTART_SERVICE
    assert play.state.operation
    assert (play.state.operation.service, play.state.operation.actor) == (RestartableService.DIXF, ACTOR)
    assert play.operate().outcome is Outcome.SUCCEEDED
    play.report()
    assert play.told == [HealthLevel.RECOVERING, HealthLevel.HEALTHY]
    assert (play.state.status, play.timer) == (EnvironmentStatus.DEPLOYED, None)


@pytest.mark.parametrize("well", [True, False], ids=["starts and ends again", "does not start"])
def test_it_is_started_with_growing_pauses_and_then_given_up(well: bool) -> None:
    play = Watched()
    begun = []
    play.report("AOS")
    while play.timer:
        before = len(play.said(OperationAccepted))
        play.ring()
        if len(play.said(OperationAccepted)) > before:
            begun.append(play.now)
            play.operate(well=well)
            if well:
                play.report()
                play.report("AOS")
    assert len(begun) == len(PAUSES)
    assert [after - one for one, after in itertools.pairwise(begun)] == list(PAUSES[1:])
    assert play.level is HealthLevel.DEGRADED
    assert play.state.status is EnvironmentStatus.DEPLOYED
    assert play.told[-1] is HealthLevel.DEGRADED


def test_after_a_steady_time_counting_begins_anew() -> None:
    play = Watched()
    for _ in range(3 * len(PAUSES)):
        play.report("AOS")
        play.ring()
        play.operate()
        play.report()
        play.now += STEADY
    assert HealthLevel.DEGRADED not in play.told


def test_a_person_who_restarts_it_lets_it_be_tried_again() -> None:
    play = Watched()
    play.report("AOS")
    while play.timer:
        play.ring()
        play.operate(well=False)
    play.command(restart_service, RestartService(environment=play.state.id, service=RestartableService.AOS))
    play.operate()
    play.report()
    play.report("AOS")
    assert play.told[-3:] == [HealthLevel.DEGRADED, HealthLevel.HEALTHY, HealthLevel.RECOVERING]


@pytest.mark.parametrize(
    ("status", "service"),
    [
        (EnvironmentStatus.IN_MAINTENANCE, "AOS"),
        (EnvironmentStatus.FAILED, "AOS"),
        (EnvironmentStatus.DEPLOYED, "Something"),
    ],
)
def test_what_cannot_be_started_again_is_only_told(status: EnvironmentStatus, service: str) -> None:
    play = Watched(status=status)
    play.report(service)
    assert (play.told, play.timer) == ([HealthLevel.DEGRADED], None)


def test_while_an_operation_runs_nothing_is_told_or_started_and_afterwards_what_is_still_true() -> None:
    update = ApplyUpdate(environment="contoso-test", package=NEXT, update_name="second")
    play = Watched()
    play.command(apply_update, update, package_facts())
    play.report("AOS", "MR")
    assert (play.told, play.timer) == ([], None)
    play.report("MR")
    play.go_on()
    assert play.timer == NOW + TOLD_WITHIN
    play.ring()
    assert play.told == [HealthLevel.RECOVERING]
    assert play.state.operation
    assert play.state.operation.service is RestartableService.MR
    with pytest.raises(NotYet, match="MR of contoso-test") as waits:
        apply_update(play.state, envelope(update.model_copy(update={"update_name": "third"})), package_facts(), NOW)
    assert waits.value.reason is Reason.OPERATION_RUNNING


def test_a_timer_that_is_late_changes_nothing_while_an_operation_runs() -> None:
    play = Watched()
    play.report("AOS")
    play.command(restart_service, RestartService(environment=play.state.id, service=RestartableService.AOS))
    before = play.state
    play.ring()
    assert play.state is before


@settings(max_examples=times(30), deadline=None)
@given(
    st.lists(
        st.one_of(
            st.frozensets(st.sampled_from(["AOS", "DIXF", "MR"])), st.sampled_from(["ring", "well", "badly", "restart"])
        ),
        max_size=30,
    )
)
def test_whatever_happens_a_service_that_is_down_is_told_of_and_either_awaited_or_given_up(what: list[object]) -> None:
    play = Watched()
    down: frozenset[str] = frozenset()
    for one in what:
        if isinstance(one, frozenset):
            down = one
            play.report(*sorted(one))
        elif one == "ring" and play.timer:
            play.ring()
        elif one in ("well", "badly") and play.due:
            play.operate(well=one == "well")
        elif one == "restart" and play.state.operation is None and play.state.status in _RESTARTABLE:
            play.command(restart_service, RestartService(environment=play.state.id, service=RestartableService.MR))
    if play.due:
        play.operate()
    assert play.state.health is not None
    assert {one.service for one in play.state.health.services} == down
    if play.timer is None:
        assert play.level is (HealthLevel.DEGRADED if down else HealthLevel.HEALTHY)
    assert all(before is not after for before, after in zip(play.told, play.told[1:], strict=False))
    steps = set(play.machine.log)
    assert steps <= {StepName.RESTART_SERVICE}


_RESTARTABLE = (EnvironmentStatus.DEPLOYED, EnvironmentStatus.FAILED)
