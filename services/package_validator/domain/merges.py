"""Packages that are made of others."""

from dataclasses import dataclass
from datetime import datetime

from services.package_validator.domain.checks import CheckFacts
from services.package_validator.domain.guards import check_is_same_merge, check_sources, valid_source
from services.package_validator.domain.package_change import PackageChange
from services.package_validator.domain.state import DeployablePackage
from services.package_validator.domain.work import Merged, MergeInput, MergeSource
from shared.contracts.envelope import Envelope
from shared.contracts.package_validator import MergePackages, PackageMergeFailed, PackageStatus, Reason
from shared.contracts.parts import Problem
from shared.contracts.scalars import project_of
from shared.kernel import UNCHANGED, Decision, WorkEnded


@dataclass(frozen=True)
class MergeFacts:
    """The packages that are to be merged, in their order; None where there is none of that name."""

    sources: tuple[DeployablePackage | None, ...]


def merge(
    state: DeployablePackage | None, message: Envelope[MergePackages], facts: MergeFacts, now: datetime
) -> Decision[DeployablePackage]:
    """A package is to be made of others. Asked for again, what came of it is told again."""
    command = message.data
    if state is not None:
        return _again(state, command, now)
    check_sources(command)
    sources = tuple(
        MergeSource(package=name, artifact=valid_source(name, source).file)
        for name, source in zip(command.sources, facts.sources, strict=True)
    )
    merging = DeployablePackage(
        id=command.package,
        status=PackageStatus.SUBMITTED,
        artifact=None,
        file_name=f"{command.package.partition('/')[2]}.zip",
        merged_from=command.sources,
        taken=command.take,
    )
    change = PackageChange(merging, now)
    change.start("merge", MergeInput(package=command.package, sources=sources, take=command.take))
    return change


def merged(
    state: DeployablePackage, ended: WorkEnded[Merged], facts: CheckFacts, now: datetime
) -> Decision[DeployablePackage]:
    """The merge has ended: there is a package to check, or none."""
    if state.artifact is not None:
        return UNCHANGED
    result = ended.result
    if result is not None and result.artifact:
        change = PackageChange(state, now)
        change.merged(result.artifact)
        change.begin_check(facts.releases)
        change.announce_submitted()
        return change
    problem = result.problem if result else None
    if problem is None:
        failure = ended.failure
        text = f"{failure.message} ({failure.attempts} attempts)" if failure else "it ended without a result"
        problem = Problem.of(Reason.MERGE_FAILED, text)
    failed = PackageMergeFailed(
        package=state.id, project=project_of(state.id), sources=state.merged_from, problem=problem
    )
    return Decision(None, events=[failed])


def _again(state: DeployablePackage, command: MergePackages, now: datetime) -> Decision[DeployablePackage]:
    check_is_same_merge(state, command)
    if state.artifact is None:
        return UNCHANGED
    change = PackageChange(state, now)
    change.announce()
    return change
