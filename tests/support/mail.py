"""The mail catcher as a process of its own, and the mails in its folder."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from tests.support.patience import until

MAIL_SECONDS = 30.0


@dataclass
class MailCatcher:
    """`python -m deploy.mail_catcher`; it can be stopped and started again on the port it had."""

    folder: Path
    port: int = 0
    arguments: tuple[str, ...] = ()
    _process: subprocess.Popen[str] | None = None

    def start(self) -> "MailCatcher":
        """Start it; it listens when this returns."""
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "deploy.mail_catcher",
                f"--port={self.port}",
                f"--folder={self.folder}",
                *self.arguments,
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line.startswith("listening on 127.0.0.1:"), line
        self.port = int(line.rpartition(":")[2])
        return self

    def stop(self) -> list[str]:
        """Ask it to stop; what it has printed about mails."""
        if self._process is None:
            return []
        process, self._process = self._process, None
        if process.poll() is None:
            os.kill(process.pid, signal.SIGTERM)
        printed, _ = process.communicate()
        assert process.returncode == 0
        return printed.splitlines()

    def mails(self, project: str) -> list[EmailMessage]:
        """The mails about a project, in the order of their arrival."""
        found = [message_from_bytes(path.read_bytes(), policy=default) for path in sorted(self.folder.glob("*.eml"))]
        return [mail for mail in found if f"{project} / " in str(mail["Subject"])]

    async def wait_for(self, project: str, count: int, seconds: float = MAIL_SECONDS) -> list[EmailMessage]:
        """The mails about a project, as soon as there are `count`."""

        def enough() -> list[EmailMessage] | None:
            return mails if len(mails := self.mails(project)) >= count else None

        return await until(enough, seconds)
