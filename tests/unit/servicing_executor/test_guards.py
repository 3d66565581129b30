"""Commands that bring an image, and those that keep it: which are refused, why, and with which facts."""

from datetime import timedelta
from typing import Any

import pytest

from services.servicing_executor.domain.facts import ImageFacts, PackageFacts
from services.servicing_executor.domain.guards import check_in_time, check_versions
from services.servicing_executor.domain.interventions import cancel_operation, resume_operation, roll_back_operation
from services.servicing_executor.domain.maintenance import disable_maintenance_mode, enable_maintenance_mode
from services.servicing_executor.domain.projections.built_images import ImageProjection
from services.servicing_executor.domain.registration import register_environment
from services.servicing_executor.domain.restarts import restart_service
from services.servicing_executor.domain.sign_off import sign_off_update
from services.servicing_executor.domain.state import Environment
from services.servicing_executor.domain.updates import apply_update
from shared.contracts.message import Command
from shared.contracts.package_validator import PackageStatus
from shared.contracts.parts import EnvironmentKind, Module, PackageKind
from shared.contracts.servicing_executor import (
    ApplyImage,
    ApplyUpdate,
    CancelOperation,
    DisableMaintenanceMode,
    EnableMaintenanceMode,
    EnvironmentStatus,
    Reason,
    RegisterEnvironment,
    RestartableService,
    RestartService,
    ResumeOperation,
    RollBackOperation,
    SignOff,
    SignOffUpdate,
)
from shared.kernel import NotYet, Rejected
from tests.unit.servicing_executor.play import (
    CANDIDATE,
    LATER,
    NEXT,
    NOW,
    Play,
    contents,
    digest,
    envelope,
    environment,
    image_facts,
    package_facts,
    promote,
    roll_out,
)
from tests.unit.servicing_executor.test_releases import release

SANDBOX = environment()
SECOND = timedelta(seconds=1)
PRODUCTION = environment(environment_kind=EnvironmentKind.PRODUCTION)
CUSTOMIZATION = package_facts(kind=PackageKind.CUSTOMIZATION, release=None)
BUSY = Play(SANDBOX).command(roll_out, release(), package_facts(), "busy").state
FUNCTIONS: dict[type[Command], Any] = {
    RegisterEnvironment: register_environment,
    ApplyUpdate: apply_update,
    ApplyImage: promote,
    RestartService: restart_service,
    EnableMaintenanceMode: enable_maintenance_mode,
    DisableMaintenanceMode: disable_maintenance_mode,
    CancelOperation: cancel_operation,
    ResumeOperation: resume_operation,
    RollBackOperation: roll_back_operation,
    SignOffUpdate: sign_off_update,
}


def registered(**values: Any) -> RegisterEnvironment:
    return RegisterEnvironment(
        **{
            "environment": "contoso-test",
            "project": "contoso",
            "environment_kind": EnvironmentKind.SANDBOX,
            "country": "DE",
            "package": NEXT,
            **values,
        }
    )


def update(**values: Any) -> ApplyUpdate:
    return ApplyUpdate(**{"environment": "contoso-test", "package": NEXT, "update_name": "second", **values})


def image(**values: Any) -> ApplyImage:
    return ApplyImage(
        **{
            "environment": "contoso-test",
            "update_name": "second",
            "image": digest("candidate"),
            "promotion": "contoso-test/1",
            "not_after": LATER,
            **values,
        }
    )


def on(command: type[Command], **values: Any) -> Command:
    return command(environment="contoso-test", **values)


def refusal(state: Environment | None, command: Command, facts: PackageFacts | ImageFacts | None) -> Rejected | NotYet:
    with pytest.raises((Rejected, NotYet)) as refused:
        FUNCTIONS[type(command)](state, envelope(command), facts, NOW)
    assert isinstance(refused.value, Rejected | NotYet)
    return refused.value


def with_modules(*names: str) -> PackageFacts:
    """A customization package with these modules."""
    package = CUSTOMIZATION.package
    assert package
    assert package.contents
    modules = tuple(Module(name=name, version="2.0") for name in names)
    changed = package.contents.replace(modules=modules)
    return PackageFacts(package.replace(contents=changed), None)


MISSING = {
    "added": [{"name": "Other", "version": "2.0"}],
    "changed": [],
    "missing": [{"name": "ContosoSales", "version": "1.0"}],
}
RUNNING = {"operation": "busy", "operation_kind": "roll-out"}


