"""The dashboard's files, and what a browser may do with them."""

import hashlib
import re
from base64 import b64encode
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.console.web.problems import problem

STATIC = Path(__file__).with_name("static")
PAGES = ("/", "/environments/{key}", "/promotions", "/packages", "/dead-letters")
"""Addresses of the dashboard; each is the same page, which looks at its address."""
_IMPORT_MAP = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)
_UNGUARDED = ("/livez", "/readyz", "/metrics")


def page_routes() -> APIRouter:
    """The routes of the dashboard."""
    router = APIRouter(include_in_schema=False)
    html = (STATIC / "index.html").read_text(encoding="utf-8")

    async def page() -> HTMLResponse:
        return HTMLResponse(html, headers={"Cache-Control": "no-cache"})

    for path in PAGES:
        router.add_api_route(path, page)
    return router


def content_security_policy() -> str:
    """Everything from here, nothing inline but the import map, which is named by its hash."""
    html = (STATIC / "index.html").read_text(encoding="utf-8")
    found = _IMPORT_MAP.search(html)
    assert found, "index.html has an import map"
    digest = b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'sha256-{digest}'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types lit-html",
        )
    )


class Guard:
    """Keeps other sites out: a host name that is not ours, or a command from a page that is not ours, is refused.

    There are no users to tell apart yet; without this, any page that a browser shows could send commands here.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts
        self._headers = {
            "Content-Security-Policy": content_security_policy(),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _UNGUARDED:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _name(host) not in self._hosts:
            answer = problem(421, "UNKNOWN_HOST", f"{host[:200]!r} is not a name of this console (DRYDOCK_HOSTS)")
            await answer(scope, receive, send)
            return
        origin = headers.get("origin")
        if scope["method"] not in ("GET", "HEAD") and origin is not None and urlsplit(origin).netloc != host:
            answer = problem(403, "FOREIGN_ORIGIN", "commands are taken from the console's own pages only")
            await answer(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    found.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _name(host: str) -> str:
    return (urlsplit(f"//{host}").hostname or "").lower()
