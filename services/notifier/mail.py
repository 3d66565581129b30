"""A content as a mail: plain text and HTML, a calendar entry or a file where there is one, and the headers of automatic
mail.
"""

from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.notifier import attachment
from services.notifier.calendar_entry import calendar_of
from services.notifier.domain.mail_content import MailContent
from services.notifier.domain.work import DeliveryInput

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(enabled_extensions=("html.jinja",), default=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render_text(content: MailContent) -> str:
    """The content as plain text."""
    return _TEMPLATES.get_template("mail.txt.jinja").render(content=content)


def render_html(content: MailContent) -> str:
    """The content as an HTML document; everything that the content says is escaped."""
    return _TEMPLATES.get_template("mail.html.jinja").render(content=content)


def compose(given: DeliveryInput, sender: str) -> bytes:
    """The mail as it goes over the wire: the same bytes for the same input, but for the boundaries of its parts."""
    content = given.content
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address("Drydock", addr_spec=sender)
    mail["To"] = Address(addr_spec=given.address)
    mail["Date"] = given.date
    mail["Message-ID"] = given.message_id
    # RFC 3834: nobody's automatic reply is to answer this.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["List-Id"] = f"Drydock: {given.project} <{given.project}.drydock.{sender.rpartition('@')[2]}>"
    mail.set_content(render_text(content), cte="quoted-printable")
    mail.add_alternative(render_html(content), subtype="html", cte="quoted-printable")
    if content.calendar:
        calendar = calendar_of(content.calendar, organizer=sender, attendee=given.address, made_at=given.date)
        mail.add_alternative(
            calendar, subtype="calendar", cte="base64", params={"method": content.calendar.method.value}
        )
    if content.judged:
        main, _, sub = attachment.MEDIA_TYPE.partition("/")
        file = attachment.content(content.judged)
        mail.add_attachment(file, main, sub, filename=attachment.file_name(content.judged), cte="base64")
    return b"Subject: " + _subject(content.subject) + b"\r\n" + mail.as_bytes()


def _subject(text: str) -> bytes:
    """The value of a subject's header. EmailMessage loses blanks where it folds a long one that is not ASCII, and
    begins one with a blank that is.
    """
    if text.isascii() and text.isprintable() and "=?" not in text:
        return text.encode()  # at most 250 characters: a line may have 998 (RFC 5322, section 2.1.1)
    return Header(text, charset="utf-8", header_name="Subject", maxlinelen=75).encode(linesep="\r\n").encode()
