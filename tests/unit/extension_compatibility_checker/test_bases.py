"""What is decided about a base."""

from datetime import UTC, datetime

import pytest

from services.extension_compatibility_checker.domain.bases import indexing_ended, publish
from services.extension_compatibility_checker.domain.state import Base
from services.extension_compatibility_checker.domain.work import IndexedPackage, IndexingDone
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import (
    BaseIndexed,
    BaseIndexingFailed,
    BaseStatus,
    PublishBase,
    Reason,
)
from shared.contracts.parts import ArtifactRef, ExtensionName, Problem
from shared.kernel import Failure, Rejected, WorkEnded

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ID = "27.0.38460.0/W1"


def package(letter: str) -> ArtifactRef:
    return ArtifactRef(digest="sha256:" + letter * 64, size=10, media_type="application/octet-stream")


A, B, C = map(package, "abc")
APP = ExtensionName(app_id="1" * 8 + "-0000-0000-0000-" + "0" * 12, name="App", publisher="Vendor", version="27.0.0.0")
INDEXED = (IndexedPackage(package=A, app=APP, index=C),)
PROBLEM = Problem(reason=Reason.BASE_UNREADABLE, message="it is no base")
OURS = Problem(reason=Reason.ARTIFACT_MISSING, message="it is not there")


def command(*packages: ArtifactRef) -> Envelope[PublishBase]:
    return Envelope(id="1", source="test", time=NOW, data=PublishBase(base=ID, packages=packages))


def base(status: BaseStatus) -> Base:
    indexed = INDEXED if status is BaseStatus.INDEXED else ()
    problem = {BaseStatus.UNREADABLE: PROBLEM, BaseStatus.FAILED: OURS}.get(status)
    return Base(base=ID, packages=(A, B), status=status, indexed=indexed, problem=problem)


def test_a_new_base_is_indexed_and_a_package_that_is_named_twice_counts_once() -> None:
    decision = publish(None, command(A, B, A), None, NOW)
    assert decision.state == Base(base=ID, packages=(A, B), status=BaseStatus.INDEXING)
    assert list(decision.work) == ["indexing"]
    assert not decision.events


@pytest.mark.parametrize(
    ("status", "packages", "outcome"),
    [
        (BaseStatus.INDEXING, (B, A), "nothing"),
        (BaseStatus.INDEXING, (A, C), "refused"),
        (BaseStatus.INDEXED, (B, A), BaseIndexed),
        (BaseStatus.INDEXED, (A,), "refused"),
        (BaseStatus.UNREADABLE, (B, A), BaseIndexingFailed),
        (BaseStatus.UNREADABLE, (A, C), "indexed again"),
        (BaseStatus.FAILED, (A, B), "indexed again"),
        (BaseStatus.FAILED, (C,), "indexed again"),
    ],
)
def test_what_publishing_a_known_base_does(
    status: BaseStatus, packages: tuple[ArtifactRef, ...], outcome: object
) -> None:
    before = base(status)
    if outcome == "refused":
        with pytest.raises(Rejected) as refused:
            publish(before, command(*packages), None, NOW)
        assert refused.value.reason is Reason.BASE_EXISTS
        return
    decision = publish(before, command(*packages), None, NOW)
    if outcome == "indexed again":
        assert decision.state == Base(base=ID, packages=packages, status=BaseStatus.INDEXING)
        assert list(decision.work) == ["indexing"]
        return
    assert decision.state == before
    assert not decision.work
    assert [type(event) for event in decision.events] == ([] if outcome == "nothing" else [outcome])


@pytest.mark.parametrize(
    ("ended", "status", "reason"),
    [
        (WorkEnded("indexing", "", IndexingDone(indexed=INDEXED), None), BaseStatus.INDEXED, None),
        (WorkEnded("indexing", "", IndexingDone(problem=PROBLEM), None), BaseStatus.UNREADABLE, "BASE_UNREADABLE"),
        (WorkEnded("indexing", "", IndexingDone(problem=OURS), None), BaseStatus.FAILED, "ARTIFACT_MISSING"),
        (WorkEnded("indexing", "", None, Failure("crashed", "x" * 999, 5)), BaseStatus.FAILED, "INDEXING_FAILED"),
    ],
)
def test_the_end_of_indexing_is_told(ended: WorkEnded[IndexingDone], status: BaseStatus, reason: str | None) -> None:
    decision = indexing_ended(base(BaseStatus.INDEXING), ended, None, NOW)
    assert decision.state
    assert decision.state.status is status
    [event] = decision.events
    if reason is None:
        assert event == BaseIndexed(base=ID, packages=(APP,))
    else:
        assert isinstance(event, BaseIndexingFailed)
        assert event.problem.reason == reason
