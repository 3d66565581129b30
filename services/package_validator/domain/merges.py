"""Packages that are made of others."""

from dataclasses import dataclass
from datetime import datetime

from services.package_validator.domain.checks import Checks
from services.package_validator.domain.releases import ReleaseFacts
from services.package_validator.domain.state import Package
from services.package_validator.domain.told import file_of, submitted, told
from services.package_validator.domain.work import Merged, MergeInput, MergeSource
from shared.contracts.envelope import Envelope
from shared.contracts.package_validator import MergePackages, PackageMergeFailed, PackageStatus, Reason
from shared.contracts.parts import Problem
from shared.contracts.scalars import project_of, sentence
from shared.kernel import Decision, NotYet, Rejected, WorkEnded


@dataclass(frozen=True)
class MergeFacts:
    """The packages that are to be merged, in their order; None where there is none of that name."""

    sources: tuple[Package | None, ...]


@dataclass(frozen=True)
class Merges:
    """The decisions about merging; what was merged goes on to `checks`."""

    checks: Checks

    def merge(
        self, state: Package | None, message: Envelope[MergePackages], facts: MergeFacts, now: datetime
    ) -> Decision[Package]:
        """A package is to be made of others. Asked for again, what came of it is told again."""
        command = message.data
        if state is not None:
            return _again(state, command)
        if len(set(command.sources)) < len(command.sources):
            raise Rejected(Reason.MERGE_REFUSED, "a package is named twice; name each once")
        for name in command.sources:
            if project_of(name) != project_of(command.package):
                raise Rejected(
                    Reason.OTHER_PROJECT,
                    f"{name} belongs to another project than {command.package}",
                    facts={"source": name},
                )
        pairs = zip(command.sources, facts.sources, strict=True)
        sources = tuple(_source(name, source) for name, source in pairs)
        merging = Package(
            id=command.package,
            status=PackageStatus.SUBMITTED,
            artifact=None,
            file_name=f"{command.package.partition('/')[2]}.zip",
            merged_from=command.sources,
        )
        return Decision(merging, work={"merge": MergeInput(package=command.package, sources=sources)})

    def merged(
        self, state: Package | None, ended: WorkEnded[Merged], facts: ReleaseFacts, now: datetime
    ) -> Decision[Package]:
        """The merge has ended: there is a package to check, or none."""
        if state is None or state.artifact is not None:
            return Decision(state)
        result = ended.result
        if result is not None and result.artifact:
            package = state.model_copy(update={"artifact": result.artifact, "status": PackageStatus.CHECKING})
            return self.checks.begin(package, facts.releases, [submitted(package)])
        problem = result.problem if result else None
        if problem is None:
            failure = ended.failure
            text = f"{failure.message} ({failure.attempts} attempts)" if failure else "it ended without a result"
            problem = Problem(reason=Reason.MERGE_FAILED, message=sentence(text))
        failed = PackageMergeFailed(
            package=state.id, project=project_of(state.id), sources=state.merged_from, problem=problem
        )
        return Decision(None, events=[failed])


def _again(state: Package, command: MergePackages) -> Decision[Package]:
    if state.merged_from != command.sources:
        raise Rejected(Reason.NAME_TAKEN, f"{command.package} is another package; choose another name")
    return Decision(state, events=[told(state)] if state.artifact else [])


def _source(name: str, source: Package | None) -> MergeSource:
    if source is None:
        raise NotYet(f"there is no package {name}", waits_for=name)
    if source.artifact is None or source.status is PackageStatus.CHECKING:
        raise NotYet(f"package {name} is still being checked", waits_for=name, reason=Reason.NOT_CHECKED_YET)
    if source.status is not PackageStatus.VALID:
        raise Rejected(
            Reason.SOURCE_NOT_VALID,
            f"package {name} is {source.status.value}; only valid packages can be merged",
            facts={"source": name, "status": source.status.value},
        )
    return MergeSource(package=name, artifact=file_of(source))
