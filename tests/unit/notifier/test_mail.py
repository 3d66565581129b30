"""What a recipient's program finds in a mail."""

import json
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from icalendar import Calendar
from pydantic import TypeAdapter, ValidationError

from services.notifier.domain.mail_content import JudgedExtension, MailContent, Row
from services.notifier.domain.wording import duration, subject
from services.notifier.domain.work import DeliveryInput
from services.notifier.mail import compose, render_html, render_text
from shared.contracts.extension_compatibility_checker import FindingSeverity
from shared.contracts.message import Event
from shared.contracts.notifier import AddRecipient, Address
from tests.support.told_events import (
    APP,
    AT,
    DIGEST,
    EXTENSION,
    accepted,
    cancelled,
    finding,
    finished,
    held,
    incompatible,
    planned,
    refused,
    remediation_ended,
    reminded,
    removal_due,
    scheduled,
    skipped,
    update,
)
from tests.unit.notifier.told import mail_of

SENDER = "drydock@erp.example"
HOSTILE = '<script>alert("1")</script> & {{ content }} <img src=x onerror=alert(1)>'
EVENTS: list[Event] = [
    accepted("contoso"),
    held(accepted("contoso")),
    held(accepted("contoso"), deadline=None),
    finished(accepted("contoso")),
    scheduled("contoso"),
    cancelled(scheduled("contoso")),
    refused("contoso"),
    incompatible("contoso"),
    reminded("contoso"),
    removal_due("contoso"),
    remediation_ended("contoso"),
    planned("contoso"),
    skipped("contoso"),
]


