"""AOS: the environment's HTTP front.

GET /health            200, also in maintenance mode
GET /modules           modules and versions, from the database and from the release folder
GET /extensions        app ids and versions of the extensions, from their own files
GET /customers         accounts and names from the database

In maintenance mode everything but /health is refused with 503, except to administrators.
"""

import hmac
import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg

from deploy.demo.reference_application.extensions import running_extensions
from deploy.demo.reference_application.settings import ApplicationSettings, stop_on_signal
from deploy.demo.reference_application.tables import SETTINGS, have_tables


class Front(ThreadingHTTPServer):
    """Serves one environment on loopback."""

    def __init__(self, settings: ApplicationSettings) -> None:
        super().__init__(("127.0.0.1", settings.port), _Request)
        self.settings = settings


class _Request(BaseHTTPRequestHandler):
    server: Front

    def do_GET(self) -> None:
        try:
            with psycopg.connect(self.server.settings.database, autocommit=True) as database:
                status, answer = self._answer(database)
        except psycopg.Error as error:
            status, answer = (
                HTTPStatus.SERVICE_UNAVAILABLE,
                {"error": f"the database does not answer: {error}"},
            )
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer(self, database: psycopg.Connection[Any]) -> tuple[HTTPStatus, dict[str, Any]]:
        maintenance = _maintenance_mode(database)
        if self.path == "/health":
            return HTTPStatus.OK, {"status": "ok", "maintenance": maintenance}
        if maintenance and not self._is_administrator():
            return HTTPStatus.SERVICE_UNAVAILABLE, {"error": "maintenance mode: only administrators may sign in"}
        if self.path == "/modules":
            return HTTPStatus.OK, {
                "database": dict(database.execute("select name, version from installed_modules").fetchall()),
                "release": self._release_modules(),
            }
        if self.path == "/extensions":
            return HTTPStatus.OK, {"extensions": running_extensions(self.server.settings.extensions)}
        if self.path == "/customers":
            rows = database.execute("select account, name from customers order by account").fetchall()
            return HTTPStatus.OK, {"customers": [{"account": a, "name": n} for a, n in rows]}
        return HTTPStatus.NOT_FOUND, {"error": f"there is nothing at {self.path}"}

    def _is_administrator(self) -> bool:
        expected = f"Bearer {self.server.settings.administrator_token}"
        return hmac.compare_digest(self.headers.get("Authorization", "").encode(), expected.encode())

    def _release_modules(self) -> dict[str, str]:
        release = self.server.settings.release
        image = json.loads((release / "image.json").read_text())
        return {
            module["name"]: module["version"]
            for module in image["contents"]["modules"]
            # The module itself must be there, not only its mention.
            if (release / "modules" / module["name"].lower() / "bin").is_dir()
        }


def _maintenance_mode(database: psycopg.Connection[Any]) -> bool:
    row = database.execute("select value from system_settings where name = 'CONFIGURATIONMODE'").fetchone()
    return row is not None and row[0] == "1"


def main() -> None:
    settings = ApplicationSettings.read()
    stopping = stop_on_signal()
    have_tables(settings.database, SETTINGS)
    with Front(settings) as front:
        threading.Thread(target=front.serve_forever, args=(0.05,), daemon=True).start()
        settings.say_ready()
        print(f"AOS of {settings.environment} serves port {settings.port}", flush=True)
        stopping.wait()
        front.shutdown()


if __name__ == "__main__":
    main()
