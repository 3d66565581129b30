"""A rollout: an environment's way to a release without the extensions whose time is over. Where it stands, where it
can go from there, and how others see it.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from services.promotion_scheduler.domain.rollout_release import BaseRelease
from shared.contracts.envelope import derived_id
from shared.contracts.parts import MOST_EXTENSIONS, Problem
from shared.contracts.promotion_scheduler import RolloutSnapshot, RolloutStatus, UpdateWindow
from shared.formats.versions import version_numbers
from shared.kernel import State

TRANSITIONS: Mapping[RolloutStatus, frozenset[RolloutStatus]] = MappingProxyType(
    {
        RolloutStatus.NONE: frozenset({RolloutStatus.PLANNED, RolloutStatus.SKIPPED}),
        RolloutStatus.PLANNED: frozenset({RolloutStatus.PLANNED, RolloutStatus.STARTING, RolloutStatus.SKIPPED}),
        RolloutStatus.STARTING: frozenset({RolloutStatus.STARTED, RolloutStatus.SKIPPED}),
        RolloutStatus.STARTED: frozenset({RolloutStatus.SUCCEEDED, RolloutStatus.FAILED}),
        RolloutStatus.SUCCEEDED: frozenset({RolloutStatus.PLANNED, RolloutStatus.SKIPPED}),
        RolloutStatus.FAILED: frozenset({RolloutStatus.PLANNED, RolloutStatus.STARTING, RolloutStatus.SKIPPED}),
        RolloutStatus.SKIPPED: frozenset({RolloutStatus.PLANNED, RolloutStatus.STARTING, RolloutStatus.SKIPPED}),
    }
)
"""Where a rollout can go from each status. One that failed or was skipped starts again by itself where it has a start.
"""

BUSY = frozenset({RolloutStatus.STARTING, RolloutStatus.STARTED})
"""The executor has it: what is learned now counts when he has answered."""


class Removal(State):
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


class Ended(State):
    """A remediation that has ended: an older word that the extension is to be removed does not count."""

    app_id: str
    target_major: int
    sequence: int


class Rollout(State):
    """The rollout that an environment waits for, or had last, and its window."""

    environment: str
    project: str | None = None
    window: UpdateWindow = UpdateWindow()
    status: RolloutStatus = RolloutStatus.NONE
    removals: tuple[Removal, ...] = ()
    """What is to be removed, whether it is planned or not."""
    ended: tuple[Ended, ...] = ()
    base: str | None = None
    """The base that the plan goes to."""
    release: BaseRelease | None = None
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
    def target(self) -> tuple[Removal, ...]:
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
    def judged_together(self) -> bool:
        """Whether all of it was judged at one version of the set."""
        return len({one.set_version for one in self.target}) == 1

    @property
    def apply_command(self) -> str | None:
        """The id of the command that starts it: one in each window."""
        if self.start is None:
            return None
        return derived_id(self.environment, "rollout", self.start.isoformat())


def bases_of(state: Rollout | None, *more: str) -> tuple[str, ...]:
    """The versions of the bases that a rollout may go to."""
    bases = (*more, *(one.base for one in (state.removals if state else ())))
    return tuple(dict.fromkeys(base.partition("/")[0] for base in bases))


def _base_order(base: str) -> tuple[tuple[int, ...], str]:
    version, _, country = base.partition("/")
    return version_numbers(version), country


def rollout_view(environment: str, state: Rollout) -> RolloutSnapshot | None:
    """The rollout as others see it; none while there was no rollout and no window was chosen."""
    if state.status is RolloutStatus.NONE and state.window == UpdateWindow():
        return None
    return RolloutSnapshot(
        rollout=environment,
        project=state.project,
        release=state.release.version if state.release else None,
        status=state.status,
        start=state.start,
        end=state.end,
        remove_extensions=state.planned,
        operation=state.operation,
        problem=state.problem,
        window=state.window,
    )
