"""A check: one environment's extensions, at one version of the set, against one base. Who waits gets an answer.

Nobody who waits for a check reads refusals, so whatever stands in its way ends in the verdict `check-failed`.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.extension_compatibility_checker.domain.base import Base
from services.extension_compatibility_checker.domain.policy import Policy, removal_days, rule
from services.extension_compatibility_checker.domain.work import CheckDone, CheckInput, Judged
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import (
    BaseStatus,
    CheckCompatibility,
    CheckSnapshot,
    CheckStatus,
    CompatibilityChecked,
    CompatibilityCheckStarted,
    ExtensionChecked,
    ExtensionIncompatible,
    ExtensionVerdict,
    Reason,
)
from shared.contracts.message import Event
from shared.contracts.parts import ArtifactRef, Extension, ExtensionName, Problem, Verdict
from shared.contracts.scalars import sentence
from shared.kernel import Decision, State, TimerDue, WorkEnded

BASE_PATIENCE = timedelta(seconds=10)
"""How long a check waits for somebody to publish its base."""
_LOOK_SOON, _LOOK_LATE = timedelta(milliseconds=250), timedelta(seconds=5)

_WORST_FIRST = (
    Verdict.CHECK_FAILED,
    Verdict.INCOMPATIBLE,
    Verdict.UNVERIFIABLE,
    Verdict.COMPATIBLE_WITH_WARNINGS,
)


class Waiter(State):
    """Who waits for the answer: an operation, a promotion, or somebody who named neither."""

    operation: str | None
    promotion: str | None


class Check(State):
    """A check. `request` is the command that it was begun with; `verdict` is None until it has ended."""

    request: CheckCompatibility
    asked_at: datetime
    waiters: tuple[Waiter, ...]
    verdict: Verdict | None = None
    extensions: tuple[ExtensionVerdict, ...] = ()
    report: ArtifactRef | None = None
    problem: Problem | None = None
    checked_at: datetime | None = None


@dataclass(frozen=True)
class BaseFacts:
    """The base that a check is about, and the one in use today where the check names it."""

    base: Base | None
    current: Base | None = None


@dataclass(frozen=True)
class PolicyFacts:
    """The policy of the environment's project."""

    policy: Policy | None


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


def check(
    state: Check | None, message: Envelope[CheckCompatibility], facts: BaseFacts, now: datetime
) -> Decision[Check]:
    """Somebody wants to know. What was found before is said again, unless it was a fault of ours."""
    asked = message.data
    waiter = Waiter(operation=asked.operation, promotion=asked.promotion)
    if state is None or state.verdict is Verdict.CHECK_FAILED:
        return _begin(Check(request=asked, asked_at=now, waiters=(waiter,)), facts, now)
    if state.verdict is None:
        return Decision(state.model_copy(update={"waiters": _with(state.waiters, waiter)}))
    return Decision(state, events=[_answer(state, waiter)])


def look_for_base(state: Check | None, timer: TimerDue, facts: BaseFacts, now: datetime) -> Decision[Check]:
    """The base was not there or not indexed yet: is it now?"""
    if state is None or state.verdict is not None:
        return Decision(state)
    return _begin(state, facts, now)


def _begin(state: Check, facts: BaseFacts, now: datetime) -> Decision[Check]:
    asked, base, current = state.request, facts.base, facts.current
    if not asked.extensions:
        return _end(state, CheckDone(), now)
    if base is None or base.status is BaseStatus.INDEXING:
        patience_ends = state.asked_at + BASE_PATIENCE
        if base is None and now >= patience_ends:
            message = f"no base {asked.base} was published: publish it, then try again"
            return _end(state, CheckDone(problem=Problem(reason=Reason.BASE_UNKNOWN, message=message)), now)
        look = now + min(max(now - state.asked_at, _LOOK_SOON), _LOOK_LATE)
        return Decision(state, timers={"base": min(look, patience_ends) if base is None else look})
    if base.problem:
        return _end(state, CheckDone(problem=_of_base(asked.base, base.problem)), now)
    given = CheckInput(
        environment=asked.environment,
        set_version=asked.set_version,
        base=asked.base,
        extensions=asked.extensions,
        packages=base.indexed,
        current_base=asked.current_base,
        current_packages=current.indexed if current else (),
        replaced=asked.replaced,
    )
    return Decision(state, events=[_started(asked)], work={"check": given}, timers={"base": None})


