"""What the scheduler keeps of what other services say."""

from typing import Any

import pytest
from hypothesis import given

from services.promotion_scheduler.domain import projections
from services.promotion_scheduler.domain.projections import (
    ReleasePackageProjection,
    ServicedEnvironmentProjection,
    UpdateProjection,
)
from shared.contracts.envelope import Envelope
from shared.contracts.message import Event
from shared.contracts.package_validator import PackageStatus, PackageSubmitted
from shared.contracts.parts import ArtifactRef, EnvironmentKind
from shared.contracts.promotion_scheduler import ReleasePublished
from shared.contracts.servicing_executor import (
    EnvironmentRegistered,
    ExtensionSetChanged,
    OperationAccepted,
    OperationFinished,
    OperationKind,
    Outcome,
)
from shared.formats.versions import version_numbers
from shared.kernel import UNCHANGED, Decision
from tests.support.projections import check_only_news_counts, deliveries, numbered
from tests.unit.promotion_scheduler.rollout_story import BASE
from tests.unit.promotion_scheduler.story import (
    EXTENSION,
    NOW,
    PRODUCTION,
    SANDBOX,
    accepted,
    envelope,
    finished,
    production,
    update,
)

REGISTERED = EnvironmentRegistered(
    environment=PRODUCTION, project="contoso", environment_kind=EnvironmentKind.PRODUCTION, country="DE"
)
CHANGED = ExtensionSetChanged(
    environment=PRODUCTION, project="contoso", set_version=1, extensions=(EXTENSION,), operation="operation-1"
)


def serviced(state: ServicedEnvironmentProjection, sequence: int, **changed: object) -> ServicedEnvironmentProjection:
    told = finished(**changed)  # type: ignore[arg-type]  # the names are those of the function
    after = projections.environment_after_operation(state, envelope(told, sequence=sequence), None, NOW).state_after(
        state
    )
    assert after
    return after


def test_an_environment_is_registered_serviced_and_extended() -> None:
    state = projections.environment_registered(None, envelope(REGISTERED, sequence=1), None, NOW).state
    assert state
    state = serviced(state, 2, kind=OperationKind.PROVISION, downtime=None)
    state = projections.extensions_changed(state, envelope(CHANGED, sequence=3), None, NOW).state
    assert state == ServicedEnvironmentProjection(
        sequence=3,
        project="contoso",
        kind=EnvironmentKind.PRODUCTION,
        country="DE",
        running=update(),
        set_version=1,
        extensions=(EXTENSION,),
    )


@pytest.mark.parametrize("sequence", [8, 9, 10])
def test_only_what_is_newer_than_what_is_known_changes_it(sequence: int) -> None:
    state = production().replace(sequence=9)
    ended = UpdateProjection(sequence=9, operation="one", outcome=Outcome.SUCCEEDED, update=update())
    decisions: list[Decision[Any]] = [
        projections.environment_registered(state, envelope(REGISTERED, sequence=sequence), None, NOW),
        projections.extensions_changed(state, envelope(CHANGED, sequence=sequence), None, NOW),
        projections.environment_after_operation(state, envelope(finished(), sequence=sequence), None, NOW),
        projections.update_accepted(ended, envelope(accepted(), sequence=sequence), None, NOW),
        projections.update_finished(ended, envelope(finished(), sequence=sequence), None, NOW),
    ]
    assert [decision is UNCHANGED for decision in decisions] == [sequence <= 9] * len(decisions)


@pytest.mark.parametrize(
    ("changed", "counts"),
    [
        ({"kind": OperationKind.PROMOTE}, True),
        ({"kind": OperationKind.APPLY}, True),
        ({"kind": OperationKind.RESTART_SERVICE}, False),
        ({"kind": OperationKind.PROVISION}, False),
        ({"outcome": Outcome.ROLLED_BACK}, False),
        ({"downtime": None}, False),
    ],
    ids=str,
)
def test_only_successful_updates_say_how_long_a_downtime_takes(changed: dict[str, object], counts: bool) -> None:
    state = serviced(production(), 2, **changed)
    assert state
    assert state.durations == ((60.0,) if counts else ())


def test_the_last_five_downtimes_are_kept() -> None:
    state = production()
    for number in range(1, 8):
        state = serviced(state, number + 1, downtime=float(number))
    assert state
    assert state.durations == (3.0, 4.0, 5.0, 6.0, 7.0)


def test_an_update_begins_and_ends() -> None:
    begun = projections.update_accepted(None, envelope(accepted(OperationKind.APPLY), sequence=1), None, NOW).state
    assert begun == UpdateProjection(sequence=1, operation="operation-1")
    failed = finished(Outcome.ROLLED_BACK, OperationKind.APPLY, running=update("Initial deployment"))
    after = projections.update_finished(begun, envelope(failed, sequence=2), None, NOW).state
    assert after == UpdateProjection(sequence=2, operation="operation-1", outcome=Outcome.ROLLED_BACK)
    succeeded = finished(Outcome.SUCCEEDED, OperationKind.APPLY)
    ended = projections.update_finished(after, envelope(succeeded, sequence=3), None, NOW).state
    assert ended
    assert ended.update == update()


