"""Messages of promotion-scheduler: candidates, their promotion to production, and the vendor's releases."""

from pydantic import Field

from shared.contracts.extension_compatibility_checker import ExtensionVerdict
from shared.contracts.message import Command, Count, Event, Instant, Snapshot
from shared.contracts.parts import MOST_EXTENSIONS, ArtifactRef, Downtime, Problem, Update
from shared.contracts.promotion_scheduler.parts import UpdateWindow
from shared.contracts.promotion_scheduler.states import PromotionStatus, RolloutStatus
from shared.contracts.scalars import (
    Actor,
    AppId,
    BaseId,
    EnvironmentId,
    OperationId,
    PackageId,
    ProjectId,
    PromotionId,
    UpdateId,
    UpdateName,
    Version,
)

MOST_EXTENSIONS_TOLD = 50
"""Extensions that a refusal carries, at most: with all that an environment may have, the message would be too large."""


class MarkCandidate(Command, key="environment"):
    """Mark an update of a sandbox as release candidate."""

    environment: EnvironmentId
    update_name: UpdateName


class SchedulePromotion(Command, key="environment"):
    """Move a candidate's image to production at a time. One promotion per environment may be open.

    Answered by PromotionScheduled, or first by PromotionCheckStarted and then by PromotionScheduled or
    PromotionRefused; the promotion is `<environment>/<id of this command>`.
    """

    environment: EnvironmentId
    """The production environment."""
    sandbox: EnvironmentId
    update_name: UpdateName
    """A candidate of the sandbox."""
    start: Instant
    """Downtime start: now or later."""
    acknowledge_unverifiable: tuple[AppId, ...] = Field(default=(), max_length=MOST_EXTENSIONS)
    """Extensions of production that may stay although they cannot be judged."""


class CancelPromotion(Command, key="environment"):
    """Cancel the open promotion of a production environment before its downtime.

    Answered by PromotionCancelled; by PromotionRefused if it was not scheduled yet.
    """

    environment: EnvironmentId
    promotion: PromotionId | None = None
    """Only this one; None: whichever is open."""


class PublishRelease(Command, key="version"):
    """A vendor version is generally available."""

    version: Version
    package: PackageId
    """Its platform package."""
    base_version: Version | None
    """Version of the base that goes with it; None: it comes with no base for extensions."""
    modules: ArtifactRef | None = None
    """Its module list, for checks of packages; None: not known."""


class SetUpdateWindow(Command, key="environment"):
    """Choose the hours in which an environment may be updated without being asked. Without it: 20:00 to 06:00 UTC."""

    environment: EnvironmentId
    window: UpdateWindow


class CandidateMarked(Event, key="environment"):
    """An update may be promoted."""

    environment: EnvironmentId
    project: ProjectId
    update: Update


class PromotionCheckStarted(Event, key="environment", final=False):
    """A promotion brings another base: before it is scheduled, production's extensions are checked against it."""

    environment: EnvironmentId
    project: ProjectId
    promotion: PromotionId
    sandbox: EnvironmentId
    update: Update
    start: Instant
    """The downtime start that was asked for."""
    set_version: int = Field(ge=0)
    """Of the extensions that are checked; if they change meanwhile, they are checked again."""
    base: BaseId


class PromotionRefused(Event, key="environment"):
    """A promotion ended before it was scheduled: its check spoke against it, or a person cancelled it."""

    environment: EnvironmentId
    project: ProjectId
    promotion: PromotionId
    sandbox: EnvironmentId
    update: Update
    start: Instant
    """The downtime start that was asked for."""
    problem: Problem
    extensions: tuple[ExtensionVerdict, ...] = Field(default=(), max_length=MOST_EXTENSIONS_TOLD)
    """Those of production that stand in the way, as the check judged them, the incompatible ones first; none where it
    says nothing of them.
    """
    further_extensions: Count = 0
    """How many more stand in the way."""


class PromotionScheduled(Event, key="environment"):
    """A promotion has passed its guards and waits for its start."""

    environment: EnvironmentId
    project: ProjectId
    promotion: PromotionId
    sandbox: EnvironmentId
    update: Update
    downtime: Downtime


class PromotionStarted(Event, key="environment"):
    """The operation of a promotion holds the environment."""

    environment: EnvironmentId
    project: ProjectId
    promotion: PromotionId
    sandbox: EnvironmentId
    update: Update
    downtime: Downtime
    operation: OperationId


class PromotionCompleted(Event, key="environment"):
    """Production runs the candidate's image."""

    environment: EnvironmentId
    project: ProjectId
    promotion: PromotionId
    sandbox: EnvironmentId
    update: Update
    operation: OperationId


