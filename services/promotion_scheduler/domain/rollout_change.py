"""A decision about a rollout in the making: each step changes its status and says what follows from it."""

from datetime import datetime
from typing import Any

from services.promotion_scheduler.domain.rollout import BUSY, TRANSITIONS, Rollout
from services.promotion_scheduler.domain.rollout_release import BaseRelease
from services.promotion_scheduler.domain.state import ANSWER_GRACE, problem
from services.promotion_scheduler.domain.window import next_window
from shared.contracts.message import Command, Event
from shared.contracts.parts import Problem
from shared.contracts.promotion_scheduler import (
    Reason,
    RolloutFinished,
    RolloutPlanned,
    RolloutSkipped,
    RolloutStarted,
    RolloutStatus,
)
from shared.contracts.servicing_executor import ApplyRelease
from shared.kernel import Decision, Send

Window = tuple[datetime, datetime]


class RolloutDraft:
    """One rollout while a single decision about it is made."""

    def __init__(self, rollout: Rollout) -> None:
        self.rollout = rollout
        self._events: list[Event] = []
        self._commands: list[Command | Send] = []
        self._timers: dict[str, datetime | None] = {}

    def change(self, **values: Any) -> None:
        """Give it other values, whatever its status."""
        self.rollout = self.rollout.model_copy(update=values)

    def plan(self, releases: tuple[BaseRelease | None, ...], now: datetime, look_again: datetime) -> None:
        """Let what is to be removed and when follow from what is known now, unless it is with the executor."""
        rollout = self.rollout
        if rollout.status in BUSY:
            return
        target = rollout.target
        if not target:
            self._call_off()
            return
        base = target[0].base
        version = base.partition("/")[0]
        release = next((one for one in releases if one and one.base_version == version), None)
        if release is None:
            self._wait_for_release(base, look_again)
            return
        self._timers["look"] = None
        waits = rollout.start is not None and rollout.status is not RolloutStatus.SUCCEEDED and rollout.base == base
        if waits and rollout.release == release and rollout.planned == rollout.wanted:
            self.change(set_version=max(one.set_version for one in target))
            return
        kept = (rollout.start, rollout.end) if waits and rollout.start and rollout.start > now else None
        self.tell_plan(base, release, kept or next_window(rollout.window, now))

    def tell_plan(self, base: str, release: BaseRelease, window: tuple[datetime | None, datetime | None]) -> None:
        """Let it start in a window, without what is to be removed."""
        start, end = window
        assert start
        assert end
        self._move(
            RolloutStatus.PLANNED,
            base=base,
            release=release,
            start=start,
            end=end,
            planned=self.rollout.wanted,
            set_version=max(one.set_version for one in self.rollout.target),
            operation=None,
            problem=None,
        )
        self._timers["start"] = start
        self._events.append(
            RolloutPlanned(
                environment=self.rollout.environment,
                project=self._project,
                release=release.version,
                package=release.package,
                start=start,
                end=end,
                remove_extensions=self.rollout.planned,
                set_version=self.rollout.set_version,
            )
        )

    def start(self, update_name: str) -> None:
        """Ask the executor to begin; he decides, under his lock."""
        self._move(RolloutStatus.STARTING, planned=self.rollout.wanted, operation=None, problem=None)
        rollout = self.rollout
        assert rollout.release
        assert rollout.end
        command = ApplyRelease(
            environment=rollout.environment,
            release=rollout.release.version,
            package=rollout.release.package,
            update_name=update_name,
            not_after=rollout.end,
            remove_extensions=rollout.planned,
            set_version=rollout.set_version,
        )
        self._commands.append(Send(command, id=rollout.apply_command))
        self._timers["start"] = None
        self._timers["answer"] = rollout.end + ANSWER_GRACE

    def started(self, operation: str) -> None:
        """Its operation holds the environment."""
        self._move(RolloutStatus.STARTED, operation=operation)
        self._timers["answer"] = None
        self._events.append(
            RolloutStarted(
                environment=self.rollout.environment,
                project=self._project,
                release=self._release,
                operation=operation,
            )
        )

    def succeed(self, operation: str) -> None:
        """The environment runs the release: nothing is left to be removed for it."""
        self._move(RolloutStatus.SUCCEEDED, problem=None, name_taken=False)
        self._finished(operation, None, None)
        self._settle()

    def fail(self, operation: str, why: Problem, again: Window | None) -> None:
        """Its operation has ended without success; it starts again in a window, or waits for news."""
        self._move(RolloutStatus.FAILED, problem=why)
        self._finished(operation, why, again)
        self._wait(again)

    def skip(self, why: Problem, again: Window | None) -> None:
        """It does not start now; it starts again in a window, or waits for news."""
        if self.rollout.status is RolloutStatus.STARTING:
            self._timers["answer"] = None
        self._move(RolloutStatus.SKIPPED, problem=why, operation=None)
        self._wait(again)
        self._skipped(again)

    def give_up(self, why: Problem) -> None:
        """It is not needed: the environment is not behind the release."""
        self.skip(why, None)
        self._settle()

    def decision(self, events: tuple[Event, ...] = ()) -> Decision[Rollout]:
        """What was decided; `events` come first."""
        return Decision(self.rollout, events=[*events, *self._events], commands=self._commands, timers=self._timers)

    def _call_off(self) -> None:
        """Nothing is to be removed any more. Who was told of a start is told that there is none."""
        self._timers["look"] = None
        if self.rollout.start is None or self.rollout.status is RolloutStatus.SUCCEEDED:
            self.change(base=None)
            return
        self.skip(problem(Reason.NOT_NEEDED, "no extension has to be removed any more; the update is called off"), None)

    def _wait_for_release(self, base: str, look_again: datetime) -> None:
        self._timers["look"] = look_again
        rollout = self.rollout
        told = rollout.problem is not None and rollout.problem.reason == Reason.RELEASE_UNKNOWN
        if told and rollout.status is RolloutStatus.SKIPPED and rollout.base == base:
            return
        self.change(base=base, release=None, planned=rollout.wanted)
        version = base.partition("/")[0]
        why = f"no release with base {version} was published yet; when one is, the update is planned by itself"
        self.skip(problem(Reason.RELEASE_UNKNOWN, why), None)

    def _settle(self) -> None:
        """What was to be removed for the version that the environment has, or a lower one, is settled."""
        major = self._major
        self.change(removals=tuple(one for one in self.rollout.removals if one.target_major > major))

    def _wait(self, again: Window | None) -> None:
        start, end = again or (None, None)
        self.change(start=start, end=end)
        self._timers["start"] = start

    def _finished(self, operation: str, why: Problem | None, again: Window | None) -> None:
        self._events.append(
            RolloutFinished(
                environment=self.rollout.environment,
                project=self._project,
                release=self._release,
                operation=operation,
                problem=why,
                next_start=again[0] if again else None,
            )
        )

    def _skipped(self, again: Window | None) -> None:
        assert self.rollout.problem
        self._events.append(
            RolloutSkipped(
                environment=self.rollout.environment,
                project=self._project,
                release=self._release,
                problem=self.rollout.problem,
                next_start=again[0] if again else None,
            )
        )

    @property
    def _project(self) -> str:
        assert self.rollout.project
        return self.rollout.project

    @property
    def _release(self) -> str:
        """The release's version; while none is known, the base's."""
        rollout = self.rollout
        assert rollout.base
        return rollout.release.version if rollout.release else rollout.base.partition("/")[0]

    @property
    def _major(self) -> int:
        assert self.rollout.base
        return int(self.rollout.base.partition(".")[0])

    def _move(self, status: RolloutStatus, **values: Any) -> None:
        assert status in TRANSITIONS[self.rollout.status], f"{self.rollout.status} does not become {status}"
        self.change(status=status, **values)
