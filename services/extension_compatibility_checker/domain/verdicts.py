"""What checks say of extensions begins remediations, and ends those that are mended.

A check that failed is ours: it neither begins nor ends anything. A package that cannot be verified ends nothing, and
is not removed either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.extension_compatibility_checker.domain.base_ids import is_older, major_of, version_of
from services.extension_compatibility_checker.domain.extensions import app_version, named
from services.extension_compatibility_checker.domain.remediation_change import (
    CLOCKS_APART,
    MOST_QUESTIONS,
    RemediationFacts,
    RemediationRules,
    RemediationsChange,
)
from services.extension_compatibility_checker.domain.remediation_clock import conclude
from services.extension_compatibility_checker.domain.state import ExtensionRemediation, Question, Remediations
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import (
    CompatibilityChecked,
    ExtensionChecked,
    ExtensionFinding,
    ExtensionVerdict,
    RemediationEnding,
)
from shared.contracts.parts import ArtifactRef, Verdict
from shared.formats.versions import version_numbers
from shared.kernel import Decision

_MOST_FINDINGS = 10
_FINDINGS_BYTES = 12 * 1024
"""What is kept of one extension's findings for reminders; the report has all. 400 remediations stay below 5 MB."""
_WORKS = (Verdict.COMPATIBLE, Verdict.COMPATIBLE_WITH_WARNINGS)


@dataclass(frozen=True)
class _Said:
    """A verdict, and what it rests on; `findings` None: it is said again, without them."""

    question: Question
    verdict: ExtensionVerdict
    report: ArtifactRef | None
    findings: tuple[ExtensionFinding, ...] | None
    at: datetime


class Verdicts(RemediationRules):
    """What verdicts mean for remediations."""

    def extension_checked(
        self,
        state: Remediations | None,
        message: Envelope[ExtensionChecked],
        facts: RemediationFacts,
        now: datetime,
    ) -> Decision[Remediations]:
        """An extension works with a base, or does not."""
        event = message.data
        change = self.change(state, event.environment, event.project, facts, now)
        question = Question(set_version=event.set_version, base=event.base)
        _judge(change, _Said(question, event.extension, event.report, event.findings, message.time))
        return conclude(change)

    def compatibility_checked(
        self,
        state: Remediations | None,
        message: Envelope[CompatibilityChecked],
        facts: RemediationFacts,
        now: datetime,
    ) -> Decision[Remediations]:
        """A check has ended. Where it repeats an earlier answer, its verdicts are all that is said."""
        event = message.data
        change = self.change(state, event.environment, event.project, facts, now)
        question = Question(set_version=event.set_version, base=event.base)
        for verdict in event.extensions:
            _judge(change, _Said(question, verdict, event.report, None, message.time))
        if event.verdict is not Verdict.CHECK_FAILED:
            _answered(change, question, event.extensions)
        return conclude(change)


def _answered(change: RemediationsChange, question: Question, extensions: Sequence[ExtensionVerdict]) -> None:
    """A check has come to its end, and not by a fault of ours. One of another set answers nothing here."""
    if frozenset(map(app_version, extensions)) != change.will_be(question.base):
        return
    others = tuple(one for one in change.state.judged if one.base != question.base)
    change.replace(judged=(*others, question)[-MOST_QUESTIONS:])


def _judge(change: RemediationsChange, said: _Said) -> None:
    """A check says something of one extension."""
    verdict = said.verdict.verdict
    if verdict is Verdict.CHECK_FAILED or not _is_to_come(change, said):
        return
    item = change.items.get((said.verdict.app_id, major_of(said.question.base)))
    if item is None:
        if verdict is Verdict.INCOMPATIBLE and said.report:
            _detect(change, said, said.report)
        return
    if is_older(said.question.base, item.base) or (said.findings is None and item.judged == said.question):
        return
    if verdict in _WORKS:
        change.end(item, RemediationEnding.STAGED if _is_staged(change, said.verdict) else RemediationEnding.FIXED)
        return
    still = verdict is Verdict.INCOMPATIBLE
    change.put(
        item.replace(
            extension=named(said.verdict),
            verdict=verdict,
            base=said.question.base,
            set_version=said.question.set_version,
            report=said.report if still and said.report else item.report,
            findings=_kept(said.findings) if still and said.findings is not None else item.findings,
        )
    )


def _is_to_come(change: RemediationsChange, said: _Said) -> bool:
    """Whether the verdict is about a base to come, and about what this set will have on it."""
    state, question = change.state, said.question
    if state.set_version is not None and question.set_version < state.set_version:
        return False
    if state.set_version == question.set_version and app_version(said.verdict) not in change.will_be(question.base):
        return False
    return state.running is None or version_numbers(version_of(question.base)) > version_numbers(state.running)


def _is_staged(change: RemediationsChange, verdict: ExtensionVerdict) -> bool:
    return app_version(verdict) in {app_version(one.extension) for one in change.state.staged}


def _detect(change: RemediationsChange, said: _Said, report: ArtifactRef) -> None:
    """A remediation begins. Its recipients may have been told before its verdict is heard of."""
    key = (said.verdict.app_id, major_of(said.question.base))
    fresh = [
        one
        for one in change.state.notices
        if (one.app_id, one.target_major) == key and one.at >= said.at - CLOCKS_APART
    ]
    told_at = min((one.at for one in fresh if one.accepted), default=None)
    change.forget_notices(key)
    change.put(
        ExtensionRemediation(
            extension=named(said.verdict),
            base=said.question.base,
            target_major=key[1],
            verdict=said.verdict.verdict,
            set_version=said.question.set_version,
            report=report,
            findings=_kept(said.findings or ()),
            detected_at=said.at,
            first_notified_at=told_at,
            unreachable=bool(fresh) and told_at is None,
            tried_at=said.at,
        )
    )


def _kept(findings: tuple[ExtensionFinding, ...]) -> tuple[ExtensionFinding, ...]:
    """The findings that a reminder can say again."""
    kept: list[ExtensionFinding] = []
    room = _FINDINGS_BYTES
    for finding in findings[:_MOST_FINDINGS]:
        room -= len(finding.model_dump_json())
        if room < 0:
            break
        kept.append(finding)
    return tuple(kept)
