"""The remediation of extensions that do not work with a version to come: from a verdict to its end.

Rules: seeds/update-lifecycle-for-tenant-customizations.txt, in the reading of design section 3 ("The removal clock"
and "Extensions change only"). A check that failed is ours: it neither begins nor ends anything. A package that cannot
be verified ends nothing, and is not removed either.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.extension_compatibility_checker.domain.check import named
from services.extension_compatibility_checker.domain.known import Known, major_of, version_of
from services.extension_compatibility_checker.domain.policy import (
    Policy,
    clock_start,
    reminder_moments,
    removal_days,
    removal_due,
    rule,
)
from services.extension_compatibility_checker.domain.remediation_state import (
    MOST_ENDED,
    Asked,
    Finished,
    Item,
    Key,
    Notice,
    Question,
    Remediations,
    dependents_of,
)
from shared.contracts.extension_compatibility_checker import (
    CheckCompatibility,
    ExtensionFinding,
    ExtensionIncompatible,
    ExtensionVerdict,
    RemediationEnded,
    RemediationEnding,
    RemediationReminded,
    RemediationStarted,
    RemovalDue,
)
from shared.contracts.extension_sets import on_base, replaced
from shared.contracts.message import Event
from shared.contracts.parts import ArtifactRef, Extension, ExtensionName, Verdict
from shared.contracts.servicing_executor import OperationKind
from shared.formats.versions import version_numbers
from shared.kernel import Decision

TELL_AGAIN = timedelta(days=7)
"""How often it is tried again to tell of an extension of which nobody was told: no recipient, or no mail arrived."""
ASK_AGAIN = timedelta(hours=1)
"""After this time without an answer, or with none but check-failed, a look asks again."""
_CLOCKS_APART = timedelta(minutes=5)
"""By which the clocks of two machines may differ."""
_NOTICE_KEPT = timedelta(days=1)
_MOST_NOTICES = 400
_MOST_FINISHED = 20
_MOST_JUDGED = 50
_MOST_FINDINGS = 10
_FINDINGS_BYTES = 12 * 1024
"""What is kept of one extension's findings for reminders; the report has all. 400 remediations stay below 5 MB."""
_WORKS = (Verdict.COMPATIBLE, Verdict.COMPATIBLE_WITH_WARNINGS)


@dataclass(frozen=True)
class Around:
    """The policy of the environment's project, and what is known of releases and bases."""

    policy: Policy | None
    known: Known | None


