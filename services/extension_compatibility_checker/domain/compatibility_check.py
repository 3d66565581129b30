"""A check: one environment's extensions, at one version of the set, against one base. Who waits gets an answer.

Nobody who waits for a check reads refusals, so whatever stands in its way ends in the verdict `check-failed`.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.extension_compatibility_checker.domain.extensions import named
from services.extension_compatibility_checker.domain.remediation_policy import removal_days, rule
from services.extension_compatibility_checker.domain.state import Base, CompatibilityCheck, ProjectPolicy, Waiter
from services.extension_compatibility_checker.domain.work import (
    CompatibilityCheckDone,
    CompatibilityCheckInput,
    ExtensionJudgement,
)
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import (
    BaseStatus,
    CheckCompatibility,
    CompatibilityChecked,
    CompatibilityCheckStarted,
    ExtensionChecked,
    ExtensionIncompatible,
    ExtensionVerdict,
    Reason,
)
from shared.contracts.parts import Extension, Problem, Verdict
from shared.kernel import UNCHANGED, Decision, DecisionBuilder, TimerDue, WorkEnded

BASE_PATIENCE = timedelta(seconds=10)
"""How long a check waits for somebody to publish its base."""
_LOOK_SOON, _LOOK_LATE = timedelta(milliseconds=250), timedelta(seconds=5)

_WORST_FIRST = (
    Verdict.CHECK_FAILED,
    Verdict.INCOMPATIBLE,
    Verdict.UNVERIFIABLE,
    Verdict.COMPATIBLE_WITH_WARNINGS,
)


@dataclass(frozen=True)
class CheckedBases:
    """The base that a check is about, and the one in use today where the check names it."""

    base: Base | None
    current: Base | None = None


@dataclass(frozen=True)
class PolicyOfCheck:
    """The policy of the environment's project."""

    policy: ProjectPolicy | None


class CheckChange(DecisionBuilder[CompatibilityCheck]):
    """A decision about a check."""

    def wait(self, waiter: Waiter) -> None:
        """Answer one more at the check's end."""
        if waiter not in self.state.waiters:
            self.replace(waiters=(*self.state.waiters, waiter))

    def begin(self, bases: CheckedBases) -> None:
        """Check against the base if it is indexed; wait for it, or end without it, if it is not."""
        asked, base = self.state.request, bases.base
        if not asked.extensions:
            self.end(CompatibilityCheckDone())
        elif base is None or base.status is BaseStatus.INDEXING:
            self._await(base)
        elif base.problem:
            problem = Problem.of(base.problem.reason, f"base {asked.base} has no index: {base.problem.message}")
            self.end(CompatibilityCheckDone(problem=problem))
        else:
            self._check(base, bases.current)

    def _await(self, base: Base | None) -> None:
        patience_ends = self.state.asked_at + BASE_PATIENCE
        if base is None and self.now >= patience_ends:
            message = f"no base {self.state.request.base} was published: publish it, then try again"
            self.end(CompatibilityCheckDone(problem=Problem.of(Reason.BASE_UNKNOWN, message)))
            return
        look = self.now + min(max(self.now - self.state.asked_at, _LOOK_SOON), _LOOK_LATE)
        self.at("base", min(look, patience_ends) if base is None else look)

    def _check(self, base: Base, current: Base | None) -> None:
        asked = self.state.request
        given = CompatibilityCheckInput(
            environment=asked.environment,
            set_version=asked.set_version,
            base=asked.base,
            extensions=asked.extensions,
            packages=base.indexed,
            current_base=asked.current_base,
            current_packages=current.indexed if current else (),
            replaced=asked.replaced,
        )
        self.say(
            CompatibilityCheckStarted(
                environment=asked.environment,
                project=asked.project,
                set_version=asked.set_version,
                base=asked.base,
                current_base=asked.current_base,
                extensions=len(asked.extensions),
                operation=asked.operation,
                promotion=asked.promotion,
            )
        )
        self.start("check", given)
        self.cancel("base")

    def end(self, done: CompatibilityCheckDone, days: int | None = None) -> None:
        """Tell what was found of each extension, and again of each that does not work; then answer all who wait."""
        problem, judged = done.problem, done.judged
        if problem:
            judged = tuple(_not_checked(one, problem) for one in self.state.request.extensions)
        verdicts = tuple(one.verdict for one in judged)
        found = {one.verdict for one in verdicts}
        waiters = self.state.waiters
        self.replace(
            waiters=(),
            verdict=next((verdict for verdict in _WORST_FIRST if verdict in found), Verdict.COMPATIBLE),
            extensions=verdicts,
            report=done.report,
            problem=problem,
            checked_at=self.now,
        )
        for one in judged:
            self._extension_checked(one)
        for one in judged:
            if one.verdict.verdict is Verdict.INCOMPATIBLE:
                self._incompatible(one, days)
        for waiter in waiters:
            self.answer(waiter)
        self.cancel("base")

    def answer(self, waiter: Waiter) -> None:
        """Say to one who waits what was found."""
        state = self.state
        assert state.verdict
        asked = state.request
        self.say(
            CompatibilityChecked(
                environment=asked.environment,
                project=asked.project,
                set_version=asked.set_version,
                base=asked.base,
                verdict=state.verdict,
                extensions=state.extensions,
                report=state.report,
                operation=waiter.operation,
                promotion=waiter.promotion,
                problem=state.problem,
            )
        )

    def _extension_checked(self, judged: ExtensionJudgement) -> None:
        asked = self.state.request
        self.say(
            ExtensionChecked(
                environment=asked.environment,
                project=asked.project,
                set_version=asked.set_version,
                base=asked.base,
                extension=judged.verdict,
                findings=judged.findings,
                report=self.state.report,
                reused=judged.reused,
            )
        )

    def _incompatible(self, judged: ExtensionJudgement, days: int | None) -> None:
        assert self.state.report
        asked = self.state.request
        self.say(
            ExtensionIncompatible(
                environment=asked.environment,
                project=asked.project,
                set_version=asked.set_version,
                base=asked.base,
                extension=named(judged.verdict),
                findings=judged.findings,
                report=self.state.report,
                removal_days=days,
            )
        )