class PromotionFailed(Event, key="environment"):
    """The operation of a promotion ended without success; production runs what it ran."""

    environment: EnvironmentId
    project: ProjectId
    promotion: PromotionId
    sandbox: EnvironmentId
    update: Update
    operation: OperationId
    problem: Problem


class PromotionCancelled(Event, key="environment"):
    """A scheduled promotion will not take place: a person, or a guard at its start, has cancelled it."""

    environment: EnvironmentId
    project: ProjectId
    promotion: PromotionId
    sandbox: EnvironmentId
    update: Update
    downtime: Downtime
    problem: Problem
    """The reason is one of ours, or of servicing-executor where that refused the start."""


class ReleasePublished(Event, key="version"):
    """A vendor version is generally available."""

    version: Version
    package: PackageId
    platform_version: Version
    application_version: Version
    base_version: Version | None
    modules: ArtifactRef | None = None
    """Its module list; None: not known."""
    published_at: Instant | None = None


class RolloutPlanned(Event, key="environment"):
    """An environment will be brought to a release in a window, without the extensions that cannot come along."""

    environment: EnvironmentId
    project: ProjectId
    release: Version
    package: PackageId
    start: Instant
    """The earliest, where the window opens."""
    end: Instant
    """Where the window closes: it does not start later."""
    remove_extensions: tuple[AppId, ...] = Field(max_length=MOST_EXTENSIONS)
    set_version: int = Field(ge=0)


class RolloutStarted(Event, key="environment"):
    """The operation of a rollout holds the environment."""

    environment: EnvironmentId
    project: ProjectId
    release: Version
    operation: OperationId


class RolloutFinished(Event, key="environment"):
    """The operation of a rollout has ended."""

    environment: EnvironmentId
    project: ProjectId
    release: Version
    operation: OperationId
    problem: Problem | None
    """None: the environment runs the release."""
    next_start: Instant | None
    """When it is tried again; None: not by itself."""


class RolloutSkipped(Event, key="environment"):
    """A planned rollout did not, or will not, start."""

    environment: EnvironmentId
    project: ProjectId
    release: Version
    """The base's version, while no release with it is known."""
    problem: Problem
    """The reason is one of ours, or of servicing-executor where that refused the start."""
    next_start: Instant | None
    """When it is tried again; None: not by itself."""


class UpdateWindowSet(Event, key="environment"):
    """Updates that the vendor's calendar or a policy starts will start in this window."""

    environment: EnvironmentId
    window: UpdateWindow


class CandidateSnapshot(Snapshot, key="candidate"):
    """A candidate as it stands."""

    candidate: UpdateId
    environment: EnvironmentId
    project: ProjectId
    update: Update
    marked_at: Instant
    actor: Actor | None


class PromotionSnapshot(Snapshot, key="promotion"):
    """A promotion as it stands, or as it ended."""

    promotion: PromotionId
    environment: EnvironmentId
    project: ProjectId
    sandbox: EnvironmentId
    update: Update
    status: PromotionStatus
    downtime: Downtime | None
    """None until it is scheduled."""
    operation: OperationId | None
    problem: Problem | None
    """Why it failed, was cancelled or refused."""
    actor: Actor | None


class ReleaseSnapshot(Snapshot, key="version"):
    """A release as it stands."""

    version: Version
    package: PackageId
    platform_version: Version
    application_version: Version
    base_version: Version | None
    modules: ArtifactRef | None = None
    published_at: Instant


class RolloutSnapshot(Snapshot, key="rollout"):
    """The rollout that an environment waits for, or had last, and its window."""

    rollout: EnvironmentId
    """The environment's id."""
    project: ProjectId | None
    """None while there was no rollout yet."""
    release: Version | None
    status: RolloutStatus
    start: Instant | None
    end: Instant | None
    remove_extensions: tuple[AppId, ...] = Field(max_length=MOST_EXTENSIONS)
    operation: OperationId | None
    problem: Problem | None
    window: UpdateWindow


MESSAGES = (
    MarkCandidate,
    SchedulePromotion,
    CancelPromotion,
    PublishRelease,
    SetUpdateWindow,
    CandidateMarked,
    PromotionCheckStarted,
    PromotionRefused,
    PromotionScheduled,
    PromotionStarted,
    PromotionCompleted,
    PromotionFailed,
    PromotionCancelled,
    ReleasePublished,
    RolloutPlanned,
    RolloutStarted,
    RolloutFinished,
    RolloutSkipped,
    UpdateWindowSet,
    CandidateSnapshot,
    PromotionSnapshot,
    ReleaseSnapshot,
    RolloutSnapshot,
)
