"""The mail server for laptops and tests, as a process."""

import json
import os
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.mail import MailCatcher

MAIL = "Subject: contoso / contoso-test: update queued: Änderung\r\nMessage-ID: <a@b>\r\n\r\nHello\r\n.dot\r\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mails"


@pytest.fixture
def catcher(folder: Path) -> Iterator[MailCatcher]:
    server = MailCatcher(folder, arguments=("--refuse=gone@contoso.example",)).start()
    yield server
    server.stop()


def hand_over(catcher: MailCatcher, address: str = "ada@contoso.example") -> None:
    """Send a mail."""
    with smtplib.SMTP("127.0.0.1", catcher.port, timeout=60) as client:
        client.sendmail("drydock@localhost", [address], MAIL.encode(), mail_options=["BODY=8BITMIME"])


def test_a_mail_that_was_accepted_is_a_whole_file_and_a_line(catcher: MailCatcher, folder: Path) -> None:
    hand_over(catcher)
    [path] = folder.iterdir()
    assert path.suffix == ".eml"
    assert path.read_bytes() == MAIL.encode()
    [line] = catcher.stop()
    told = json.loads(line)
    assert told["file"] == path.name
    assert told["to"] == ["ada@contoso.example"]
    assert told["message_id"] == "<a@b>"


def test_a_kill_behind_the_acceptance_loses_nothing(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.mail_catcher", "--port=0", f"--folder={folder}"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    port = int(process.stdout.readline().rpartition(":")[2])
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.sendmail("drydock@localhost", ["ada@contoso.example"], MAIL.encode())
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        client.close()
    [path] = folder.iterdir()
    assert path.read_bytes() == MAIL.encode()


def test_an_address_can_be_refused_to_try_what_happens(catcher: MailCatcher, folder: Path) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused, match="550"):
        hand_over(catcher, "gone@contoso.example")
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_defers_the_mail(catcher: MailCatcher, folder: Path) -> None:
    folder.rmdir()
    with pytest.raises(smtplib.SMTPDataError, match="451"):
        hand_over(catcher)
    assert catcher.stop() == []


def test_a_port_that_is_taken_is_said_in_a_sentence(catcher: MailCatcher, folder: Path) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "deploy.mail_catcher", f"--port={catcher.port}", f"--folder={folder}"],
        capture_output=True,
        text=True,
    )
    assert second.returncode == 1
    assert f"cannot listen on 127.0.0.1:{catcher.port}" in second.stderr
    assert "Traceback" not in second.stderr