def test_only_operations_that_make_an_update_reach_one() -> None:
    applied = accepted(OperationKind.APPLY, environment=SANDBOX, name=" November release ")
    assert projections.made_update(applied) == f"{SANDBOX}/november release"
    assert projections.made_update(accepted(OperationKind.PROMOTE)) is None
    assert projections.made_update(accepted(OperationKind.RESTART_SERVICE)) is None
    assert projections.made_update(accepted(OperationKind.APPLY, name=None)) is None


def test_a_package_that_is_submitted_again_is_being_checked() -> None:
    artifact = ArtifactRef(digest=f"sha256:{'a' * 64}", size=1, media_type="application/zip")
    told = PackageSubmitted(package="contoso/one", project="contoso", artifact=artifact, file_name="one.zip")
    failed = ReleasePackageProjection(sequence=2, status=PackageStatus.CHECK_FAILED)
    assert projections.package_submitted(failed, envelope(told, sequence=1), None, NOW) is UNCHANGED
    again = projections.package_submitted(failed, envelope(told, sequence=3), None, NOW).state
    assert again
    assert again.status is PackageStatus.CHECKING


LAST = finished(downtime=None, running=update(digit="7"))
ABOUT_AN_ENVIRONMENT = numbered(
    [
        REGISTERED,
        finished(running=update(digit="3")),
        CHANGED,
        finished(Outcome.FAILED, running=update(digit="3")),
        CHANGED.replace(set_version=2, extensions=()),
        LAST,
    ],
    NOW,
)
ABOUT_AN_UPDATE = numbered(
    [
        accepted(OperationKind.APPLY),
        finished(Outcome.FAILED, OperationKind.APPLY),
        accepted(OperationKind.APPLY),
        finished(kind=OperationKind.APPLY),
    ],
    NOW,
)


@given(deliveries(ABOUT_AN_ENVIRONMENT))
def test_repeats_and_old_news_about_an_environment_in_any_order_end_in_the_latest(
    delivered: list[Envelope[Any]],
) -> None:
    decide: dict[type[Event], Any] = {
        EnvironmentRegistered: projections.environment_registered,
        OperationFinished: projections.environment_after_operation,
        ExtensionSetChanged: projections.extensions_changed,
    }
    first: ServicedEnvironmentProjection | None = check_only_news_counts(decide, ABOUT_AN_ENVIRONMENT[:1])
    state = check_only_news_counts(decide, [*delivered, ABOUT_AN_ENVIRONMENT[-1]], state=first)
    assert state
    assert state.running == LAST.running


@given(deliveries(ABOUT_AN_UPDATE))
def test_repeats_and_old_news_about_an_update_in_any_order_end_in_the_latest(delivered: list[Envelope[Any]]) -> None:
    decide: dict[type[Event], Any] = {
        OperationAccepted: projections.update_accepted,
        OperationFinished: projections.update_finished,
    }
    state: UpdateProjection | None = check_only_news_counts(decide, [*delivered, ABOUT_AN_UPDATE[-1]])
    assert state
    assert (state.outcome, state.update) == (Outcome.SUCCEEDED, update())


def _published(version: str) -> ReleasePublished:
    return ReleasePublished(
        version=version,
        package=f"contoso/release-{version}",
        platform_version="27.0.1.0",
        application_version=version,
        base_version=BASE,
    )


RELEASES = numbered([_published(one) for one in ("27.0", "27.0.1", "27.0.2", "27.0.10", "27.1")], NOW)


@given(deliveries(RELEASES))
def test_of_the_releases_with_a_base_in_any_order_the_newest_counts(delivered: list[Envelope[Any]]) -> None:
    state: projections.BaseReleaseProjection | None = check_only_news_counts(
        {ReleasePublished: projections.release_published},
        [*delivered, RELEASES[-1]],
        rank_of_news=lambda message: version_numbers(message.data.version),
        rank_of_kept=lambda release: version_numbers(release.version),
    )
    assert state
    assert (state.version, state.package) == ("27.1", "contoso/release-27.1")


@pytest.mark.parametrize("versions", [("27.0.2", "27.0.10"), ("27.0.10", "27.0.2"), ("27.0.10", "27.0.10")])
def test_of_several_releases_with_a_base_the_newest_counts(versions: tuple[str, ...]) -> None:
    state: projections.BaseReleaseProjection | None = None
    for version in versions:
        state = projections.release_published(state, envelope(_published(version)), None, NOW).state_after(state)
    assert state is not None
    assert (state.version, state.package) == ("27.0.10", "contoso/release-27.0.10")
