"""`drydock release available`: the one release that an environment is behind, and its package for the project."""

from dataclasses import dataclass
from typing import Annotated

import typer

from services.console.applicability import GONE, AvailableRelease, available_release
from services.console.cli.lists import existing_environment
from services.console.cli.options import Environment, Timeout
from services.console.cli.package.submitting import package_id, submit_package
from services.console.cli.printing import Form, Output, print_values
from services.console.cli.running import Exit, leave, run, tell
from services.console.installation import Installation
from shared.contracts.envelope import new_id
from shared.contracts.package_validator import PackageSnapshot, SubmitPackage
from shared.contracts.promotion_scheduler import ReleaseSnapshot
from shared.contracts.servicing_executor import EnvironmentSnapshot


@dataclass(frozen=True)
class _Found:
    """What an environment is behind, and all packages by their ids."""

    available: AvailableRelease
    packages: dict[str, PackageSnapshot]


def available(
    environment: Environment,
    save: Annotated[
        bool,
        typer.Option("--save", help="Submit the release's platform package as a package of the environment's project."),
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(help="With --save: its name there. Default: that of the release's package, or release-VERSION."),
    ] = None,
    timeout: Timeout = None,
    output: Output = Form.TABLE,
) -> None:
    """Name the newest release that an environment is behind, if there is one.

    Releases are cumulative, so there is one at most: the newest with a higher application version than runs. Exits
    with 0 also where the environment is current.
    """
    if name is not None and not save:
        leave(Exit.USAGE, "--name goes with --save")
    found = run(lambda there: _look(there, environment))
    saved: str | None = None
    if save and found.available.release is not None:
        saved = _save(found, found.available.release, name, timeout)
    _print(found.available, saved, output)


async def _look(installation: Installation, environment: str) -> _Found:
    known = await installation.client.read(EnvironmentSnapshot, ReleaseSnapshot, PackageSnapshot)
    place = existing_environment(known, environment)
    if place.running is None:
        leave(Exit.FAILED, f"{environment} runs nothing: it is {place.status.value}")
    packages = {one.package: one for one in known.all(PackageSnapshot)}
    return _Found(available_release(place, place.running, known.all(ReleaseSnapshot), packages.values()), packages)


def _save(found: _Found, release: ReleaseSnapshot, name: str | None, timeout: float | None) -> str:
    """Submit the release's file as a package of the project, unless it is one; the package's id."""
    project, package = found.available.project, found.packages.get(release.package)
    if package is None:
        leave(Exit.NOT_FOUND, f"package {release.package} of release {release.version} is not known here")
    if package.status in GONE:
        leave(Exit.REFUSED, f"package {release.package} of release {release.version} is {package.status.value}")
    if found.available.packages and name is None:
        tell(f"{project} has it already")
        return found.available.packages[0]
    wanted = package_id(project, name or release.package.partition("/")[2])
    if name is None and wanted in found.packages:
        # It is another file, or it would be among those that the project has.
        wanted = package_id(project, f"release-{release.version}")
    command = SubmitPackage(package=wanted, artifact=package.artifact, file_name=package.file_name)
    run(lambda there: submit_package(there, command, wait=False, id_=new_id()), timeout=timeout)
    return wanted


def _print(found: AvailableRelease, saved: str | None, output: Form) -> None:
    release = found.release
    rows: list[tuple[str, object]] = [
        ("environment", found.environment),
        ("runs", f"application {found.application_version}, platform {found.platform_version}"),
    ]
    if release is None:
        rows.append(("available", "nothing: it is behind no release"))
    else:
        rows += [
            ("available", f"release {release.version}"),
            ("application", release.application_version),
            ("platform", release.platform_version),
            ("base", _base(found.base_version, release.base_version)),
            ("published", release.published_at),
            ("package", release.package),
            ("project has", ", ".join(found.packages) or "not yet"),
        ]
        if saved:
            rows.append(("saved as", saved))
    values = {**found.model_dump(mode="json"), "saved": saved}
    print_values(values, output, id_=saved or (release.version if release else ""), rows=rows)


def _base(running: str | None, coming: str | None) -> str:
    """The base that comes with a release: extensions must work with it before the environment gets there."""
    if coming is None:
        return "none: it brings no base for extensions"
    if coming == running:
        return f"{coming}, as now"
    return f"{coming} (now {running or 'none'}): extensions are checked against it"
