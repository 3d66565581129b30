"""The real work of the notifier: a mail is composed and handed over."""

import asyncio
from datetime import UTC, datetime

from services.notifier.channels.smtp import MailDeferredError, MailRefusedError, SmtpChannel
from services.notifier.domain.work import Attempt, DeliveryInput, ServerAnswer
from services.notifier.mail import compose
from shared.kernel.app import Job

FINISH_SECONDS = 10.0
"""How long a process that is asked to stop waits for the server's answer to a mail that is on its way."""


class Steps:
    """Delivers mails over one channel, from one sender."""

    def __init__(self, channel: SmtpChannel, sender: str) -> None:
        self._channel = channel
        self._sender = sender

    async def deliver(self, given: DeliveryInput, job: Job) -> Attempt:
        """Hand a mail over.

        A stop in the middle waits for the server's answer, which counts. After a kill in the middle nobody knows
        the answer: the mail goes out again, under the same Message-ID.
        """
        sending = asyncio.ensure_future(self._send(given))
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            await asyncio.wait([sending], timeout=FINISH_SECONDS)
            if sending.done():
                return sending.result()
            sending.cancel()
            raise

    async def _send(self, given: DeliveryInput) -> Attempt:
        mail = compose(given, self._sender)
        try:
            said = await self._channel.send(mail, self._sender, given.address)
        except MailRefusedError as error:
            return _attempt(ServerAnswer.REFUSED, str(error))
        except MailDeferredError as error:
            return _attempt(ServerAnswer.DEFERRED, str(error))
        return _attempt(ServerAnswer.ACCEPTED, said)


def _attempt(answer: ServerAnswer, said: str) -> Attempt:
    return Attempt(answer=answer, said=said or "no reason given", at=datetime.now(UTC))
