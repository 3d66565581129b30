"""A base: published once, indexed once; what extensions are checked against."""

from datetime import datetime

from services.extension_compatibility_checker.domain.guards import check_base_is_free
from services.extension_compatibility_checker.domain.state import Base
from services.extension_compatibility_checker.domain.work import IndexingDone, IndexingInput
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import (
    BaseIndexed,
    BaseIndexingFailed,
    BaseStatus,
    PublishBase,
    Reason,
)
from shared.contracts.parts import Problem
from shared.kernel import Decision, DecisionBuilder, WorkEnded

_PACKAGES_AT_FAULT = frozenset({Reason.BASE_UNREADABLE, Reason.BASE_MISMATCH})


class BaseChange(DecisionBuilder[Base]):
    """A decision about a base."""

    def begin_indexing(self) -> None:
        """Have its packages indexed."""
        self.start("indexing", IndexingInput(base=self.state.base, packages=self.state.packages))

    def end_indexing(self, done: IndexingDone) -> None:
        """It has its index, or will have none."""
        status = BaseStatus.INDEXED
        if done.problem:
            status = BaseStatus.UNREADABLE if done.problem.reason in _PACKAGES_AT_FAULT else BaseStatus.FAILED
        self.move(status, indexed=done.indexed, problem=done.problem)
        self.answer()

    def answer(self) -> None:
        """Say how the indexing ended, if it has."""
        state = self.state
        if state.problem:
            self.say(BaseIndexingFailed(base=state.base, problem=state.problem))
        elif state.status is BaseStatus.INDEXED:
            self.say(BaseIndexed(base=state.base, packages=tuple(one.app for one in state.indexed)))


def publish(state: Base | None, message: Envelope[PublishBase], facts: None, now: datetime) -> Decision[Base]:
    """A base is to be indexed. A base that has an index keeps it."""
    command = message.data
    if state is not None:
        check_base_is_free(state, command)
        if state.consists_of(command.packages) and state.status is not BaseStatus.FAILED:
            change = BaseChange(state, now)
            change.answer()
            return change
    packages = tuple({one.digest: one for one in command.packages}.values())
    change = BaseChange(Base(base=command.base, packages=packages, status=BaseStatus.INDEXING), now)
    change.begin_indexing()
    return change


def indexing_ended(state: Base, ended: WorkEnded[IndexingDone], facts: None, now: datetime) -> Decision[Base]:
    """The indexing has come to its end, or was given up."""
    done = ended.result
    if done is None:
        message = ended.failure.message if ended.failure else "it ended without a result"
        done = IndexingDone(problem=Problem.of(Reason.INDEXING_FAILED, message))
    change = BaseChange(state, now)
    change.end_indexing(done)
    return change
