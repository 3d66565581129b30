"""What is decided about the checks of a package: the first, those that are asked for, and those by itself.

A verdict stands until there is another: while a package is checked again, and when that check fails by a fault of
ours, it is what it was, and may be applied if it was valid.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from services.package_validator.domain.guards import check_is_merged, check_is_not_retired, check_is_same_file
from services.package_validator.domain.package_change import PackageChange
from services.package_validator.domain.projections import ReleasesProjection, candidates, of_platform
from services.package_validator.domain.state import Basis, DeployablePackage
from services.package_validator.domain.work import Checked
from shared.contracts.envelope import Envelope
from shared.contracts.package_validator import PackageStatus, Reason, RevalidatePackage, SubmitPackage
from shared.contracts.parts import Problem
from shared.kernel import UNCHANGED, Decision, Failure, TimerDue, WorkEnded

LATE = timedelta(minutes=1)
"""How late a look may be, at least, before it counts as missed."""


@dataclass(frozen=True)
class CheckFacts:
    """All releases; None before the first."""

    releases: ReleasesProjection | None


@dataclass(frozen=True)
class Checks:
    """The decisions of a validator with these rules."""

    rules: str
    """Their fingerprint."""
    look_every: timedelta
    """How long a package with a verdict waits at most before it looks whether rules or release are others now."""

    def submit(
        self, state: DeployablePackage | None, message: Envelope[SubmitPackage], facts: CheckFacts, now: datetime
    ) -> Decision[DeployablePackage]:
        """A file is to be checked under a name. The same file again is no new package, unless its check had failed."""
        command = message.data
        if state is None:
            state = DeployablePackage(
                id=command.package,
                status=PackageStatus.CHECKING,
                artifact=command.artifact,
                file_name=command.file_name,
            )
        else:
            check_is_same_file(state, command)
            check_is_not_retired(state, "to offer the file again, submit it under another name")
            if state.status is not PackageStatus.CHECK_FAILED:
                change = PackageChange(state, now)
                change.announce()
                return change
        return self.begin(state.replace(file_name=command.file_name), facts, now)

    def revalidate(
        self, state: DeployablePackage, message: Envelope[RevalidatePackage], facts: CheckFacts, now: datetime
    ) -> Decision[DeployablePackage]:
        """A package is checked again. While a check runs, that one is the answer."""
        check_is_not_retired(state, "it is not checked any more")
        check_is_merged(state)
        if state.rechecking or state.status is PackageStatus.CHECKING:
            change = PackageChange(state, now)
            change.announce_submitted()
            return change
        return self.begin(state, facts, now)

    def begin(self, state: DeployablePackage, facts: CheckFacts, now: datetime) -> PackageChange:
        """Check a package that has a file, and say so."""
        change = PackageChange(state, now)
        change.begin_check(facts.releases)
        change.announce_submitted()
        return change

    def look(
        self, state: DeployablePackage, timer: TimerDue, facts: CheckFacts, now: datetime
    ) -> Decision[DeployablePackage]:
        """Time to look: a package whose verdict rests on other rules or another release is checked again."""
        if state.basis is None or state.standing is None or state.rechecking:
            return UNCHANGED
        change = PackageChange(state, now)
        if now - timer.due > max(self.look_every / 4, LATE):
            # Nobody was there to look, and all others are late as well: not all of them at once.
            change.look_at(now + self.look_every * _share(state.id))
        elif state.basis == self._basis(state.basis.platform_version, facts.releases):
            change.look_at(self._next_look(state.id, now))
        else:
            # Nobody has asked, so nobody is answered before there is a verdict.
            change.begin_check(facts.releases)
        return change

    def checked(
        self, state: DeployablePackage, ended: WorkEnded[Checked], facts: CheckFacts, now: datetime
    ) -> Decision[DeployablePackage]:
        """The check has ended. A fault of ours is never told as a fault of the package."""
        if state.artifact is None or state.retired:
            return UNCHANGED
        result = ended.result or _without_result(ended.failure)
        change = PackageChange(state, now)
        if result.problem:
            change.undecided(result.problem, crashed=result.crashed)
            if state.basis and state.standing and result.crashed:
                # It would bring the check down again at every look: only what is new since is a reason to try again.
                change.replace(basis=self._basis(state.basis.platform_version, facts.releases))
        elif result.report:
            change.judged(result, result.report)
        else:
            raise ValueError(f"the check of {state.id} has come to a verdict without a report")
        if change.state.standing:
            change.look_at(self._next_look(state.id, now))
        return change

    def _next_look(self, package: str, now: datetime) -> datetime:
        """Up to a quarter sooner than `look_every`: packages that were checked together drift apart."""
        return now + self.look_every * (1 - _share(package) / 4)

    def _basis(self, platform_version: str | None, releases: ReleasesProjection | None) -> Basis:
        """What a check would rest on now."""
        release = of_platform(candidates(releases), platform_version)
        return Basis(
            platform_version=platform_version,
            rules=self.rules,
            release=release.version if release else None,
            modules=release.modules.digest if release and release.modules else None,
        )


def _share(package: str) -> float:
    """A number from 0 up to 1 that differs from package to package, and is always the same for one."""
    return int.from_bytes(blake2b(package.encode(), digest_size=4).digest(), "big") / 2**32


def _without_result(failure: Failure | None) -> Checked:
    crashed = failure is not None and failure.kind == "crashed"
    text = f"{failure.message} ({failure.attempts} attempts)" if failure else "it ended without a result"
    if crashed:
        text = f"the check was cut off each time it was begun: {text}"
    return Checked(problem=Problem.of(Reason.CHECK_CRASHED if crashed else Reason.CHECK_FAILED, text), crashed=crashed)
