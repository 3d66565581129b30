"""What the executor keeps of candidates, promotions, rollouts and releases."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.servicing_executor.domain.facts import ImageFacts
from services.servicing_executor.domain.images import apply_image
from services.servicing_executor.domain.projections import built_images, platforms, promotions, rollouts
from services.servicing_executor.domain.projections.built_images import ImageProjection, SandboxFacts
from services.servicing_executor.domain.projections.platforms import PlatformReleaseProjection
from services.servicing_executor.domain.projections.rollouts import RolloutProjection, RolloutStage
from services.servicing_executor.domain.state import Environment
from shared.contracts.envelope import Envelope
from shared.contracts.image_builder import ImageBuilt
from shared.contracts.parts import Downtime, EnvironmentKind, Problem, Update
from shared.contracts.promotion_scheduler import (
    CandidateMarked,
    PromotionCancelled,
    PromotionCompleted,
    PromotionFailed,
    PromotionRefused,
    PromotionScheduled,
    PromotionStarted,
    PromotionStatus,
    ReleasePublished,
    RolloutFinished,
    RolloutPlanned,
    RolloutSkipped,
    RolloutStarted,
)
from shared.contracts.servicing_executor import ApplyImage
from shared.kernel import UNCHANGED, NotYet
from tests.support.projections import check_only_news_counts, deliveries, numbered
from tests.unit.servicing_executor.play import (
    CANDIDATE,
    LATER,
    NEXT,
    NOW,
    Play,
    announced_promotion,
    app_id,
    contents,
    digest,
    envelope,
    environment,
    image_facts,
)

PRODUCTION = environment(environment_kind=EnvironmentKind.PRODUCTION)
IMAGE = digest("candidate")
PROMOTION = "contoso-test/1"
COMMAND = ApplyImage(
    environment="contoso-test", update_name="second", image=IMAGE, promotion=PROMOTION, not_after=LATER
)
BUILT = image_facts().image
UPDATE = Update(name="second", image=IMAGE, contents=contents())


def uat(**values: Any) -> Environment:
    """A sandbox in which the update was really deployed."""
    play = Play(environment(id="contoso-uat"))
    operation = Play(PRODUCTION).command(
        lambda state, message, facts, now: apply_image(
            state, message, ImageFacts(BUILT, announced_promotion(COMMAND)), now
        ),
        COMMAND,
    )
    finished = operation.go_on()
    [entry] = operation.state.updates
    assert finished.running
    kept = entry.replace(environment="contoso-uat", operation="deployed")
    return play.state.replace(**{"updates": (kept,), **values})


def marked(sandbox: Environment | None, update: Update = UPDATE) -> ImageProjection:
    """The image after the word that an update is a candidate."""
    assert BUILT
    bare = BUILT.replace(candidates=())
    told = CandidateMarked(environment="contoso-uat", project="contoso", update=update)
    found = built_images.candidate_marked(bare, envelope(told), SandboxFacts(sandbox), NOW).state_after(bare)
    assert found
    return found


def test_a_candidate_is_taken_from_the_history_of_its_sandbox_and_counted_once() -> None:
    image = marked(uat())
    assert image.candidates == (CANDIDATE,)
    again = built_images.candidate_scheduled(image, envelope(scheduled()), SandboxFacts(uat()), NOW).state_after(image)
    assert again == image


@pytest.mark.parametrize(
    ("sandbox", "update"),
    [
        (None, UPDATE),
        (uat(updates=()), UPDATE),
        (uat(environment_kind=EnvironmentKind.PRODUCTION), UPDATE),
        (uat(), UPDATE.replace(image=digest("another"))),
        (uat(), UPDATE.replace(name="third")),
    ],
    ids=["no sandbox", "never deployed", "production", "another image", "another name"],
)
def test_what_its_sandbox_never_deployed_is_no_candidate_whatever_is_said(
    sandbox: Environment | None, update: Update
) -> None:
    assert marked(sandbox, update).candidates == ()


def test_a_candidate_whose_image_is_not_known_yet_is_waited_for() -> None:
    told = CandidateMarked(environment="contoso-uat", project="contoso", update=UPDATE)
    with pytest.raises(NotYet):
        built_images.candidate_marked(None, envelope(told), SandboxFacts(uat()), NOW)


# -- promotions


ABOUT: dict[str, Any] = {
    "environment": "contoso-test",
    "project": "contoso",
    "promotion": PROMOTION,
    "sandbox": "contoso-uat",
    "update": UPDATE,
}
DOWNTIME = Downtime(start=NOW, end=LATER)
WHY = Problem(reason="ANY", message="in words")


def scheduled() -> PromotionScheduled:
    return PromotionScheduled(**ABOUT, downtime=DOWNTIME)


TOLD: list[tuple[Any, Any, PromotionStatus]] = [
    (promotions.promotion_scheduled, scheduled(), PromotionStatus.SCHEDULED),
    (
        promotions.promotion_started,
        PromotionStarted(**ABOUT, downtime=DOWNTIME, operation="1"),
        PromotionStatus.STARTED,
    ),
    (promotions.promotion_completed, PromotionCompleted(**ABOUT, operation="1"), PromotionStatus.COMPLETED),
    (promotions.promotion_failed, PromotionFailed(**ABOUT, operation="1", problem=WHY), PromotionStatus.FAILED),
    (
        promotions.promotion_cancelled,
        PromotionCancelled(**ABOUT, downtime=DOWNTIME, problem=WHY),
        PromotionStatus.CANCELLED,
    ),
    (promotions.promotion_refused, PromotionRefused(**ABOUT, start=NOW, problem=WHY), PromotionStatus.REFUSED),
]


def at(data: Any, sequence: int) -> Envelope[Any]:
    return Envelope(id=f"e{sequence}", source="test", time=NOW, data=data, sequence=sequence)


@pytest.mark.parametrize(("decide", "told", "status"), TOLD, ids=lambda value: getattr(value, "value", ""))
def test_of_a_promotion_the_latest_word_counts(decide: Any, told: Any, status: PromotionStatus) -> None:
    first = decide(None, at(told, 5), None, NOW).state
    assert (first.status, first.image, first.sandbox) == (status, IMAGE, "contoso-uat")
    for sequence in (4, 5):
        assert promotions.promotion_scheduled(first, at(scheduled(), sequence), None, NOW) is UNCHANGED
    newer = promotions.promotion_cancelled(first, at(TOLD[4][1], 6), None, NOW).state
    assert newer
    assert newer.status is PromotionStatus.CANCELLED


# -- rollouts


PLANNED = RolloutPlanned(
    environment="contoso-test",
    project="contoso",
    release="10.0.2",
    package=NEXT,
    start=NOW,
    end=LATER,
    remove_extensions=(app_id("Rates"),),
    set_version=7,
)
STARTED = RolloutStarted(environment="contoso-test", project="contoso", release="10.0.2", operation="1")


def finished(next_start: Any, release: str = "10.0.2") -> RolloutFinished:
    return RolloutFinished(
        environment="contoso-test",
        project="contoso",
        release=release,
        operation="1",
        problem=WHY,
        next_start=next_start,
    )


def skipped(next_start: Any, release: str = "10.0.2") -> RolloutSkipped:
    return RolloutSkipped(
        environment="contoso-test", project="contoso", release=release, problem=WHY, next_start=next_start
    )


DECIDE: dict[type, Any] = {
    RolloutPlanned: rollouts.rollout_planned,
    RolloutStarted: rollouts.rollout_started,
    RolloutFinished: rollouts.rollout_finished,
    RolloutSkipped: rollouts.rollout_skipped,
}


@pytest.mark.parametrize(
    ("told", "stage", "package", "start"),
    [
        ([PLANNED], RolloutStage.PLANNED, NEXT, NOW),
        ([PLANNED, STARTED], RolloutStage.STARTED, NEXT, None),
        ([PLANNED, STARTED, finished(None)], RolloutStage.ENDED, NEXT, None),
        ([PLANNED, STARTED, finished(LATER)], RolloutStage.PLANNED, NEXT, LATER),
        ([PLANNED, skipped(LATER)], RolloutStage.PLANNED, NEXT, LATER),
        ([PLANNED, skipped(None)], RolloutStage.ENDED, NEXT, None),
        ([PLANNED, skipped(None), PLANNED], RolloutStage.PLANNED, NEXT, NOW),
        ([PLANNED, skipped(LATER, "10.0.3")], RolloutStage.PLANNED, None, LATER),
        ([skipped(LATER)], RolloutStage.PLANNED, None, LATER),
    ],
)
def test_a_plan_goes_on_until_it_has_no_next_start(
    told: list[Any], stage: RolloutStage, package: str | None, start: Any
) -> None:
    state: RolloutProjection | None = None
    for sequence, event in enumerate(told, 1):
        state = DECIDE[type(event)](state, at(event, sequence), None, NOW).state
    assert state
    assert (state.stage, state.package, state.start) == (stage, package, start)
    for event in (PLANNED, STARTED, finished(None), skipped(None)):
        assert DECIDE[type(event)](state, at(event, len(told)), None, NOW) is UNCHANGED


# -- releases


def published(version: str, base: str) -> ReleasePublished:
    return ReleasePublished(
        version=version,
        package=NEXT,
        platform_version="7.10.0.2",
        application_version=version,
        base_version=base,
        modules=None,
    )


def test_a_platform_belongs_to_the_release_that_named_it_last() -> None:
    first = platforms.release_published(None, at(published("10.0.2", "27.0"), 3), None, NOW).state
    assert first == PlatformReleaseProjection(version="10.0.2", base_version="27.0", sequence=3)
    other = platforms.release_published(first, at(published("10.0.3", "28.0"), 1), None, NOW).state
    assert other == PlatformReleaseProjection(version="10.0.3", base_version="28.0", sequence=1)


# -- all of them


RELEASES = [published("10.0.2", base) for base in ("26.0", "27.0", "27.1")]
STORIES: dict[str, tuple[Any, list[Any]]] = {
    "a promotion": ({type(told): decide for decide, told, _ in TOLD}, [told for _, told, _ in TOLD]),
    "a rollout": (DECIDE, [PLANNED, STARTED, finished(LATER), skipped(LATER), STARTED, finished(None), PLANNED]),
    "a release": ({ReleasePublished: platforms.release_published}, RELEASES),
}


@pytest.mark.parametrize(("deciders", "events"), STORIES.values(), ids=STORIES)
@given(st.data())
def test_repeats_and_old_news_in_any_order_end_in_the_latest(
    deciders: Any, events: list[Any], data: st.DataObject
) -> None:
    told = numbered(events, NOW)
    known: Any = check_only_news_counts(deciders, data.draw(deliveries(told)))
    known = check_only_news_counts(deciders, told[-1:], state=known)
    assert known.sequence == len(events)


@given(st.lists(st.sampled_from(["built", "marked", "scheduled"]), max_size=12))
def test_an_image_is_what_it_was_first_however_often_it_is_told_of(words: list[str]) -> None:
    built = ImageBuilt(
        environment="contoso-uat",
        operation="1",
        image=IMAGE,
        update_name="second",
        base_image=None,
        contents=contents(),
    )
    state = built_images.image_built(None, envelope(built), None, NOW).state
    assert state
    other = envelope(built.replace(contents=contents("28.0")))
    facts = SandboxFacts(uat())
    candidate = CandidateMarked(environment="contoso-uat", project="contoso", update=UPDATE)
    for word in words:
        if word == "built":
            decision = built_images.image_built(state, other, None, NOW)
        elif word == "marked":
            decision = built_images.candidate_marked(state, envelope(candidate), facts, NOW)
        else:
            decision = built_images.candidate_scheduled(state, envelope(scheduled()), facts, NOW)
        state = decision.state_after(state)
        assert state
    assert (state.project, state.contents) == ("contoso", contents())
    assert state.candidates == ((CANDIDATE,) if {"marked", "scheduled"} & set(words) else ())
