"""Extensions from the command line: installed, staged, taken along to a release, and left behind by it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.stack import Stack
from shared.contracts.extension_compatibility_checker import CheckCompatibility
from shared.contracts.servicing_executor import ApplyUpdate, ExtensionSetChanged, OperationAccepted
from tests.end_to_end.installation import Printed, drydock
from tests.end_to_end.world import NEXT_PLATFORM, World, world
from tests.support import al_packages
from tests.support.local_machine import app_id_of

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

USAGE, NOT_FOUND, REFUSED = 2, 3, 4
HARMLESS = "codeunit 50000 Harmless\n{\n}"


@dataclass
class Fleet:
    """A project whose sandbox has three extensions, and a release that it is behind."""

    place: World
    release: str = ""

    async def type(self, *arguments: str) -> Printed:
        """Type a command."""
        return await asyncio.to_thread(drydock, self.place.stack, *arguments)

    def file(self, name: str, version: str = "1.0.0.0", *needs: str, source: str = HARMLESS) -> str:
        """An extension's file; `needs` are names of others."""
        path = Path(self.place.folder) / f"{name}-{version}.app"
        path.write_bytes(
            al_packages.extension(
                source,
                app_id=app_id_of(name),
                name=name,
                version=version,
                dependencies=[(app_id_of(one), one, "Contoso", "1.0.0.0") for one in needs],
            )
        )
        return str(path)

    async def extensions(self) -> dict[str, str]:
        """Versions by name, and behind them what is staged, as the list shows them."""
        listed = await self.type("extension", "list", self.place.sandbox, "-o", "json")
        assert listed.code == 0, listed
        return {
            one["name"]: one["version"]
            + (f" ({one['staged']['extension']['version']} {one['staged']['stage_for']})" if one["staged"] else "")
            for one in json.loads(listed.out)
        }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fleet(instant: Stack) -> AsyncIterator[Fleet]:
    async with world(instant) as place:
        await place.provision()
        made = Fleet(place)
        # No release names the base of the first platform, so every base is another one, and a higher one.
        customer = al_packages.table(18, "Customer", al_packages.field(1, "No.", "Code[20]"))
        package = await place.release(al_packages.base_app(customer, version="26.0.0.0"))
        assert package == f"{place.project}/{NEXT_PLATFORM.name}"
        made.release = f"10.0.{int(place.project[1:], 16) % 10**8}"
        for arguments in (("Ledger", "1.0.0.0"), ("Freight", "1.0.0.0", "Ledger"), ("Rates", "1.0.0.0", "Freight")):
            installed = await made.type("extension", "install", place.sandbox, made.file(*arguments), "--wait")
            assert installed.code == 0, installed
        yield made


async def test_a_release_takes_staged_extensions_along_and_production_takes_it_by_promotion_alone(fleet: Fleet) -> None:
    place, sandbox = fleet.place, fleet.place.sandbox
    staged = await fleet.type("extension", "stage", sandbox, fleet.file("Ledger", "2.0.0.0"), "--for", "next-minor")
    assert staged.code == 0, staged
    assert await fleet.extensions() == {
        "Ledger": "1.0.0.0 (2.0.0.0 next-minor)",
        "Freight": "1.0.0.0",
        "Rates": "1.0.0.0",
    }
    table = (await fleet.type("extension", "list", sandbox)).out
    assert "2.0.0.0 next-minor" in table

    apply = ("update", "apply-release", sandbox, fleet.release)
    unasked = await fleet.type(*apply)
    assert unasked.code == USAGE
    assert f"Bring {sandbox} to release {fleet.release} (" in unasked.err
    unknown = await fleet.type("update", "apply-release", sandbox, "99.9", "--yes")
    assert unknown.code == NOT_FOUND, unknown
    production = await fleet.type("update", "apply-release", place.production, fleet.release, "--yes")
    assert production.code == REFUSED, production
    assert production.err.startswith("refused (PRODUCTION_NEEDS_PROMOTION): ")

    for name in ("Rates", "Freight"):
        gone = await fleet.type("extension", "uninstall", sandbox, app_id_of(name), "--wait")
        assert gone.code == 0, gone
    done = await fleet.type(*apply, "--yes", "--wait")
    assert done.code == 0, done
    assert "apply succeeded" in done.err
    finished = await place.succeeded(done.out.strip())
    assert finished.update_name == f"Release {fleet.release}"
    assert await fleet.extensions() == {"Ledger": "2.0.0.0"}
    [accepted] = place.seen(OperationAccepted, lambda told: told.operation == finished.operation)
    assert "set-extensions" in accepted.data.steps
    [asked] = place.seen(CheckCompatibility, lambda told: told.operation == finished.operation)
    assert [one.version for one in asked.data.extensions] == ["2.0.0.0"]
    assert [one.version for one in asked.data.replaced] == ["1.0.0.0"]
    [changed] = place.seen(ExtensionSetChanged, lambda told: told.operation == finished.operation)
    assert changed.data.staged == ()
    history = await fleet.type("environment", "history", sandbox, "-o", "json")
    assert [one["operation_kind"] for one in json.loads(history.out)][-2:] == ["uninstall-extension", "apply"]
    assert not place.seen(ApplyUpdate, lambda told: told.environment == place.production), "nothing was sent there"


async def test_a_staged_version_is_unstaged_and_only_higher_versions_of_installed_ones_are_staged(fleet: Fleet) -> None:
    sandbox = fleet.place.sandbox
    newer = fleet.file("Ledger", "3.0.0.0")
    assert (await fleet.type("extension", "stage", sandbox, newer)).code == 0
    assert (await fleet.extensions())["Ledger"] == "2.0.0.0 (3.0.0.0 next-major)"
    assert (await fleet.type("extension", "unstage", sandbox, app_id_of("Ledger"))).code == 0
    assert await fleet.extensions() == {"Ledger": "2.0.0.0"}
    for arguments, reason in (
        (("unstage", sandbox, app_id_of("Ledger")), "EXTENSION_NOT_INSTALLED"),
        (("stage", sandbox, fleet.file("Ledger", "2.0.0.0")), "EXTENSION_NOT_NEWER"),
        (("stage", sandbox, fleet.file("Sales")), "EXTENSION_NOT_INSTALLED"),
    ):
        refused = await fleet.type("extension", *arguments)
        assert refused.code == REFUSED, refused
        assert refused.err.startswith(f"refused ({reason}): ")
    missing = await fleet.type("extension", "stage", sandbox, "nothing.app")
    assert missing.code == NOT_FOUND
    assert missing.err.strip() == "there is no file nothing.app"
