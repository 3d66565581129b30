"""Whatever fails at whatever step: what did not succeed leaves image, database, extensions and staged versions."""

from collections.abc import Callable
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from services.servicing_executor.domain.extensions import install_extension, uninstall_extension
from services.servicing_executor.domain.interventions import (
    cancel_operation,
    hold_expired,
    resume_operation,
    roll_back_operation,
)
from services.servicing_executor.domain.plans import PLANS
from services.servicing_executor.domain.updates import apply_update
from shared.contracts.parts import EnvironmentKind
from shared.contracts.servicing_executor import (
    ApplyImage,
    ApplyRelease,
    ApplyUpdate,
    CancelOperation,
    EnvironmentStatus,
    ExtensionSetChanged,
    InstallExtension,
    OperationFinished,
    OperationHeld,
    OperationStatus,
    Outcome,
    ResumeOperation,
    RollBackOperation,
    StageFor,
    UninstallExtension,
)
from shared.kernel import Rejected, TimerDue
from tests.unit.servicing_executor.play import (
    LATER,
    NEXT,
    NOW,
    Play,
    digest,
    environment,
    extension,
    image_facts,
    package_facts,
    promote,
    roll_out,
    staged,
)

LEDGER, FREIGHT, RATES = extension("Ledger"), extension("Freight", Ledger="1.0"), extension("Rates", Freight="1.0")
BEFORE = environment(
    LEDGER,
    FREIGHT,
    RATES,
    environment_kind=EnvironmentKind.SANDBOX,
    staged=(staged(extension("Ledger", "2.0")), staged(extension("Freight", "2.0"), StageFor.NEXT_MINOR)),
)
PRODUCTION = BEFORE.replace(environment_kind=EnvironmentKind.PRODUCTION)
OPERATION = {"environment": "contoso-test", "operation": "operation"}
STEPS = sorted({step.value for steps in PLANS.values() for step in steps})
BACK_STEPS = [
    "rollback-stop-services",
    "rollback-restore-database",
    "rollback-switch-release",
    "rollback-set-extensions",
    "rollback-start-services",
    "rollback-verify",
]


def release() -> Play:
    command = ApplyRelease(
        environment="contoso-test",
        release="10.0.2",
        package=NEXT,
        update_name="second",
        not_after=LATER,
        remove_extensions=(FREIGHT.app_id, RATES.app_id),
        set_version=7,
    )
    return Play(PRODUCTION).command(roll_out, command, package_facts())


def update() -> Play:
    command = ApplyUpdate(environment="contoso-test", package=NEXT, update_name="second")
    return Play(BEFORE).command(apply_update, command, package_facts())


def promotion() -> Play:
    command = ApplyImage(
        environment="contoso-test",
        update_name="second",
        image=digest("candidate"),
        promotion="contoso-test/1",
        not_after=LATER,
    )
    return Play(PRODUCTION).command(promote, command, image_facts())


def install() -> Play:
    command = InstallExtension(environment="contoso-test", extension=extension("Ledger", "3.0"))
    return Play(BEFORE).command(install_extension, command)


def uninstall() -> Play:
    return Play(BEFORE).command(
        uninstall_extension, UninstallExtension(environment="contoso-test", app_id=RATES.app_id)
    )


def give_up(play: Play, how: str) -> None:
    """Decide about a held operation; nobody may let a failed rollback be."""
    if how == "roll back":
        play.command(roll_back_operation, RollBackOperation(**OPERATION), id_="roll-back")
    elif how == "wait" and play.said(OperationHeld)[-1].deadline:
        play.decide(hold_expired(play.state, TimerDue("hold", "operation", NOW), None, NOW))
    else:
        play.command(resume_operation, ResumeOperation(**OPERATION), id_="resume")


def run(play: Play, fails: set[str], cancel_at: str | None, decisions: list[str]) -> OperationFinished:
    """Go on to the end: each step of `fails` fails once; a person cancels, and decides about what is held."""
    left = set(fails)
    for _ in range(100):
        operation = play.state.operation
        if operation is None:
            return play.said(OperationFinished)[-1]
        if operation.status is OperationStatus.HELD:
            give_up(play, decisions.pop() if decisions else "resume")
            continue
        step = operation.step.name if operation.step else ""
        if step == cancel_at:
            cancel_at = None
            try:
                play.command(cancel_operation, CancelOperation(**OPERATION), id_="cancel")
            except Rejected:
                event("cancelled too late")
            continue
        play.go(well=step not in left)
        left.discard(step)
    raise AssertionError("it comes to no end")


@given(
    st.sampled_from([release, update, promotion, install, uninstall]),
    st.sets(st.sampled_from(STEPS), max_size=2),
    st.sets(st.sampled_from(BACK_STEPS), max_size=3),
    st.none() | st.sampled_from(STEPS),
    st.lists(st.sampled_from(["roll back", "wait", "resume"]), max_size=6),
    st.booleans(),
    st.booleans(),
)
def test_what_does_not_succeed_leaves_everything_as_it_was(
    begin: Callable[[], Play],
    fails: set[str],
    back_fails: set[str],
    cancel_at: str | None,
    decisions: list[str],
    hold: bool,
    half_done: bool,
) -> None:
    play = begin()
    before = BEFORE if play.state.environment_kind is EnvironmentKind.SANDBOX else PRODUCTION
    play.hold, play.half_done = hold, half_done
    finished = run(play, fails | back_fails, cancel_at, decisions)
    event(f"{finished.operation_kind.value}: {finished.outcome.value}")
    state, machine = play.state, play.machine
    assert len(play.said(OperationFinished)) == 1
    assert state.status is EnvironmentStatus.DEPLOYED
    assert set(machine.extensions) == set(state.extensions)
    assert state.running
    assert (machine.image, machine.database) == (state.running.image, state.running.image)
    changed = play.said(ExtensionSetChanged)
    if finished.outcome is Outcome.SUCCEEDED:
        assert len(changed) == 1
        assert state.set_version == before.set_version + 1
        gone = {one.app_id for one in before.extensions} - {one.app_id for one in state.extensions}
        assert set(finished.removed_extensions) == gone
        return
    assert finished.problem
    assert changed == []
    assert finished.removed_extensions == ()
    assert kept(state) == kept(before)


def kept(state: Any) -> tuple[Any, ...]:
    return state.running, state.extensions, state.staged, state.set_version, state.names, state.updates


def test_the_model_comes_to_every_end() -> None:
    """The cases that the property is about do occur."""
    ends = {
        run(release(), set(), None, []).outcome,
        run(release(), {"build-image"}, None, []).outcome,
        run(release(), {"migrate-database"}, None, []).outcome,
        run(release(), set(), "prepare-release", []).outcome,
    }
    assert ends == set(Outcome)
    held = release()
    held.hold = True
    assert run(held, {"set-extensions", "rollback-set-extensions"}, None, ["resume", "roll back"]).outcome is (
        Outcome.ROLLED_BACK
    )
    assert len(held.said(OperationHeld)) == 2
