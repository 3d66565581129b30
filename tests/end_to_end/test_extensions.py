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
from shared.contracts.servicing_executor import ExtensionSetChanged, OperationAccepted
from tests.end_to_end.installation import Printed, drydock
from tests.end_to_end.world import NEXT_PLATFORM, World, world
from tests.support import al_packages
from tests.support.local_machine import app_id_of

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

USAGE, NOT_FOUND, REFUSED = 2, 3, 4
HARMLESS = "codeunit 50000 Harmless\n{\n}"


@dataclass
class Fleet:
    """A project whose production has three extensions, and a release that it is behind."""

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
        listed = await self.type("extension", "list", self.place.production, "-o", "json")
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
            installed = await made.type("extension", "install", place.production, made.file(*arguments), "--wait")
            assert installed.code == 0, installed
        yield made


async def test_a_release_takes_staged_extensions_along_and_leaves_others_behind(fleet: Fleet) -> None:
    place, production = fleet.place, fleet.place.production
    staged = await fleet.type("extension", "stage", production, fleet.file("Ledger", "2.0.0.0"), "--for", "next-minor")
    assert staged.code == 0, staged
    assert await fleet.extensions() == {
        "Ledger": "1.0.0.0 (2.0.0.0 next-minor)",
        "Freight": "1.0.0.0",
        "Rates": "1.0.0.0",
    }
    table = (await fleet.type("extension", "list", production)).out
    assert "2.0.0.0 next-minor" in table

    apply = ("update", "apply-release", production, fleet.release)
    unasked = await fleet.type(*apply, "--remove", app_id_of("Rates"))
    assert unasked.code == USAGE
    assert "and take out Rates 1.0.0.0? Their data stays." in unasked.err
    half = await fleet.type(*apply, "--remove", app_id_of("Freight"), "--yes")
    assert half.code == REFUSED, half
    assert half.err.startswith("refused (EXTENSION_NEEDED): ")
    assert "Rates 1.0.0.0" in half.err
    removal = ("--remove", app_id_of("Freight"), "--remove", app_id_of("Rates"), "--yes")
    stale = await fleet.type(*apply, *removal, "--set-version", "3")
    assert stale.code == REFUSED, stale
    assert stale.err.startswith("refused (EXTENSION_SET_CHANGED): ")
    unknown = await fleet.type("update", "apply-release", production, "99.9", "--yes")
    assert unknown.code == NOT_FOUND, unknown

    done = await fleet.type(*apply, *removal, "--wait")
    assert done.code == 0, done
    assert "roll-out succeeded" in done.err
    finished = await place.succeeded(done.out.strip())
    assert finished.removed_extensions == (app_id_of("Rates"), app_id_of("Freight"))
    assert finished.update_name == f"Release {fleet.release}"
    assert await fleet.extensions() == {"Ledger": "2.0.0.0"}
    [accepted] = place.seen(OperationAccepted, lambda told: told.operation == finished.operation)
    assert "set-extensions" in accepted.data.steps
    [asked] = place.seen(CheckCompatibility, lambda told: told.operation == finished.operation)
    assert [one.version for one in asked.data.extensions] == ["2.0.0.0"]
    assert [one.version for one in asked.data.replaced] == ["1.0.0.0"]
    [changed] = place.seen(ExtensionSetChanged, lambda told: told.operation == finished.operation)
    assert (changed.data.set_version, changed.data.staged) == (5, ())
    history = await fleet.type("environment", "history", production, "-o", "json")
    assert [one["operation_kind"] for one in json.loads(history.out)][-2:] == ["stage-extension", "roll-out"]


async def test_a_staged_version_is_unstaged_and_only_higher_versions_of_installed_ones_are_staged(fleet: Fleet) -> None:
    production = fleet.place.production
    newer = fleet.file("Ledger", "3.0.0.0")
    assert (await fleet.type("extension", "stage", production, newer)).code == 0
    assert (await fleet.extensions())["Ledger"] == "2.0.0.0 (3.0.0.0 next-major)"
    assert (await fleet.type("extension", "unstage", production, app_id_of("Ledger"))).code == 0
    assert await fleet.extensions() == {"Ledger": "2.0.0.0"}
    for arguments, reason in (
        (("unstage", production, app_id_of("Ledger")), "EXTENSION_NOT_INSTALLED"),
        (("stage", production, fleet.file("Ledger", "2.0.0.0")), "EXTENSION_NOT_NEWER"),
        (("stage", production, fleet.file("Sales")), "EXTENSION_NOT_INSTALLED"),
    ):
        refused = await fleet.type("extension", *arguments)
        assert refused.code == REFUSED, refused
        assert refused.err.startswith(f"refused ({reason}): ")
    missing = await fleet.type("extension", "stage", production, "nothing.app")
    assert missing.code == NOT_FOUND
    assert missing.err.strip() == "there is no file nothing.app"
