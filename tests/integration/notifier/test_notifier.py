"""Everybody is told once: whatever comes twice, dies in the middle, or is away."""

import json
import signal
from collections.abc import Callable
from email.message import EmailMessage

from shared.contracts.common import CommandRejected
from shared.contracts.envelope import new_id
from shared.contracts.message import Message
from shared.contracts.notifier import (
    AddRecipient,
    AudienceChanged,
    NobodyTold,
    NotificationFailed,
    NotificationSent,
    NotificationSnapshot,
    RemoveRecipient,
)
from shared.contracts.servicing_executor import Outcome
from tests.integration.notifier.conftest import REFUSED
from tests.support.mail import MailCatcher
from tests.support.services import Client, Seen, ServiceProcess
from tests.support.told_events import (
    APP,
    accepted,
    cancelled,
    finished,
    incompatible,
    planned,
    refused,
    remediation_ended,
    remediation_started,
    reminded,
    removal_due,
    scheduled,
    skipped,
    status_changed,
)

Make = Callable[..., ServiceProcess]

ADA, BOB = "ada@contoso.example", "bob@contoso.example"


def about(project: str, *types: type[Message]) -> Callable[[Seen], bool]:
    """Messages of some types about a project."""
    return lambda seen: isinstance(seen.envelope.data, types) and getattr(seen.envelope.data, "project", "") == project


async def add(user: Client, project: str, *addresses: str, environment: str | None = None) -> None:
    """Make recipients known."""
    for address in addresses:
        await user.send(AddRecipient(project=project, address=address, environment=environment))
    await user.wait_for(about(project, AudienceChanged), len(addresses))


async def settled(user: Client, service: str = "notifier") -> None:
    """Return when the notifier has dealt with everything that was sent."""
    senders = ("servicing-executor", "promotion-scheduler", "extension-compatibility-checker")
    topics = [f"drydock.{sender}.events" for sender in senders]
    await user.no_lag(service, topics)


