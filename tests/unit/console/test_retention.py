"""What an installation needs of its artifacts: whatever its views name, and for how long where that ends."""

import base64
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.console.projection import View
from services.console.retention import LOG, REPORT, Needs, Retention, digests_in, needs_of, spared
from shared.artifacts.sweep import Blob
from shared.contracts.common import DeadLetter
from shared.contracts.extension_compatibility_checker import CheckSnapshot
from shared.contracts.image_builder import BuildImage, ImageSnapshot
from shared.contracts.message import Message, MessageKind
from shared.contracts.package_validator import PackageSnapshot, PackageStatus, SubmitPackage
from shared.contracts.parts import ArtifactRef
from shared.contracts.promotion_scheduler import PromotionSnapshot, PromotionStatus, ReleaseSnapshot
from shared.contracts.registry import CATALOGUE
from shared.contracts.schemas.examples import example_of
from shared.contracts.servicing_executor import EnvironmentSnapshot, OperationSnapshot
from tests.support.played_services import NOON, ended, environment, operation, promotion, update

KEEP = Retention()
FILE, OTHER = (ArtifactRef(digest=f"sha256:{letter * 64}", size=1, media_type=LOG) for letter in "ab")
SNAPSHOTS = [
    message
    for service in CATALOGUE.services
    for message in CATALOGUE.on_topic(f"drydock.{service}.snapshots").values()
    if message.kind is MessageKind.SNAPSHOT
]


def roots(*views: Message, age: timedelta = timedelta(0), commands: tuple[Message, ...] = ()) -> frozenset[str]:
    """What is needed when these views were written so long ago."""
    return needs_of([View(view, 1, NOON) for view in views], commands, KEEP, NOON + age).roots


def changed(type_: type[Message], **changes: Any) -> Any:
    """The example of a message, but for some fields."""
    return example_of(type_).model_copy(update=changes)


@pytest.mark.parametrize("type_", SNAPSHOTS, ids=lambda one: one.__name__)
def test_whatever_a_new_view_names_is_needed(type_: type[Message]) -> None:
    view = example_of(type_)
    named = digests_in(view.model_dump_json())
    # That an image was once built is the one thing that says nothing about who needs it.
    assert roots(view) == (set() if type_ is ImageSnapshot else named)
    ends = (PackageSnapshot, OperationSnapshot, PromotionSnapshot, CheckSnapshot, ImageSnapshot)
    if type_ not in ends:
        assert roots(view, age=timedelta(days=10_000)) == named


def test_most_views_name_artifacts() -> None:
    assert len([one for one in SNAPSHOTS if digests_in(example_of(one).model_dump_json())]) > 6


def package(status: PackageStatus, **changes: Any) -> Any:
    return changed(PackageSnapshot, status=status, artifact=FILE, judged=None, package="contoso/one", **changes)


RELEASE = changed(ReleaseSnapshot, package="contoso/one", modules=None)
APPLYING = environment("contoso-test", running=None, operation=operation("op", package="contoso/one"))
MERGED = package(PackageStatus.SUBMITTED).model_copy(
    update={"package": "contoso/two", "artifact": OTHER, "merged_from": ("contoso/one",)}
)


@pytest.mark.parametrize(
    ("status", "other", "days", "needed"),
    [
        (PackageStatus.VALID, None, 10_000, True),
        (PackageStatus.CHECK_FAILED, None, 10_000, True),
        (PackageStatus.INVALID, None, 29, True),
        (PackageStatus.INVALID, None, 30, False),
        (PackageStatus.RETIRED, None, 30, False),
        (PackageStatus.RETIRED, RELEASE, 10_000, True),
        (PackageStatus.RETIRED, APPLYING, 10_000, True),
        (PackageStatus.RETIRED, MERGED, 10_000, True),
        (PackageStatus.QUARANTINED, None, 30, False),
    ],
)
def test_a_packages_file_is_kept_until_it_was_set_aside_for_long(
    status: PackageStatus, other: Message | None, days: int, needed: bool
) -> None:
    views = [package(status), *([other] if other else [])]
    assert (FILE.digest in roots(*views, age=timedelta(days=days))) is needed


