"""`drydock keys`: the keys that sign what is stated of images, and whose word counts."""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from services.console.cli.image.finding import open_store
from services.console.cli.image.work import store_faults_said
from services.console.cli.options import Yes
from services.console.cli.paths import shown
from services.console.cli.printing import Form, Output, print_id, print_list
from services.console.cli.running import Exit, confirm, leave, tell
from services.console.installation import keys_folder
from services.console.words import counted
from shared.attestations.errors import KeyFileError
from shared.attestations.evidence import stated_with
from shared.attestations.keyring import create_key, read_public_key, retire_keys, rotate_key, trust_key
from shared.attestations.keys import PublicKey, private_file, short_id
from shared.attestations.statement import StatementKind
from shared.attestations.trust import SIGNERS, TrustedKey, read_trust
from shared.contracts.message import Part

app = typer.Typer(no_args_is_help=True, help="Keys that sign what is stated of images, and whose word counts.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a key: a service's signs for it.")]
May = Annotated[
    list[StatementKind] | None,
    typer.Option("--may", help="What its word counts for. Repeatable. Default: what the service of its name states."),
]
KeepKnown = Annotated[
    bool,
    typer.Option("--keep-known", help="Go on to believe what the key has signed so far and the artifact store has."),
]


class ShownKey(Part):
    """A key as it is listed. `known`: for how many statements a retired key still counts; None: it is not retired."""

    name: str
    id: str
    may: tuple[str, ...]
    signs_here: bool
    known: int | None


@app.command("list")
def list_(output: Output = Form.TABLE) -> None:
    """List the keys whose word counts, and for what. Private keys are never shown."""
    folder = keys_folder()
    with _said():
        keys = [_shown(folder, one) for one in read_trust(folder).keys]
    print_list(
        keys,
        output,
        [
            ("NAME", lambda one: one.name),
            ("KEY", lambda one: short_id(one.id)),
            ("COUNTS FOR", lambda one: ", ".join(one.may)),
            ("STANDING", _standing),
        ],
    )


@app.command()
def create(name: Name, may: May = None, output: Output = Form.ID) -> None:
    """Make a key, which is trusted from now on. Its private file can be read by its owner only."""
    kinds = may or SIGNERS.get(name)
    if not kinds:
        leave(Exit.USAGE, f"no service is called {name}: say with --may what the key's word counts for")
    with _said():
        made = create_key(keys_folder(), name, kinds)
    tell(f"key {made.words} made; {shown(private_file(keys_folder(), name))} is its private file")
    print_id(made.id, output)


@app.command()
def rotate(name: Name, keep_known: KeepKnown = False, yes: Yes = False, output: Output = Form.ID) -> None:
    """Replace a key. Services sign with the new one at once.

    With --keep-known, what the old one has signed so far is believed as before, and nothing that it signs later. Where
    the old key may be known to somebody else, leave that away: all that it has signed is refused then.
    """
    folder = keys_folder()
    if keep_known:
        open_store()  # without it nobody knows what was signed: before anything changes
    else:
        confirm(f"Everything that key {name} has signed will be refused; --keep-known keeps it. Replace it?", yes=yes)
    with _said():
        made, earlier = rotate_key(folder, name)
        known = _known(folder, earlier) if keep_known else ()
        retire_keys(folder, earlier, known)
    tell(f"key {made.words} made; of earlier ones {counted(len(known), 'statement')} count as before")
    print_id(made.id, output)


@app.command()
def distrust(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Name of a key, or its id or the id's first digits.")],
    keep_known: KeepKnown = False,
    yes: Yes = False,
) -> None:
    """Let a key's word count no more, for nothing or for nothing new."""
    folder = keys_folder()
    with _said():
        found = read_trust(folder).find(key)
        if not found:
            leave(Exit.NOT_FOUND, f"no key {key} is trusted; `drydock keys list` shows those that are")
        names = ", ".join(one.words for one in found)
        if keep_known:
            open_store()
        else:
            confirm(f"Everything that {names} signed will be refused; --keep-known keeps it. Go on?", yes=yes)
        ids = tuple(one.id for one in found)
        retire_keys(folder, ids, _known(folder, ids) if keep_known else ())
    tell(f"{names}: {'nothing new counts' if keep_known else 'nothing counts any more'}")


@app.command()
def export(name: Name) -> None:
    """Print a public key (PEM), for whoever is to trust it: `drydock keys trust`."""
    with _said():
        typer.echo(read_public_key(keys_folder(), name).pem.decode(), nl=False)


@app.command()
def trust(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A public key, as `keys export` prints it.")],
    name: Annotated[str, typer.Option(help="What it is called here.")],
    may: Annotated[list[StatementKind], typer.Option("--may", help="What its word counts for. Repeatable.")],
    output: Output = Form.ID,
) -> None:
    """Let somebody else's key count for such statements."""
    with _said():
        added = trust_key(keys_folder(), name, PublicKey.from_pem(file.read_bytes()), may)
    tell(f"key {added.words} counts for {', '.join(added.may)}")
    print_id(added.id, output)


def _shown(folder: Path, one: TrustedKey) -> ShownKey:
    try:
        here = one.only is None and read_public_key(folder, one.name).id == one.id
        here = here and private_file(folder, one.name).exists()
    except KeyFileError:
        here = False
    known = None if one.only is None else len(one.only)
    return ShownKey(name=one.name, id=one.id, may=tuple(one.may), signs_here=here, known=known)


def _standing(key: ShownKey) -> str:
    if key.known is not None:
        return f"retired: {counted(key.known, 'statement')} count"
    return "signs here" if key.signs_here else "trusted"


def _known(folder: Path, ids: Collection[str]) -> frozenset[str]:
    """The digests of what these keys have signed of all that is in the store."""
    keys = {one.id: one.key for one in read_trust(folder).keys if one.id in ids}
    return frozenset().union(*asyncio.run(stated_with(open_store(), keys)).values())


@contextmanager
def _said() -> Iterator[None]:
    with store_faults_said():
        try:
            yield
        except KeyFileError as error:
            leave(Exit.FAILED, str(error))