def check(
    state: CompatibilityCheck | None, message: Envelope[CheckCompatibility], facts: CheckedBases, now: datetime
) -> Decision[CompatibilityCheck]:
    """Somebody wants to know. What was found before is said again, unless it was a fault of ours."""
    asked = message.data
    waiter = Waiter(operation=asked.operation, promotion=asked.promotion)
    if state is None or state.verdict is Verdict.CHECK_FAILED:
        change = CheckChange(CompatibilityCheck(request=asked, asked_at=now, waiters=(waiter,)), now)
        change.begin(facts)
        return change
    change = CheckChange(state, now)
    if state.verdict is None:
        change.wait(waiter)
    else:
        change.answer(waiter)
    return change


def look_for_base(
    state: CompatibilityCheck, timer: TimerDue, facts: CheckedBases, now: datetime
) -> Decision[CompatibilityCheck]:
    """The base was not there or not indexed yet: is it now?"""
    if state.verdict is not None:
        return UNCHANGED
    change = CheckChange(state, now)
    change.begin(facts)
    return change


def checked(
    state: CompatibilityCheck, ended: WorkEnded[CompatibilityCheckDone], facts: PolicyOfCheck, now: datetime
) -> Decision[CompatibilityCheck]:
    """The check has come to its end."""
    done = ended.result
    if done is None:
        message = ended.failure.message if ended.failure else "it ended without a result"
        done = CompatibilityCheckDone(problem=Problem.of(Reason.CHECK_FAILED, message))
    change = CheckChange(state, now)
    change.end(done, removal_days(rule(facts.policy)))
    return change


def check_id(asked: CheckCompatibility) -> str:
    """`<environment>/<set version>/<base>/<packages>`, the same in whichever order the packages are listed."""
    return f"{asked.environment}/{asked.set_version}/{asked.base}/{_packages(asked)}"


def _packages(asked: CheckCompatibility) -> str:
    """A digest of everything that the verdicts rest on, beside the base."""
    words = [f"{part}:{one}" for part, ones in _parts(asked) for one in sorted(ones)]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]


def _parts(asked: CheckCompatibility) -> Iterator[tuple[str, list[str]]]:
    for name, ones in (("is", asked.extensions), ("was", asked.replaced)):
        yield name, [f"{one.app_id} {one.version} {one.artifact.digest}" for one in ones]
    yield "on", [asked.current_base or ""]


def _not_checked(extension: Extension, problem: Problem) -> ExtensionJudgement:
    verdict = ExtensionVerdict(
        **named(extension).model_dump(), verdict=Verdict.CHECK_FAILED, blocking=0, summary=problem.message
    )
    return ExtensionJudgement(verdict=verdict)
