"""What a mail server's answers mean, with a real one."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from services.notifier.app import NotifierSettings, make
from services.notifier.channels.smtp import MOST_ANSWERS, MailDeferredError, MailRefusedError, SmtpChannel
from services.notifier.domain.work import ServerAnswer
from services.notifier.steps import Steps
from tests.support.told_events import accepted
from tests.unit.notifier.told import mail_of

ADA = "ada@contoso.example"


class Server:
    """Answers as it is told to, and counts what it took."""

    def __init__(self, *, sender: str = "250 OK", recipient: str = "250 OK", data: str = "250 OK") -> None:
        self.sender, self.recipient, self.data = sender, recipient, data
        self.taken: list[bytes] = []
        self.reached_data = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        envelope.mail_from = address
        return self.sender

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.reached_data.set()
        await self.may_answer.wait()
        self.taken.append(envelope.content)
        return self.data


@asynccontextmanager
async def serving(handler: Server) -> AsyncIterator[int]:
    """The port that a server answers on."""
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(handler, hostname="localhost", timeout=3600), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.parametrize(
    ("answers", "error", "said"),
    [
        ({"sender": "550 5.7.1 not you"}, MailRefusedError, "550 5.7.1 not you"),
        ({"sender": "451 4.3.0 later"}, MailDeferredError, "451 4.3.0 later"),
        ({"recipient": "550 5.1.1 nobody"}, MailRefusedError, "550 5.1.1 nobody"),
        ({"recipient": "450 4.2.0 greylisted"}, MailDeferredError, "450 4.2.0 greylisted"),
        ({"data": "554 5.6.0 not this"}, MailRefusedError, "554 5.6.0 not this"),
        ({"data": "452 4.3.1 disk full"}, MailDeferredError, "452 4.3.1 disk full"),
    ],
)
async def test_a_5xx_to_the_mail_is_for_good_and_a_4xx_for_now(
    answers: dict[str, str], error: type[Exception], said: str
) -> None:
    async with serving(Server(**answers)) as port:
        with pytest.raises(error, match=said):
            await SmtpChannel("127.0.0.1", port).send(b"Subject: x\r\n\r\nx\r\n", "drydock@localhost", ADA)


async def test_a_server_that_is_away_or_says_nothing_or_does_not_want_us_is_not_the_mails_fault() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        with pytest.raises(MailDeferredError, match=f"127.0.0.1:{port}"):
            await SmtpChannel("127.0.0.1", port, seconds=0.3).send(b"", "drydock@localhost", ADA)
        silent.listen()
        with pytest.raises(MailDeferredError, match=f"127.0.0.1:{port}"):
            await SmtpChannel("127.0.0.1", port, seconds=0.3).send(b"", "drydock@localhost", ADA)

    async def turned_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 5.3.2 no service here\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(turned_away, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(MailDeferredError, match="554"):
            await SmtpChannel("127.0.0.1", port).send(b"", "drydock@localhost", ADA)


async def test_a_server_without_the_encryption_that_is_asked_for_gets_no_mail() -> None:
    handler = Server()
    async with serving(handler) as port:
        with pytest.raises(MailDeferredError):
            await SmtpChannel("127.0.0.1", port, security="starttls").send(b"", "drydock@localhost", ADA)
    assert not handler.taken


async def test_a_delivery_that_is_cut_off_behind_the_mail_still_brings_its_answer_back() -> None:
    handler = Server()
    handler.may_answer.clear()
    job: Any = None  # a delivery asks nothing of its job
    async with serving(handler) as port:
        steps = Steps(SmtpChannel("127.0.0.1", port), "drydock@localhost")
        delivering = asyncio.create_task(steps.deliver(mail_of(accepted("contoso")), job))
        await handler.reached_data.wait()
        delivering.cancel()
        handler.may_answer.set()
        attempt = await delivering
    assert attempt.answer is ServerAnswer.ACCEPTED
    assert len(handler.taken) == 1


@pytest.mark.parametrize(
    ("minutes", "answer"), [(9.9, ServerAnswer.ACCEPTED), (10.1, ServerAnswer.DEFERRED)], ids=["in time", "too late"]
)
async def test_a_server_may_look_into_a_mail_for_ten_minutes_and_gets_it_once(
    minutes: float, answer: ServerAnswer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 5321, section 4.5.3.2.6."""
    handler = Server()
    handler.may_answer.clear()
    loop = asyncio.get_running_loop()
    job: Any = None  # a delivery asks nothing of its job
    async with serving(handler) as port:
        steps = Steps(SmtpChannel("127.0.0.1", port), "drydock@localhost")
        delivering = asyncio.create_task(steps.deliver(mail_of(accepted("contoso")), job))
        await handler.reached_data.wait()
        clock, ahead = loop.time, minutes * 60
        monkeypatch.setattr(loop, "time", lambda: clock() + ahead)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if answer is ServerAnswer.ACCEPTED:
            handler.may_answer.set()
        attempt = await delivering
    assert attempt.answer is answer
    assert len(handler.taken) == (answer is ServerAnswer.ACCEPTED)


def test_no_attempt_is_cut_off_while_the_server_may_still_answer() -> None:
    settings = NotifierSettings(smtp_timeout=timedelta(minutes=7), smtp_data_timeout=timedelta(minutes=20))
    work = make(settings).work["notifications", "deliver"]
    assert work.limit >= MOST_ANSWERS * settings.smtp_timeout + 2 * settings.smtp_data_timeout
