"""Production begins what promotion-scheduler has announced, exactly and at its time, and nothing else."""

from datetime import timedelta
from typing import Any

import pytest

from services.servicing_executor.domain.facts import ImageFacts, RolloutFacts
from services.servicing_executor.domain.guards import CLOCKS_APART
from services.servicing_executor.domain.images import apply_image
from services.servicing_executor.domain.projections.built_images import ImageProjection
from services.servicing_executor.domain.projections.promotions import PromotionProjection
from services.servicing_executor.domain.projections.rollouts import RolloutProjection, RolloutStage
from services.servicing_executor.domain.releases import apply_release
from services.servicing_executor.domain.state import Environment
from shared.contracts.parts import EnvironmentKind
from shared.contracts.promotion_scheduler import (
    PromotionStatus,
)
from shared.contracts.servicing_executor import ApplyImage, ApplyRelease, OperationKind, Reason
from shared.kernel import NotYet, Rejected
from tests.unit.servicing_executor.play import (
    CANDIDATE,
    LATER,
    NEXT,
    NOW,
    Play,
    announced_promotion,
    announced_rollout,
    app_id,
    digest,
    envelope,
    environment,
    extension,
    image_facts,
    package_facts,
)

PRODUCTION = environment(environment_kind=EnvironmentKind.PRODUCTION)
IMAGE = digest("candidate")
PROMOTION = "contoso-test/1"
COMMAND = ApplyImage(
    environment="contoso-test", update_name="second", image=IMAGE, promotion=PROMOTION, not_after=LATER
)
BUILT = image_facts().image
SECOND = timedelta(seconds=1)


def begin(
    promotion: PromotionProjection | None, image: ImageProjection | None = BUILT, state: Environment = PRODUCTION
) -> Environment:
    """The environment once the promotion has begun."""
    begun = apply_image(state, envelope(COMMAND), ImageFacts(image, promotion), NOW).state
    assert begun
    return begun


def test_a_promotion_that_is_what_was_announced_begins() -> None:
    operation = begin(announced_promotion(COMMAND)).operation
    assert operation
    assert (operation.kind, operation.image, operation.promotion) == (OperationKind.PROMOTE, IMAGE, PROMOTION)


def test_a_promotion_nobody_has_announced_is_waited_for_and_then_refused() -> None:
    with pytest.raises(
        NotYet, match=f"has announced no promotion {PROMOTION}; schedule the candidate again"
    ) as refused:
        begin(None)
    assert (refused.value.reason, refused.value.waits_for) == (Reason.PROMOTION_UNKNOWN, PROMOTION)


@pytest.mark.parametrize(
    ("announcement", "reason", "words", "facts"),
    [
        (
            {"environment": "contoso-prod2"},
            Reason.OTHER_ENVIRONMENT,
            "goes to contoso-prod2; schedule one to contoso-test",
            {"environment": "contoso-prod2"},
        ),
        (
            {"image": digest("another")},
            Reason.OTHER_IMAGE,
            "cancel it and schedule another candidate",
            {"image": digest("another")},
        ),
        (
            {"update_name": "Second"},
            Reason.OTHER_UPDATE_NAME,
            "is of update 'Second'; an update keeps its name",
            {"update_name": "Second"},
        ),
        *(
            (
                {"status": status},
                Reason.PROMOTION_NOT_OPEN,
                f"is {status.value}, and a promotion begins once; schedule the candidate again",
                {"status": status.value},
            )
            for status in PromotionStatus
            if status is not PromotionStatus.SCHEDULED
        ),
    ],
)
def test_what_differs_from_the_announcement_is_refused(
    announcement: dict[str, Any], reason: Reason, words: str, facts: dict[str, str]
) -> None:
    with pytest.raises(Rejected) as refused:
        begin(announced_promotion(COMMAND, **announcement))
    assert (refused.value.reason, refused.value.facts) == (reason, facts)
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("ahead", "outcome"),
    [
        (-SECOND, None),
        (timedelta(0), None),
        (SECOND, NotYet),
        (CLOCKS_APART, NotYet),
        (CLOCKS_APART + timedelta(microseconds=1), Rejected),
    ],
)
def test_a_promotion_begins_at_its_start_and_not_before(ahead: timedelta, outcome: type[Exception] | None) -> None:
    promotion = announced_promotion(COMMAND, start=NOW + ahead)
    if outcome is None:
        assert begin(promotion)
        return
    with pytest.raises(outcome) as refused:
        begin(promotion)
    assert isinstance(refused.value, NotYet | Rejected)
    assert refused.value.reason is Reason.START_NOT_REACHED
    if isinstance(refused.value, Rejected):
        assert refused.value.earliest == NOW + ahead


def test_a_promotion_begins_once_though_the_scheduler_has_not_said_yet_that_it_began() -> None:
    play = Play(PRODUCTION)
    play.decide(apply_image(play.state, envelope(COMMAND), ImageFacts(BUILT, announced_promotion(COMMAND)), NOW))
    assert play.go_on(fail="verify").promotion == PROMOTION
    with pytest.raises(Rejected) as refused:
        begin(announced_promotion(COMMAND), state=play.state)
    assert (refused.value.reason, refused.value.facts) == (Reason.PROMOTION_NOT_OPEN, {"status": "started"})


