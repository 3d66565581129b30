"""A decision about an environment's remediations in the making: what all that happens to them may change and say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.extension_compatibility_checker.domain.base_ids import version_of
from services.extension_compatibility_checker.domain.extensions import app_version
from services.extension_compatibility_checker.domain.projections import BasesProjection
from services.extension_compatibility_checker.domain.remediation_policy import removal_days, rule
from services.extension_compatibility_checker.domain.state import (
    AskedQuestion,
    ExtensionRemediation,
    ProjectPolicy,
    Question,
    RemediationKey,
    Remediations,
)
from shared.contracts.extension_compatibility_checker import (
    CheckCompatibility,
    ExtensionIncompatible,
    RemediationEnded,
    RemediationEnding,
    RemediationPolicy,
    RemediationReminded,
    RemediationStarted,
    RemovalDue,
)
from shared.contracts.extension_sets import on_base, replaced
from shared.contracts.parts import Extension, ExtensionName
from shared.kernel import DecisionBuilder

ASK_AGAIN = timedelta(hours=1)
"""After this time without an answer, or with none but check-failed, it is asked again."""
CLOCKS_APART = timedelta(minutes=5)
"""By which the clocks of two machines may differ."""
MOST_QUESTIONS = 50
_MOST_ENDED = 100
"""Remediations that have ended and are still shown, the latest ones."""


@dataclass(frozen=True)
class RemediationFacts:
    """The policy of the environment's project, and what is known of releases and bases."""

    policy: ProjectPolicy | None
    bases: BasesProjection | None


class RemediationsChange(DecisionBuilder[Remediations]):
    """A decision about the remediations of an environment.

    `items` are those that are open, as they will be: `keep` writes them into the state.
    """

    def __init__(self, state: Remediations, facts: RemediationFacts, now: datetime) -> None:
        """Begin with what is open."""
        super().__init__(state, now)
        self.facts = facts
        self.items = {item.key: item for item in state.items}
        self._ended = list(state.ended)
        self._questions: dict[Question, None] = {}
        self._will_be: dict[str, frozenset[tuple[str, tuple[int, ...]]]] = {}
        self._available: dict[int, datetime | None] = {}

    @property
    def rule(self) -> RemediationPolicy:
        """The policy that holds."""
        return rule(self.facts.policy)

    def open_items(self) -> Sequence[ExtensionRemediation]:
        """Those that are open now; they may be ended on the way."""
        return tuple(self.items.values())

    def put(self, item: ExtensionRemediation) -> ExtensionRemediation:
        """Let a remediation be this from now on."""
        self.items[item.key] = item
        return item

    def end(self, item: ExtensionRemediation, ending: RemediationEnding) -> None:
        """There is nothing left to mend."""
        del self.items[item.key]
        self._ended.append(item.replace(ending=ending, findings=(), gone_with=None))
        self.forget_notices(item.key)
        self.say(RemediationEnded(**self._about(item), ending=ending))

    def forget_notices(self, key: RemediationKey) -> None:
        """What was heard early of a remediation says nothing any more."""
        kept = tuple(one for one in self.state.notices if (one.app_id, one.target_major) != key)
        self.replace(notices=kept)

    def keep(self) -> None:
        """Write the remediations into the state."""
        self.replace(items=tuple(self.items.values()), ended=tuple(self._ended[-_MOST_ENDED:]))

    def started(self, item: ExtensionRemediation) -> None:
        """A clock runs."""
        self.say(RemediationStarted(**self._about(self.put(item.replace(started=True)))))

    def reminded(self, item: ExtensionRemediation, until: datetime) -> None:
        """Recipients are reminded, for all moments up to `until`."""
        item = self.put(item.replace(reminders=item.reminders + 1, reminded_until=until))
        self.say(
            RemediationReminded(
                **self._about(item), reminder=item.reminders, findings=item.findings, report=item.report
            )
        )

    def removal_due(self, item: ExtensionRemediation, dependents: tuple[ExtensionName, ...]) -> None:
        """The time of an extension is over."""
        item = self.put(item.replace(removal_told=item.judged))
        self.say(RemovalDue(**self._about(item), set_version=item.set_version, dependents=dependents))

    def told_again(self, item: ExtensionRemediation) -> None:
        """An extension of which nobody was told is told again."""
        item = self.put(item.replace(tried_at=self.now))
        self.say(
            ExtensionIncompatible(
                environment=self.state.environment,
                project=self.state.project,
                set_version=item.set_version,
                base=item.base,
                extension=item.extension,
                findings=item.findings,
                report=item.report,
                removal_days=removal_days(self.rule),
            )
        )

    def will_be(self, base: str) -> frozenset[tuple[str, tuple[int, ...]]]:
        """The apps in their versions that this set will have on a base."""
        if base not in self._will_be:
            self._will_be[base] = frozenset(map(app_version, self._on_base(base)))
        return self._will_be[base]

    def available_at(self, base_major: int) -> datetime | None:
        """When a base of this major became available."""
        if base_major not in self._available:
            bases = self.facts.bases
            self._available[base_major] = bases.available_at(base_major) if bases else None
        return self._available[base_major]

    def ask(self, base: str) -> None:
        """Ask for a check of the set as it is now, unless that was asked a while ago."""
        if self.state.set_version is None or not self.state.extensions:
            return
        question = Question(set_version=self.state.set_version, base=base)
        since = [one.at for one in self.state.asked if (one.set_version, one.base) == (question.set_version, base)]
        if not since or self.now >= max(since) + ASK_AGAIN:
            self._questions[question] = None

    def send_questions(self) -> None:
        """Send what was asked, and remember it."""
        if not self._questions:
            return
        for question in self._questions:
            self.send(self._check_of(question))
        asked = [AskedQuestion(set_version=one.set_version, base=one.base, at=self.now) for one in self._questions]
        bases = {one.base for one in self._questions}
        kept = [one for one in self.state.asked if one.base not in bases]
        self.replace(asked=(*kept, *asked)[-MOST_QUESTIONS:])

    def _check_of(self, question: Question) -> CheckCompatibility:
        state = self.state
        extensions = self._on_base(question.base)
        return CheckCompatibility(
            environment=state.environment,
            project=state.project,
            set_version=question.set_version,
            extensions=extensions,
            base=question.base,
            current_base=f"{state.running}/{state.country}" if state.running and state.country else None,
            replaced=replaced(state.extensions, extensions),
        )

    def _on_base(self, base: str) -> tuple[Extension, ...]:
        return on_base(self.state.extensions, self.state.staged, self.state.running, version_of(base))

    def _about(self, item: ExtensionRemediation) -> dict[str, Any]:
        """What every event about a remediation says."""
        return {
            "environment": self.state.environment,
            "project": self.state.project,
            "extension": item.extension,
            "base": item.base,
            "target_major": item.target_major,
            "dates": item.dates,
        }


@dataclass(frozen=True)
class RemediationRules:
    """What decides about remediations, of environments that look ahead every `look_ahead`."""

    look_ahead: timedelta

    def change(
        self, state: Remediations | None, environment: str, project: str, facts: RemediationFacts, now: datetime
    ) -> RemediationsChange:
        """A decision about an environment, which may not have been heard of before."""
        new = Remediations(environment=environment, project=project, look_at=now + self.look_ahead)
        return RemediationsChange(state or new, facts, now)