@pytest.mark.parametrize(
    ("days", "log", "image"), [(89, True, True), (90, False, True), (364, False, True), (365, False, False)]
)
def test_what_only_history_names_is_kept_for_its_time(days: int, log: bool, image: bool) -> None:
    found = roots(ended("contoso-test", "op", log=FILE), age=timedelta(days=days))
    assert (FILE.digest in found, update("November release").image in found) == (log, image)


@pytest.mark.parametrize(
    ("status", "days", "needed"),
    [
        (PromotionStatus.SCHEDULED, 10_000, True),
        (PromotionStatus.CHECKING, 10_000, True),
        (PromotionStatus.STARTED, 10_000, True),
        (PromotionStatus.COMPLETED, 364, True),
        (PromotionStatus.COMPLETED, 365, False),
        (PromotionStatus.CANCELLED, 365, False),
    ],
)
def test_a_promotions_image_is_kept_while_it_is_open(status: PromotionStatus, days: int, needed: bool) -> None:
    found = roots(promotion("contoso-prod", "p", status=status), age=timedelta(days=days))
    assert (update("November release").image in found) is needed


def test_the_image_that_an_open_operation_has_had_built_is_needed() -> None:
    built = changed(ImageSnapshot, image=FILE.digest, update_name="November release")
    assert FILE.digest in roots(built, APPLYING, age=timedelta(days=10_000))
    assert FILE.digest not in roots(built.model_copy(update={"update_name": "another"}), APPLYING)


def test_a_report_is_kept_while_no_later_check_has_replaced_it() -> None:
    first = changed(CheckSnapshot, check="contoso-test/1/28.0.1.0/DE", set_version=1, report=FILE)
    later = changed(CheckSnapshot, check="contoso-test/2/28.0.1.0/DE", set_version=2, report=OTHER)
    assert roots(first, later, age=timedelta(days=29)) >= {FILE.digest, OTHER.digest}
    assert roots(later, first, age=timedelta(days=30)) & {FILE.digest, OTHER.digest} == {OTHER.digest}


def test_what_waiting_commands_and_dead_letters_name_is_needed() -> None:
    waiting = (example_of(SubmitPackage), example_of(BuildImage))
    named = {digest for one in waiting for digest in digests_in(one.model_dump_json())}
    assert roots(commands=waiting) == named
    record = base64.b64encode(waiting[0].model_dump_json().encode()).decode()
    letter = changed(DeadLetter, record_value=record)
    assert roots(letter, age=timedelta(days=10_000)) >= digests_in(waiting[0].model_dump_json())


def blob(media_type: str, days: float) -> Blob:
    return Blob(FILE.digest, 1, media_type, NOON.timestamp() - days * 86400)


@pytest.mark.parametrize(
    ("media_type", "days", "open_since", "kept"),
    [
        (REPORT, 29, None, True),
        (REPORT, 31, None, False),
        (LOG, 2, None, False),
        # The logs of its steps stand in no view while an operation is open, however long that is.
        (LOG, 2, NOON - timedelta(days=3), True),
        (LOG, 4, NOON - timedelta(days=3), False),
        ("application/zip", 2, NOON - timedelta(days=3), False),
    ],
)
def test_reports_and_logs_that_no_view_names_are_spared_for_a_time(
    media_type: str, days: float, open_since: datetime | None, kept: bool
) -> None:
    spare = spared(Needs(frozenset(), open_since), KEEP, NOON.timestamp())
    assert spare(blob(media_type, days)) is kept


def test_the_logs_of_the_oldest_open_operation_are_known_by_its_time() -> None:
    views = [
        environment(f"e{day}-test", operation=operation("op", accepted_at=NOON - timedelta(days=day))) for day in (1, 5)
    ]
    needs = needs_of([View(view, 1, NOON) for view in (*views, environment("e-test"))], (), KEEP, NOON)
    assert needs.logs_since == NOON - timedelta(days=5, hours=1)
    assert needs_of([View(environment("e-test"), 1, NOON)], (), KEEP, NOON).logs_since is None


def test_the_running_image_is_needed_for_ever() -> None:
    running = update()
    view: EnvironmentSnapshot = environment("contoso-test", running=running)
    assert running.image in roots(view, age=timedelta(days=10_000))
