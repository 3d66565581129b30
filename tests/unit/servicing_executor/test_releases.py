"""A release comes to an environment: its steps, what is asked of others, what it leaves behind."""

import pytest

from services.servicing_executor.domain.answers import answer_overdue, step_ended
from services.servicing_executor.domain.interventions import cancel_operation
from services.servicing_executor.domain.plans import StepName, plan, rollback_plan
from services.servicing_executor.domain.registration import register_environment
from services.servicing_executor.domain.sign_off import sign_off_update
from services.servicing_executor.domain.state import UPDATES_KEPT, Environment
from services.servicing_executor.domain.updates import apply_update
from services.servicing_executor.domain.work import StepDone
from shared.contracts.extension_compatibility_checker import CheckCompatibility
from shared.contracts.image_builder import BuildImage
from shared.contracts.parts import EnvironmentKind, Extension, PackageKind
from shared.contracts.servicing_executor import (
    ApplyImage,
    ApplyRelease,
    ApplyUpdate,
    CancelOperation,
    EnvironmentRegistered,
    EnvironmentStatus,
    EnvironmentStatusChanged,
    ExtensionSetChanged,
    OperationAccepted,
    OperationFinished,
    OperationKind,
    Outcome,
    Reason,
    RegisterEnvironment,
    SignOff,
    SignOffUpdate,
    StageFor,
    StepStarted,
    UpdateSignedOff,
)
from shared.kernel import UNCHANGED, Rejected, TimerDue, WorkEnded
from tests.unit.servicing_executor.play import (
    LATER,
    NEXT,
    NOW,
    Play,
    app_id,
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

LEDGER, FREIGHT, RATES = extension("Ledger"), extension("Freight", Ledger="1.0"), extension("Rates", Freight="1.0")
LEDGER_2 = extension("Ledger", "2.0")
HAS = environment(LEDGER, FREIGHT, RATES, staged=(staged(LEDGER_2),))
DEPLOY = "stop-services snapshot-database switch-release"
RUN = "migrate-database start-services verify"


def release(*removed: str, name: str = "Vendor 10.0.2") -> ApplyRelease:
    return ApplyRelease(
        environment="contoso-test",
        release="10.0.2",
        package=NEXT,
        update_name=name,
        not_after=LATER,
        remove_extensions=tuple(app_id(one) for one in removed),
        set_version=7,
    )


@pytest.mark.parametrize(
    ("kind", "options", "steps"),
    [
        (OperationKind.APPLY, "", f"build-image prepare-release {DEPLOY} {RUN}"),
        (OperationKind.APPLY, "sets", f"build-image prepare-release {DEPLOY} set-extensions {RUN}"),
        (OperationKind.PROMOTE, "", f"prepare-release {DEPLOY} {RUN}"),
        (
            OperationKind.PROMOTE,
            "checks fetches sets",
            f"check-extensions prepare-release fetch-extensions {DEPLOY} set-extensions {RUN}",
        ),
        (
            OperationKind.ROLL_OUT,
            "checks sets",
            f"check-extensions build-image prepare-release {DEPLOY} set-extensions {RUN}",
        ),
        (
            OperationKind.ROLL_OUT,
            "checks fetches sets",
            f"check-extensions build-image prepare-release fetch-extensions {DEPLOY} set-extensions {RUN}",
        ),
        (OperationKind.INSTALL_EXTENSION, "fetches sets", "fetch-extensions install-extension verify"),
        (OperationKind.UNINSTALL_EXTENSION, "sets", "uninstall-extension verify"),
        (OperationKind.STAGE_EXTENSION, "fetches sets", ""),
        (OperationKind.UNSTAGE_EXTENSION, "sets", ""),
        (OperationKind.RESTART_SERVICE, "sets", "restart-service"),
        (
            OperationKind.PROVISION,
            "",
            "build-image create-environment prepare-release switch-release migrate-database start-services verify",
        ),
    ],
)
def test_an_operation_has_the_steps_that_it_needs(kind: OperationKind, options: str, steps: str) -> None:
    needed = {name: name in options for name in ("checks", "fetches", "sets")}
    assert [name.value for name in plan(kind, **needed)] == steps.split()


BACK = "rollback-switch-release rollback-start-services rollback-verify"
BACK_WITH_EXTENSIONS = "rollback-switch-release rollback-set-extensions rollback-start-services rollback-verify"


@pytest.mark.parametrize(
    ("kind", "failed", "has_snapshot", "steps"),
    [
        (OperationKind.ROLL_OUT, "check-extensions", False, ""),
        (OperationKind.ROLL_OUT, "build-image", False, ""),
        (OperationKind.ROLL_OUT, "fetch-extensions", False, ""),
        (OperationKind.ROLL_OUT, "stop-services", False, f"rollback-stop-services {BACK}"),
        (OperationKind.ROLL_OUT, "snapshot-database", False, f"rollback-stop-services {BACK}"),
        (OperationKind.ROLL_OUT, "switch-release", True, f"rollback-stop-services rollback-restore-database {BACK}"),
        (
            OperationKind.ROLL_OUT,
            "set-extensions",
            True,
            f"rollback-stop-services rollback-restore-database {BACK_WITH_EXTENSIONS}",
        ),
        (
            OperationKind.ROLL_OUT,
            "verify",
            True,
            f"rollback-stop-services rollback-restore-database {BACK_WITH_EXTENSIONS}",
        ),
        (OperationKind.INSTALL_EXTENSION, "fetch-extensions", False, ""),
        (OperationKind.INSTALL_EXTENSION, "install-extension", False, "rollback-set-extensions rollback-verify"),
        (OperationKind.INSTALL_EXTENSION, "verify", False, "rollback-set-extensions rollback-verify"),
        (OperationKind.UNINSTALL_EXTENSION, "uninstall-extension", False, "rollback-set-extensions rollback-verify"),
        (OperationKind.RESTART_SERVICE, "restart-service", False, ""),
        (OperationKind.PROVISION, "migrate-database", False, ""),
    ],
)
def test_a_rollback_goes_back_over_what_was_begun(
    kind: OperationKind, failed: str, *, has_snapshot: bool, steps: str
) -> None:
    forward = plan(kind, checks=True, fetches=True, sets=True)
    begun = [name.value for name in forward[: forward.index(StepName(failed)) + 1]]
    assert [name.value for name in rollback_plan(begun, has_snapshot=has_snapshot)] == steps.split()


@pytest.mark.parametrize("kind", EnvironmentKind)
def test_a_release_brings_its_platform_takes_out_what_is_named_and_puts_in_what_is_staged(
    kind: EnvironmentKind,
) -> None:
    play = Play(HAS.replace(environment_kind=kind))
    play.command(roll_out, release("Freight", "Rates"), package_facts())
    [accepted] = play.said(OperationAccepted)
    assert accepted.operation_kind is OperationKind.ROLL_OUT
    assert (accepted.package, accepted.update_name) == (NEXT, "Vendor 10.0.2")
    assert accepted.changes
    assert accepted.changes.missing == ()
    finished = play.go_on()
    assert finished.outcome is Outcome.SUCCEEDED
    assert (
        [step.name for step in finished.steps]
        == list(accepted.steps)
        == [
            "check-extensions",
            "build-image",
            "prepare-release",
            "fetch-extensions",
            "stop-services",
            "snapshot-database",
            "switch-release",
            "set-extensions",
            "migrate-database",
            "start-services",
            "verify",
        ]
    )
    asked, build = play.commands
    assert isinstance(asked, CheckCompatibility)
    assert (asked.extensions, asked.replaced) == ((LEDGER_2,), (LEDGER,))
    assert (asked.base, asked.current_base, asked.set_version) == ("27.0/DE", "26.0/DE", 7)
    assert isinstance(build, BuildImage)
    assert (build.package, build.base_image, build.base_version) == (NEXT, digest("first"), "27.0")
    assert build.may_drop == ()
    assert finished.removed_extensions == (RATES.app_id, FREIGHT.app_id)
    [changed] = play.said(ExtensionSetChanged)
    assert (changed.set_version, changed.extensions, changed.staged) == (8, (LEDGER_2,), ())
    assert play.machine.extensions == play.state.extensions == (LEDGER_2,)
    assert play.state.set_version == 8
    assert play.state.running
    assert (play.state.running.name, play.state.running.image) == ("Vendor 10.0.2", play.machine.image)
    assert play.machine.database == play.machine.image
    assert play.events.index(changed) < play.events.index(finished)


def test_a_release_is_an_update_whose_name_is_taken_and_that_can_be_signed_off() -> None:
    play = Play(environment()).command(roll_out, release(), package_facts())
    assert play.go_on().removed_extensions == ()
    assert not play.said(ExtensionSetChanged)
    with pytest.raises(Rejected) as refused:
        roll_out(play.state, envelope(release(name="VENDOR 10.0.2"), "again"), package_facts(), NOW)
    assert refused.value.reason is Reason.UPDATE_NAME_TAKEN
    mark = SignOffUpdate(environment="contoso-test", update_name="Vendor 10.0.2", sign_off=SignOff.CLEAN)
    play.command(sign_off_update, mark)
    [signed] = play.said(UpdateSignedOff)
    assert signed.operation == "operation"


def test_nothing_is_checked_where_nothing_stays_or_the_base_is_the_same() -> None:
    play = Play(environment(LEDGER)).command(roll_out, release("Ledger"), package_facts())
    assert play.go_on().removed_extensions == (LEDGER.app_id,)
    assert not [one for one in play.commands if isinstance(one, CheckCompatibility)]
    play = Play(HAS).command(roll_out, release("Rates"), package_facts(base="26.0"))
    finished = play.go_on()
    assert next(step.name for step in finished.steps) == "build-image"
    assert play.state.extensions == (LEDGER, FREIGHT)
    assert play.state.staged == HAS.staged


MINOR = environment(LEDGER, staged=(staged(LEDGER_2, StageFor.NEXT_MINOR),))
UPDATE = ApplyUpdate(environment="contoso-test", package=NEXT, update_name="second")
IMAGE = ApplyImage(
    environment="contoso-test",
    update_name="second",
    image=digest("candidate"),
    promotion="contoso-test/1",
    not_after=LATER,
)


@pytest.mark.parametrize(
    ("state", "base", "comes"),
    [(MINOR, "26.1", True), (MINOR, "26.0", False), (HAS, "26.1", False), (HAS, "27.0", True)],
    ids=["minor by minor", "minor by the same", "major by minor", "major by major"],
)
@pytest.mark.parametrize("way", ["apply", "promote"])
def test_updates_of_sandboxes_and_promotions_install_staged_versions_too(
    state: Environment, base: str, way: str, *, comes: bool
) -> None:
    if way == "apply":
        play = Play(state).command(apply_update, UPDATE, package_facts(base))
    else:
        production = state.replace(environment_kind=EnvironmentKind.PRODUCTION)
        play = Play(production).command(promote, IMAGE, image_facts(base))
    assert play.go_on().outcome is Outcome.SUCCEEDED
    first: Extension = play.state.extensions[0]
    assert first == (LEDGER_2 if comes else LEDGER)
    assert (play.state.staged == ()) is comes
    assert len(play.said(ExtensionSetChanged)) == int(comes)
    assert set(play.machine.extensions) == set(play.state.extensions)
    checks = [one for one in play.commands if isinstance(one, CheckCompatibility)]
    assert [one.replaced for one in checks] == ([(LEDGER,) if comes else ()] if base != "26.0" else [])


def test_a_customization_package_leaves_staged_versions_where_they_are() -> None:
    facts = package_facts(kind=PackageKind.CUSTOMIZATION, release=None)
    play = Play(MINOR).command(apply_update, UPDATE, facts)
    assert play.go_on().outcome is Outcome.SUCCEEDED
    assert play.state.extensions == (LEDGER,)
    assert play.state.staged == MINOR.staged


@pytest.mark.parametrize("before", ["check-extensions", "build-image", "prepare-release", "fetch-extensions"])
def test_a_release_that_is_cancelled_before_the_downtime_leaves_everything(before: str) -> None:
    play = Play(HAS).command(roll_out, release("Freight", "Rates"), package_facts())
    while play.state.operation and play.state.operation.step and play.state.operation.step.name != before:
        play.go()
    play.command(cancel_operation, CancelOperation(environment="contoso-test", operation="operation"), id_="cancel")
    finished = play.go_on()
    assert finished.outcome is Outcome.CANCELLED
    assert finished.removed_extensions == ()
    assert finished.downtime_seconds is None
    assert play.state == HAS
    assert play.machine.extensions == HAS.extensions


def test_a_release_whose_services_were_stopped_cannot_be_cancelled() -> None:
    play = Play(HAS).command(roll_out, release("Freight", "Rates"), package_facts())
    while play.go() != "fetch-extensions":
        pass
    with pytest.raises(Rejected) as refused:
        play.command(cancel_operation, CancelOperation(environment="contoso-test", operation="operation"))
    assert refused.value.reason is Reason.NOT_CANCELLABLE


@pytest.mark.parametrize(
    ("failing", "reason"),
    [
        ("check-extensions", Reason.EXTENSIONS_INCOMPATIBLE),
        ("build-image", Reason.BUILD_FAILED),
        ("fetch-extensions", Reason.STEP_FAILED),
    ],
)
def test_a_release_that_fails_before_the_downtime_has_failed_and_touched_nothing(failing: str, reason: Reason) -> None:
    play = Play(HAS).command(roll_out, release("Freight", "Rates"), package_facts())
    finished = play.go_on(fail=failing)
    assert finished.outcome is Outcome.FAILED
    assert finished.problem
    assert finished.problem.reason == reason
    assert play.state == HAS
    assert not {"stop-services", "rollback-stop-services"} & set(play.machine.log)


def test_what_is_told_of_another_step_or_operation_changes_nothing() -> None:
    play = Play(HAS).command(roll_out, release("Rates"), package_facts())
    state = play.state
    late = StepDone(log=digest("late"))
    for argument in ("operation/set-extensions", "another/check-extensions", "operation/verify"):
        assert step_ended(state, WorkEnded("step", argument, late, None), None, NOW) is UNCHANGED
        assert answer_overdue(state, TimerDue("answer", argument, NOW), None, NOW) is UNCHANGED
    overdue = answer_overdue(state, TimerDue("answer", "operation/check-extensions", NOW), None, NOW)
    play.decide(overdue)
    finished = play.go_on()
    assert finished.problem
    assert finished.problem.reason == Reason.CHECK_FAILED


REGISTER = RegisterEnvironment(
    environment="contoso-test",
    project="contoso",
    environment_kind=EnvironmentKind.SANDBOX,
    country="DE",
    package=NEXT,
)


def test_a_first_deployment_that_fails_has_nothing_to_go_back_to_and_may_be_registered_again() -> None:
    play = Play(environment())
    play.decide(register_environment(None, envelope(REGISTER), package_facts(), NOW))
    finished = play.go_on(fail="migrate-database")
    assert finished.outcome is Outcome.FAILED
    assert finished.running is None
    assert play.state.status is EnvironmentStatus.FAILED
    play.command(register_environment, REGISTER, package_facts(), id_="again")
    assert play.go_on().outcome is Outcome.SUCCEEDED
    assert len(play.said(OperationFinished)) == 2


def test_an_environment_is_registered_then_its_operation_accepted_then_its_status_changes() -> None:
    registered = register_environment(None, envelope(REGISTER), package_facts(), NOW)
    assert [type(one) for one in registered.events] == [EnvironmentRegistered, OperationAccepted, StepStarted]
    applied = apply_update(environment(), envelope(UPDATE), package_facts(), NOW)
    assert [type(one) for one in applied.events] == [OperationAccepted, EnvironmentStatusChanged, StepStarted]


def test_the_latest_updates_can_be_signed_off_and_all_names_stay_taken() -> None:
    play = Play(environment())
    for number in range(UPDATES_KEPT + 1):
        named = UPDATE.replace(update_name=f"update {number}")
        assert play.command(apply_update, named, package_facts(base="26.0")).go_on().outcome is Outcome.SUCCEEDED
    assert [one.update_name for one in play.state.updates] == [f"update {n}" for n in range(1, UPDATES_KEPT + 1)]
    assert play.state.names[:2] == ("first", "update 0")
    mark = SignOffUpdate(environment="contoso-test", update_name="update 0", sign_off=SignOff.CLEAN)
    with pytest.raises(Rejected, match="no update 'update 0' has succeeded"):
        sign_off_update(play.state, envelope(mark), None, NOW)
