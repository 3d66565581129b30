"""The decision about a rollout: each verb changes its status and says what follows from it."""

from services.promotion_scheduler.domain.projections import BaseReleaseProjection
from services.promotion_scheduler.domain.state import Rollout
from services.promotion_scheduler.domain.terms import ANSWER_GRACE
from services.promotion_scheduler.domain.window import Window
from shared.contracts.parts import Problem
from shared.contracts.promotion_scheduler import (
    RolloutFinished,
    RolloutPlanned,
    RolloutSkipped,
    RolloutStarted,
    RolloutStatus,
)
from shared.contracts.servicing_executor import ApplyRelease
from shared.kernel import DecisionBuilder


class RolloutChange(DecisionBuilder[Rollout]):
    """A decision about a rollout."""

    def planned(self, base: str, release: BaseReleaseProjection, window: Window) -> None:
        """It starts in a window, without what is to be removed."""
        start, end = window
        self.move(
            RolloutStatus.PLANNED,
            base=base,
            release=release,
            start=start,
            end=end,
            planned=self.state.wanted,
            set_version=self.state.wanted_at,
            operation=None,
            problem=None,
        )
        self.at("start", start)
        self.say(
            RolloutPlanned(
                environment=self.state.environment,
                project=self._project,
                release=release.version,
                package=release.package,
                start=start,
                end=end,
                remove_extensions=self.state.planned,
                set_version=self.state.set_version,
            )
        )

    def starting(self, update_name: str) -> None:
        """Ask the executor to begin; he decides, under his lock."""
        self.move(RolloutStatus.STARTING, planned=self.state.wanted, operation=None, problem=None)
        rollout = self.state
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
        self.send(command, id=rollout.apply_command)
        self.cancel("start")
        self.at("answer", rollout.end + ANSWER_GRACE)

    def started(self, operation: str) -> None:
        """Its operation holds the environment."""
        self.move(RolloutStatus.STARTED, operation=operation)
        self.cancel("answer")
        self.say(
            RolloutStarted(
                environment=self.state.environment,
                project=self._project,
                release=self._release,
                operation=operation,
            )
        )

    def succeeded(self, operation: str) -> None:
        """The environment runs the release: nothing is left to be removed for it."""
        self.move(RolloutStatus.SUCCEEDED, problem=None, name_taken=False)
        self._finished(operation, None, None)
        self._forget_what_is_settled()

    def failed(self, operation: str, why: Problem, again: Window | None) -> None:
        """Its operation has ended without success; it starts again in a window, or waits for news."""
        self.move(RolloutStatus.FAILED, problem=why)
        self._finished(operation, why, again)
        self._wait(again)

    def skipped(self, why: Problem, again: Window | None) -> None:
        """It does not start now; it starts again in a window, or waits for news."""
        if self.state.status is RolloutStatus.STARTING:
            self.cancel("answer")
        self.move(RolloutStatus.SKIPPED, problem=why, operation=None)
        self._wait(again)
        self.say(
            RolloutSkipped(
                environment=self.state.environment,
                project=self._project,
                release=self._release,
                problem=why,
                next_start=again[0] if again else None,
            )
        )

    def given_up(self, why: Problem) -> None:
        """It is not needed: the environment is not behind the release."""
        self.skipped(why, None)
        self._forget_what_is_settled()

    def _forget_what_is_settled(self) -> None:
        """What was to be removed for the version that the environment has, or a lower one, is settled."""
        major = self._major
        self.replace(removals=tuple(one for one in self.state.removals if one.target_major > major))

    def _wait(self, again: Window | None) -> None:
        start, end = again or (None, None)
        self.replace(start=start, end=end)
        if start:
            self.at("start", start)
        else:
            self.cancel("start")

    def _finished(self, operation: str, why: Problem | None, again: Window | None) -> None:
        self.say(
            RolloutFinished(
                environment=self.state.environment,
                project=self._project,
                release=self._release,
                operation=operation,
                problem=why,
                next_start=again[0] if again else None,
            )
        )

    @property
    def _project(self) -> str:
        assert self.state.project
        return self.state.project

    @property
    def _release(self) -> str:
        """The release's version; while none is known, the base's."""
        rollout = self.state
        assert rollout.base
        return rollout.release.version if rollout.release else rollout.base.partition("/")[0]

    @property
    def _major(self) -> int:
        assert self.state.base
        return int(self.state.base.partition(".")[0])