@pytest.mark.parametrize(
    ("state", "command", "facts", "reason", "message"),
    [
        (SANDBOX, registered(), package_facts(), Reason.ENVIRONMENT_EXISTS, "contoso-test is registered already"),
        (
            None,
            registered(),
            CUSTOMIZATION,
            Reason.PLATFORM_NEEDED,
            "contoso/vendor-2 brings no platform; register with a platform or merged package",
        ),
        (
            None,
            registered(project="fabrikam"),
            package_facts(release=None),
            Reason.OTHER_PROJECT,
            "package contoso/vendor-2 belongs to another project than fabrikam",
        ),
        (
            None,
            registered(),
            package_facts(status=PackageStatus.CHECK_FAILED),
            Reason.PACKAGE_NOT_VALID,
            "package contoso/vendor-2 is check-failed",
        ),
        (
            PRODUCTION,
            update(),
            package_facts(),
            Reason.PRODUCTION_NEEDS_PROMOTION,
            "contoso-test is production: apply the package to a sandbox and promote the update",
        ),
        (
            SANDBOX,
            update(update_name="First"),
            package_facts(),
            Reason.UPDATE_NAME_TAKEN,
            "an update 'First' has succeeded in contoso-test; choose another name",
        ),
        (
            SANDBOX,
            update(),
            package_facts(version="10.0.0"),
            Reason.LOWER_VERSION,
            "the environment runs platform 7.10.0.1, the package brings 7.10.0.0",
        ),
        (
            SANDBOX,
            image(),
            image_facts(),
            Reason.NOT_PRODUCTION,
            "contoso-test is a sandbox; promotions go to production",
        ),
        (
            PRODUCTION,
            image(not_after=NOW - timedelta(minutes=1)),
            image_facts(),
            Reason.START_MISSED,
            "the start was to be no later than 2026-11-21 21:59 UTC",
        ),
        (
            PRODUCTION,
            image(),
            image_facts(project="fabrikam"),
            Reason.OTHER_PROJECT,
            "the image belongs to fabrikam",
        ),
        (
            PRODUCTION,
            image(image=digest("first")),
            image_facts(),
            Reason.SAME_IMAGE,
            "contoso-test runs this image already",
        ),
        (
            PRODUCTION,
            image(),
            image_facts(version="10.0.0"),
            Reason.HIGHER_VERSION,
            "contoso-test runs application 10.0.1, the image has 10.0.0",
        ),
        (
            PRODUCTION,
            image(update_name="FIRST"),
            image_facts(),
            Reason.UPDATE_NAME_TAKEN,
            "an update 'FIRST' has succeeded in contoso-test; choose another name",
        ),
        (
            SANDBOX,
            on(DisableMaintenanceMode),
            None,
            Reason.NOT_IN_MAINTENANCE,
            "contoso-test is not in maintenance mode",
        ),
        (
            SANDBOX,
            on(CancelOperation, operation="nothing"),
            None,
            Reason.UNKNOWN_OPERATION,
            "no operation nothing runs on contoso-test",
        ),
        (
            BUSY,
            on(ResumeOperation, operation="busy"),
            None,
            Reason.NOT_HELD,
            "operation busy is preparing, not held",
        ),
        (
            BUSY,
            on(RollBackOperation, operation="busy"),
            None,
            Reason.NOT_HELD,
            "operation busy is preparing, not held",
        ),
        (
            SANDBOX,
            on(SignOffUpdate, update_name="third", sign_off=SignOff.CLEAN),
            None,
            Reason.NO_SUCH_UPDATE,
            "no update 'third' has succeeded in contoso-test",
        ),
    ],
)
def test_a_command_is_refused_with_reason_and_sentence(
    state: Environment | None,
    command: Command,
    facts: PackageFacts | ImageFacts | None,
    reason: Reason,
    message: str,
) -> None:
    refused = refusal(state, command, facts)
    assert isinstance(refused, Rejected)
    assert (refused.reason, refused.message, refused.facts) == (reason, message, {})


@pytest.mark.parametrize(
    ("acknowledged", "message"),
    [
        ((), "the package lacks modules that run: ContosoSales; acknowledge exactly these to drop them"),
        (("Other",), "the package lacks modules that run: ContosoSales; acknowledge exactly these to drop them"),
        (
            ("ContosoSales", "Other"),
            "the package lacks modules that run: ContosoSales; acknowledge exactly these to drop them",
        ),
    ],
)
def test_modules_that_are_missing_are_acknowledged_exactly(acknowledged: tuple[str, ...], message: str) -> None:
    refused = refusal(SANDBOX, update(acknowledge_missing_modules=acknowledged), with_modules("Other"))
    assert isinstance(refused, Rejected)
    assert (refused.reason, refused.message, refused.facts) == (Reason.MODULES_MISSING, message, MISSING)
    accepted = update(acknowledge_missing_modules=("CONTOSOSALES",))
    assert apply_update(SANDBOX, envelope(accepted), with_modules("Other"), NOW).state


def test_nothing_may_be_acknowledged_where_nothing_is_missing() -> None:
    refused = refusal(SANDBOX, update(acknowledge_missing_modules=("ContosoSales",)), with_modules("ContosoSales"))
    assert isinstance(refused, Rejected)
    assert refused.message == "no module that runs is missing in the package; acknowledge none"


