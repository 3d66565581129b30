"""What never gets into a log."""

from typing import Any

import pytest

from shared.kernel.logs import redact


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"password": "p"}, {"password": "[redacted]"}),
        ({"DatabasePassword": ["p"]}, {"DatabasePassword": "[redacted]"}),
        ({"api_token": 7, "client-secret": b"x"}, {"api_token": "[redacted]", "client-secret": "[redacted]"}),
        ({"private_key": "k", "authorization": "b"}, {"private_key": "[redacted]", "authorization": "[redacted]"}),
        ({"settings": {"password": "p", "port": 1}}, {"settings": {"password": "[redacted]", "port": 1}}),
        ({"grants": [{"credentials": "c"}, "x"]}, {"grants": [{"credentials": "[redacted]"}, "x"]}),
        ({"url": "mongodb://u:p@host/db"}, {"url": "mongodb://[redacted]@host/db"}),
        ({"url": "mongodb://u:p@ss@host,other/db"}, {"url": "mongodb://[redacted]@host,other/db"}),
        ({"url": "redis://:p@host"}, {"url": "redis://[redacted]@host"}),
        ({"error": "at http://a:b@x and http://c:d@y"}, {"error": "at http://[redacted]@x and http://[redacted]@y"}),
        ({"urls": ("amqp://u:p@h",)}, {"urls": ["amqp://[redacted]@h"]}),
        ({"url": "http://host:80/a@b", "key": "c1"}, {"url": "http://host:80/a@b", "key": "c1"}),
    ],
)
def test_secrets_are_left_out_of_logs(given: dict[str, Any], kept: dict[str, Any]) -> None:
    assert redact(None, "info", given) == kept
