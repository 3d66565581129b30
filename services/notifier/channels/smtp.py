"""Mail over SMTP: one mail, one recipient, one session, and what the server made of it."""

from typing import Literal

import aiosmtplib
from pydantic import SecretStr

Security = Literal["none", "starttls", "tls"]


class MailRefusedError(Exception):
    """The server refuses this mail for good; `str()` is what it said."""


class MailDeferredError(Exception):
    """The mail could not be handed over now; `str()` says why. It may have been, if the answer was lost."""


class SmtpChannel:
    """A mail server to which mails are handed over. `seconds` bounds each of its answers."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        security: Security = "none",
        user: str | None = None,
        password: SecretStr | None = None,
        seconds: float = 30.0,
    ) -> None:
        self._host = host
        self._port = port
        self._security = security
        self._user = user
        self._password = password
        self._seconds = seconds

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
            async with client:
                _, said = await client.sendmail(sender, [address], mail)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _judged(error.recipients[0]) from error
        except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError) as error:
            raise _judged(error) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailDeferredError(f"{self._host}:{self._port}: {_words(error)}") from error
        return said


def _judged(error: aiosmtplib.SMTPResponseException) -> MailRefusedError | MailDeferredError:
    """RFC 5321, section 4.2.1: 5xx is a permanent refusal, anything else may pass."""
    text = f"{error.code} {error.message}"
    return MailRefusedError(text) if 500 <= error.code < 600 else MailDeferredError(text)


def _words(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    return str(error) or type(error).__name__
