"""Commands about extensions and releases that are refused: the reason, the sentence and the facts of each."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from services.servicing_executor.domain.extensions import (
    install_extension,
    stage_extension,
    uninstall_extension,
    unstage_extension,
)
from services.servicing_executor.domain.facts import PackageFacts
from services.servicing_executor.domain.restarts import restart_service
from services.servicing_executor.domain.state import Environment
from shared.contracts.message import Command
from shared.contracts.package_validator import PackageStatus
from shared.contracts.parts import PackageKind
from shared.contracts.servicing_executor import (
    ApplyRelease,
    EnvironmentStatus,
    InstallExtension,
    Reason,
    RestartableService,
    RestartService,
    StageExtension,
    StageFor,
    UninstallExtension,
    UnstageExtension,
)
from shared.kernel import NotYet, Rejected
from tests.unit.servicing_executor.play import (
    LATER,
    NEXT,
    NOW,
    PLATFORM,
    Play,
    app_id,
    envelope,
    environment,
    extension,
    package_facts,
    roll_out,
    staged,
)

LEDGER, FREIGHT = extension("Ledger"), extension("Freight", Ledger="1.0")
RATES = extension("Rates", Freight="1.0")
HAS = environment(LEDGER, FREIGHT, RATES)
LEDGER_2, LEDGER_3 = extension("Ledger", "2.0"), extension("Ledger", "3.0")
FREIGHT_2 = extension("Freight", "2.0", Ledger="2.0")
ENVIRONMENT = "contoso-test"


def install(one: Any) -> InstallExtension:
    return InstallExtension(environment=ENVIRONMENT, extension=one)


def stage(one: Any, stage_for: StageFor = StageFor.NEXT_MAJOR) -> StageExtension:
    return StageExtension(environment=ENVIRONMENT, extension=one, stage_for=stage_for)


def uninstall(name: str) -> UninstallExtension:
    return UninstallExtension(environment=ENVIRONMENT, app_id=app_id(name))


def unstage(name: str) -> UnstageExtension:
    return UnstageExtension(environment=ENVIRONMENT, app_id=app_id(name))


def release(**values: Any) -> ApplyRelease:
    return ApplyRelease(
        **{
            "environment": ENVIRONMENT,
            "release": "10.0.2",
            "package": NEXT,
            "update_name": "second",
            "not_after": LATER,
            **values,
        }
    )


def remove(*names: str, **values: Any) -> ApplyRelease:
    return release(remove_extensions=tuple(app_id(one) for one in names), set_version=7, **values)


FUNCTIONS: dict[type[Command], Callable[..., Any]] = {
    InstallExtension: install_extension,
    StageExtension: stage_extension,
    UnstageExtension: unstage_extension,
    UninstallExtension: uninstall_extension,
    ApplyRelease: roll_out,
}


def refusal(state: Environment, command: Command, facts: PackageFacts | None) -> Rejected | NotYet:
    with pytest.raises((Rejected, NotYet)) as refused:
        FUNCTIONS[type(command)](state, envelope(command), facts if isinstance(command, ApplyRelease) else None, NOW)
    assert isinstance(refused.value, Rejected | NotYet)
    return refused.value


@pytest.mark.parametrize(
    ("state", "command", "reason", "message", "facts"),
    [
        (
            HAS,
            install(FREIGHT),
            Reason.EXTENSION_NOT_NEWER,
            "Freight is installed in version 1.0",
            {},
        ),
        (
            HAS,
            install(FREIGHT_2),
            Reason.EXTENSION_DEPENDENCY_MISSING,
            f"Freight needs extensions that are not installed, or too old: {app_id('Ledger')} 2.0",
            {"missing": [f"{app_id('Ledger')} 2.0"]},
        ),
        (
            environment(*(extension(f"E{number}") for number in range(200))),
            install(LEDGER),
            Reason.TOO_MANY_EXTENSIONS,
            "contoso-test holds 200 extensions, the most it may",
            {},
        ),
        (
            HAS,
            uninstall("Sales"),
            Reason.EXTENSION_NOT_INSTALLED,
            f"contoso-test has no extension {app_id('Sales')}",
            {},
        ),
        (
            HAS,
            uninstall("Ledger"),
            Reason.EXTENSION_NEEDED,
            "uninstall first what depends on it: Freight",
            {"dependents": ["Freight"]},
        ),
        (
            environment(LEDGER, extension("Freight"), staged=(staged(FREIGHT_2), staged(LEDGER_2))),
            uninstall("Ledger"),
            Reason.EXTENSION_NEEDED,
            "uninstall first what depends on it: Freight 2.0 (staged)",
            {"dependents": ["Freight 2.0 (staged)"]},
        ),
        (
            HAS,
            stage(extension("Sales")),
            Reason.EXTENSION_NOT_INSTALLED,
            (
                f"contoso-test has no extension Sales ({app_id('Sales')}); only higher versions of installed "
                "extensions can be staged"
            ),
            {},
        ),
        (
            HAS,
            stage(LEDGER),
            Reason.EXTENSION_NOT_NEWER,
            "Ledger is installed in version 1.0",
            {},
        ),
        (
            HAS,
            stage(FREIGHT_2),
            Reason.EXTENSION_DEPENDENCY_MISSING,
            (
                "Freight needs extensions that are neither installed nor staged to come by next-major: "
                f"{app_id('Ledger')} 2.0"
            ),
            {"missing": [f"{app_id('Ledger')} 2.0"]},
        ),
        (
            HAS.replace(staged=(staged(LEDGER_2),)),
            stage(FREIGHT_2, StageFor.NEXT_MINOR),
            Reason.EXTENSION_DEPENDENCY_MISSING,
            (
                "Freight needs extensions that are neither installed nor staged to come by next-minor: "
                f"{app_id('Ledger')} 2.0"
            ),
            {"missing": [f"{app_id('Ledger')} 2.0"]},
        ),
        (
            HAS.replace(staged=(staged(LEDGER_2), staged(FREIGHT_2))),
            stage(extension("Ledger", "1.5")),
            Reason.EXTENSION_NEEDED,
            (
                "other staged versions depend on it, this version would leave them without what they need: "
                "Freight 2.0 (staged)"
            ),
            {"dependents": ["Freight 2.0 (staged)"]},
        ),
        (
            HAS,
            unstage("Ledger"),
            Reason.EXTENSION_NOT_INSTALLED,
            f"no version of extension {app_id('Ledger')} is staged in contoso-test",
            {},
        ),
        (
            HAS.replace(staged=(staged(LEDGER_2), staged(FREIGHT_2))),
            unstage("Ledger"),
            Reason.EXTENSION_NEEDED,
            "other staged versions depend on it, unstage them first: Freight 2.0 (staged)",
            {"dependents": ["Freight 2.0 (staged)"]},
        ),
        (
            HAS,
            release(not_after=NOW - timedelta(seconds=1)),
            Reason.START_MISSED,
            "the start was to be no later than 2026-11-21 21:59 UTC",
            {},
        ),
        (
            HAS,
            release(update_name="FIRST"),
            Reason.UPDATE_NAME_TAKEN,
            "an update 'FIRST' has succeeded in contoso-test; choose another name",
            {},
        ),
        (
            HAS,
            remove("Rates").replace(set_version=6),
            Reason.EXTENSION_SET_CHANGED,
            "the extensions of contoso-test were judged at set version 6, it is 7 now; check them again",
            {"set_version": 7},
        ),
        (
            HAS,
            release(set_version=8),
            Reason.EXTENSION_SET_CHANGED,
            "the extensions of contoso-test were judged at set version 8, it is 7 now; check them again",
            {"set_version": 7},
        ),
        (
            HAS,
            remove("Rates").replace(set_version=None),
            Reason.EXTENSION_SET_CHANGED,
            "name the set version at which the extensions to be removed were judged; it is 7 in contoso-test",
            {"set_version": 7},
        ),
        (
            HAS,
            remove("Rates", "Sales"),
            Reason.EXTENSION_NOT_INSTALLED,
            f"contoso-test has no extension {app_id('Sales')} to remove",
            {"app_ids": [app_id("Sales")]},
        ),
        (
            HAS,
            remove("Ledger"),
            Reason.EXTENSION_NEEDED,
            "others depend on what is to be removed; remove these too, or none: Rates 1.0, Freight 1.0",
            {"dependents": ["Rates", "Freight"], "app_ids": [app_id("Rates"), app_id("Freight")]},
        ),
        (
            environment(LEDGER, extension("Freight"), staged=(staged(extension("Freight", "2.0", Ledger="1.0")),)),
            remove("Ledger"),
            Reason.EXTENSION_NEEDED,
            "others depend on what is to be removed; remove these too, or none: Freight 2.0",
            {"dependents": ["Freight"], "app_ids": [app_id("Freight")]},
        ),
    ],
)
def test_a_command_is_refused_with_reason_sentence_and_facts(
    state: Environment, command: Command, reason: Reason, message: str, facts: dict[str, Any]
) -> None:
    refused = refusal(state, command, package_facts())
    assert isinstance(refused, Rejected)
    assert (refused.reason, refused.message, refused.facts) == (reason, message, facts)


def test_a_staged_version_that_stays_staged_may_not_lose_what_it_needs() -> None:
    waiting = staged(extension("Freight", "2.0", Ledger="1.0"))
    state = environment(LEDGER, extension("Freight"), staged=(waiting,))
    refused = refusal(state, remove("Ledger"), package_facts(base="26.1"))
    assert isinstance(refused, Rejected)
    assert refused.reason is Reason.EXTENSION_NEEDED
    assert refused.message == "staged versions depend on what is to be removed; unstage them first: Freight 2.0"
    assert refused.facts == {"dependents": ["Freight"], "app_ids": [app_id("Freight")]}


@pytest.mark.parametrize(
    ("facts", "values", "reason", "message"),
    [
        (
            package_facts(kind=PackageKind.CUSTOMIZATION),
            {},
            Reason.NOT_A_RELEASE,
            (
                "contoso/vendor-2 is a customization package; a release brings a platform package, and the environment "
                "keeps its own customization"
            ),
        ),
        (
            package_facts(kind=PackageKind.MERGED),
            {},
            Reason.NOT_A_RELEASE,
            (
                "contoso/vendor-2 is a merged package; a release brings a platform package, and the environment "
                "keeps its own customization"
            ),
        ),
        (
            package_facts(version="10.0.1", release="10.0.1"),
            {"package": PLATFORM, "release": "10.0.1"},
            Reason.SAME_IMAGE,
            "contoso-test runs the platform of release 10.0.1 already",
        ),
        (
            package_facts(version="10.0.0"),
            {},
            Reason.LOWER_VERSION,
            "the environment runs platform 7.10.0.1, the package brings 7.10.0.0",
        ),
        (
            package_facts(status=PackageStatus.INVALID),
            {},
            Reason.PACKAGE_NOT_VALID,
            "package contoso/vendor-2 is invalid",
        ),
        (
            package_facts(release=None),
            {"package": "fabrikam/vendor-2"},
            Reason.OTHER_PROJECT,
            "package fabrikam/vendor-2 belongs to another project than contoso",
        ),
    ],
)
def test_a_package_that_is_no_release_for_the_environment_is_refused(
    facts: PackageFacts, values: dict[str, Any], reason: Reason, message: str
) -> None:
    refused = refusal(HAS, release(**values), facts)
    assert isinstance(refused, Rejected)
    assert (refused.reason, refused.message) == (reason, message)


@pytest.mark.parametrize(
    ("facts", "values", "reason", "message"),
    [
        (
            package_facts(release=None),
            {},
            Reason.NOT_A_RELEASE,
            "contoso/vendor-2 is no release's platform package; publish release 10.0.2 with it first",
        ),
        (
            package_facts(release="10.0.3"),
            {},
            Reason.NOT_A_RELEASE,
            "contoso/vendor-2 is the platform package of release 10.0.3; publish release 10.0.2 with it first",
        ),
        (PackageFacts(None, None), {}, "UNKNOWN", "package contoso/vendor-2 is not known"),
        (
            package_facts(status=PackageStatus.CHECKING),
            {},
            Reason.PACKAGE_NOT_VALID,
            "package contoso/vendor-2 is still being checked",
        ),
    ],
)
def test_a_release_that_is_not_known_yet_is_waited_for(
    facts: PackageFacts, values: dict[str, Any], reason: str, message: str
) -> None:
    refused = refusal(HAS, release(**values), facts)
    assert isinstance(refused, NotYet)
    assert (str(refused), refused.reason, refused.waits_for) == (message, reason, NEXT)


def test_a_release_that_names_no_base_waits_for_one_unless_all_that_stay_are_acknowledged_or_leave() -> None:
    facts = package_facts(base=None)
    refused = refusal(HAS, release(acknowledge_unverifiable=(LEDGER.app_id, FREIGHT.app_id)), facts)
    assert isinstance(refused, NotYet)
    assert refused.reason is Reason.EXTENSIONS_UNVERIFIABLE
    assert f"acknowledge them: Rates ({app_id('Rates')})" in str(refused)
    acknowledged = remove("Rates", acknowledge_unverifiable=(LEDGER.app_id, FREIGHT.app_id))
    assert roll_out(HAS, envelope(acknowledged), facts, NOW).state


@pytest.mark.parametrize(
    "command", [install(extension("Sales")), stage(LEDGER_2), unstage("Ledger"), uninstall("Rates"), release()]
)
def test_every_command_needs_an_environment_that_runs_and_is_free(command: Command) -> None:
    def ready(status: EnvironmentStatus = EnvironmentStatus.DEPLOYED) -> Environment:
        return environment(LEDGER, FREIGHT, RATES, staged=(staged(LEDGER_2),), status=status)

    restart = RestartService(environment=ENVIRONMENT, service=RestartableService.AOS)
    busy = Play(ready()).command(restart_service, restart, id_="restart").state
    for state, reason, facts in (
        (busy, Reason.OPERATION_RUNNING, {"operation": "restart", "operation_kind": "restart-service"}),
        (ready(EnvironmentStatus.IN_MAINTENANCE), Reason.IN_MAINTENANCE, {}),
        (ready(EnvironmentStatus.FAILED), Reason.NOT_DEPLOYED, {}),
    ):
        refused = refusal(state, command, package_facts())
        assert isinstance(refused, Rejected)
        assert (refused.reason, refused.facts) == (reason, facts)
