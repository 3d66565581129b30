"""A build is asked for once and answered the same each time; an image is known from the builder's own word."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.image_builder.domain.builds import build, built
from services.image_builder.domain.projections import LINEAGE_LIMIT, BaseImage, image_built
from services.image_builder.domain.state import Build, RecordedImage
from services.image_builder.domain.views import image_view
from services.image_builder.domain.work import BuildInput, Built
from shared.contracts.envelope import Envelope
from shared.contracts.image_builder import BuildImage, ImageBuildFailed, ImageBuilt, Reason
from shared.contracts.message import Message
from shared.contracts.parts import ArtifactRef, ImageContents, PackageContents, PackageKind, Problem
from shared.kernel import UNCHANGED, Failure, NotYet, WorkEnded

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
IMAGE, BASE = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
CONTENTS = ImageContents(
    platform_package="contoso/vendor",
    customization_package=None,
    platform_version="7.0.7606.108",
    application_version="10.0.2345.10",
    base_version=None,
    modules=(),
    dropped=(),
)
NOTHING = BaseImage(base=None)


def envelope(data: Message) -> Envelope[Any]:
    return Envelope(id="one", source="test", time=NOW, data=data)


def request(base: str | None = None) -> BuildImage:
    return BuildImage(
        environment="contoso-test",
        operation="op-1",
        update_name="U1",
        base_image=base,
        package="contoso/one",
        artifact=ArtifactRef(digest=IMAGE, size=1, media_type="application/zip"),
        contents=PackageContents(
            kind=PackageKind.PLATFORM,
            modules=(),
            platform_modules=(),
            removed_modules=(),
            platform_version=None,
            application_version=None,
        ),
        base_version=None,
        may_drop=(),
    )


def image(*lineage: str) -> RecordedImage:
    return RecordedImage(update_name="U0", lineage=lineage, contents=CONTENTS, built_at=NOW)


def ended(result: Built | None, failure: Failure | None = None) -> WorkEnded[Built]:
    return WorkEnded(kind="build", argument="", result=result, failure=failure)


def word(name: str = "U1", base: str | None = BASE) -> Envelope[Any]:
    return envelope(
        ImageBuilt(
            environment="contoso-test",
            operation="op-1",
            image=IMAGE,
            update_name=name,
            base_image=base,
            contents=CONTENTS,
        )
    )


def test_an_image_is_built_on_what_is_in_its_base() -> None:
    asked = build(None, envelope(request(BASE)), BaseImage(base=image()), NOW)
    assert asked.work == {"build": BuildInput(request=request(BASE), base=CONTENTS)}
    assert not asked.events


def test_a_base_that_is_not_known_is_waited_for_and_then_refused() -> None:
    with pytest.raises(NotYet, match=f"no image {BASE} was built") as waits:
        build(None, envelope(request(BASE)), NOTHING, NOW)
    assert (waits.value.waits_for, waits.value.reason) == (BASE, Reason.BASE_IMAGE_UNKNOWN)


@pytest.mark.parametrize(
    ("result", "answer"),
    [
        (Built(image=IMAGE, contents=CONTENTS), ImageBuilt),
        (Built(problem=Problem(reason=Reason.MODULES_MISSING, message="no")), ImageBuildFailed),
    ],
)
def test_asked_again_the_answer_is_the_same_and_nothing_is_built_again(result: Built, answer: type[Message]) -> None:
    waiting = build(None, envelope(request()), NOTHING, NOW)
    assert build(waiting.state, envelope(request()), NOTHING, NOW).events == []
    assert waiting.state
    done = built(waiting.state, ended(result), None, NOW)
    assert [type(event) for event in done.events] == [answer]
    again = build(done.state, envelope(request()), NOTHING, NOW)
    assert (again.events, again.work, again.state) == (done.events, {}, done.state)


def test_a_build_that_ends_without_a_result_is_a_fault_of_ours() -> None:
    begun = Build(request=request())
    for failure, text in ((Failure("failed", "it broke", 3), "it broke"), (None, "without a result")):
        (failed,) = built(begun, ended(None, failure), None, NOW).events
        assert isinstance(failed, ImageBuildFailed)
        assert failed.problem.reason == Reason.BUILD_FAILED
        assert text in failed.problem.message


def test_the_first_word_of_an_image_stays_and_its_lineage_is_its_bases() -> None:
    known = image_built(None, word(), BaseImage(base=image("c", "d")), NOW).state
    assert known
    assert (known.update_name, known.lineage) == ("U1", (BASE, "c", "d"))
    assert image_built(known, word("U2", None), NOTHING, NOW) is UNCHANGED
    assert image_built(None, word(base=None), BaseImage(base=image("c")), NOW).state == image().model_copy(
        update={"update_name": "U1"}
    )
    long = image_built(None, word(), BaseImage(base=image(*("c",) * LINEAGE_LIMIT)), NOW).state
    assert long
    assert len(long.lineage) == LINEAGE_LIMIT


def test_others_see_an_image_as_it_is_known() -> None:
    seen = image_view(IMAGE, image(BASE))
    assert (seen.image, seen.update_name, seen.lineage, seen.contents, seen.built_at) == (
        IMAGE, "U0", (BASE,), CONTENTS, NOW,
    )  # fmt: skip
