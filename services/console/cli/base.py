"""`drydock base ...`: indexes of base applications, built once and loaded fast."""

import re
from pathlib import Path
from typing import Annotated

import typer

from services.console.cli.extension.formats import Output
from services.console.cli.extension.installed import APP_TYPE
from services.console.cli.lists import add_list
from services.console.cli.options import Timeout
from services.console.cli.printing import Form, print_json, print_one
from services.console.cli.running import Exit, leave, run, tell
from services.console.installation import Installation
from services.console.nouns import BASES
from shared.artifacts.folder import FolderStore
from shared.contracts.extension_compatibility_checker import (
    BaseIndexed,
    BaseIndexingFailed,
    PublishBase,
)
from shared.contracts.parts import ArtifactRef
from shared.formats.al.package.archive import PackageError
from shared.formats.al.package.container import read_package
from shared.formats.al.symbols.index import FORMAT, SUFFIX, AppIndex, IndexFormatError, index_package

app = typer.Typer(no_args_is_help=True, help="Indexes of base applications.")
add_list(app, BASES, say="List the bases that environments can be checked against.")


@app.command(name="import")
def import_base(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Base packages (.app).")],
    to: Annotated[Path, typer.Option(help="Folder for the indexes.")] = Path(),
    since: Annotated[Path | None, typer.Option(help="Index of another version; what is equal is taken over.")] = None,
    country: Annotated[str, typer.Option(help="Localization; one version differs from country to country.")] = "W1",
) -> None:
    """Write the index of each base package; `extension check --base` takes it in place of the package.

    Prints the path of each index. Exit code 1: a file cannot be imported; the others are.
    """
    if not re.fullmatch(r"[A-Za-z0-9]{2,10}", country):
        leave(Exit.USAGE, f"'{country}' is no country: two letters as in DK, or W1")
    if missing := [str(file) for file in files if not file.is_file()]:
        leave(Exit.NOT_FOUND, f"there is no file {', '.join(missing)}")
    try:
        known = AppIndex.load(since) if since else None
        to.mkdir(parents=True, exist_ok=True)
    except (IndexFormatError, OSError) as error:
        leave(Exit.FAILED, f"{since or to} cannot be used: {_words(error)}")
    failed = False
    for file in files:
        try:
            index = index_package(read_package(file), country.upper(), known)
            named = f"{index.app.name}_{index.app.version}_{country.upper()}"
            path = to / (re.sub(r'[\\/:*?"<>|\x00-\x1f]', "-", named) + SUFFIX)
            index.save(path)
        except (PackageError, OSError) as error:
            tell(f"{file} cannot be imported: {_words(error).removeprefix(f'{file}: ')}")
            failed = True
        else:
            print(path)
    if failed:
        raise typer.Exit(Exit.FAILED)


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="Stored index.")],
    output: Annotated[Output, typer.Option("-o", "--output", help="Form of the answer.")] = Output.TABLE,
) -> None:
    """Say which base an index holds, and how many objects of each kind."""
    if output is Output.SARIF:
        leave(Exit.USAGE, "show answers as table or json.")
    if not file.is_file():
        leave(Exit.NOT_FOUND, f"there is no file {file}")
    try:
        index = AppIndex.load(file)
    except (IndexFormatError, OSError) as error:
        leave(Exit.FAILED, f"{file}: {_words(error)}")
    app_ = index.app
    facts = {
        "id": app_.id,
        "name": app_.name,
        "publisher": app_.publisher,
        "version": str(app_.version),
        "country": app_.country,
        "runtime": f"{app_.runtime.major}.{app_.runtime.minor}" if app_.runtime else "",
        "format": FORMAT,
        "size": file.stat().st_size,
        "objects": len(index),
    }
    if output is Output.JSON:
        print_json({**facts, "kinds": index.kinds()})
        return
    for name, value in [*facts.items(), *((f"  {kind}", count) for kind, count in sorted(index.kinds().items()))]:
        print(f"{name:26} {value}".rstrip())


def _words(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or str(error)


@app.command()
def publish(
    base: Annotated[str, typer.Argument(metavar="VERSION/COUNTRY", help="The base, e.g. 27.0.38460.0/DE.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The .app files that it consists of.")],
    timeout: Timeout = None,
    output: Annotated[Form, typer.Option("-o", "--output", help="Form of the answer.")] = Form.TABLE,
) -> None:
    """Put a base into the artifact store and have it indexed, so that environments are checked against it."""
    if missing := [str(file) for file in files if not file.is_file()]:
        leave(Exit.NOT_FOUND, f"there is no file {', '.join(missing)}")

    async def work(installation: Installation) -> BaseIndexed | BaseIndexingFailed:
        store = FolderStore(installation.artifacts)
        stored = [await store.put_file(file, APP_TYPE) for file in files]
        packages = tuple(ArtifactRef.of(one) for one in stored)
        command = PublishBase(base=base, packages=packages)
        # One that is being indexed already, for somebody else, is not indexed again.
        return await installation.client.ask(command, BaseIndexed, BaseIndexingFailed, concerns=lambda event: True)

    event = run(work, timeout=timeout)
    if isinstance(event, BaseIndexingFailed):
        leave(Exit.FAILED, f"{base} was not indexed ({event.problem.reason}): {event.problem.message}")
    print_one(event, output, [("base", event.base), *((one.name, one.version) for one in event.packages)])