def _started(asked: CheckCompatibility) -> CompatibilityCheckStarted:
    return CompatibilityCheckStarted(
        environment=asked.environment,
        project=asked.project,
        set_version=asked.set_version,
        base=asked.base,
        current_base=asked.current_base,
        extensions=len(asked.extensions),
        operation=asked.operation,
        promotion=asked.promotion,
    )


def _of_base(base: str, problem: Problem) -> Problem:
    return Problem(reason=problem.reason, message=sentence(f"base {base} has no index: {problem.message}"))


def checked(state: Check | None, ended: WorkEnded[CheckDone], facts: PolicyFacts, now: datetime) -> Decision[Check]:
    """The check has come to its end."""
    if state is None:
        return Decision(state)
    done = ended.result
    if done is None:
        message = ended.failure.message if ended.failure else "it ended without a result"
        done = CheckDone(problem=Problem(reason=Reason.CHECK_FAILED, message=sentence(message)))
    return _end(state, done, now, removal_days(rule(facts.policy)))


def _end(state: Check, done: CheckDone, now: datetime, days: int | None = None) -> Decision[Check]:
    """Tell what was found of each extension, and again of each that does not work; then answer all who wait."""
    problem = done.problem
    judged = done.judged
    if problem:
        judged = tuple(Judged(verdict=_not_checked(one, problem)) for one in state.request.extensions)
    verdicts = tuple(one.verdict for one in judged)
    found = {one.verdict for one in verdicts}
    worst = next((verdict for verdict in _WORST_FIRST if verdict in found), Verdict.COMPATIBLE)
    after = state.model_copy(
        update={
            "waiters": (),
            "verdict": worst,
            "extensions": verdicts,
            "report": done.report,
            "problem": problem,
            "checked_at": now,
        }
    )
    told: list[Event] = [_extension_checked(after, one) for one in judged]
    told += [_incompatible(after, one, days) for one in judged if one.verdict.verdict is Verdict.INCOMPATIBLE]
    answers = [_answer(after, waiter) for waiter in state.waiters]
    return Decision(after, events=[*told, *answers], timers={"base": None})


def _not_checked(extension: Extension, problem: Problem) -> ExtensionVerdict:
    return ExtensionVerdict(
        app_id=extension.app_id,
        name=extension.name,
        publisher=extension.publisher,
        version=extension.version,
        verdict=Verdict.CHECK_FAILED,
        blocking=0,
        summary=problem.message,
    )


def _extension_checked(state: Check, judged: Judged) -> ExtensionChecked:
    asked = state.request
    return ExtensionChecked(
        environment=asked.environment,
        project=asked.project,
        set_version=asked.set_version,
        base=asked.base,
        extension=judged.verdict,
        findings=judged.findings,
        report=state.report,
        reused=judged.reused,
    )


def _incompatible(state: Check, judged: Judged, days: int | None) -> ExtensionIncompatible:
    assert state.report
    asked = state.request
    return ExtensionIncompatible(
        environment=asked.environment,
        project=asked.project,
        set_version=asked.set_version,
        base=asked.base,
        extension=named(judged.verdict),
        findings=judged.findings,
        report=state.report,
        removal_days=days,
    )


def named(extension: ExtensionName) -> ExtensionName:
    """Who an extension is, without what else is said of it."""
    return ExtensionName(
        app_id=extension.app_id, name=extension.name, publisher=extension.publisher, version=extension.version
    )


def _answer(state: Check, waiter: Waiter) -> CompatibilityChecked:
    assert state.verdict
    asked = state.request
    return CompatibilityChecked(
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


def _with(waiters: tuple[Waiter, ...], waiter: Waiter) -> tuple[Waiter, ...]:
    return waiters if waiter in waiters else (*waiters, waiter)


def check_view(check: str, state: Check) -> CheckSnapshot:
    """The check as others see it."""
    asked = state.request
    return CheckSnapshot(
        check=check,
        environment=asked.environment,
        project=asked.project,
        set_version=asked.set_version,
        base=asked.base,
        status=CheckStatus.CHECKING if state.verdict is None else CheckStatus.CHECKED,
        verdict=state.verdict,
        extensions=state.extensions,
        report=state.report,
        checked_at=state.checked_at,
        problem=state.problem,
    )
