"""Who was told of an extension: the first mail that is accepted starts the clock of its remediation."""

from datetime import datetime, timedelta

from services.extension_compatibility_checker.domain.base_ids import major_of
from services.extension_compatibility_checker.domain.remediation_change import (
    CLOCKS_APART,
    RemediationFacts,
    RemediationRules,
    RemediationsChange,
)
from services.extension_compatibility_checker.domain.remediation_clock import conclude
from services.extension_compatibility_checker.domain.state import EarlyNotice, Remediations
from shared.contracts.envelope import Envelope
from shared.contracts.notifier import NobodyTold, NotificationSent, Occasion
from shared.kernel import Decision

_TOLD_BY = (Occasion.EXTENSION_INCOMPATIBLE, Occasion.EXTENSION_REMINDER)
_NOTICE_KEPT = timedelta(days=1)
_MOST_NOTICES = 400


def notified_environment(event: NotificationSent | NobodyTold) -> str | None:
    """The environment of a notification about an extension; None: it is about something else."""
    about = event.occasion in _TOLD_BY and event.app_id and event.base
    return event.environment if about else None


class Notifications(RemediationRules):
    """What mails mean for remediations."""

    def notification_sent(
        self,
        state: Remediations | None,
        message: Envelope[NotificationSent],
        facts: RemediationFacts,
        now: datetime,
    ) -> Decision[Remediations]:
        """A mail server has accepted a mail about an extension: the first one starts the clock."""
        event = message.data
        change = self.change(state, event.environment or "", event.project, facts, now)
        _notified(change, _notice(event, accepted=True, at=event.sent_at))
        return conclude(change)

    def nobody_told(
        self, state: Remediations | None, message: Envelope[NobodyTold], facts: RemediationFacts, now: datetime
    ) -> Decision[Remediations]:
        """There was nobody to tell of an extension."""
        event = message.data
        change = self.change(state, event.environment or "", event.project, facts, now)
        _notified(change, _notice(event, accepted=False, at=message.time))
        return conclude(change)


def _notice(event: NotificationSent | NobodyTold, *, accepted: bool, at: datetime) -> EarlyNotice:
    assert event.app_id
    assert event.base
    return EarlyNotice(app_id=event.app_id, target_major=major_of(event.base), accepted=accepted, at=at)


def _notified(change: RemediationsChange, notice: EarlyNotice) -> None:
    """Somebody was told of an extension, or nobody could be. It may be heard of before the verdict is."""
    item = change.items.get((notice.app_id, notice.target_major))
    if item is None:
        recent = [one for one in change.state.notices if one.at > change.now - _NOTICE_KEPT]
        change.replace(notices=(*recent, notice)[-_MOST_NOTICES:])
    elif notice.at < item.detected_at - CLOCKS_APART or item.first_notified_at:
        return  # it was about an earlier remediation, or is not the first
    elif notice.accepted:
        change.put(item.replace(first_notified_at=notice.at, unreachable=False))
    else:
        change.put(item.replace(unreachable=True, tried_at=max(notice.at, item.tried_at)))
