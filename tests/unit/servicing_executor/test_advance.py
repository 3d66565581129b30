"""The course of an operation: what each step, answer and delay makes of environment and operation."""

from datetime import timedelta
from typing import Any

import pytest

from services.servicing_executor.domain import answers, closing, interventions
from services.servicing_executor.domain.environment_change import EnvironmentChange
from services.servicing_executor.domain.extensions import install_extension
from services.servicing_executor.domain.maintenance import disable_maintenance_mode, enable_maintenance_mode
from services.servicing_executor.domain.plans import HOLD_FOR
from services.servicing_executor.domain.restarts import restart_service
from services.servicing_executor.domain.state import Environment
from services.servicing_executor.domain.work import ClosingDone, ClosingInput, StepDone
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import derived_id
from shared.contracts.extension_compatibility_checker import CheckCompatibility
from shared.contracts.parts import EnvironmentKind, Verdict
from shared.contracts.servicing_executor import (
    DisableMaintenanceMode,
    EnableMaintenanceMode,
    EnvironmentStatus,
    EnvironmentStatusChanged,
    InstallExtension,
    OperationFinished,
    OperationHeld,
    OperationStatus,
    Outcome,
    Reason,
    RestartableService,
    RestartService,
    RollbackStarted,
    StepFinished,
    StepStarted,
)
from shared.kernel import UNCHANGED, Failure, TimerDue, WorkEnded
from tests.unit.servicing_executor.play import (
    NOW,
    Play,
    checked,
    digest,
    envelope,
    environment,
    extension,
    image_facts,
    package_facts,
    promote,
    roll_out,
    staged,
)
from tests.unit.servicing_executor.test_releases import IMAGE, release

LEDGER = extension("Ledger")
RESTART = RestartService(environment="contoso-test", service=RestartableService.AOS)
S, O = EnvironmentStatus, OperationStatus  # noqa: E741 - columns of a table


def rollout(*, extensions: bool = False) -> Play:
    state = environment(LEDGER) if extensions else environment()
    return Play(state).command(roll_out, release(), package_facts())


def to(play: Play, step: str) -> Play:
    """Go on until a step runs."""
    while play.state.operation and play.state.operation.step and play.state.operation.step.name != step:
        play.go()
    return play


def status_of(play: Play) -> EnvironmentStatus:
    return play.state.status


@pytest.mark.parametrize(
    ("step", "status", "operation"),
    [
        ("check-extensions", S.QUEUED, O.PREPARING),
        ("build-image", S.QUEUED, O.PREPARING),
        ("prepare-release", S.QUEUED, O.PREPARING),
        ("stop-services", S.SERVICING, O.RUNNING),
        ("set-extensions", S.SERVICING, O.RUNNING),
        ("verify", S.SERVICING, O.RUNNING),
    ],
)
def test_an_update_queues_prepares_and_runs(step: str, status: EnvironmentStatus, operation: OperationStatus) -> None:
    play = to(rollout(extensions=True), step)
    assert play.state.operation
    assert (play.state.status, play.state.operation.status) == (status, operation)


@pytest.mark.parametrize(
    ("failing", "statuses"),
    [
        (None, [S.QUEUED, S.SERVICING, S.DEPLOYED]),
        ("build-image", [S.QUEUED, S.DEPLOYED]),
        ("prepare-release", [S.QUEUED, S.DEPLOYED]),
        ("stop-services", [S.QUEUED, S.SERVICING, S.ROLLING_BACK, S.DEPLOYED]),
        ("verify", [S.QUEUED, S.SERVICING, S.ROLLING_BACK, S.DEPLOYED]),
    ],
)
def test_the_environment_goes_through_its_statuses(failing: str | None, statuses: list[EnvironmentStatus]) -> None:
    play = rollout()
    play.go_on(fail=failing)
    assert [one.status for one in play.said(EnvironmentStatusChanged)] == statuses


