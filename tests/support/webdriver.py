"""Drives a real Chromium through chromedriver, by the W3C WebDriver protocol."""

import base64
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx

from shared.ports import free_port
from tests.support.patience import until_now

T = TypeVar("T")

START_SECONDS = 20.0
WAIT_SECONDS = 15.0
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """One window."""

    def __init__(self, http: httpx.Client, session: str) -> None:
        self._http = http
        self._path = f"/session/{session}"
        self.base = ""
        """What addresses begin with."""

    def open(self, path: str) -> None:
        """Go to an address."""
        self._post("url", {"url": self.base + path})

    def resize(self, width: int, height: int) -> None:
        """Give the window a size in pixels; one narrower than browsers allow is emulated."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def colours(self, scheme: str) -> None:
        """Prefer `dark` or `light`."""
        self.devtools("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def devtools(self, command: str, parameters: dict[str, Any]) -> Any:
        """Send a command of the Chrome DevTools protocol."""
        return self._post("goog/cdp/execute", {"cmd": command, "params": parameters})

    def script(self, text: str, *arguments: Any) -> Any:
        """What a function body returns."""
        return self._post("execute/sync", {"script": text, "args": list(arguments)})

    def text(self, selector: str) -> str:
        """The visible text of the first element there is; empty if there is none."""
        return str(self.script("return document.querySelector(arguments[0])?.innerText ?? ''", selector))

    def wait_for_text(self, selector: str, wanted: str) -> str:
        """Wait until an element says something; all its text."""

        def look() -> str | None:
            found = self.text(selector)
            return found if wanted in found else None

        return self.wait(look, f"{wanted!r} in {selector}")

    def wait(self, look: Callable[[], T | None], what: str) -> T:
        """Look again and again until something is there."""
        found: list[T] = []

        def there() -> bool:
            if (one := look()) is not None:
                found.append(one)
            return bool(found)

        try:
            until_now(there, WAIT_SECONDS)
        except TimeoutError:
            raise AssertionError(f"no {what}; the page says:\n{self.text('body')}") from None
        return found[0]

    def click(self, selector: str, label: str = "") -> None:
        """Click the first visible element whose text begins with `label`, as a person would."""
        script = (
            "return [...document.querySelectorAll(arguments[0])]"
            ".find(one => one.innerText.trim().startsWith(arguments[1]) && one.checkVisibility())"
        )
        found = self.wait(lambda: self.script(script, selector, label), f"{selector} {label!r}")
        self._post(f"element/{found[_ELEMENT]}/click", {})

    def type(self, selector: str, text: str) -> None:
        """Type into an element."""
        found = self.wait(lambda: self.script("return document.querySelector(arguments[0])", selector), selector)
        self._post(f"element/{found[_ELEMENT]}/value", {"text": text})

    def messages(self) -> list[str]:
        """What the browser has put on its console since it was last asked."""
        return [str(entry["message"]) for entry in self._post("se/log", {"type": "browser"})]

    def screenshot(self, path: Path) -> None:
        """Keep a picture of the window."""
        path.write_bytes(base64.b64decode(self._get("screenshot")))

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return _value(self._http.post(f"{self._path}/{path}", json=body))

    def _get(self, path: str) -> Any:
        return _value(self._http.get(f"{self._path}/{path}"))


@contextmanager
def chromium(driver: str, program: str, profile: Path) -> Iterator[Browser]:
    """A browser without a window on screen, with a profile of its own."""
    port = free_port()
    process = subprocess.Popen([driver, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as http:
            _wait_until_ready(http)
            options = {
                "binary": program,
                # A container has no user namespaces and a small /dev/shm.
                "args": [
                    "--headless=new",
                    "--no-sandbox",
                    "--disable-dev-shm-usage",
                    "--disable-gpu",
                    f"--user-data-dir={profile}",
                ],
            }
            wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
            made = _value(http.post("/session", json={"capabilities": {"alwaysMatch": wanted}}))
            try:
                yield Browser(http, made["sessionId"])
            finally:
                http.delete(f"/session/{made['sessionId']}")
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_ready(http: httpx.Client) -> None:
    def ready() -> bool:
        with suppress(httpx.TransportError):
            return bool(_value(http.get("/status"))["ready"])
        return False

    until_now(ready, START_SECONDS)


def _value(response: httpx.Response) -> Any:
    value = response.json()["value"]
    assert response.is_success, value
    return value