@pytest.mark.parametrize(
    ("command", "facts"),
    [
        (update(), package_facts()),
        (image(), image_facts()),
        (on(RestartService, service=RestartableService.AOS), None),
        (on(EnableMaintenanceMode), None),
        (on(DisableMaintenanceMode), None),
    ],
)
def test_while_an_operation_runs_every_other_is_refused_with_its_name(command: Command, facts: Any) -> None:
    kind = EnvironmentKind.PRODUCTION if isinstance(command, ApplyImage) else EnvironmentKind.SANDBOX
    refused = refusal(BUSY.replace(environment_kind=kind), command, facts)
    assert isinstance(refused, Rejected)
    assert (refused.reason, refused.facts) == (Reason.OPERATION_RUNNING, RUNNING)
    assert refused.message == "roll-out busy runs on contoso-test; wait for its end"


STATUSES = [status for status in EnvironmentStatus if status is not EnvironmentStatus.DEPLOYED]


@pytest.mark.parametrize("status", STATUSES)
def test_nothing_but_its_end_is_done_in_maintenance_and_nothing_where_nothing_is_deployed(
    status: EnvironmentStatus,
) -> None:
    state = environment(status=status)
    wanted = Reason.IN_MAINTENANCE if status is EnvironmentStatus.IN_MAINTENANCE else Reason.NOT_DEPLOYED
    for command, facts in ((update(), package_facts()), (on(EnableMaintenanceMode), None)):
        assert refusal(state, command, facts).reason is wanted
    restart = on(RestartService, service=RestartableService.AOS)
    if status is EnvironmentStatus.FAILED:
        assert restart_service(state, envelope(restart), None, NOW).state
    else:
        assert refusal(state, restart, None).reason is Reason.NOT_DEPLOYED


@pytest.mark.parametrize(
    ("command", "facts", "waits_for"),
    [
        (update(), PackageFacts(None, None), NEXT),
        (update(), package_facts(status=PackageStatus.SUBMITTED), NEXT),
        (image(), ImageFacts(None, None), digest("candidate")),
    ],
)
def test_what_is_not_known_yet_is_waited_for(command: Command, facts: Any, waits_for: str) -> None:
    kind = EnvironmentKind.PRODUCTION if isinstance(command, ApplyImage) else EnvironmentKind.SANDBOX
    refused = refusal(environment(environment_kind=kind), command, facts)
    assert isinstance(refused, NotYet)
    assert refused.waits_for == waits_for


def test_an_image_of_the_same_version_may_be_promoted() -> None:
    facts = ImageFacts(ImageProjection(project="contoso", contents=contents(), candidates=(CANDIDATE,)), None)
    assert promote(PRODUCTION, envelope(image()), facts, NOW).state


@pytest.mark.parametrize(
    ("platform", "application", "lower"),
    [
        ("7.10.0.0", "10.0.2", "platform 7.10.0.1, the package brings 7.10.0.0"),
        ("7.10.0.1", "10.0.0", "application 10.0.1, the package brings 10.0.0"),
        ("7.10.0.1", "10.0.1", None),
        ("7.10.0.2", "10.0.2", None),
        ("7.10.0.10", "10.0.1", None),
    ],
    ids=["platform below", "application below", "the same", "above", "above by number"],
)
@pytest.mark.parametrize("kind", [PackageKind.PLATFORM, PackageKind.MERGED])
def test_a_platform_may_be_applied_again_and_only_a_lower_one_is_refused(
    platform: str, application: str, lower: str | None, kind: PackageKind
) -> None:
    package = package_facts(kind=kind).package
    assert package
    assert package.contents
    brings = package.contents.replace(platform_version=platform, application_version=application)
    running = contents(version="10.0.1")
    if lower is None:
        check_versions(running, brings)
        return
    with pytest.raises(Rejected, match=f"the environment runs {lower}") as refused:
        check_versions(running, brings)
    assert refused.value.reason is Reason.LOWER_VERSION


def test_a_customization_package_for_a_lower_platform_keeps_the_one_that_runs() -> None:
    package = package_facts(kind=PackageKind.CUSTOMIZATION, version="10.0.0").package
    assert package
    assert package.contents
    check_versions(contents(version="10.0.1"), package.contents)


@pytest.mark.parametrize(("late", "in_time"), [(-SECOND, True), (timedelta(0), True), (SECOND, False)])
def test_a_start_is_in_time_up_to_its_last_moment(late: timedelta, in_time: bool) -> None:
    if in_time:
        check_in_time(NOW, NOW + late)
        return
    with pytest.raises(Rejected) as refused:
        check_in_time(NOW, NOW + late)
    assert refused.value.reason is Reason.START_MISSED