@pytest.mark.parametrize(
    ("function", "command", "before", "failing", "after"),
    [
        (restart_service, RESTART, S.DEPLOYED, None, S.DEPLOYED),
        (restart_service, RESTART, S.DEPLOYED, "restart-service", S.FAILED),
        (restart_service, RESTART, S.FAILED, None, S.DEPLOYED),
        (
            enable_maintenance_mode,
            EnableMaintenanceMode(environment="contoso-test"),
            S.DEPLOYED,
            None,
            S.IN_MAINTENANCE,
        ),
        (
            enable_maintenance_mode,
            EnableMaintenanceMode(environment="contoso-test"),
            S.DEPLOYED,
            "enable-maintenance",
            S.DEPLOYED,
        ),
        (
            disable_maintenance_mode,
            DisableMaintenanceMode(environment="contoso-test"),
            S.IN_MAINTENANCE,
            None,
            S.DEPLOYED,
        ),
        (
            disable_maintenance_mode,
            DisableMaintenanceMode(environment="contoso-test"),
            S.IN_MAINTENANCE,
            "disable-maintenance",
            S.IN_MAINTENANCE,
        ),
    ],
)
def test_restarts_and_maintenance_leave_the_environment_in_the_status_that_it_came_to(
    function: Any, command: Any, before: EnvironmentStatus, failing: str | None, after: EnvironmentStatus
) -> None:
    play = Play(environment(status=before)).command(function, command)
    finished = play.go_on(fail=failing)
    assert finished.outcome is (Outcome.FAILED if failing else Outcome.SUCCEEDED)
    assert finished.downtime_seconds is None
    assert status_of(play) is after


def test_every_step_is_told_when_it_begins_and_when_it_ends() -> None:
    play = rollout(extensions=True)
    play.go_on(fail="migrate-database")
    begun = [one.step for one in play.said(StepStarted)]
    assert begun == [one.record.name for one in play.said(StepFinished)]
    assert begun[-6:] == [
        "rollback-stop-services",
        "rollback-restore-database",
        "rollback-switch-release",
        "rollback-set-extensions",
        "rollback-start-services",
        "rollback-verify",
    ]
    [back] = play.said(RollbackStarted)
    assert (back.step, back.problem.reason) == ("migrate-database", "STEP_FAILED")


def test_the_downtime_is_the_time_from_the_stop_to_the_start() -> None:
    play = to(rollout(), "start-services")
    assert play.state.operation
    assert play.state.operation.stopped_at == NOW
    began = WorkEnded("step", "operation/start-services", StepDone(log=digest("start")), None)
    play.decide(answers.step_ended(play.state, began, None, NOW + timedelta(seconds=42)))
    assert play.go_on().downtime_seconds == 42


def test_an_operation_ends_although_the_clock_was_set_back_behind_its_stop() -> None:
    play = to(rollout(), "start-services")
    began = WorkEnded("step", "operation/start-services", StepDone(log=digest("start")), None)
    play.decide(answers.step_ended(play.state, began, None, NOW - timedelta(days=91)))
    assert play.go_on().downtime_seconds == 0


def test_services_that_are_stopped_again_for_a_rollback_have_been_away_since_the_first_time() -> None:
    play = to(rollout(), "migrate-database")
    failed: WorkEnded[StepDone] = WorkEnded(
        "step", "operation/migrate-database", None, Failure("exhausted", "the machine is away", 3)
    )
    play.decide(answers.step_ended(play.state, failed, None, NOW + timedelta(seconds=42)))
    assert play.state.operation
    assert play.state.operation.step
    assert play.state.operation.step.name == "rollback-stop-services"
    assert play.state.operation.stopped_at == NOW


