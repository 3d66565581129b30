"""Where a package stands by its events, for every service that keeps that."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from shared.contracts.envelope import Envelope
from shared.contracts.message import Event
from shared.contracts.package_validator import (
    PackageCheckFailed,
    PackageQuarantined,
    PackageRejected,
    PackageRetired,
    PackageStatus,
    PackageSubmitted,
    PackageValidated,
)
from shared.contracts.parts import ArtifactRef, PackageContents, PackageKind, Problem
from shared.kernel import Decision
from shared.projections.packages import PackageEvent, PackageStanding
from tests.support.projections import check_only_news_counts, deliveries, numbered

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ARTIFACT = ArtifactRef(digest=f"sha256:{'a' * 64}", size=1, media_type="application/zip")
ABOUT: dict[str, Any] = {"package": "contoso/november", "project": "contoso", "artifact": ARTIFACT}
OURS = Problem(reason="CHECK_FAILED", message="no room")
CONTENTS = PackageContents(
    kind=PackageKind.CUSTOMIZATION,
    modules=(),
    platform_modules=(),
    removed_modules=(),
    platform_version="7.0.1",
    application_version=None,
)
VALIDATED = PackageValidated(**ABOUT, contents=CONTENTS, warnings=())
REJECTED = PackageRejected(**ABOUT, findings=())
QUARANTINED = PackageQuarantined(**ABOUT, problem=OURS)
RETIRED = PackageRetired(**ABOUT, note="superseded", actor="ada")
S = PackageStatus


def submitted(standing: PackageStatus | None = None) -> PackageSubmitted:
    return PackageSubmitted(**ABOUT, file_name="november.zip", standing=standing)


def check_failed(standing: PackageStatus | None = None) -> PackageCheckFailed:
    return PackageCheckFailed(**ABOUT, problem=OURS, standing=standing)


class Kept(PackageStanding):
    """What a service keeps of a package."""


def take(state: Kept | None, message: Envelope[PackageEvent], facts: None, now: datetime) -> Decision[Kept]:
    return Decision(Kept.after(state, message))


DECIDE: dict[type[Event], Any] = dict.fromkeys(
    (PackageSubmitted, PackageValidated, PackageRejected, PackageCheckFailed, PackageQuarantined, PackageRetired), take
)


def after(*events: Event) -> Kept:
    kept: Kept | None = check_only_news_counts(DECIDE, numbered(events, NOW))
    assert kept
    return kept


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([submitted()], S.CHECKING),
        ([submitted(), VALIDATED], S.VALID),
        ([submitted(), REJECTED], S.INVALID),
        ([submitted(), check_failed()], S.CHECK_FAILED),
        ([submitted(), QUARANTINED], S.QUARANTINED),
        ([submitted(), QUARANTINED, submitted()], S.CHECKING),
        ([submitted(), VALIDATED, RETIRED], S.RETIRED),
        ([submitted(), VALIDATED, submitted(S.VALID)], S.VALID),
        ([submitted(), VALIDATED, check_failed(S.VALID)], S.VALID),
        ([submitted(), REJECTED, submitted(S.INVALID), check_failed(S.INVALID)], S.INVALID),
        ([submitted(), VALIDATED, submitted(S.VALID), REJECTED], S.INVALID),
        ([submitted(S.VALID)], S.CHECKING),
        ([check_failed(S.VALID)], S.CHECK_FAILED),
        ([submitted(), REJECTED, submitted(S.VALID)], S.CHECKING),
    ],
    ids=str,
)
def test_a_verdict_stands_while_it_is_known_and_named(events: list[Event], status: PackageStatus) -> None:
    kept = after(*events)
    assert (kept.status, kept.sequence) == (status, len(events))
    assert kept.contents == (CONTENTS if status is S.VALID else None)
    assert kept.artifact == ARTIFACT


def test_a_retirement_says_by_whom_and_when() -> None:
    assert after(VALIDATED, RETIRED).words == "retired, by ada at 2026-11-21 12:00 UTC"
    assert after(RETIRED.replace(actor=None)).words == "retired, by an unknown user at 2026-11-21 12:00 UTC"
    assert after(VALIDATED).words == "valid"
    assert after(VALIDATED, RETIRED, submitted()).words == "checking"


EVENTS = (submitted(), VALIDATED, submitted(S.VALID), check_failed(S.VALID), submitted(S.VALID), REJECTED, RETIRED)


@given(deliveries(numbered(EVENTS, NOW)))
def test_repeats_and_old_news_in_any_order_end_in_the_latest(delivered: list[Envelope[Any]]) -> None:
    kept: Kept | None = check_only_news_counts(DECIDE, delivered)
    kept = check_only_news_counts(DECIDE, numbered(EVENTS, NOW)[-1:], state=kept)
    assert kept
    assert (kept.sequence, kept.status) == (len(EVENTS), S.RETIRED)
