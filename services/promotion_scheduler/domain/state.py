"""Candidates, promotions, releases and rollouts as they are kept."""

from datetime import datetime

from services.promotion_scheduler.domain.projections import BaseReleaseProjection
from shared.contracts.envelope import derived_id
from shared.contracts.parts import MOST_EXTENSIONS, ArtifactRef, Downtime, Problem, Update
from shared.contracts.promotion_scheduler import (
    PROMOTION_LIFECYCLE,
    ROLLOUT_LIFECYCLE,
    PromotionStatus,
    RolloutStatus,
    UpdateWindow,
)
from shared.formats.versions import version_numbers
from shared.kernel import State

BUSY = frozenset({RolloutStatus.STARTING, RolloutStatus.STARTED})
"""The executor has the rollout: what is learned now counts when he has answered."""


class Candidate(State):
    """An update that is marked as release candidate."""

    environment: str
    project: str
    update: Update
    marked_at: datetime
    actor: str | None


class PublishedRelease(State):
    """A version of the vendor that is generally available."""

    package: str
    platform_version: str
    application_version: str
    base_version: str | None
    modules: ArtifactRef | None = None
    """Its module list in the artifact store."""
    published_at: datetime


class AskedCheck(State):
    """What production's extensions are checked for."""

    set_version: int
    base: str


class Promotion(State):
    """The promotion of a production environment: the open one, or else the one that ended last."""

    lifecycle = PROMOTION_LIFECYCLE

    id: str
    """`<environment>/<id of the command that scheduled it>`."""
    environment: str
    project: str
    sandbox: str
    update: Update
    start: datetime
    acknowledged: tuple[str, ...]
    """Extensions that may stay although they cannot be judged."""
    actor: str | None
    status: PromotionStatus
    check: AskedCheck | None = None
    """The check whose answer counts. A newer one takes its place when the extensions change."""
    downtime: Downtime | None = None
    """None until it is scheduled."""
    not_after: datetime | None = None
    """When the executor must have begun it."""
    operation: str | None = None
    problem: Problem | None = None

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return not PROMOTION_LIFECYCLE.is_end(self.status)

    @property
    def check_command(self) -> str | None:
        """The id of the command that asks for the check."""
        return derived_id(self.id, "check", str(self.check.set_version), self.check.base) if self.check else None

    @property
    def apply_command(self) -> str:
        """The id of the command that starts it."""
        return derived_id(self.id, "apply")


class DueRemoval(State):
    """An extension whose time is over, as the checker told of it last."""

    app_id: str
    base: str
    """What it does not work with, `<version>/<country>`."""
    target_major: int
    set_version: int
    """The version of the set at which it was judged."""
    dependents: tuple[str, ...]
    """Those that cannot stay without it, those that others need last."""
    sequence: int
    """Of the event that said so."""


class EndedRemediation(State):
    """A remediation that has ended: an older word that the extension is to be removed does not count."""

    app_id: str
    target_major: int
    sequence: int


class Rollout(State):
    """The rollout that an environment waits for, or had last, and its window."""

    lifecycle = ROLLOUT_LIFECYCLE

    environment: str
    project: str | None = None
    window: UpdateWindow = UpdateWindow()
    status: RolloutStatus = RolloutStatus.NONE
    removals: tuple[DueRemoval, ...] = ()
    """What is to be removed, whether it is planned or not."""
    ended: tuple[EndedRemediation, ...] = ()
    base: str | None = None
    """The base that the plan goes to."""
    release: BaseReleaseProjection | None = None
    """The release with that base; None while none is known."""
    start: datetime | None = None
    """When it starts, or was to start; None: not by itself."""
    end: datetime | None = None
    planned: tuple[str, ...] = ()
    """The extensions to remove as they were told last; while it is with the executor, as they were sent."""
    set_version: int = 0
    """The highest at which one of them was judged."""
    name_taken: bool = False
    """An update of the environment has the name that it would have."""
    operation: str | None = None
    problem: Problem | None = None

    def heard(self, app_id: str, target_major: int) -> int:
        """The sequence of the latest word about a remediation; -1 if there was none."""
        due = [one.sequence for one in self.removals if (one.app_id, one.target_major) == (app_id, target_major)]
        over = [one.sequence for one in self.ended if (one.app_id, one.target_major) == (app_id, target_major)]
        return max((*due, *over), default=-1)

    @property
    def target(self) -> tuple[DueRemoval, ...]:
        """What the next update removes: the environment goes to the lowest major version for which an extension's
        time is over, and in that to the highest base.
        """
        if not self.removals:
            return ()
        lowest = min(one.target_major for one in self.removals)
        base = max((one.base for one in self.removals if one.target_major == lowest), key=_base_order)
        return tuple(one for one in self.removals if (one.target_major, one.base) == (lowest, base))

    @property
    def wanted(self) -> tuple[str, ...]:
        """The ids of what the next update removes, dependents first."""
        ids = (app_id for one in self.target for app_id in (*one.dependents, one.app_id))
        return tuple(dict.fromkeys(ids))[:MOST_EXTENSIONS]

    @property
    def wanted_at(self) -> int:
        """The highest version of the set at which something of what the next update removes was judged."""
        return max(one.set_version for one in self.target)

    @property
    def judged_together(self) -> bool:
        """Whether all of it was judged at one version of the set."""
        return len({one.set_version for one in self.target}) == 1

    @property
    def apply_command(self) -> str | None:
        """The id of the command that starts it: one in each window."""
        if self.start is None:
            return None
        return derived_id(self.environment, "rollout", self.start.isoformat())


def _base_order(base: str) -> tuple[tuple[int, ...], str]:
    version, _, country = base.partition("/")
    return version_numbers(version), country
