"""What an installation sets."""

import os
import socket
from datetime import timedelta

import pytest
from pydantic import ValidationError

from shared.kernel.app import Settings


def test_the_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYDOCK_KAFKA", "a:1,b:2")
    monkeypatch.setenv("DRYDOCK_MONGO", "mongodb://u:secret@h")
    monkeypatch.setenv("DRYDOCK_LEASE", "PT2S")
    monkeypatch.setenv("DRYDOCK_CREATE_TOPICS", "false")
    settings = Settings()
    assert (settings.kafka, settings.lease, settings.create_topics) == ("a:1,b:2", timedelta(seconds=2), False)
    assert settings.mongo.get_secret_value() == "mongodb://u:secret@h"
    assert "secret@" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BATCH", "0"),
        ("BATCH", "2001"),
        ("ATTEMPTS", "0"),
        ("DEAD_IN_A_ROW", "0"),
        ("WORK_SLOTS", "-1"),
        ("LOG_LEVEL", "LOUD"),
        ("SESSION_TIMEOUT", "soon"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"DRYDOCK_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_a_process_is_called_by_its_host_and_number_unless_it_is_given_a_name() -> None:
    assert Settings().instance == f"{socket.gethostname()}-{os.getpid()}"
    assert Settings(instance="x").instance == "x"