@pytest.mark.parametrize("same", [False, True])
def test_the_image_that_is_left_behind_is_discarded_unless_it_is_the_one_that_runs(*, same: bool) -> None:
    state = to(rollout(), "verify").state
    assert state.operation
    assert state.operation.previous
    before = state.operation.previous.image
    if same:
        state = state.replace(operation=state.operation.replace(image=before))
    change = EnvironmentChange(state, NOW)
    closing.close(change, Outcome.SUCCEEDED)
    [left] = change.work.values()
    assert isinstance(left, ClosingInput)
    assert left.discard == (None if same else before)


def test_what_was_closed_of_an_earlier_operation_ends_no_later_one() -> None:
    earlier = WorkEnded("closing", "earlier", ClosingDone(log=None), None)
    assert closing.closed(rollout().state, earlier, None, NOW) is UNCHANGED


VERDICTS = {
    Verdict.COMPATIBLE: None,
    Verdict.COMPATIBLE_WITH_WARNINGS: None,
    Verdict.INCOMPATIBLE: (
        Reason.EXTENSIONS_INCOMPATIBLE,
        "1 extension(s) do not work with base 27.0/DE: Ledger 1.0: table Customer is gone",
    ),
    Verdict.UNVERIFIABLE: (
        Reason.EXTENSIONS_UNVERIFIABLE,
        f"cannot be judged against 27.0/DE; acknowledge to go on: Ledger ({LEDGER.app_id})",
    ),
    Verdict.CHECK_FAILED: (Reason.CHECK_FAILED, "the extensions could not be checked against 27.0/DE; try later"),
}


@pytest.mark.parametrize("verdict", Verdict)
def test_a_verdict_lets_the_update_go_on_or_ends_it_before_any_downtime(verdict: Verdict) -> None:
    play = rollout(extensions=True)
    [asked] = play.commands
    assert isinstance(asked, CheckCompatibility)
    answer = checked(asked, well=False, verdict=verdict)
    play.decide(answers.compatibility_checked(play.state, envelope(answer), None, NOW))
    finished = play.go_on()
    objection = VERDICTS[verdict]
    if objection is None:
        assert finished.outcome is Outcome.SUCCEEDED
        return
    assert finished.outcome is Outcome.FAILED
    assert finished.problem
    assert (finished.problem.reason, finished.problem.message) == objection
    assert play.machine.log == []


def test_what_was_acknowledged_may_stay_although_it_cannot_be_judged() -> None:
    state = environment(LEDGER)
    command = release().replace(acknowledge_unverifiable=(LEDGER.app_id,))
    play = Play(state).command(roll_out, command, package_facts())
    [asked] = play.commands
    assert isinstance(asked, CheckCompatibility)
    answer = checked(asked, well=False, verdict=Verdict.UNVERIFIABLE)
    play.decide(answers.compatibility_checked(play.state, envelope(answer), None, NOW))
    assert play.go_on().outcome is Outcome.SUCCEEDED


def test_an_answer_for_another_set_or_operation_does_not_count() -> None:
    play = rollout(extensions=True)
    [asked] = play.commands
    assert isinstance(asked, CheckCompatibility)
    answer = checked(asked)
    for other in ({"set_version": 6}, {"operation": "another"}, {"operation": None}, {"base": "28.0/DE"}):
        told = envelope(answer.replace(**other))
        assert answers.compatibility_checked(play.state, told, None, NOW) is UNCHANGED


def test_what_is_said_of_extensions_that_will_not_be_there_does_not_count_and_all_others_must_be_judged() -> None:
    rates = extension("Rates")
    state = environment(LEDGER, rates, staged=(staged(extension("Ledger", "2.0")),))
    play = Play(state).command(roll_out, release("Rates"), package_facts())
    [asked] = play.commands
    assert isinstance(asked, CheckCompatibility)
    broken = checked(asked.replace(extensions=(LEDGER, rates)), well=False)
    fine = checked(asked)
    both = broken.replace(extensions=(*broken.extensions, *fine.extensions))
    on = answers.compatibility_checked(play.state, envelope(both), None, NOW).state
    assert on
    assert on.operation
    assert on.operation.step
    assert on.operation.step.name == "build-image"
    play.decide(answers.compatibility_checked(play.state, envelope(broken), None, NOW))
    finished = play.go_on()
    assert finished.problem
    assert (finished.problem.reason, finished.problem.message) == (
        Reason.CHECK_FAILED,
        "the check against 27.0/DE did not judge Ledger 2.0; try later",
    )


