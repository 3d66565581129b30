"""What the scheduler keeps of what other services say."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.promotion_scheduler.domain import known
from services.promotion_scheduler.domain.known import KnownEnvironment, KnownUpdate
from shared.contracts.package_validator import PackageStatus, PackageSubmitted
from shared.contracts.parts import ArtifactRef, EnvironmentKind
from shared.contracts.servicing_executor import (
    EnvironmentRegistered,
    ExtensionSetChanged,
    OperationKind,
    Outcome,
)
from shared.kernel import UNCHANGED
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


def serviced(state: KnownEnvironment | None, sequence: int, **changed: object) -> KnownEnvironment | None:
    told = finished(**changed)  # type: ignore[arg-type]  # the names are those of the function
    return known.environment_serviced(state, envelope(told, sequence=sequence), None, NOW).state


def test_an_environment_is_registered_serviced_and_extended() -> None:
    state = known.environment_registered(None, envelope(REGISTERED, sequence=1), None, NOW).state
    state = serviced(state, 2, kind=OperationKind.PROVISION, downtime=None)
    state = known.extensions_changed(state, envelope(CHANGED, sequence=3), None, NOW).state
    assert state == KnownEnvironment(
        sequence=3,
        project="contoso",
        kind=EnvironmentKind.PRODUCTION,
        country="DE",
        running=update(),
        set_version=1,
        extensions=(EXTENSION,),
    )


def test_what_is_older_than_what_is_known_changes_nothing() -> None:
    state = production().model_copy(update={"sequence": 9})
    assert known.environment_registered(state, envelope(REGISTERED, sequence=1), None, NOW).state == state
    assert known.extensions_changed(state, envelope(CHANGED, sequence=9), None, NOW).state == state
    assert serviced(state, 8) == state
    ended = KnownUpdate(sequence=9, operation="one", outcome=Outcome.SUCCEEDED, update=update())
    assert known.update_begun(ended, envelope(accepted(), sequence=8), None, NOW).state == ended


def test_an_environment_that_was_never_registered_is_not_known() -> None:
    assert serviced(None, 5) is None
    assert known.extensions_changed(None, envelope(CHANGED, sequence=5), None, NOW).state is None


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
    state: KnownEnvironment | None = production()
    for number in range(1, 8):
        state = serviced(state, number + 1, downtime=float(number))
    assert state
    assert state.durations == (3.0, 4.0, 5.0, 6.0, 7.0)


def test_an_update_begins_and_ends() -> None:
    begun = known.update_begun(None, envelope(accepted(OperationKind.APPLY), sequence=1), None, NOW).state
    assert begun == KnownUpdate(sequence=1, operation="operation-1")
    failed = finished(Outcome.ROLLED_BACK, OperationKind.APPLY, running=update("Initial deployment"))
    after = known.update_ended(begun, envelope(failed, sequence=2), None, NOW).state
    assert after == KnownUpdate(sequence=2, operation="operation-1", outcome=Outcome.ROLLED_BACK)
    succeeded = finished(Outcome.SUCCEEDED, OperationKind.APPLY)
    ended = known.update_ended(after, envelope(succeeded, sequence=3), None, NOW).state
    assert ended
    assert ended.update == update()


def test_only_operations_that_make_an_update_reach_one() -> None:
    applied = accepted(OperationKind.APPLY, environment=SANDBOX, name=" November release ")
    assert known.made_update(applied) == f"{SANDBOX}/november release"
    assert known.made_update(accepted(OperationKind.PROMOTE)) is None
    assert known.made_update(accepted(OperationKind.RESTART_SERVICE)) is None
    assert known.made_update(accepted(OperationKind.APPLY, name=None)) is None


def test_a_package_that_is_submitted_again_is_being_checked() -> None:
    artifact = ArtifactRef(digest=f"sha256:{'a' * 64}", size=1, media_type="application/zip")
    told = PackageSubmitted(package="contoso/one", project="contoso", artifact=artifact, file_name="one.zip")
    failed = known.KnownPackage(sequence=2, status=PackageStatus.CHECK_FAILED)
    assert known.package_submitted(failed, envelope(told, sequence=1), None, NOW) is UNCHANGED
    again = known.package_submitted(failed, envelope(told, sequence=3), None, NOW).state
    assert again
    assert again.status is PackageStatus.CHECKING


@given(st.randoms(use_true_random=False))
def test_repeats_and_old_news_in_any_order_end_in_the_latest(order: random.Random) -> None:
    told = [(number, finished(downtime=None, running=update(digit=str(number)))) for number in range(2, 8)]
    last = told[-1]
    shuffled = [*told, *told]
    order.shuffle(shuffled)
    state: KnownEnvironment | None = production()
    for number, event in shuffled:
        state = known.environment_serviced(state, envelope(event, sequence=number), None, NOW).state
    assert state
    assert state.running == last[1].running
