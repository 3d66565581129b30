"""Mail over SMTP: one mail, one recipient, one session, and what the server made of it."""

from datetime import timedelta
from typing import Literal

import aiosmtplib
from pydantic import SecretStr

Security = Literal["none", "starttls", "tls"]


class MailRefusedError(Exception):
    """The server refuses this mail for good; `str()` is what it said."""


class MailDeferredError(Exception):
    """The mail could not be handed over now; `str()` says why. It may have been, if the answer was lost."""


ANSWER_SECONDS = 300.0
"""How long a mail server is waited for; RFC 5321, section 4.5.3.2, asks for five minutes: greeting, MAIL, RCPT."""
DATA_SECONDS = 600.0
"""How long its answers to DATA may take, as it looks into the mail before the last (RFC 5321, section 4.5.3.2.6)."""
MOST_ANSWERS = 16
"""Answers before DATA at most: connecting, greeting, EHLO, STARTTLS, ways to log in, MAIL, RCPT; with a margin."""
_QUIT_SECONDS = 5.0


def longest(answer: timedelta, data: timedelta) -> timedelta:
    """How long handing over one mail can take: sooner it must not be cut off, or the server gets the mail twice."""
    return answer * MOST_ANSWERS + data * 2 + timedelta(seconds=2 * _QUIT_SECONDS)


class SmtpChannel:
    """A mail server to which mails are handed over.

    `seconds` bounds each of its answers but those to DATA, which `data_seconds` bounds: a server that has all of the
    mail has perhaps kept it, so that giving up too early means that it gets the mail again.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        security: Security = "none",
        user: str | None = None,
        password: SecretStr | None = None,
        seconds: float = ANSWER_SECONDS,
        data_seconds: float = DATA_SECONDS,
    ) -> None:
        self._host = host
        self._port = port
        self._security = security
        self._user = user
        self._password = password
        self._seconds = seconds
        self._data_seconds = data_seconds

    async def send(self, mail: bytes, sender: str, address: str) -> str:
        """Hand a mail over; what the server said when it took it.

        Raise MailRefusedError where the server answers 5xx to the sender, the recipient or the mail, and
        MailDeferredError otherwise: a server that is away, greets with an error or does not let us in says nothing
        about this mail.
        """
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            use_tls=self._security == "tls",
            start_tls=self._security == "starttls",
            username=self._user,
            password=self._password.get_secret_value() if self._password else None,
            timeout=self._seconds,
        )
        try:
            await client.connect()
            try:
                await client.mail(sender)
                await client.rcpt(address)
                _, said = await client.data(mail, timeout=self._data_seconds)
            finally:
                await _leave(client)
        except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError) as error:
            raise _judged(error) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailDeferredError(f"{self._host}:{self._port}: {_words(error)}") from error
        return said


async def _leave(client: aiosmtplib.SMTP) -> None:
    """Take leave; what the server says to that changes nothing about the mail."""
    try:
        await client.quit(timeout=_QUIT_SECONDS)
    except (aiosmtplib.SMTPException, OSError):
        pass
    finally:
        client.close()


def _judged(error: aiosmtplib.SMTPResponseException) -> MailRefusedError | MailDeferredError:
    """RFC 5321, section 4.2.1: 5xx is a permanent refusal, anything else may pass."""
    text = f"{error.code} {error.message}"
    return MailRefusedError(text) if 500 <= error.code < 600 else MailDeferredError(text)


def _words(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    return str(error) or type(error).__name__