@pytest.mark.parametrize(
    ("step", "reason", "patience"),
    [
        ("check-extensions", Reason.CHECK_FAILED, "0:10:00"),
        ("build-image", Reason.BUILD_FAILED, "1:00:00"),
    ],
)
def test_whoever_refuses_or_does_not_answer_ends_the_operation(step: str, reason: Reason, patience: str) -> None:
    play = to(rollout(extensions=True), step)
    overdue = answers.answer_overdue(play.state, TimerDue("answer", f"operation/{step}", NOW), None, NOW)
    play.decide(overdue)
    finished = play.go_on()
    assert finished.problem
    assert (finished.problem.reason, finished.problem.message) == (reason, f"no answer within {patience}")

    play = to(rollout(extensions=True), step)
    assert refused(play.state, "another-command") is UNCHANGED
    play.decide(refused(play.state, derived_id("operation", step)))
    finished = play.go_on()
    assert finished.problem
    assert (finished.problem.reason, finished.problem.message) == (reason, "TOO_BUSY: come again")


def refused(state: Environment, command: str) -> Any:
    answer = CommandRejected(
        command_key="contoso-test",
        command_id=command,
        command_type="image-builder.build-image.v1",
        reason="TOO_BUSY",
        message="come again",
    )
    return answers.question_refused(state, envelope(answer), None, NOW)


def test_an_operation_on_a_big_database_is_held_for_a_day_then_it_rolls_back() -> None:
    play = rollout()
    play.hold = True
    to(play, "migrate-database")
    early = TimerDue("hold", "operation", NOW)
    assert interventions.hold_expired(play.state, early, None, NOW) is UNCHANGED
    play.go(well=False)
    [held] = play.said(OperationHeld)
    assert (held.step, held.deadline) == ("migrate-database", NOW + HOLD_FOR)
    assert status_of(play) is S.FAILED
    assert play.state.operation
    assert play.state.operation.status is O.HELD
    due = TimerDue("hold", "another", NOW)
    assert interventions.hold_expired(play.state, due, None, NOW) is UNCHANGED
    play.decide(interventions.hold_expired(play.state, TimerDue("hold", "operation", NOW), None, NOW))
    finished = play.go_on()
    assert finished.outcome is Outcome.ROLLED_BACK
    assert finished.problem
    assert finished.problem.reason == Reason.HOLD_EXPIRED
    assert status_of(play) is S.DEPLOYED


def test_a_rollback_that_fails_waits_for_a_person_without_a_deadline() -> None:
    play = Play(environment()).command(
        install_extension, InstallExtension(environment="contoso-test", extension=LEDGER)
    )
    to(play, "verify").go(well=False)
    assert status_of(play) is S.ROLLING_BACK
    play.go(well=False)
    [held] = play.said(OperationHeld)
    assert held.step == "rollback-set-extensions"
    assert held.deadline is None
    assert held.problem.reason == Reason.ROLLBACK_FAILED
    assert status_of(play) is S.FAILED
    assert not play.said(OperationFinished)


def test_a_promotion_asks_for_no_image_and_names_its_promotion_at_the_end() -> None:
    state = environment(environment_kind=EnvironmentKind.PRODUCTION)
    play = Play(state).command(promote, IMAGE, image_facts())
    finished = play.go_on()
    assert play.commands == []
    assert finished.promotion == "contoso-test/1"
    assert finished.running
    assert finished.running.image == IMAGE.image
