"""Where promotions and rollouts stand, and where they can go from there."""

from enum import StrEnum

from shared.contracts.lifecycle import Lifecycle


class PromotionStatus(StrEnum):
    """Where a promotion stands."""

    CHECKING = "checking"
    SCHEDULED = "scheduled"
    STARTING = "starting"
    STARTED = "started"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUSED = "refused"


PROMOTION_LIFECYCLE = Lifecycle(
    PromotionStatus,
    """
    [*] --> checking : it brings another base
    [*] --> scheduled
    checking --> scheduled
    checking --> refused : by the check, or by a person
    scheduled --> starting : its downtime begins
    scheduled --> cancelled : by a person
    starting --> started : its operation holds the environment
    starting --> cancelled : the executor refuses the start
    started --> completed, failed
    completed, failed, cancelled, refused --> [*]
    """,
)
"""The promotion of an environment: when it has ended, another may be scheduled in its place."""


class RolloutStatus(StrEnum):
    """Where a rollout stands."""

    NONE = "none"
    PLANNED = "planned"
    STARTING = "starting"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


ROLLOUT_LIFECYCLE = Lifecycle(
    RolloutStatus,
    """
    [*] --> none
    none, succeeded --> planned : extensions are to be removed, and there is a release to go to
    none, succeeded --> skipped : no release with the base is published
    planned --> starting : its window opens
    planned --> skipped
    starting --> started : its operation holds the environment
    starting --> skipped : the executor refuses the start
    started --> succeeded, failed
    failed, skipped --> planned : there is news
    failed, skipped --> starting : its next window opens
    failed --> skipped
    """,
)
"""The rollout that an environment waits for, or had last: one that failed or was skipped starts again by itself where
it has a start.
"""