@dataclass
class Draft:
    """An environment on its way from one state to the next."""

    before: Remediations
    facts: Around
    now: datetime
    look_ahead: timedelta
    state: Remediations = field(init=False)
    items: dict[Key, Item] = field(init=False)
    ended: list[Item] = field(init=False)
    events: list[Event] = field(default_factory=list)
    questions: dict[Question, None] = field(default_factory=dict)
    _available: dict[int, datetime | None] = field(default_factory=dict)
    _futures: dict[str, set[tuple[str, tuple[int, ...]]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.state = self.before
        self.items = {item.key: item for item in self.before.items}
        self.ended = list(self.before.ended)

    def change(self, **fields: object) -> None:
        """Set fields of the environment."""
        self.state = self.state.model_copy(update=fields)

    def put(self, item: Item, **fields: object) -> Item:
        """Set fields of a remediation."""
        if any(getattr(item, name) != value for name, value in fields.items()):
            item = item.model_copy(update=fields)
        self.items[item.key] = item
        return item

    # -- verdicts

    def judge(
        self,
        question: Question,
        said: ExtensionVerdict,
        report: ArtifactRef | None,
        findings: tuple[ExtensionFinding, ...] | None,
        at: datetime,
    ) -> None:
        """A check says something of one extension; `findings` None: it is said again, without them."""
        if said.verdict is Verdict.CHECK_FAILED or not self._is_to_come(question, said):
            return
        item = self.items.get((said.app_id, major_of(question.base)))
        if item is None:
            if said.verdict is Verdict.INCOMPATIBLE and report:
                self._detect(question, said, report, findings or (), at)
            return
        if _older(question.base, item.base) or (findings is None and item.judged == question):
            return
        if said.verdict in _WORKS:
            self.end(item, RemediationEnding.STAGED if self._is_staged(said) else RemediationEnding.FIXED)
            return
        still = said.verdict is Verdict.INCOMPATIBLE
        self.put(
            item,
            extension=named(said),
            verdict=said.verdict,
            base=question.base,
            set_version=question.set_version,
            report=(report if still and report else item.report),
            findings=_kept(findings) if still and findings is not None else item.findings,
        )

    def _is_to_come(self, question: Question, said: ExtensionVerdict) -> bool:
        """Whether the verdict is about a base to come, and about what this set will have on it."""
        state = self.state
        if state.set_version is not None and question.set_version < state.set_version:
            return False
        if state.set_version == question.set_version and _version(said) not in self._will_be(question.base):
            return False
        return state.running is None or version_numbers(version_of(question.base)) > version_numbers(state.running)

    def _will_be(self, base: str) -> set[tuple[str, tuple[int, ...]]]:
        if base not in self._futures:
            self._futures[base] = {_version(one) for one in self._projected(base)}
        return self._futures[base]

    def _projected(self, base: str) -> tuple[Extension, ...]:
        return on_base(self.state.extensions, self.state.staged, self.state.running, version_of(base))

    def _is_staged(self, said: ExtensionVerdict) -> bool:
        staged = [one.extension for one in self.state.staged if one.extension.app_id == said.app_id]
        return any(version_numbers(one.version) == version_numbers(said.version) for one in staged)

    def _detect(
        self,
        question: Question,
        said: ExtensionVerdict,
        report: ArtifactRef,
        findings: tuple[ExtensionFinding, ...],
        at: datetime,
    ) -> None:
        key = (said.app_id, major_of(question.base))
        mine = [one for one in self.state.notices if (one.app_id, one.target_major) == key]
        fresh = [one for one in mine if one.at >= at - _CLOCKS_APART]
        told = min((one.at for one in fresh if one.accepted), default=None)
        self.change(notices=tuple(one for one in self.state.notices if one not in mine))
        self.items[key] = Item(
            extension=named(said),
            base=question.base,
            target_major=key[1],
            verdict=said.verdict,
            set_version=question.set_version,
            report=report,
            findings=_kept(findings),
            detected_at=at,
            first_notified_at=told,
            unreachable=bool(fresh) and told is None,
            tried_at=at,
        )

    def answered(self, question: Question, extensions: Sequence[ExtensionVerdict]) -> None:
        """A check has come to its end, and not by a fault of ours. One of another set answers nothing here."""
        if {_version(one) for one in extensions} != self._will_be(question.base):
            return
        others = tuple(one for one in self.state.judged if one.base != question.base)
        self.change(judged=(*others, question)[-_MOST_JUDGED:])

    # -- notifications

    def notified(self, notice: Notice) -> None:
        """Somebody was told of an extension, or nobody could be. It may be heard of before the verdict is."""
        item = self.items.get((notice.app_id, notice.target_major))
        if item is None:
            recent = [one for one in self.state.notices if one.at > self.now - _NOTICE_KEPT]
            self.change(notices=(*recent, notice)[-_MOST_NOTICES:])
        elif notice.at < item.detected_at - _CLOCKS_APART or item.first_notified_at:
            return  # it was about an earlier remediation, or is not the first
        elif notice.accepted:
            self.put(item, first_notified_at=notice.at, unreachable=False)
        else:
            self.put(item, unreachable=True, tried_at=max(notice.at, item.tried_at))

    # -- the set and the environment

    def set_changed(self, operation: str) -> None:
        """Extensions that are out of the set are gone, as their operation's end says; the others are judged anew."""
        there = {one.app_id for one in self.state.extensions}
        known = next((one for one in self.state.finished if one.operation == operation), None)
        for item in list(self.items.values()):
            app_id = item.extension.app_id
            if app_id in there:
                self.put(item, gone_with=None)
            elif known:
                self.end(item, _gone(known, app_id))
            else:
                self.put(item, gone_with=item.gone_with or operation)

    def finished(self, operation: Finished, succeeded: bool, previous: str | None) -> None:
        """An operation has ended: what it took out is removed, and what reached its version needs no mending."""
        self.change(finished=(*self.state.finished, operation)[-_MOST_FINISHED:])
        decommissioned = succeeded and operation.kind is OperationKind.DECOMMISSION
        for item in list(self.items.values()):
            app_id = item.extension.app_id
            if item.gone_with == operation.operation or (succeeded and app_id in operation.removed):
                self.end(item, _gone(operation, app_id))
            elif decommissioned:
                self.end(item, RemediationEnding.UNINSTALLED)
            elif _has_reached(previous, self.state.running, item):
                self.end(item, RemediationEnding.UPDATED)
        if decommissioned:
            self.change(extensions=(), staged=(), look_at=None)

    def end(self, item: Item, ending: RemediationEnding) -> None:
        """There is nothing left to mend."""
        del self.items[item.key]
        self.ended.append(item.model_copy(update={"ending": ending, "findings": (), "gone_with": None}))
        self.change(notices=tuple(n for n in self.state.notices if (n.app_id, n.target_major) != item.key))
        self.events.append(
            RemediationEnded(
                environment=self.state.environment,
                project=self.state.project,
                extension=item.extension,
                base=item.base,
                target_major=item.target_major,
                dates=item.dates,
                ending=ending,
            )
        )

    # -- clocks

    def settle(self) -> Decision[Remediations]:
        """What follows from all of this now, and when to look again."""
        moments = [moment for item in list(self.items.values()) if (moment := self._wind(item))]
        self._ask_anew()
        commands = [self._question(one) for one in self.questions]
        if self.questions:
            asked = [Asked(set_version=one.set_version, base=one.base, at=self.now) for one in self.questions]
            bases = {one.base for one in self.questions}
            kept = [one for one in self.state.asked if one.base not in bases]
            self.change(asked=(*kept, *asked)[-_MOST_JUDGED:])
        state = self.state.model_copy(
            update={"items": tuple(self.items.values()), "ended": tuple(self.ended[-MOST_ENDED:])}
        )
        timers = {"clock": min(moments, default=None), "look": state.look_at}
        return Decision(state, events=self.events, commands=commands, timers=timers)

    def _wind(self, item: Item) -> datetime | None:
        """Let a clock run, remind, and say that the time is over; when it has to be looked at next."""
        if item.gone_with:
            return None
        policy = rule(self.facts.policy)
        start = clock_start(
            policy,
            told_at=item.first_notified_at,
            detected_at=item.detected_at,
            unreachable=item.unreachable,
        )
        due = removal_due(policy, start, self._available_at(item.target_major))
        item = self.put(item, removal_due_at=due)
        if start and not item.started:
            item = self.put(item, started=True)
            self._say(RemediationStarted, item)
        if start is None or due is None:
            self.put(item, removal_told=None)
            return None
        if self.now >= due:
            self._removal_due(item)
            return None
        moments = reminder_moments(policy, start, due)
        past = [m for m in moments if m <= self.now and (item.reminded_until is None or m > item.reminded_until)]
        item = self.put(item, removal_told=None)
        if past and item.verdict is Verdict.INCOMPATIBLE:
            # After a standstill several are past: one reminder says all that there is to say.
            item = self.put(item, reminders=item.reminders + 1, reminded_until=past[-1])
            self._say(RemediationReminded, item, reminder=item.reminders, findings=item.findings, report=item.report)
        return min([moment for moment in moments if moment > self.now], default=due)

    def _available_at(self, base_major: int) -> datetime | None:
        if base_major not in self._available:
            known = self.facts.known
            self._available[base_major] = known.available_at(base_major) if known else None
        return self._available[base_major]

    def _removal_due(self, item: Item) -> None:
        if item.verdict is not Verdict.INCOMPATIBLE or item.removal_told == item.judged:
            return
        if self.state.set_version is not None and item.set_version < self.state.set_version:
            return  # the set has changed since: the verdict that was asked for says whether it is still so
        item = self.put(item, removal_told=item.judged)
        dependents = dependents_of(item.extension.app_id, self.state.extensions)
        self._say(RemovalDue, item, set_version=item.set_version, dependents=dependents)

    def _say(self, event: Callable[..., Event], item: Item, **fields: object) -> None:
        self.events.append(
            event(
                environment=self.state.environment,
                project=self.state.project,
                extension=item.extension,
                base=item.base,
                target_major=item.target_major,
                dates=item.dates,
                **fields,
            )
        )

    # -- questions

    def _ask_anew(self) -> None:
        """Bases of open remediations for which this version of the set was not judged yet."""
        version = self.state.set_version
        if version is None:
            return
        for item in self.items.values():
            if item.set_version < version and not item.gone_with:
                self.ask(item.base)

    def ask(self, base: str) -> None:
        """Ask for a check of the set as it is now, unless that was asked a while ago."""
        if self.state.set_version is None or not self.state.extensions:
            return
        question = Question(set_version=self.state.set_version, base=base)
        since = [one.at for one in self.state.asked if (one.set_version, one.base) == (question.set_version, base)]
        if not since or self.now >= max(since) + ASK_AGAIN:
            self.questions[question] = None

    def _question(self, question: Question) -> CheckCompatibility:
        state = self.state
        extensions = self._projected(question.base)
        return CheckCompatibility(
            environment=state.environment,
            project=state.project,
            set_version=question.set_version,
            extensions=extensions,
            base=question.base,
            current_base=f"{state.running}/{state.country}" if state.running and state.country else None,
            replaced=replaced(state.extensions, extensions),
        )

    def look(self) -> None:
        """Ask about the newest release's base, if there is a newer one; try to tell again what nobody was told."""
        state, known = self.state, self.facts.known
        ahead = known.base_ahead(state.running, state.application) if known else None
        if known and ahead and state.country:
            base = f"{ahead}/{state.country}"
            question = Question(set_version=state.set_version or 0, base=base)
            if base in known.bases and question not in state.judged:
                self.ask(base)
        days = removal_days(rule(self.facts.policy))
        for item in list(self.items.values()):
            # The look that is nearest to a week after the last try.
            again = item.tried_at + TELL_AGAIN - self.look_ahead / 2
            if item.first_notified_at is None and not item.gone_with and self.now >= again:
                self.put(item, tried_at=self.now)
                self.events.append(
                    ExtensionIncompatible(
                        environment=state.environment,
                        project=state.project,
                        set_version=item.set_version,
                        base=item.base,
                        extension=item.extension,
                        findings=item.findings,
                        report=item.report,
                        removal_days=days,
                    )
                )
        self.change(look_at=self.now + self.look_ahead)


def _version(one: ExtensionName) -> tuple[str, tuple[int, ...]]:
    return one.app_id, version_numbers(one.version)


def _older(base: str, than: str) -> bool:
    return version_numbers(version_of(base)) < version_numbers(version_of(than))


def _gone(operation: Finished, app_id: str) -> RemediationEnding:
    """Taken out by an update that was to do so, or by somebody who asked for just that."""
    removed = app_id in operation.removed and operation.kind is not OperationKind.UNINSTALL_EXTENSION
    return RemediationEnding.REMOVED if removed else RemediationEnding.UNINSTALLED


def _has_reached(previous: str | None, running: str | None, item: Item) -> bool:
    """Whether the environment has come to the target: any build of its major from a lower one, or that very base."""
    if running is None:
        return False
    if version_numbers(running) >= version_numbers(version_of(item.base)):
        return True
    came_from_below = previous is not None and version_numbers(previous)[0] < item.target_major
    return came_from_below and version_numbers(running)[0] == item.target_major


def _kept(findings: tuple[ExtensionFinding, ...] | None) -> tuple[ExtensionFinding, ...]:
    """The findings that a reminder can say again."""
    kept: list[ExtensionFinding] = []
    room = _FINDINGS_BYTES
    for finding in (findings or ())[:_MOST_FINDINGS]:
        room -= len(finding.model_dump_json())
        if room < 0:
            break
        kept.append(finding)
    return tuple(kept)
