"""Takes mails over SMTP. One that was accepted is on the disk, whole."""

import asyncio
import json
import os
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from uuid import uuid4

from aiosmtpd.smtp import SMTP, Envelope, Session

from shared.files import sync_folder

SIZE_LIMIT = 16 * 1024 * 1024


class MailFolder:
    """Mails as `<time>-<random>.eml`; a file of that name is complete."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def keep(self, mail: bytes) -> Path:
        """Write a mail so that it survives a crash of the machine; where it is. Raise OSError if it cannot."""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{uuid4().hex[:8]}"
        part, whole = self.path / f".{name}.part", self.path / f"{name}.eml"
        with part.open("wb") as file:
            file.write(mail)
            file.flush()
            os.fsync(file.fileno())
        part.rename(whole)
        sync_folder(self.path)
        return whole


class Catcher:
    """Answers SMTP. Mail to an address in `refused` is refused with 550; `tell` gets a line for each mail kept."""

    def __init__(self, folder: MailFolder, *, refused: Collection[str], tell: Callable[[str], None]) -> None:
        self._folder = folder
        self._refused = {address.casefold() for address in refused}
        self._tell = tell

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Answer on an address of this machine. Raise OSError if the port is taken."""
        return await asyncio.get_running_loop().create_server(self._session, host, port)

    def _session(self) -> SMTP:
        return SMTP(self, data_size_limit=SIZE_LIMIT, hostname="localhost", ident="Drydock mail catcher")

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if address.casefold() in self._refused:
            return "550 5.1.1 there is no such mailbox"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail, then say so."""
        mail = envelope.original_content or b""
        try:
            path = await asyncio.to_thread(self._folder.keep, mail)
        except OSError as error:
            return f"451 4.3.0 not kept: {error.strerror}"
        parsed = message_from_bytes(mail, policy=default)
        line = {
            "file": path.name,
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "subject": str(parsed["Subject"] or ""),
            "message_id": str(parsed["Message-ID"] or ""),
        }
        self._tell(json.dumps(line, ensure_ascii=False))
        return f"250 kept as {path.name}"
