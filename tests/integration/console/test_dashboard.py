"""The dashboard in a real Chromium: what a person sees of what the services tell, and what comes of a click."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.artifacts.folder import FolderStore
from shared.contracts.common import CommandRejected, WorkLogged
from shared.contracts.envelope import new_id
from shared.contracts.parts import Problem
from shared.contracts.promotion_scheduler import MarkCandidate
from shared.contracts.servicing_executor import (
    EnvironmentStatus,
    OperationStatus,
    Outcome,
    RestartableService,
    RestartService,
)
from tests.support.played_services import (
    PlayedServices,
    ended,
    environment,
    log_ref,
    operation,
    promotion,
    steps,
    update,
)
from tests.support.services import Client, ServiceProcess
from tests.support.webdriver import Browser, chromium

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif("DRYDOCK_BROWSER_TEST" not in os.environ, reason="needs Chromium: run `make browser-test`"),
]
PICTURES = Path(".drydock/pictures")
PHONE = (390, 844)
DESK = (1280, 900)


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for all tests of this file."""
    driver, program = shutil.which("chromedriver"), shutil.which("chromium")
    assert driver, "chromedriver is not on the PATH: run `make browser-test`"
    assert program, "chromium is not on the PATH: run `make browser-test`"
    PICTURES.mkdir(parents=True, exist_ok=True)
    with chromium(driver, program, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(window: Browser, console: ServiceProcess) -> Iterator[Browser]:
    """A window on the dashboard; what a page complains about on the browser's console fails its test."""
    window.resize(*DESK)
    window.colours("light")
    window.base = f"http://127.0.0.1:{console.logged('service_started')[-1]['port']}"
    window.messages()
    yield window
    assert window.messages() == []


def row(name: str) -> str:
    """The row of an environment on the fleet board."""
    return f"tr:has(a[href='/environments/{name}'])"


async def test_the_fleet_shows_an_operation_as_it_goes_on(browser: Browser, played: PlayedServices, name: str) -> None:
    await played.tell(environment(name))
    browser.open("/")
    assert "October release" in browser.wait_for_text(row(name), "Deployed")
    id_, now = new_id(), datetime.now(UTC)
    servicing = environment(
        name, status=EnvironmentStatus.SERVICING, operation=operation(id_, accepted_at=now, steps=steps(2, began=now))
    )
    await played.tell(servicing)
    assert "2 of 8, Stop services" in browser.wait_for_text(row(name), "Servicing")
    await played.tell(servicing.model_copy(update={"operation": operation(id_, steps=steps(6, began=now))}))
    browser.wait_for_text(row(name), "6 of 8, Start services")
    browser.screenshot(PICTURES / "fleet.png")
    await played.tell(environment(name, running=update("November release", "10.0.2200.1")))
    assert "10.0.2200.1" in browser.wait_for_text(row(name), "November release")


async def test_an_environment_shows_steps_log_and_history(
    browser: Browser, played: PlayedServices, name: str, artifacts: Path
) -> None:
    now, id_ = datetime.now(UTC), new_id()
    stored = await FolderStore(artifacts).put_bytes(b"migrated 0007_orders.sql\n", "text/plain")
    why = Problem(reason="STEP_FAILED", message="migration 0007_orders.sql: column total exists already")
    await played.tell(environment(name, status=EnvironmentStatus.SERVICING, operation=operation(id_, accepted_at=now)))
    await played.tell(
        ended(name, new_id(), outcome=Outcome.ROLLED_BACK, problem=why, log=log_ref(stored.digest, stored.size))
    )
    browser.open(f"/environments/{name}")
    assert "running for" in browser.wait_for_text(".panel", "Migrate database")
    line = WorkLogged(
        subject=name, work=f"step:{id_}/migrate-database", at=now, level="info", text="applied 0001_orders.sql"
    )
    await played.tell(line, service="servicing-executor")
    browser.wait_for_text(".panel pre", "applied 0001_orders.sql")
    history = browser.wait_for_text(".history", "Rolled back")
    assert why.message in history
    assert "3 min 00 s" in history
    assert "2026-11-21 12:00:00 UTC" in history
    browser.click(".history button", "Log")
    browser.wait_for_text("tr.detail pre", "migrated 0007_orders.sql")
    browser.screenshot(PICTURES / "environment.png")
    held = operation(
        id_,
        status=OperationStatus.HELD,
        accepted_at=now,
        steps=steps(5, failed=why.message),
        problem=why,
        deadline=now + timedelta(hours=24),
    )
    await played.tell(environment(name, status=EnvironmentStatus.FAILED, operation=held))
    browser.wait_for_text(".panel", "unless somebody decides")
    browser.wait_for_text(".panel button.danger", "Roll back")


async def test_a_restart_is_asked_for_confirmed_and_its_refusal_shown(
    browser: Browser, user: Client, played: PlayedServices, name: str
) -> None:
    await played.tell(environment(name))
    browser.open(f"/environments/{name}")
    browser.click("button", "Restart service")
    assert "interrupted" in browser.wait_for_text("dialog[open]", "Restart a service")
    browser.screenshot(PICTURES / "dialog.png")
    browser.type("dialog input[name=actor]", "mona")
    browser.click("dialog button", "Restart the service")
    [sent] = await user.wait_for(lambda seen: seen.key == name.encode())
    assert sent.envelope.data == RestartService(environment=name, service=RestartableService.AOS)
    assert sent.envelope.actor == "mona"
    refusal = CommandRejected(
        command_key=name,
        command_id=sent.envelope.id,
        command_type=sent.envelope.data.type,
        reason="OPERATION_RUNNING",
        message="apply of November release runs",
    )
    await played.tell(refusal, causation=sent.envelope.id, service="servicing-executor")
    browser.wait_for_text("dialog[open] .problem", "OPERATION_RUNNING apply of November release runs")
    browser.click("dialog button", "Close")
    browser.wait(lambda: None if browser.text("dialog") else True, "closed dialog")


async def test_an_update_is_marked_as_candidate(
    browser: Browser, user: Client, played: PlayedServices, name: str
) -> None:
    await played.tell(environment(name, running=update("November release")))
    await played.tell(ended(name, new_id()))
    browser.open(f"/environments/{name}")
    browser.click(".history button", "Mark candidate")
    browser.wait_for_text("dialog[open]", "November release")
    browser.script("document.querySelector('dialog input[name=actor]').value = 'mona'")
    browser.click("dialog button", "Mark as candidate")
    [sent] = await user.wait_for(lambda seen: seen.key == name.encode())
    assert sent.envelope.data == MarkCandidate(environment=name, update_name="November release")


async def test_every_page_fits_a_phone_in_both_colours(browser: Browser, played: PlayedServices, name: str) -> None:
    production = name.replace("-test", "-prod")
    await played.tell(environment(name, status=EnvironmentStatus.SERVICING, operation=operation(new_id())))
    await played.tell(environment(production))
    await played.tell(ended(name, new_id()))
    await played.tell(promotion(production, new_id()))
    for scheme in ("light", "dark"):
        browser.colours(scheme)
        for size, width in (("phone", PHONE), ("desk", DESK)):
            browser.resize(*width)
            for path in ("/", f"/environments/{name}", "/promotions", "/packages", "/dead-letters"):
                browser.open(path)
                browser.wait_for_text(".connection", "Live")
                page = path.strip("/").partition("/")[0] or "fleet"
                browser.screenshot(PICTURES / f"{page}-{size}-{scheme}.png")
                wide = browser.script("return document.documentElement.scrollWidth - innerWidth")
                assert wide <= 0, f"{path} is {wide} pixels too wide for {size}"
