"""What is remembered of an environment for its remediations: its extensions, its base, and one clock for each that
does not work with a version to come.
"""

from collections.abc import Iterable
from datetime import datetime

from services.extension_compatibility_checker.domain.check import named
from shared.contracts import extension_compatibility_checker as contract
from shared.contracts.extension_compatibility_checker import (
    ExtensionFinding,
    RemediationDates,
    RemediationEnding,
    RemediationStatus,
)
from shared.contracts.parts import MOST_EXTENSIONS, ArtifactRef, Extension, ExtensionName, ExtensionSet, Verdict
from shared.contracts.servicing_executor import OperationKind, StagedExtensions
from shared.kernel import State

MOST_ENDED = 100
"""Remediations that have ended and are still shown, the latest ones."""
_VIEW_BYTES = 240 * 1024
"""What a snapshot may take for remediations: a message has 256 KiB at most."""

Key = tuple[str, int]
"""App id and target major: the identity of a remediation in its environment."""


class Question(State):
    """A set version and a base: what a check is about, in an environment."""

    set_version: int
    base: str


class Asked(Question):
    """A check that was asked for from here."""

    at: datetime


class Notice(State):
    """What became of a notification about an extension whose verdict has not arrived here yet."""

    app_id: str
    target_major: int
    accepted: bool
    """A mail server took it; False: there was nobody to tell."""
    at: datetime


class Finished(State):
    """An operation that has ended, for the change of the set that may be heard of after it."""

    operation: str
    kind: OperationKind
    removed: tuple[str, ...]


class Item(State):
    """A remediation. `verdict`, `base`, `set_version`, `report`, `findings` are those of the last judgement."""

    extension: ExtensionName
    base: str
    target_major: int
    verdict: Verdict
    set_version: int
    report: ArtifactRef
    findings: tuple[ExtensionFinding, ...]
    detected_at: datetime
    first_notified_at: datetime | None = None
    unreachable: bool = False
    tried_at: datetime
    """When it was told last, as far as is known here, whether somebody was there to hear it or not."""
    started: bool = False
    """Its clock was said to run."""
    removal_due_at: datetime | None = None
    reminders: int = 0
    reminded_until: datetime | None = None
    """The last moment of a reminder that needs no more reminding."""
    removal_told: Question | None = None
    """The judgement for which RemovalDue was sent."""
    gone_with: str | None = None
    """The operation that took the extension out of the set, until its end says whether as a removal."""
    ending: RemediationEnding | None = None

    @property
    def key(self) -> Key:
        """Its identity in the environment."""
        return self.extension.app_id, self.target_major

    @property
    def judged(self) -> Question:
        """What it was judged by last."""
        return Question(set_version=self.set_version, base=self.base)

    @property
    def status(self) -> RemediationStatus:
        """Where it stands."""
        if self.ending:
            return RemediationStatus.ENDED
        if self.removal_told:
            return RemediationStatus.REMOVAL_DUE
        return RemediationStatus.RUNNING if self.started else RemediationStatus.DETECTED

    @property
    def dates(self) -> RemediationDates:
        """Its dates as they are told."""
        return RemediationDates(
            detected_at=self.detected_at,
            first_notified_at=self.first_notified_at,
            removal_due_at=self.removal_due_at,
        )


class Remediations(State):
    """An environment. What is not known of it yet is None, or empty."""

    environment: str
    project: str
    country: str | None = None
    running: str | None = None
    """Version of the base that it runs on."""
    application: str | None = None
    """The application version that it runs."""
    set_version: int | None = None
    extensions: ExtensionSet = ()
    staged: StagedExtensions = ()
    heard: int = 0
    """Sequence number of the last event of servicing-executor."""
    finished: tuple[Finished, ...] = ()
    judged: tuple[Question, ...] = ()
    asked: tuple[Asked, ...] = ()
    notices: tuple[Notice, ...] = ()
    items: tuple[Item, ...] = ()
    ended: tuple[Item, ...] = ()
    """Latest last."""
    look_at: datetime | None = None
    """When it looks ahead next; None: it is no more."""


def remediations_view(environment: str, state: Remediations) -> contract.RemediationsSnapshot | None:
    """The remediations as others see them: those that are open, then the latest that ended; as many as fit."""
    if not state.items and not state.ended:
        return None
    shown: list[contract.Remediation] = []
    room = _VIEW_BYTES
    for item in (*state.items, *reversed(state.ended)):
        told = _told(item)
        room -= len(told.model_dump_json()) + 1
        if room < 0 or len(shown) == 2 * MOST_EXTENSIONS:
            break
        shown.append(told)
    return contract.RemediationsSnapshot(environment=environment, project=state.project, remediations=tuple(shown))


def _told(item: Item) -> contract.Remediation:
    return contract.Remediation(
        extension=item.extension,
        base=item.base,
        target_major=item.target_major,
        status=item.status,
        dates=item.dates,
        reminders=item.reminders,
        unreachable=item.unreachable,
        set_version=item.set_version,
        report=item.report,
        ending=item.ending,
    )


def dependents_of(app_id: str, extensions: Iterable[Extension]) -> tuple[ExtensionName, ...]:
    """The extensions that need this one, directly or through others; each stands before those that it needs."""
    by_id = {one.app_id: one for one in extensions}
    found: list[str] = []
    pending = [app_id]
    while pending:
        needed = pending.pop()
        for other in by_id.values():
            if other.app_id not in (app_id, *found) and any(one.app_id == needed for one in other.dependencies):
                found.append(other.app_id)
                pending.append(other.app_id)
    return tuple(named(by_id[one]) for one in _needed_last(found, by_id))


def _needed_last(app_ids: list[str], by_id: dict[str, Extension]) -> list[str]:
    left = list(app_ids)
    placed: list[str] = []
    while left:
        needed = {one.app_id for other in left for one in by_id[other].dependencies if one.app_id != other}
        free = [one for one in left if one not in needed] or left[:1]  # extensions that need each other: in any order
        placed += free
        left = [one for one in left if one not in free]
    return placed
