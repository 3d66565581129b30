"""`drydock release`: the vendor's releases."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from services.console.cli.lists import add_list, add_show
from services.console.cli.options import Timeout
from services.console.cli.paths import require_file, shown
from services.console.cli.printing import Form, Output, print_one, print_values
from services.console.cli.release import available
from services.console.cli.release.module_lists import (
    ListError,
    count_layers,
    fit_package,
    make_list,
    store_list,
    unlisted,
)
from services.console.cli.running import Exit, leave, run, tell
from services.console.installation import Installation
from services.console.nouns import RELEASES
from services.console.words import counted
from shared.contracts.package_validator import PackageSnapshot
from shared.contracts.promotion_scheduler import PublishRelease, ReleasePublished, ReleaseSnapshot
from shared.formats.deployable_package.findings import InfrastructureError, printable
from shared.formats.deployable_package.read.descriptors import DescriptorError
from shared.formats.deployable_package.read.release import Release, ReleaseError, encode_release, load_release

app = typer.Typer(no_args_is_help=True, help="The vendor's releases: import, publish, list, which one is available.")
app.command()(available.available)
add_list(app, RELEASES, say="List the releases that were published, the newest first.")
add_show(app, RELEASES)

_INVALID, _UNDECIDED = 1, 10

Base = Annotated[
    str | None,
    typer.Option(
        "--base-version",
        "--base",
        help="Version of the base that goes with it; extensions are checked against that. Default: the one that it "
        "was published with before, else none.",
    ),
]


@app.command("import")
def import_release(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="A folder or tar archive with the vendor's model descriptors, <Module>/Descriptor/<Model>.xml.",
            show_default=False,
        ),
    ],
    number: Annotated[
        str | None,
        typer.Option("--version", help="The release's version. Default: the number in SOURCE's name."),
    ] = None,
    package: Annotated[
        str | None,
        typer.Option(metavar="PROJECT/NAME", help="Its platform package: publish the release with its module list."),
    ] = None,
    base_version: Base = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the module list to this file, for `package check --release FILE`.")
    ] = None,
    platform_version: Annotated[
        str, typer.Option(help="The release's platform version. Default: that of --package.")
    ] = "",
    application_version: Annotated[
        str, typer.Option(help="The release's application version. Default: that of --package.")
    ] = "",
    timeout: Timeout = None,
    output: Output = Form.TABLE,
) -> None:
    """Make a release's module list from descriptors, so that packages are checked against a real version.

    With --package, it is put into the artifact store and the release is published: the validator checks packages
    against it, and `package check --release VERSION` takes it. Published before, a release gets the list as a
    correction. With --out, it is written to a file; that alone needs nothing that runs.
    """
    if package is None and out is None:
        leave(Exit.USAGE, "say what to do: --package PROJECT/NAME publishes the release, --out FILE writes its list")
    if package is None and base_version is not None:
        leave(Exit.USAGE, "--base-version goes with --package: only a published release has a base")
    try:
        release = make_list(source, number, platform_version, application_version)
        layers = count_layers(release)
    except DescriptorError as error:
        _end(str(error), _INVALID)
    except (InfrastructureError, OSError) as error:
        _end(str(error), _UNDECIDED)
    for name, users in release.dangling.items():
        referring = "module refers" if len(users) == 1 else "modules refer"
        tell(printable(f"{len(users)} {referring} to {name}, which the list lacks"))
    summary = f"release {release.version}  {counted(len(release.modules), 'module')} in {counted(layers, 'layer')}"
    if package is None:
        assert out is not None
        _write(release, out)
        _print_written(release, out, output, summary)
        return
    tell(summary)
    event = run(lambda there: _publish(there, release.version, package, base_version, release, out), timeout=timeout)
    _print_published(event, output)


@app.command()
def publish(
    number: Annotated[str, typer.Argument(metavar="VERSION", help="The release's version.", show_default=False)],
    package: Annotated[str, typer.Option(metavar="PROJECT/NAME", help="Its platform package.")],
    base_version: Base = None,
    modules: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its module list, a file of `drydock release import --out`.")
    ] = None,
    timeout: Timeout = None,
    output: Output = Form.TABLE,
) -> None:
    """Say that a vendor version is generally available. Published again, it can get another module list."""
    release = _read(modules, number) if modules is not None else None
    event = run(lambda there: _publish(there, number, package, base_version, release, None), timeout=timeout)
    _print_published(event, output)


async def _publish(
    installation: Installation,
    version: str,
    package: str,
    base_version: str | None,
    release: Release | None,
    out: Path | None,
) -> ReleasePublished:
    known = await installation.client.read(PackageSnapshot, ReleaseSnapshot)
    published = known.get(ReleaseSnapshot, version)
    if base_version is None and published:
        base_version = published.base_version
    modules = None
    if release is not None:
        release = _fitted(release, package, known.get(PackageSnapshot, package))
        if out is not None:
            _write(release, out)
        modules = await store_list(installation, release)
    command = PublishRelease(version=version, package=package, base_version=base_version, modules=modules)
    return await installation.client.ask(command, ReleasePublished)


def _fitted(release: Release, name: str, package: PackageSnapshot | None) -> Release:
    """The list with its package's versions. A package that cannot be a release's ends the command before anything."""
    if package is None:
        leave(Exit.NOT_FOUND, f"there is no package {name}; submit the vendor's platform package first")
    if package.contents is None:
        leave(Exit.REFUSED, f"package {name} is {package.status.value}; a release needs a valid platform package")
    try:
        fitted = fit_package(release, package)
    except ListError as error:
        leave(Exit.REFUSED, str(error))
    if note := unlisted(fitted, package):
        tell(printable(note))
    return fitted


def _read(file: Path, version: str) -> Release:
    try:
        require_file(file)
        release = load_release(file)
        count_layers(release)
    except (ReleaseError, DescriptorError) as error:
        _end(f"{shown(file)}: {error}", _INVALID)
    except InfrastructureError as error:
        _end(str(error), _UNDECIDED)
    if release.version != version:
        _end(f"{shown(file)} is the list of release {release.version}, not of {version}", _INVALID)
    return release


def _write(release: Release, out: Path) -> None:
    try:
        out.write_bytes(encode_release(release))
    except OSError as error:
        _end(f"{shown(out)} cannot be written: {error.strerror}", _UNDECIDED)


def _print_written(release: Release, out: Path, output: Form, summary: str) -> None:
    values = {"file": shown(out), "version": release.version, "modules": len(release.modules)}
    print_values(values, output, id_=shown(out), rows=[(shown(out), summary)])


def _print_published(event: ReleasePublished, output: Form) -> None:
    rows: list[tuple[str, object]] = [
        ("release", event.version),
        ("package", event.package),
        ("platform", event.platform_version),
        ("application", event.application_version),
        ("base", event.base_version or "none"),
        ("module list", event.modules.digest if event.modules else "none"),
        ("published", event.published_at),
    ]
    print_one(event, output, rows)


def _end(message: str, code: int) -> NoReturn:
    tell(printable(message))
    raise typer.Exit(code)
