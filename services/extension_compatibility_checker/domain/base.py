"""A base: published once, indexed once; what extensions are checked against."""

from datetime import datetime

from services.extension_compatibility_checker.domain.work import IndexedPackage, IndexingDone, IndexingInput
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import (
    BaseIndexed,
    BaseIndexingFailed,
    BaseSnapshot,
    BaseStatus,
    PublishBase,
    Reason,
)
from shared.contracts.parts import ArtifactRef, Problem
from shared.contracts.scalars import sentence
from shared.kernel import Decision, Rejected, State, WorkEnded

_PACKAGES_AT_FAULT = frozenset({Reason.BASE_UNREADABLE, Reason.BASE_MISMATCH})


class Base(State):
    """A base under its id `<version>/<country>`. Once it is indexed it never changes."""

    base: str
    packages: tuple[ArtifactRef, ...]
    status: BaseStatus
    indexed: tuple[IndexedPackage, ...] = ()
    problem: Problem | None = None

    def consists_of(self, packages: tuple[ArtifactRef, ...]) -> bool:
        """Whether these are its packages; their order does not count."""
        return {one.digest for one in self.packages} == {one.digest for one in packages}


def publish(state: Base | None, message: Envelope[PublishBase], facts: None, now: datetime) -> Decision[Base]:
    """A base is to be indexed. A base that has an index keeps it."""
    base = message.data.base
    packages = tuple({one.digest: one for one in message.data.packages}.values())
    if state is not None and not state.consists_of(packages) and state.status in _TAKEN:
        raise Rejected(
            Reason.BASE_EXISTS,
            f"base {base} was published from other packages; another base needs another version or country",
            facts={"packages": [one.digest for one in state.packages]},
        )
    if state is not None and state.consists_of(packages) and state.status is not BaseStatus.FAILED:
        return Decision(state, events=_answer(state))
    started = Base(base=base, packages=packages, status=BaseStatus.INDEXING)
    return Decision(started, work={"indexing": IndexingInput(base=base, packages=packages)})


_TAKEN = frozenset({BaseStatus.INDEXING, BaseStatus.INDEXED})


def indexing_ended(state: Base | None, ended: WorkEnded[IndexingDone], facts: None, now: datetime) -> Decision[Base]:
    """The base has its index, or will have none."""
    if state is None:
        return Decision(state)
    done = ended.result
    if done is None:
        message = ended.failure.message if ended.failure else "it ended without a result"
        done = IndexingDone(problem=Problem(reason=Reason.INDEXING_FAILED, message=sentence(message)))
    status = BaseStatus.INDEXED
    if done.problem:
        status = BaseStatus.UNREADABLE if done.problem.reason in _PACKAGES_AT_FAULT else BaseStatus.FAILED
    after = state.model_copy(update={"status": status, "indexed": done.indexed, "problem": done.problem})
    return Decision(after, events=_answer(after))


def _answer(state: Base) -> list[BaseIndexed | BaseIndexingFailed]:
    if state.problem:
        return [BaseIndexingFailed(base=state.base, problem=state.problem)]
    if state.status is BaseStatus.INDEXED:
        return [BaseIndexed(base=state.base, packages=tuple(one.app for one in state.indexed))]
    return []


def base_view(base: str, state: Base) -> BaseSnapshot:
    """The base as others see it."""
    return BaseSnapshot(base=base, status=state.status, packages=state.packages, problem=state.problem)