class Reader(HTMLParser):
    """The tags of a document, and the text a person sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def addresses() -> st.SearchStrategy[str]:
    """Whatever the contract takes as an address."""
    pattern = str(TypeAdapter(Address).json_schema()["pattern"])
    return st.from_regex(pattern, fullmatch=True).filter(lambda text: len(text) <= 254)


def parsed(given: DeliveryInput) -> EmailMessage:
    return message_from_bytes(compose(given, SENDER), policy=default)


def part(mail: EmailMessage, kind: str) -> EmailMessage | None:
    return next((one for one in mail.walk() if one.get_content_type() == kind), None)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_a_mail_has_the_headers_of_automatic_mail_and_says_the_same_in_text_and_html(event: Event) -> None:
    given_ = mail_of(event)
    mail = parsed(given_)
    assert mail["To"] == given_.address
    assert mail["From"] == f"Drydock <{SENDER}>"
    assert mail["Message-ID"] == given_.message_id
    assert mail["Subject"] == given_.content.subject
    assert mail["Date"].datetime == AT
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Id"] == "Drydock: contoso <contoso.drydock.erp.example>"
    text, html = part(mail, "text/plain"), part(mail, "text/html")
    assert text is not None
    assert html is not None
    seen = Reader(html.get_content()).text
    content = given_.content
    said = [content.headline, content.reason or "", *content.next_steps, *(row.value for row in content.facts)]
    said += [row.value for row in content.dates]
    for blocking in content.judged.blocking if content.judged else ():
        said += [blocking.file, blocking.code, blocking.before, blocking.message, blocking.suggestion]
    for one in said:
        assert one in text.get_content()
        assert one in seen


def test_html_escapes_whatever_others_have_written_and_text_leaves_it() -> None:
    content = MailContent(
        subject=HOSTILE,
        headline=HOSTILE,
        facts=(Row(label=HOSTILE, value=HOSTILE),),
        reason=HOSTILE,
        judged=JudgedExtension(
            project="contoso",
            environment="contoso-prod",
            extension=EXTENSION,
            base="27.0.38460.0/DE",
            report=DIGEST,
            findings=(
                finding(
                    FindingSeverity.BLOCKS,
                    1,
                    file=HOSTILE,
                    before=HOSTILE,
                    after=HOSTILE,
                    message=HOSTILE,
                    suggestion=HOSTILE,
                ),
            ),
        ),
        dates=(Row(label=HOSTILE, value=HOSTILE),),
        link=Row(label=HOSTILE, value="https://drydock.contoso.example"),
        next_steps=(HOSTILE,),
    )
    html = Reader(render_html(content))
    assert not html.tags & {"script", "img"}
    assert html.text.count(HOSTILE) == 14
    assert HOSTILE in render_text(content)


@given(st.text(max_size=300), st.text(max_size=40))
def test_no_name_or_reason_breaks_a_mail(name: str, what: str) -> None:
    content = MailContent(subject=subject("contoso", "contoso-test", what, name), headline=name, facts=(), reason=name)
    given_ = mail_of(accepted("contoso")).model_copy(update={"content": content})
    mail = parsed(given_)
    assert mail["Message-ID"] == given_.message_id
    assert mail["Subject"] == content.subject
    assert len(content.subject) <= 250
    assert mail["Bcc"] is None


def test_a_mail_about_an_extension_is_an_alternative_of_text_and_html_beside_a_file_with_all_findings() -> None:
    event = incompatible("contoso", count=49)
    mail = parsed(mail_of(event))
    assert mail.get_content_type() == "multipart/mixed"
    alternative, file = mail.iter_parts()
    assert alternative.get_content_type() == "multipart/alternative"
    assert [one.get_content_type() for one in alternative.iter_parts()] == ["text/plain", "text/html"]
    assert (file.get_content_type(), file.get_content_disposition()) == ("application/json", "attachment")
    assert file.get_filename() == "Contoso-Freight-27.0.38460.0.json"
    content = json.loads(file.get_content())
    assert content["extension"] == EXTENSION.model_dump()
    assert (content["project"], content["environment"], content["base"]) == (
        "contoso",
        "contoso-prod",
        "27.0.38460.0/DE",
    )
    assert content["report"] == DIGEST
    assert content["findings"] == [one.model_dump(mode="json") for one in event.findings]


@pytest.mark.parametrize(
    ("name", "file_name"),
    [
        ("Contoso Freight", "Contoso-Freight-27.0.38460.0.json"),
        ("Größe & Gewicht / 重量", "Größe-Gewicht-重量-27.0.38460.0.json"),
        ("../../etc/passwd", "etc-passwd-27.0.38460.0.json"),
        ('a"; filename="b.exe', "a-filename-b.exe-27.0.38460.0.json"),
        ("evil\r\nBcc: everybody@contoso.example", "evil-Bcc-everybody-contoso.example-27.0.38460.0.json"),
        ("***", f"{APP}-27.0.38460.0.json"),
        ("x" * 250, f"{'x' * 80}-27.0.38460.0.json"),
    ],
)
def test_the_file_is_called_after_the_extension_whatever_that_is_called(name: str, file_name: str) -> None:
    mail = parsed(mail_of(incompatible("contoso", extension=EXTENSION.model_copy(update={"name": name}))))
    [file] = mail.iter_attachments()
    assert file.get_filename() == file_name
    assert mail["Bcc"] is None
    assert not mail.defects


@given(st.text(min_size=1, max_size=250), st.text(max_size=500), st.text(max_size=500))
def test_no_extension_or_finding_breaks_a_mail(name: str, message: str, declared: str) -> None:
    one = finding(FindingSeverity.BLOCKS, 1, message=message or "-", before=declared, after=declared, file=message)
    extension = EXTENSION.model_copy(update={"name": name, "publisher": name})
    wire = compose(mail_of(incompatible("contoso", extension=extension, findings=(one,))), SENDER)
    assert max(len(line) for line in wire.split(b"\r\n")) <= 998  # RFC 5322, section 2.1.1
    mail = message_from_bytes(wire, policy=default)
    [file] = mail.iter_attachments()
    assert json.loads(file.get_content())["findings"][0]["before"] == declared
    assert set(mail.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "List-Id",
        "MIME-Version", "Content-Type",
    }  # fmt: skip


@pytest.mark.parametrize(
    "address", [".a@b", "a..b@c", "a.@b", "a@b..c", "a@b-", "a b@c", "a@b@c", "a@", "a\n@b", "ä@b"]
)
def test_an_address_that_no_mail_can_be_written_to_cannot_be_a_recipient(address: str) -> None:
    with pytest.raises(ValidationError):
        AddRecipient(project="contoso", address=address)


@given(st.builds(AddRecipient, project=st.just("contoso"), address=addresses()))
def test_every_address_that_may_be_a_recipient_can_be_written_to(command: AddRecipient) -> None:
    given_ = mail_of(accepted("contoso")).model_copy(update={"address": command.address})
    assert str(parsed(given_)["To"]) == command.address


@example("=?utf-8?q?not_encoded?=")
@given(st.lists(st.text("aä重 :=?", min_size=1, max_size=40), max_size=9).map(" ".join))
def test_a_subject_arrives_as_it_was_written_however_long_and_in_whatever_script(name: str) -> None:
    content = MailContent(subject=subject("contoso", "contoso-test", "update failed", name), headline="-", facts=())
    wire = compose(mail_of(accepted("contoso")).model_copy(update={"content": content}), SENDER)
    assert message_from_bytes(wire, policy=default)["Subject"] == content.subject
    header = wire.partition(b"\r\nFrom:")[0]
    assert header.isascii()
    assert all(len(word) <= 75 for word in header.split() if word.startswith(b"=?"))  # RFC 2047, section 2


def test_a_long_name_costs_the_subject_its_end_and_not_the_outcome() -> None:
    line = subject("contoso", "contoso-test", "update failed", "x" * 300)
    assert line.startswith("contoso / contoso-test: update failed: xxx")
    assert len(line) == 250
    assert line.endswith("…")


@pytest.mark.parametrize(
    ("event", "method", "status"),
    [
        (scheduled("contoso", update=update("Ä; release, C:\\release " + "x" * 70)), "REQUEST", "CONFIRMED"),
        (cancelled(scheduled("contoso")), "CANCEL", "CANCELLED"),
    ],
)
def test_a_downtime_is_a_calendar_object_that_calendars_read(event: Event, method: str, status: str) -> None:
    given_ = mail_of(event, sequence=7)
    found = part(parsed(given_), "text/calendar")
    assert found is not None
    assert found.get_param("method") == method
    content = found.get_content()
    assert all(len(line.encode()) <= 75 for line in content.splitlines())
    calendar = Calendar.from_ical(content)
    [entry] = calendar.walk("VEVENT")
    assert calendar["METHOD"] == method
    assert entry["STATUS"] == status
    assert entry["SEQUENCE"] == 7
    assert given_.content.calendar is not None
    assert entry["SUMMARY"] == given_.content.calendar.summary
    assert entry.decoded("DTSTART") == AT
    assert entry.decoded("DTEND") == AT + timedelta(hours=3)
    assert entry["ATTENDEE"] == f"mailto:{given_.address}"
    assert entry["ORGANIZER"] == f"mailto:{SENDER}"


@pytest.mark.parametrize(("seconds", "words"), [(40.4, "40 s"), (412.5, "6 min"), (7500, "2 h 5 min"), (0, "0 s")])
def test_durations_are_said_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