@pytest.mark.parametrize("dropped", [("ContosoReports",), ("ContosoReports", "ContosoSales")])
def test_an_image_that_dropped_modules_is_not_promoted(dropped: tuple[str, ...]) -> None:
    assert BUILT
    less = BUILT.replace(contents=BUILT.contents.replace(dropped=dropped))
    with pytest.raises(Rejected, match="without a removal file; apply a package that has these modules") as refused:
        begin(announced_promotion(COMMAND), less)
    assert (refused.value.reason, refused.value.facts) == (Reason.NOT_PROMOTABLE, {"dropped": list(dropped)})


@pytest.mark.parametrize(
    ("candidates", "outcome", "reason"),
    [
        ((), NotYet, Reason.NOT_A_CANDIDATE),
        ((CANDIDATE.replace(sandbox="contoso-uat2"),), NotYet, Reason.NOT_A_CANDIDATE),
        ((CANDIDATE.replace(project="mallory"),), Rejected, Reason.OTHER_PROJECT),
        ((CANDIDATE.replace(sandbox="contoso-uat2"), CANDIDATE), None, None),
    ],
)
def test_only_what_was_deployed_in_the_sandbox_of_the_promotion_and_marked_is_promoted(
    candidates: tuple[Any, ...], outcome: type[Exception] | None, reason: Reason | None
) -> None:
    assert BUILT
    image = BUILT.replace(candidates=candidates)
    if outcome is None:
        assert begin(announced_promotion(COMMAND), image).operation
        return
    with pytest.raises(outcome) as refused:
        begin(announced_promotion(COMMAND), image)
    assert isinstance(refused.value, NotYet | Rejected)
    assert refused.value.reason is reason


HAS = environment(extension("Ledger"), extension("Rates"), environment_kind=EnvironmentKind.PRODUCTION)
RELEASE = ApplyRelease(
    environment="contoso-test",
    release="10.0.2",
    package=NEXT,
    update_name="Release 10.0.2",
    not_after=LATER,
    remove_extensions=(app_id("Rates"),),
    set_version=7,
)
FACTS = package_facts()


def roll_out(rollout: RolloutProjection | None, command: ApplyRelease = RELEASE) -> Environment:
    """The environment once the rollout has begun."""
    facts = RolloutFacts(FACTS.package, FACTS.release, rollout)
    begun = apply_release(HAS, envelope(command), facts, NOW).state
    assert begun
    return begun


@pytest.mark.parametrize(
    "announcement", [{}, {"remove_extensions": (app_id("Ledger"), app_id("Rates"))}, {"start": NOW - SECOND}]
)
def test_a_rollout_that_is_what_was_announced_begins_on_production(announcement: dict[str, Any]) -> None:
    operation = roll_out(announced_rollout(RELEASE, **announcement)).operation
    assert operation
    assert operation.kind is OperationKind.ROLL_OUT


@pytest.mark.parametrize(
    ("rollout", "reason"),
    [
        (None, Reason.ROLLOUT_UNKNOWN),
        (announced_rollout(RELEASE, package=None), Reason.ROLLOUT_UNKNOWN),
        (announced_rollout(RELEASE, release="10.0.1"), Reason.OTHER_RELEASE),
        (announced_rollout(RELEASE, release="10.0.3"), Reason.OTHER_RELEASE),
        (announced_rollout(RELEASE, package="mallory/vendor-2"), Reason.OTHER_RELEASE),
        (announced_rollout(RELEASE, stage=RolloutStage.STARTED), Reason.ROLLOUT_NOT_OPEN),
        (announced_rollout(RELEASE, stage=RolloutStage.ENDED), Reason.ROLLOUT_NOT_OPEN),
        (announced_rollout(RELEASE, remove_extensions=()), Reason.OTHER_REMOVALS),
        (announced_rollout(RELEASE, remove_extensions=(app_id("Ledger"),)), Reason.OTHER_REMOVALS),
        (announced_rollout(RELEASE, start=NOW + SECOND), Reason.START_NOT_REACHED),
    ],
)
def test_a_rollout_that_differs_from_the_last_plan_waits_for_a_newer_one(
    rollout: RolloutProjection | None, reason: Reason
) -> None:
    with pytest.raises(NotYet) as refused:
        roll_out(rollout)
    assert refused.value.reason is reason
    if reason is not Reason.START_NOT_REACHED:
        assert refused.value.waits_for == "contoso-test"


def test_a_rollout_long_before_its_window_is_refused() -> None:
    with pytest.raises(Rejected) as refused:
        roll_out(announced_rollout(RELEASE, start=NOW + 2 * CLOCKS_APART))
    assert (refused.value.reason, refused.value.earliest) == (Reason.START_NOT_REACHED, NOW + 2 * CLOCKS_APART)
