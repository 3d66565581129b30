"""What is told of an environment's answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from services.servicing_executor.runtimes.front import FrontClient
from services.servicing_executor.runtimes.port import StepFailedError

_REASON = 'the database does not answer: relation "system_settings" does not exist\nLINE 1'
_GOOD = (200, b'{"database": {}, "release": {}}')


@contextmanager
def answering(answers: dict[str, tuple[int, bytes]]) -> Iterator[FrontClient]:
    """An environment that answers so, path by path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers[self.path]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        place: Any = SimpleNamespace(port=server.server_port, administrator_token="secret")
        yield FrontClient(place)
        server.shutdown()


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"/health": (503, json.dumps({"error": _REASON}).encode())},
         f"answers GET /health with 503 Service Unavailable: {' '.join(_REASON.split())}"),
        ({"/health": (200, b""), "/modules": (500, b"out of\nmemory")},
         "answers GET /modules with 500 Internal Server Error: out of memory"),
        ({"/health": (404, b"")}, "answers GET /health with 404 Not Found: without a reason"),
        ({"/health": (503, b"x" * 9000)}, "xxx..."),
        ({"/health": (200, b""), "/modules": (200, b"<html>")}, "does not answer at http://127.0.0.1:"),
        ({"/health": (200, b""), "/modules": (200, b"[]")}, "something else than an object"),
    ],
    ids=["a reason", "text", "no reason", "a long one", "no JSON", "a list"],
)  # fmt: skip
async def test_an_environment_that_refuses_says_why(answers: dict[str, tuple[int, bytes]], told: str) -> None:
    with answering(answers) as front, pytest.raises(StepFailedError) as failed:
        await front.check_modules({})
    assert told in str(failed.value)
    assert len(str(failed.value)) < 1000


async def test_an_environment_that_answers_is_held_against_what_it_should_be() -> None:
    with answering({"/health": (200, b""), "/modules": _GOOD}) as front:
        await front.check_modules({})
        with pytest.raises(StepFailedError, match=r"A 1\.0 is missing"):
            await front.check_modules({"A": "1.0"})