def text_of(mail: EmailMessage) -> str:
    """What a mail says in plain text."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def ids(mails: list[EmailMessage]) -> set[str]:
    return {str(mail["Message-ID"]) for mail in mails}


async def test_each_recipient_gets_one_mail_for_each_transition_and_events_that_come_twice_send_nothing(
    user: Client, notifier: Make, catcher: MailCatcher, project: str
) -> None:
    await notifier().start().ready()
    await add(user, project, ADA, BOB)
    begun, promotion, plan = accepted(project), scheduled(project), planned(project)
    events: list[Message] = [
        begun,
        status_changed(begun),
        finished(begun, Outcome.ROLLED_BACK),
        promotion,
        cancelled(promotion),
        refused(project),
        incompatible(project),
        reminded(project),
        removal_due(project),
        plan,
        skipped(project),
        remediation_ended(project),
    ]
    sent = [(await user.send(event), event) for event in events]
    for id_, event in sent:
        await user.send(event, id=id_)
    told = await user.wait_for(about(project, NotificationSent), 2 * len(events))
    await settled(user)

    mails = catcher.mails(project)
    assert len(mails) == 2 * len(events)
    assert len(ids(mails)) == 2 * len(events)
    assert {str(mail["To"]) for mail in mails} == {ADA, BOB}
    told_ids = {one.envelope.data.message_id for one in told if isinstance(one.envelope.data, NotificationSent)}
    assert told_ids == ids(mails)
    notifications = {one.envelope.data.notification for one in told if isinstance(one.envelope.data, NotificationSent)}
    assert notifications == {f"{project}/{id_}" for id_, _ in sent}
    snapshots = [
        one.envelope.data for one in await user.caught_up() if isinstance(one.envelope.data, NotificationSnapshot)
    ]
    last = {view.notification: view for view in snapshots if view.project == project}
    assert {delivery.status for view in last.values() for delivery in view.deliveries} == {"sent"}
    assert not [one for one in user.seen if one.topic.endswith("dead-letters")]


async def test_a_kill_between_acceptance_and_record_repeats_the_mail_under_its_id_and_loses_none(
    user: Client, notifier: Make, catcher: MailCatcher, project: str
) -> None:
    service = notifier()
    await service.start(DRYDOCK_CRASH_AT="work.done").ready()
    await add(user, project, ADA, BOB)
    await user.send(accepted(project))
    assert await service.ended() == -signal.SIGKILL
    await service.start().ready()
    await user.wait_for(about(project, NotificationSent), 2)
    mails = catcher.mails(project)
    assert len(ids(mails)) == 2
    assert 3 <= len(mails) <= 4, "the one that was not recorded went out again, under the same id"


async def test_a_stop_in_the_middle_of_deliveries_repeats_none(
    user: Client, notifier: Make, catcher: MailCatcher, project: str
) -> None:
    service = notifier()
    await service.start().ready()
    people = [f"person{number}@contoso.example" for number in range(30)]
    await add(user, project, *people)
    await user.send(accepted(project))
    await catcher.wait_for(project, 3)
    assert await service.stop() == 0
    await service.start().ready()
    await user.wait_for(about(project, NotificationSent), len(people))
    mails = catcher.mails(project)
    assert len(mails) == len(people)
    assert {str(mail["To"]) for mail in mails} == set(people)


async def test_what_is_told_while_the_mail_server_is_away_arrives_when_it_is_back(
    user: Client, notifier: Make, catcher: MailCatcher, project: str
) -> None:
    await notifier().start().ready()
    await add(user, project, ADA)
    catcher.stop()
    await user.send(accepted(project))

    def was_tried(seen: Seen) -> bool:
        view = seen.envelope.data
        return isinstance(view, NotificationSnapshot) and view.project == project and bool(view.deliveries[0].problem)

    await user.wait_for(was_tried)
    catcher.start()
    await user.wait_for(about(project, NotificationSent))
    assert len(catcher.mails(project)) == 1


async def test_a_mail_that_the_server_does_not_take_in_time_is_given_up_and_said_so(
    user: Client, notifier: Make, catcher: MailCatcher, project: str
) -> None:
    await notifier(keep_trying="PT1S").start().ready()
    await add(user, project, ADA)
    catcher.stop()
    await user.send(accepted(project))
    [failed] = await user.wait_for(about(project, NotificationFailed))
    assert isinstance(failed.envelope.data, NotificationFailed)
    assert failed.envelope.data.problem.reason == "SERVER_UNREACHABLE"


async def test_a_recipient_that_the_server_refuses_is_reported_and_costs_the_others_nothing(
    user: Client, notifier: Make, catcher: MailCatcher, project: str
) -> None:
    await notifier().start().ready()
    await add(user, project, REFUSED, ADA)
    await user.send(accepted(project))
    [failed] = await user.wait_for(about(project, NotificationFailed))
    await user.wait_for(about(project, NotificationSent))
    assert isinstance(failed.envelope.data, NotificationFailed)
    assert failed.envelope.data.address == REFUSED
    assert failed.envelope.data.problem.reason == "REFUSED_BY_SERVER"
    assert "550 5.1.1" in failed.envelope.data.problem.message
    assert [str(mail["To"]) for mail in catcher.mails(project)] == [ADA]


async def test_the_start_of_an_update_waits_until_its_operation_is_known(
    user: Client, notifier: Make, catcher: MailCatcher, project: str
) -> None:
    await notifier(patience="PT20S").start().ready()
    await add(user, project, ADA)
    begun = accepted(project)
    first = await user.send(status_changed(begun))
    await settled(user)
    await user.send(begun)
    told = await user.wait_for(about(project, NotificationSent), 2)
    assert f"{project}/{first}" in {
        one.envelope.data.notification for one in told if isinstance(one.envelope.data, NotificationSent)
    }
    assert len(catcher.mails(project)) == 2


async def test_a_mail_about_an_extension_says_the_dates_of_its_clock_and_brings_its_findings_as_a_file(
    user: Client, notifier: Make, catcher: MailCatcher, project: str
) -> None:
    await notifier(console_url="https://drydock.contoso.example").start().ready()
    await add(user, project, ADA)
    environment = f"prod-{project}"
    event = incompatible(project, environment, removal_days=90)
    first = await user.send(event)
    told = await user.wait_for(about(project, NotificationSent), 1)
    sent = told[0].envelope.data
    assert isinstance(sent, NotificationSent)
    assert (sent.occasion, sent.app_id, sent.base) == ("extension-incompatible", APP, "27.0.38460.0/DE")
    assert sent.notification == f"{project}/{first}"

    await user.send(remediation_started(project, environment=environment))
    await settled(user)
    await user.send(event)
    await user.wait_for(about(project, NotificationSent), 2)
    earlier, later = (text_of(mail) for mail in catcher.mails(project))
    if "90 days after this mail" in later:
        earlier, later = later, earlier
    assert "90 days after this mail" in earlier
    assert "Removal: in the first update window after 21 December 2026, 22:00 UTC" in later
    assert f"https://drydock.contoso.example/environments/{environment}" in later
    for mail in catcher.mails(project):
        [file] = mail.iter_attachments()
        assert file.get_content_type() == "application/json"
        assert json.loads(file.get_content())["findings"] == [one.model_dump(mode="json") for one in event.findings]


async def test_what_no_recipient_is_told_is_said_once_to_be_told_nobody(
    user: Client, notifier: Make, catcher: MailCatcher, project: str
) -> None:
    await notifier().start().ready()
    event = incompatible(project)
    id_ = await user.send(event)
    await user.send(event, id=id_)
    await user.send(reminded(project))
    told = await user.wait_for(about(project, NobodyTold), 2)
    await settled(user)
    await user.caught_up()
    seen = {one.envelope.id: one.envelope.data for one in user.seen if about(project, NobodyTold)(one)}
    assert len(told) == len(seen) == 2
    assert {(one.occasion.value, one.app_id, one.base) for one in seen.values() if isinstance(one, NobodyTold)} == {
        ("extension-incompatible", APP, "27.0.38460.0/DE"),
        ("extension-reminder", APP, "27.0.38460.0/DE"),
    }
    assert catcher.mails(project) == []


async def test_recipients_are_added_and_removed_and_refused(
    user: Client, notifier: Make, catcher: MailCatcher, project: str
) -> None:
    await notifier().start().ready()
    await add(user, project, ADA)
    again = new_id()
    await user.send(AddRecipient(project=project, address=ADA.upper()), id=again)
    [refused] = await user.wait_for(lambda seen: seen.envelope.causation == again)
    assert isinstance(refused.envelope.data, CommandRejected)
    assert refused.envelope.data.reason == "RECIPIENT_EXISTS"
    await user.send(RemoveRecipient(project=project, address=ADA))
    changed = (await user.wait_for(about(project, AudienceChanged), 2))[-1]
    assert isinstance(changed.envelope.data, AudienceChanged)
    assert changed.envelope.data.recipients == ()
    event = await user.send(accepted(project))
    [view] = await user.wait_for(about(project, NotificationSnapshot))
    assert isinstance(view.envelope.data, NotificationSnapshot)
    assert view.envelope.data.notification == f"{project}/{event}"
    assert view.envelope.data.deliveries == ()
    assert catcher.mails(project) == []
