"""What of an installation still needs its artifacts, and for how long: the roots of what is collected.

Everything that a latest view, a waiting command or a dead letter names is needed, in whatever field: of a message that
is new tomorrow as well. The few kinds of views that name what is needed for a time only, or not at all, have a rule of
their own here.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from pydantic_settings import BaseSettings, SettingsConfigDict

from services.console.projection import View
from shared.artifacts.sweep import Blob
from shared.contracts.common import DeadLetter
from shared.contracts.extension_compatibility_checker import CheckSnapshot, CheckStatus
from shared.contracts.image_builder import ImageSnapshot
from shared.contracts.message import Message
from shared.contracts.package_validator import PackageSnapshot, PackageStatus
from shared.contracts.promotion_scheduler import PromotionSnapshot, PromotionStatus, ReleaseSnapshot
from shared.contracts.servicing_executor import EnvironmentSnapshot, OperationSnapshot

M = TypeVar("M", bound=Message)

REPORT = "application/json"
LOG = "text/plain; charset=utf-8"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SET_ASIDE = {PackageStatus.INVALID, PackageStatus.QUARANTINED, PackageStatus.RETIRED}
_ENDED = {
    PromotionStatus.COMPLETED,
    PromotionStatus.FAILED,
    PromotionStatus.CANCELLED,
    PromotionStatus.REFUSED,
}
CLOCKS_DIFFER = timedelta(hours=1)
"""How far the clocks of who writes files and of who writes messages are apart, at most."""


class Retention(BaseSettings):
    """How long what is not needed is kept. Environment variables `DRYDOCK_<NAME>`, as for services."""

    model_config = SettingsConfigDict(env_prefix="DRYDOCK_", frozen=True, extra="ignore", use_attribute_docstrings=True)

    keep_unreferenced: timedelta = timedelta(days=1)
    """files that nothing refers to, after their last use; and then once more, in the store's trash"""
    keep_logs: timedelta = timedelta(days=90)
    """logs of operations that have ended"""
    keep_reports: timedelta = timedelta(days=30)
    """reports of verdicts and checks that were replaced"""
    keep_set_aside: timedelta = timedelta(days=30)
    """files of packages that are invalid, quarantined or retired, unless a release or an operation has them"""
    keep_images: timedelta = timedelta(days=365)
    """images that only an environment's history, or a promotion that has ended, names"""


@dataclass(frozen=True)
class Needs:
    """What an installation needs. `logs_since`: logs of steps that stand in no view yet; None: no operation is open."""

    roots: frozenset[str]
    logs_since: datetime | None


@dataclass(frozen=True)
class _Standing:
    """What a rule must know beside the view itself."""

    now: datetime
    keep: Retention
    packages: frozenset[str]
    """Packages that a release, an open operation or a merge has."""
    update_names: frozenset[str]
    """Names of the updates that open operations bring."""
    checks: frozenset[str]
    """The latest check of each environment against each base."""

    def over(self, since: datetime, keep: timedelta) -> bool:
        return self.now - since >= keep


def spared(needs: Needs, keep: Retention, now: float) -> Callable[[Blob], bool]:
    """Whether an artifact is kept though nothing refers to it; `now` in seconds of the epoch."""
    reports = keep.keep_reports.total_seconds()
    logs_since = needs.logs_since.timestamp() if needs.logs_since else now

    def spare(blob: Blob) -> bool:
        if blob.media_type == REPORT:
            return now - blob.used < reports
        return blob.media_type == LOG and blob.used >= logs_since

    return spare


def digests_in(text: str) -> set[str]:
    """Every digest in a text."""
    return set(_DIGEST.findall(text))


def needs_of(views: Iterable[View], commands: Iterable[Message], keep: Retention, now: datetime) -> Needs:
    """What these latest views of everything, and the commands that may not have been taken yet, need."""
    views = list(views)
    standing = _standing(views, keep, now)
    roots: set[str] = set()
    for view in views:
        rule = _RULES.get(type(view.data))
        roots |= rule(view, standing) if rule else _all(view)
    for command in commands:
        roots |= digests_in(command.model_dump_json())
    open_ = [one.operation.accepted_at for one in _data(views, EnvironmentSnapshot) if one.operation]
    return Needs(frozenset(roots), min(open_) - CLOCKS_DIFFER if open_ else None)


def _standing(views: list[View], keep: Retention, now: datetime) -> _Standing:
    packages = {release.package for release in _data(views, ReleaseSnapshot)}
    update_names = set()
    for environment in _data(views, EnvironmentSnapshot):
        if operation := environment.operation:
            packages |= {operation.package} if operation.package else set()
            update_names.add(operation.update_name or "")
    for package in _data(views, PackageSnapshot):
        if package.status in (PackageStatus.SUBMITTED, PackageStatus.CHECKING):
            packages |= set(package.merged_from)
    latest: dict[tuple[str, str], CheckSnapshot] = {}
    for check in sorted(_data(views, CheckSnapshot), key=lambda one: one.set_version):
        latest[check.environment, check.base] = check
    checks = frozenset(one.check for one in latest.values())
    return _Standing(now, keep, frozenset(packages), frozenset(update_names), checks)


def _data(views: Iterable[View], type_: type[M]) -> list[M]:
    return [view.data for view in views if isinstance(view.data, type_)]


def _all(view: View) -> set[str]:
    return digests_in(view.data.model_dump_json())


def _package(view: View, standing: _Standing) -> set[str]:
    package = view.data
    assert isinstance(package, PackageSnapshot)
    aside = package.status in _SET_ASIDE and package.package not in standing.packages
    if aside and standing.over(view.time, standing.keep.keep_set_aside):
        return _all(view) - {package.artifact.digest}
    return _all(view)


def _operation(view: View, standing: _Standing) -> set[str]:
    ended = view.data
    assert isinstance(ended, OperationSnapshot)
    log = {ended.log.digest} if ended.log else set()
    found = set() if standing.over(view.time, standing.keep.keep_images) else _all(view) - log
    return found if standing.over(view.time, standing.keep.keep_logs) else found | log


def _promotion(view: View, standing: _Standing) -> set[str]:
    promotion = view.data
    assert isinstance(promotion, PromotionSnapshot)
    over = promotion.status in _ENDED and standing.over(view.time, standing.keep.keep_images)
    return set() if over else _all(view)


def _image(view: View, standing: _Standing) -> set[str]:
    """That an image was built keeps nothing; the operation that it was built for does not say its digest."""
    image = view.data
    assert isinstance(image, ImageSnapshot)
    return {image.image} if image.update_name in standing.update_names else set()


def _check(view: View, standing: _Standing) -> set[str]:
    check = view.data
    assert isinstance(check, CheckSnapshot)
    replaced = check.status is CheckStatus.CHECKED and check.check not in standing.checks
    return set() if replaced and standing.over(view.time, standing.keep.keep_reports) else _all(view)


def _dead_letter(view: View, standing: _Standing) -> set[str]:
    letter = view.data
    assert isinstance(letter, DeadLetter)
    try:
        record = base64.b64decode(letter.record_value or "").decode(errors="replace")
    except binascii.Error:
        record = ""
    return _all(view) | digests_in(record)


_RULES: Mapping[type[Message], Callable[[View, _Standing], set[str]]] = {
    PackageSnapshot: _package,
    OperationSnapshot: _operation,
    PromotionSnapshot: _promotion,
    ImageSnapshot: _image,
    CheckSnapshot: _check,
    DeadLetter: _dead_letter,
}
