"""`drydock release`: the vendor's releases."""

import re
from pathlib import Path
from typing import Annotated

import typer

from services.console.cli.printing import Form, Output, print_one
from services.console.cli.running import ask, run
from services.package_validator.deployable_package.dependencies import build_order, find_circle
from services.package_validator.deployable_package.descriptors import (
    DescriptorError,
    Module,
    find_descriptors,
    read_archived_descriptors,
    read_descriptors,
    unite_models,
)
from services.package_validator.deployable_package.failures import InfrastructureError
from services.package_validator.deployable_package.release import Release, ReleaseModule, encode_release
from shared.contracts.promotion_scheduler import PublishRelease, ReleasePublished

app = typer.Typer(no_args_is_help=True, help="The vendor's releases.")

_INVALID, _UNDECIDED = 1, 10
_RELEASE_NUMBER = re.compile(r"\d+\.\d+\.\d+", re.ASCII)


@app.callback()
def _root() -> None:
    pass


@app.command("import")
def import_release(
    source: Annotated[Path, typer.Argument(help="A folder or tar archive with model descriptors.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The release file to write.")],
    number: Annotated[
        str | None,
        typer.Option("--version", help="The release's version. Default: the number in SOURCE's name."),
    ] = None,
    platform_version: Annotated[str, typer.Option(help="The release's platform version.")] = "",
    application_version: Annotated[str, typer.Option(help="The release's application version.")] = "",
) -> None:
    """Make a release file from the descriptors of the vendor's modules, to check packages against."""
    try:
        modules = _read_modules(source)
        release = Release(
            version=number or _number_in(source.name),
            platform_version=platform_version,
            application_version=application_version,
            modules=tuple(
                ReleaseModule(name=module.name, version=module.version, references=module.references)
                for module in modules
            ),
        )
        layers = _count_layers(release)
        out.write_bytes(encode_release(release))
    except DescriptorError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_INVALID) from error
    except (InfrastructureError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_UNDECIDED) from error
    typer.echo(f"{out}  release {release.version}  {len(release.modules)} modules in {layers} layers")
    for name, users in release.dangling.items():
        typer.echo(f"{len(users)} modules refer to {name}, which the list lacks", err=True)


def _count_layers(release: Release) -> int:
    references = {module.name.lower(): [one.lower() for one in module.references] for module in release.modules}
    circle = find_circle(references)
    if circle:
        raise DescriptorError(f"modules refer to each other in a circle: {' -> '.join(circle)}")
    return len(build_order(references))


def _number_in(name: str) -> str:
    found = _RELEASE_NUMBER.search(name)
    if found is None:
        raise DescriptorError(f"{name} names no release; state it with --version")
    return found[0]


def _read_modules(source: Path) -> list[Module]:
    if source.is_dir():
        models = read_descriptors(find_descriptors(source), source)
    else:
        models = read_archived_descriptors(source)
    if not models:
        raise DescriptorError(f"no model descriptor lies under {source}; expected <Module>/Descriptor/<Model>.xml")
    return unite_models(models)


@app.command()
def publish(
    number: Annotated[str, typer.Argument(metavar="VERSION", help="The release's version.")],
    package: Annotated[str, typer.Option(help="Its platform package, <project>/<name>.")],
    base: Annotated[str | None, typer.Option(help="Version of the base that goes with it.")] = None,
    output: Output = Form.TABLE,
) -> None:
    """Say that a vendor version is generally available."""
    command = PublishRelease(version=number, package=package, base_version=base)
    event = run(lambda there: ask(there, command, ReleasePublished))
    assert isinstance(event, ReleasePublished)
    rows: list[tuple[str, object]] = [
        ("release", event.version),
        ("platform", event.platform_version),
        ("application", event.application_version),
        ("base", event.base_version),
    ]
    print_one(event, output, rows)
