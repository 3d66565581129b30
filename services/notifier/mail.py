"""A letter as a mail: plain text and HTML, a calendar entry where there is one, and the headers of automatic mail."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.notifier.calendar_entry import calendar_of
from services.notifier.domain.letters import Letter
from services.notifier.domain.work import DeliveryInput

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(enabled_extensions=("html.jinja",), default=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render_text(letter: Letter) -> str:
    """The letter as plain text."""
    return _TEMPLATES.get_template("letter.txt.jinja").render(letter=letter)


def render_html(letter: Letter) -> str:
    """The letter as an HTML document; everything that the letter says is escaped."""
    return _TEMPLATES.get_template("letter.html.jinja").render(letter=letter)


def compose(given: DeliveryInput, sender: str) -> bytes:
    """The mail as it goes over the wire: the same bytes for the same input, but for the boundaries of its parts."""
    letter = given.letter
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address("Drydock", addr_spec=sender)
    mail["To"] = Address(addr_spec=given.address)
    mail["Subject"] = letter.subject
    mail["Date"] = given.date
    mail["Message-ID"] = given.message_id
    # RFC 3834: nobody's automatic reply is to answer this.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["List-Id"] = f"Drydock: {given.project} <{given.project}.drydock.{sender.rpartition('@')[2]}>"
    mail.set_content(render_text(letter), cte="quoted-printable")
    mail.add_alternative(render_html(letter), subtype="html", cte="quoted-printable")
    if letter.calendar:
        calendar = calendar_of(letter.calendar, organizer=sender, attendee=given.address, made_at=given.date)
        mail.add_alternative(
            calendar, subtype="calendar", cte="base64", params={"method": letter.calendar.method.value}
        )
    return mail.as_bytes()
