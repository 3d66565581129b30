"""`drydock store`: what the artifact store holds, whether it is sound, and what of it is not needed any more."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from services.console.cli.options import Timeout
from services.console.cli.printing import Form, Output, print_list
from services.console.cli.running import Exit, Stopped, attempt, leave, run, tell
from services.console.failures import NeedsUnknown
from services.console.installation import Installation, NoInstallation, artifacts_folder
from services.console.retention import Needs, Retention, spared
from services.console.usage import kind_of, usage
from shared.artifacts.errors import ArtifactCorruptError, ArtifactStoreError
from shared.artifacts.folder import FolderStore
from shared.artifacts.notes import forget_notes
from shared.artifacts.space import size_text
from shared.artifacts.store_folder import StoreFolder
from shared.artifacts.sweep import SHORTEST_GRACE, Blob, Deed, Step, blobs_of, carry_out, kept, plan
from shared.artifacts.verify import verify as find_flaws
from shared.contracts.message import Part

app = typer.Typer(no_args_is_help=True, help="The store of packages, images, logs and reports.")


class Swept(Part):
    """What was, or would be, done with the artifacts of a kind; `size` in bytes."""

    deed: str
    kind: str
    count: int
    size: int


class FoundFlaw(Part):
    """An artifact that is not what it should be."""

    kind: str
    digest: str
    message: str


@app.command("usage")
def show_usage(timeout: Timeout = None, output: Output = Form.TABLE) -> None:
    """Show what takes how much, by kind; and what of it nothing refers to, where Drydock runs."""
    with _said():
        folder = _folder()
        blobs = blobs_of(folder)
        lines = usage(folder, blobs, _referenced(folder, blobs, timeout))
    print_list(
        lines,
        output,
        [
            ("KIND", lambda one: one.kind),
            ("COUNT", lambda one: one.count),
            ("SIZE", lambda one: size_text(one.size)),
            ("SHARED", lambda one: size_text(one.shared)),
            ("UNREFERENCED", lambda one: "" if one.unreferenced is None else size_text(one.unreferenced)),
        ],
    )
    tell(f"{size_text(sum(one.size for one in lines))} in {folder.root}")


@app.command()
def verify(
    quick: Annotated[bool, typer.Option("--quick", help="Compare sizes only; read no contents.")] = False,
    output: Output = Form.TABLE,
) -> None:
    """Read and hash every artifact; name what is damaged or missing. Nothing has to run. Exit code 1: something is."""
    with _said():
        found = list(find_flaws(_folder(), quick=quick))
    flaws = [FoundFlaw(kind=one.kind, digest=one.digest, message=one.message) for one in found]
    if flaws or output is not Form.TABLE:
        print_list(flaws, output, [("KIND", lambda one: one.kind), ("WHAT", lambda one: one.message)])
    if flaws:
        leave(Exit.FAILED, "what is damaged is healed by storing it again: submit the package, or apply it, once more")
    tell("everything that an image or a name refers to is there" + ("" if quick else ", and has the right bytes"))


@app.command()
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    older_than: Annotated[
        str | None,
        typer.Option(
            help="Keep what was used in this time (ISO 8601 duration or seconds). Default: DRYDOCK_KEEP_UNREFERENCED."
        ),
    ] = None,
    empty_trash: Annotated[
        bool, typer.Option("--empty-trash", help="Delete at once what an earlier run has put into the trash.")
    ] = False,
    timeout: Timeout = None,
    output: Output = Form.TABLE,
) -> None:
    """Collect what nothing refers to: into the store's trash first, and after the same time there for good.

    Drydock may go on meanwhile. What is asked for while it is in the trash comes back. Run it once a day, from cron
    or a timer, where the services' topics and the store can be reached. `drydock retention show` says what is kept.
    """
    keep = Retention()
    grace = _grace(older_than, keep)

    async def work(installation: Installation) -> list[Step]:
        FolderStore(installation.artifacts)
        folder = StoreFolder(installation.artifacts)
        now = time.time()
        blobs = blobs_of(folder)
        needs = await _needs(installation, keep)
        _require_match(installation, blobs, needs)
        stays = kept(folder, blobs, needs.roots, now=now, grace=grace, spared=spared(needs, keep, now))
        steps = plan(blobs, stays, now=now, trash_for=0 if empty_trash else grace)
        return steps if dry_run else await asyncio.to_thread(_collect, folder, steps, now - grace)

    try:
        steps = run(work, timeout=timeout)
    except NeedsUnknown as error:
        leave(Exit.FAILED, str(error))
    print_list(
        _summed(steps),
        output,
        [
            ("DEED", lambda one: one.deed),
            ("KIND", lambda one: one.kind),
            ("COUNT", lambda one: one.count),
            ("SIZE", lambda one: size_text(one.size)),
        ],
    )
    freed = sum(blob.size for deed, blob in steps if deed is Deed.DELETE)
    tell(f"{size_text(freed)} {'would be' if dry_run else 'are'} free again")


def _collect(folder: StoreFolder, steps: Iterable[Step], unread_since: float) -> list[Step]:
    done = list(carry_out(folder, steps))
    forget_notes(folder, unread_since=unread_since)
    return done


def _folder() -> StoreFolder:
    """The store that the environment names; what it lacks of its layout is made."""
    place = artifacts_folder()
    if not place.is_dir():
        leave(Exit.NOT_FOUND, f"there is no artifact store at {place}; DRYDOCK_ARTIFACTS names the installation's")
    FolderStore(place)
    return StoreFolder(place)


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except NoInstallation as error:
        leave(Exit.NOT_FOUND, str(error))
    except ArtifactStoreError as error:
        leave(Exit.FAILED, f"artifact store: {error}")


async def _needs(installation: Installation, keep: Retention) -> Needs:
    from services.console.needs import read_needs  # Kafka's client comes with it: only for who needs it

    return await read_needs(installation.client, keep)


def _referenced(folder: StoreFolder, blobs: Mapping[str, Blob], timeout: float | None) -> set[str] | None:
    keep = Retention()
    try:
        needs = attempt(lambda there: _needs(there, keep), timeout=timeout)
        now = time.time()
        return kept(folder, blobs, needs.roots, now=now, grace=0, spared=spared(needs, keep, now))
    except (Stopped, NeedsUnknown, ArtifactCorruptError) as error:
        tell(f"what nothing refers to is not known: {error}")
        return None


def _grace(older_than: str | None, keep: Retention) -> float:
    """How long what nothing refers to is kept, in seconds."""
    try:
        time_ = TypeAdapter(timedelta).validate_python(older_than) if older_than else keep.keep_unreferenced
    except ValidationError:
        leave(Exit.USAGE, f"{older_than!r} is no time: give seconds, or an ISO 8601 duration such as P2D or PT12H")
    if time_.total_seconds() < SHORTEST_GRACE:
        leave(
            Exit.USAGE,
            f"what was used in the last {SHORTEST_GRACE / 3600:g} hours is always kept: a build or an upload may be "
            "about to refer to it",
        )
    return time_.total_seconds()


def _require_match(installation: Installation, blobs: Mapping[str, Blob], needs: Needs) -> None:
    """Refuse to empty a store that belongs to another installation, or whose topics are lost."""
    if blobs and not needs.roots & blobs.keys():
        leave(
            Exit.FAILED,
            f"nothing that the topics at {installation.client.bootstrap} refer to is in {installation.artifacts}: they "
            "are of another installation, or empty. Nothing is collected",
        )


def _summed(steps: Iterable[Step]) -> list[Swept]:
    groups: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for deed, blob in steps:
        groups[deed.value, kind_of(replace(blob, trashed=False))].append(blob.size)
    return [Swept(deed=deed, kind=kind, count=len(sizes), size=sum(sizes)) for (deed, kind), sizes in groups.items()]
