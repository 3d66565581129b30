"""What is decided about the checks of a package: the first, those that are asked for, and those by itself.

A verdict stands until there is another: while a package is checked again, and when that check fails by a fault of
ours, it is what it was, and may be applied if it was valid.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from services.package_validator.domain.releases import ReleaseFacts, Releases, candidates, of_platform
from services.package_validator.domain.state import Basis, Package
from services.package_validator.domain.told import check_failed, file_of, submitted, told
from services.package_validator.domain.work import Checked, CheckInput
from shared.contracts.envelope import Envelope
from shared.contracts.message import Event
from shared.contracts.package_validator import (
    Judged,
    PackageStatus,
    Reason,
    RevalidatePackage,
    SubmitPackage,
)
from shared.contracts.parts import Problem
from shared.contracts.scalars import sentence
from shared.kernel import Decision, Failure, NotYet, Rejected, TimerDue, WorkEnded

CHECK = "check"
LOOK = "look"
LATE = timedelta(minutes=1)
"""How late a look may be, at least, before it counts as missed."""


@dataclass(frozen=True)
class Checks:
    """The decisions of a validator with these rules."""

    rules: str
    """Their fingerprint."""
    look_every: timedelta
    """How long a package with a verdict waits at most before it looks whether rules or release are others now."""

    def submit(
        self, state: Package | None, message: Envelope[SubmitPackage], facts: ReleaseFacts, now: datetime
    ) -> Decision[Package]:
        """A file is to be checked under a name. The same file again is no new package, unless its check had failed."""
        command = message.data
        if state is None:
            package = Package(
                id=command.package,
                status=PackageStatus.CHECKING,
                artifact=command.artifact,
                file_name=command.file_name,
            )
            return self.begin(package, facts.releases, [submitted(package)])
        if state.artifact is None:
            made_of = ", ".join(state.merged_from)
            raise Rejected(Reason.NAME_TAKEN, f"{state.id} is being merged from {made_of}; choose another name")
        if state.artifact.digest != command.artifact.digest:
            raise Rejected(
                Reason.NAME_TAKEN, f"{command.package} is another file, {state.artifact.digest}; choose another name"
            )
        if state.retired:
            raise Rejected(
                Reason.PACKAGE_RETIRED, f"{_retired(state)}; to offer the file again, submit it under another name"
            )
        if state.status is not PackageStatus.CHECK_FAILED:
            return Decision(state, events=[told(state)])
        package = state.model_copy(update={"file_name": command.file_name})
        return self.begin(package, facts.releases)

    def revalidate(
        self, state: Package | None, message: Envelope[RevalidatePackage], facts: ReleaseFacts, now: datetime
    ) -> Decision[Package]:
        """A package is checked again. While a check runs, that one is the answer."""
        state = known(state, message.data.package)
        if state.retired:
            raise Rejected(Reason.PACKAGE_RETIRED, f"{_retired(state)}; it is not checked any more")
        if state.artifact is None:
            raise Rejected(Reason.NOT_CHECKED_YET, f"{state.id} is still being merged, and checked after that")
        if state.rechecking or state.status is PackageStatus.CHECKING:
            return Decision(state, events=[submitted(state)])
        return self.begin(state, facts.releases)

    def look(self, state: Package | None, timer: TimerDue, facts: ReleaseFacts, now: datetime) -> Decision[Package]:
        """Time to look: a package whose verdict rests on other rules or another release is checked again."""
        if state is None or state.basis is None or state.standing is None or state.rechecking:
            return Decision(state)
        if now - timer.due > max(self.look_every / 4, LATE):
            # Nobody was there to look, and all others are late as well: not all of them at once.
            return Decision(state, timers={LOOK: now + self.look_every * _share(state.id)})
        if state.basis == self._basis(state.basis.platform_version, facts.releases):
            return Decision(state, timers={LOOK: self._next_look(state.id, now)})
        # Nobody has asked, so nobody is answered before there is a verdict.
        return self.begin(state, facts.releases, [])

    def checked(
        self, state: Package | None, ended: WorkEnded[Checked], facts: ReleaseFacts, now: datetime
    ) -> Decision[Package]:
        """The check has ended. A fault of ours is never told as a fault of the package."""
        if state is None or state.artifact is None:
            return Decision(state)
        result = ended.result or _without_result(ended.failure)
        if result.problem:
            return self._undecided(state, result, result.problem, facts.releases, now)
        if result.report is None:
            raise ValueError(f"the check of {state.id} has come to a verdict without a report")
        judged = Judged(
            report=result.report,
            errors=result.errors,
            warnings=result.warnings,
            rules=result.rules,
            release=result.release.version if result.release else None,
            checked_at=now,
        )
        modules = result.release.modules if result.release else None
        basis = Basis(
            platform_version=result.platform_version,
            rules=result.rules,
            release=judged.release,
            modules=modules.digest if modules else None,
        )
        after = state.model_copy(
            update={
                "status": PackageStatus.VALID if result.contents else PackageStatus.INVALID,
                "contents": result.contents or state.contents,
                "findings": result.findings,
                "problem": None,
                "judged": judged,
                "basis": basis,
                "rechecking": False,
            }
        )
        return Decision(after, events=[told(after)], timers={LOOK: self._next_look(state.id, now)})

    def begin(self, state: Package, releases: Releases | None, events: list[Event] | None = None) -> Decision[Package]:
        """Start the check of a package that has a file. `events` None: that it waits for its check is told."""
        if state.standing:
            package = state.model_copy(update={"rechecking": True})
        else:
            package = state.model_copy(update={"status": PackageStatus.CHECKING, "problem": None})
        given = CheckInput(package=state.id, artifact=file_of(state), releases=candidates(releases))
        return Decision(
            package,
            events=[submitted(package)] if events is None else events,
            timers={LOOK: None},
            work={CHECK: given},
        )

    def _undecided(
        self, state: Package, result: Checked, problem: Problem, releases: Releases | None, now: datetime
    ) -> Decision[Package]:
        if state.standing is None:
            status = PackageStatus.QUARANTINED if result.crashed else PackageStatus.CHECK_FAILED
            after = state.model_copy(update={"status": status, "problem": problem})
            return Decision(after, events=[told(after)])
        after = state.model_copy(update={"rechecking": False})
        if result.crashed and state.basis:
            # It would bring the check down again at every look: only what is new since is a reason to try again.
            after = after.model_copy(update={"basis": self._basis(state.basis.platform_version, releases)})
        return Decision(after, events=[check_failed(after, problem)], timers={LOOK: self._next_look(state.id, now)})

    def _next_look(self, package: str, now: datetime) -> datetime:
        """Up to a quarter sooner than `look_every`: packages that were checked together drift apart."""
        return now + self.look_every * (1 - _share(package) / 4)

    def _basis(self, platform_version: str | None, releases: Releases | None) -> Basis:
        """What a check would rest on now."""
        release = of_platform(candidates(releases), platform_version)
        return Basis(
            platform_version=platform_version,
            rules=self.rules,
            release=release.version if release else None,
            modules=release.modules.digest if release and release.modules else None,
        )


def known(state: Package | None, package: str) -> Package:
    """The package. Raise NotYet if none was submitted under the name."""
    if state is None:
        raise NotYet(f"there is no package {package}")
    return state


def _share(package: str) -> float:
    """A number from 0 up to 1 that differs from package to package, and is always the same for one."""
    return int.from_bytes(blake2b(package.encode(), digest_size=4).digest(), "big") / 2**32


def _retired(state: Package) -> str:
    if state.retired is None:
        raise ValueError(f"{state.id} is not retired")
    return f"{state.id} was retired by {state.retired.actor or 'an unknown user'} on {state.retired.at:%Y-%m-%d}"


def _without_result(failure: Failure | None) -> Checked:
    crashed = failure is not None and failure.kind == "crashed"
    text = f"{failure.message} ({failure.attempts} attempts)" if failure else "it ended without a result"
    if crashed:
        text = f"the check was cut off each time it was begun: {text}"
    reason = Reason.CHECK_CRASHED if crashed else Reason.CHECK_FAILED
    return Checked(problem=Problem(reason=reason, message=sentence(text)), crashed=crashed)
