"""A hundred and twenty days of an environment with an extension that breaks, with a new process every week."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.contracts.extension_compatibility_checker import (
    CompatibilityChecked,
    ExtensionIncompatible,
    PublishBase,
    RemediationEnded,
    RemediationEnding,
    RemediationPolicy,
    RemediationReminded,
    RemediationStarted,
    RemovalDue,
    WithoutRecipient,
)
from shared.contracts.parts import EnvironmentKind, Extension, ExtensionScope, ImageContents, Update, Verdict
from shared.contracts.promotion_scheduler import ReleasePublished
from shared.contracts.servicing_executor import (
    EnvironmentRegistered,
    ExtensionSetChanged,
    OperationFinished,
    OperationKind,
    Outcome,
    StagedExtension,
    StageFor,
)
from tests.support.al_packages import EXTENSION_ID, base_app, extension, field, table
from tests.unit.extension_compatibility_checker.remediation_story import ENVIRONMENT, PROJECT, START
from tests.unit.extension_compatibility_checker.simulated_checker import SimulatedChecker

TODAY, NEXT = "25.1.1.0", "26.0.7.0"
CUSTOMER = table(18, "Customer", field(1, "No.", "Code[20]"))
VENDOR = table(23, "Vendor", field(1, "No.", "Code[20]"))
USES_VENDOR = "codeunit 50000 Mine { var V: Record Vendor; }"
USES_CUSTOMER = "codeunit 50000 Mine { var C: Record Customer; }"


@pytest.fixture
async def checker(tmp_path: Path) -> AsyncIterator[SimulatedChecker]:
    """An environment on base 25 with an extension that uses a table of which base 26 knows nothing any more."""
    one = SimulatedChecker(tmp_path)
    one.start()
    for version, objects in ((TODAY, (CUSTOMER, VENDOR)), (NEXT, (CUSTOMER,))):
        package = await one.put(base_app(*objects, version=version))
        one.send(PublishBase(base=f"{version}/DE", packages=(package,)))
    one.send(
        EnvironmentRegistered(
            environment=ENVIRONMENT, project=PROJECT, environment_kind=EnvironmentKind.PRODUCTION, country="DE"
        ),
        runs(TODAY),
        installed(1, await mine(one, "1.0.0.0", USES_VENDOR)),
        from_executor=True,
    )
    await one.day(0)
    one.send(
        ReleasePublished(
            version="10.0.47",
            package="contoso/platform",
            platform_version="7.0.1.1",
            application_version="10.0.1.1",
            base_version=NEXT,
            published_at=START,
        )
    )
    yield one
    await one.stop()


async def mine(checker: SimulatedChecker, version: str, source: str) -> Extension:
    return Extension(
        app_id=EXTENSION_ID,
        name="Contoso Extension",
        publisher="Contoso",
        version=version,
        scope=ExtensionScope.TENANT,
        artifact=await checker.put(extension(source, version=version)),
        dependencies=(),
    )


def installed(set_version: int, one: Extension, *staged: Extension) -> ExtensionSetChanged:
    return ExtensionSetChanged(
        environment=ENVIRONMENT,
        project=PROJECT,
        set_version=set_version,
        extensions=(one,),
        staged=tuple(StagedExtension(extension=each, stage_for=StageFor.NEXT_MAJOR) for each in staged),
        operation=f"operation-{set_version}",
    )


def runs(base_version: str) -> OperationFinished:
    contents = ImageContents(
        platform_package="contoso/platform",
        customization_package=None,
        platform_version="7.0.1.1",
        application_version="10.0.1.1",
        base_version=base_version,
        modules=(),
        dropped=(),
    )
    return OperationFinished(
        environment=ENVIRONMENT,
        project=PROJECT,
        environment_kind=EnvironmentKind.PRODUCTION,
        operation="operation-0",
        operation_kind=OperationKind.PROVISION,
        outcome=Outcome.SUCCEEDED,
        update_name=None,
        package=None,
        promotion=None,
        running=Update(name="first", image="sha256:" + "b" * 64, contents=contents),
        accepted_at=START,
        finished_at=START,
        downtime_seconds=None,
        steps=(),
        log=None,
        problem=None,
    )


async def test_found_told_reminded_and_due_on_the_ninetieth_day_once(checker: SimulatedChecker) -> None:
    await checker.days(1, 120, restart_every=7)
    assert checker.starts == 18
    [(found, broken)] = checker.of(ExtensionIncompatible)
    [(_, checked)] = checker.of(CompatibilityChecked)
    assert (found, broken.removal_days, broken.base, checked.verdict) == (1, 90, f"{NEXT}/DE", Verdict.INCOMPATIBLE)
    assert [finding.code for finding in broken.findings] == ["AL0185"]
    [(told, started)] = checker.of(RemediationStarted)
    assert told == 1
    due_at = started.dates.removal_due_at
    assert due_at
    assert (due_at - START).days == 91
    reminded = checker.of(RemediationReminded)
    assert [day for day, _ in reminded] == [31, 61, 77, 84, 90]
    assert [one.reminder for _, one in reminded] == [1, 2, 3, 4, 5]
    [(day, due)] = checker.of(RemovalDue)
    assert (day, due.set_version, due.extension.app_id) == (91, 1, EXTENSION_ID)
    assert not checker.of(RemediationEnded)


async def test_a_fix_that_is_staged_on_the_sixtieth_day_ends_it(checker: SimulatedChecker) -> None:
    await checker.days(1, 59, restart_every=7)
    first = await mine(checker, "1.0.0.0", USES_VENDOR)
    second = await mine(checker, "1.1.0.0", USES_VENDOR)
    checker.send(installed(2, second), from_executor=True)
    await checker.days(59, 59)
    assert not checker.of(RemediationEnded)
    checker.send(installed(3, first, await mine(checker, "2.0.0.0", USES_CUSTOMER)), from_executor=True)
    await checker.days(60, 120, restart_every=7)
    [(day, ended)] = checker.of(RemediationEnded)
    assert (day, ended.ending) == (60, RemediationEnding.STAGED)
    assert not checker.of(RemovalDue)
    assert len(checker.of(RemediationStarted)) == 1


async def test_without_a_recipient_nothing_is_removed_unless_the_policy_says_so(checker: SimulatedChecker) -> None:
    checker.recipient = False
    await checker.days(1, 110, restart_every=7)
    assert not checker.of(RemediationStarted)
    assert not checker.of(RemovalDue)
    tries = [day for day, _ in checker.of(ExtensionIncompatible)]
    assert len(tries) == 16
    checker.set_policy(RemediationPolicy(without_recipient=WithoutRecipient.FROM_DETECTION))
    await checker.days(111, 120)
    assert [day for day, _ in checker.of(RemovalDue)] == [111]


async def test_a_service_that_is_down_over_the_due_date_tells_it_when_it_is_up_again(
    checker: SimulatedChecker,
) -> None:
    await checker.days(1, 80)
    await checker.stop()
    await checker.days(81, 99)
    checker.send(installed(2, await mine(checker, "1.1.0.0", USES_VENDOR)), from_executor=True)
    checker.start()
    await checker.days(100, 120)
    [(day, due)] = checker.of(RemovalDue)
    assert (day, due.set_version, due.extension.version) == (100, 2, "1.1.0.0")
    assert len(checker.of(RemediationReminded)) == 3
