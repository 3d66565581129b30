"""The extensions of an environment that runs."""

from dataclasses import replace

import psycopg
import pytest

from deploy.demo.packages import (
    PLATFORM,
)
from services.servicing_executor.runtimes.extensions import Extensions
from services.servicing_executor.runtimes.local import LocalRuntime
from services.servicing_executor.runtimes.port import (
    StepFailedError,
)
from shared.artifacts.folder import FolderStore
from tests.integration.local_runtime.support import ENVIRONMENT, apply, get, processes, rows
from tests.support.local_machine import Machine, extension, step


async def test_extensions_go_dependents_first_come_dependencies_first_and_leave_their_data(
    runtime: LocalRuntime, place: Machine
) -> None:
    image = place.images[PLATFORM.name]
    await apply(runtime, image, "apply")
    before = processes(place)
    ledger, freight = await extension(place, "Ledger"), await extension(place, "Freight", needs=("Ledger",))
    rates = await extension(place, "Rates", needs=("Freight",))
    lines: list[str] = []
    await runtime.set_extensions(step(ENVIRONMENT, "install", "set", lines), (rates, freight, ledger))
    assert [line.split(" (")[0] for line in lines if line.startswith("putting")] == [
        "putting in Ledger 1.0.0.0",
        "putting in Freight 1.0.0.0",
        "putting in Rates 1.0.0.0",
    ]
    reported = (await get(runtime, "/extensions")).json()["extensions"]
    assert reported == {one.app_id: "1.0.0.0" for one in (ledger, freight, rates)}
    with psycopg.connect(runtime.conninfo(ENVIRONMENT)) as connection:
        connection.execute("create table freight_orders (number text)")
        connection.execute("insert into freight_orders values ('F-1')")

    lines.clear()
    newer = await extension(place, "Ledger", "2.0.0.0")
    await runtime.set_extensions(step(ENVIRONMENT, "release", "set", lines), (newer,))
    assert [line.split(" (")[0] for line in lines if line.startswith(("taking", "putting"))] == [
        "taking out Rates 1.0.0.0",
        "taking out Freight 1.0.0.0",
        "putting in Ledger 2.0.0.0",
    ]
    assert all(line.endswith("; its data stays") for line in lines if line.startswith("taking"))
    assert (await get(runtime, "/extensions")).json() == {"extensions": {newer.app_id: "2.0.0.0"}}
    assert rows(runtime, "select number from freight_orders") == [("F-1",)]
    assert processes(place) == before
    said = list(lines)
    lines.clear()
    await runtime.set_extensions(step(ENVIRONMENT, "release", "set", lines), (newer,))
    assert lines == [*said[-4:-1], "the environment has exactly these 1 extensions already"]
    lines.clear()
    await runtime.set_extensions(step(ENVIRONMENT, "another", "set", lines), (newer,))
    assert lines == ["the environment has exactly these 1 extensions already"]


async def test_verification_fails_when_the_application_runs_other_extensions_than_its_files_say(
    runtime: LocalRuntime, place: Machine
) -> None:
    image = place.images[PLATFORM.name]
    await apply(runtime, image, "apply")
    freight = await extension(place, "Freight")
    lying = replace(freight, version="1.1.0.0")
    await runtime.set_extensions(step(ENVIRONMENT, "install", "set"), (lying,))
    with pytest.raises(StepFailedError, match=rf"{freight.app_id} 1\.1\.0\.0 is 1\.0\.0\.0"):
        await runtime.verify(step(ENVIRONMENT, "install", "verify"), image, (lying,))

    padded = replace(freight, version="1.0")
    await runtime.set_extensions(step(ENVIRONMENT, "install", "padded"), (padded,))
    await runtime.verify(step(ENVIRONMENT, "install", "verify"), image, (padded,))

    stored = await FolderStore(place.root / "artifacts").put_bytes(b"no package", "application/vnd.drydock.app")
    damaged = replace(freight, digest=stored.digest, size=stored.size)
    await runtime.set_extensions(step(ENVIRONMENT, "damaged", "set"), (damaged,))
    with pytest.raises(StepFailedError, match="is not readable: "):
        await runtime.verify(step(ENVIRONMENT, "damaged", "verify"), image, (damaged,))

    folder = place.root / "environments" / ENVIRONMENT / "extensions"
    await runtime.set_extensions(step(ENVIRONMENT, "again", "set"), (freight,))
    (folder / f"{freight.digest.removeprefix('sha256:')}.app").unlink()
    with pytest.raises(StepFailedError, match=r"files of extensions are gone: Freight 1\.0\.0\.0"):
        await runtime.verify(step(ENVIRONMENT, "again", "verify"), image, (freight,))
    await runtime.set_extensions(step(ENVIRONMENT, "mended", "set"), (freight,))
    await runtime.verify(step(ENVIRONMENT, "mended", "verify"), image, (freight,))


async def test_a_file_of_another_size_than_was_named_is_refused_and_leaves_nothing(
    runtime: LocalRuntime, place: Machine
) -> None:
    freight = await extension(place, "Freight")
    with pytest.raises(StepFailedError, match=rf"has {freight.size} bytes, 7 were named"):
        await runtime.fetch_extensions(step(ENVIRONMENT, "install", "fetch"), (replace(freight, size=7),))
    folder = place.root / "environments" / ENVIRONMENT / "extensions"
    assert list(folder.iterdir()) == []
    assert Extensions(folder).installed() == ()


async def test_files_of_extensions_that_are_not_installed_are_discarded(runtime: LocalRuntime, place: Machine) -> None:
    ledger, freight = await extension(place, "Ledger"), await extension(place, "Freight")
    folder = place.root / "environments" / ENVIRONMENT / "extensions"
    (folder / ".fetch-by-one-that-died").write_bytes(b"half")
    await runtime.set_extensions(step(ENVIRONMENT, "install", "set"), (ledger, freight))
    assert not list(folder.glob(".fetch-*"))
    await runtime.set_extensions(step(ENVIRONMENT, "remove", "set"), (ledger,))
    assert len(list(folder.glob("*.app"))) == 2  # a rollback needs no store
    await runtime.discard_extensions(step(ENVIRONMENT, "remove", "discard"))
    assert [path.stem for path in folder.glob("*.app")] == [ledger.digest.removeprefix("sha256:")]
