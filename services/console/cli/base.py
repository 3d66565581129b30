"""`drydock base ...`: indexes of base applications, built once and loaded fast."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from services.extension_compatibility_checker.al.container import PackageError, read_package
from services.extension_compatibility_checker.al.index import AppIndex, IndexFormatError, index_package

from .formats import Output, print_json

app = typer.Typer(no_args_is_help=True, help="Indexes of base applications.")


@app.command(name="import")
def import_base(
    file: Annotated[Path, typer.Argument(help="Base package (.app).")],
    to: Annotated[Path, typer.Option(help="Folder for the index.")] = Path(),
    since: Annotated[Path | None, typer.Option(help="Index of another version; what is equal is taken over.")] = None,
    country: Annotated[str, typer.Option(help="Localization; one version differs from country to country.")] = "W1",
) -> None:
    """Write the index of a base; `extension check --base` takes it in place of the package."""
    try:
        index = index_package(read_package(file), country, AppIndex.load(since) if since else None)
        to.mkdir(parents=True, exist_ok=True)
        path = to / f"{index.app.name}_{index.app.version}_{country}.index".replace("/", "-")
        index.save(path)
    except (PackageError, IndexFormatError, OSError) as error:
        print(f"{file} cannot be imported: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    print(path)


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="Stored index.")],
    output: Annotated[Output, typer.Option("-o", "--output", help="Form of the answer.")] = Output.TABLE,
) -> None:
    """Say which base an index holds."""
    try:
        index = AppIndex.load(file)
    except (IndexFormatError, OSError) as error:
        print(f"{file}: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    app_ = index.app
    facts = {
        "id": app_.id,
        "name": app_.name,
        "publisher": app_.publisher,
        "version": str(app_.version),
        "country": app_.country,
        "objects": len(index),
    }
    if output is Output.JSON:
        print_json(facts)
    else:
        for name, value in facts.items():
            print(f"{name:10} {value}")
