"""`drydock release available`: the one release that an environment is behind, and its package for the project."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from services.console.applicability import newest_release
from services.console.cli.environment import Environment
from services.console.cli.printing import Form, Output, print_values
from services.console.cli.running import Exit, leave, run, tell
from services.console.cli.submitting import package_id, submit_package
from services.console.installation import Installation
from shared.contracts.envelope import new_id
from shared.contracts.package_validator import PackageSnapshot, PackageStatus, SubmitPackage
from shared.contracts.parts import Update
from shared.contracts.promotion_scheduler import ReleaseSnapshot
from shared.contracts.servicing_executor import EnvironmentSnapshot

_GONE = (PackageStatus.RETIRED, PackageStatus.QUARANTINED)


@dataclass(frozen=True)
class _Available:
    """What an environment is behind. `package` is the release's, `has` what the project has of the same file."""

    environment: EnvironmentSnapshot
    running: Update
    release: ReleaseSnapshot | None = None
    package: PackageSnapshot | None = None
    has: tuple[PackageSnapshot, ...] = ()
    taken: frozenset[str] = frozenset()
    """The ids of all packages of the project."""


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
    if save and found.release is not None:
        saved = _save(found, found.release, name)
    _print(found, saved, output)


async def _look(installation: Installation, environment: str) -> _Available:
    views = await installation.session.views(EnvironmentSnapshot, ReleaseSnapshot, PackageSnapshot)
    place = views.get(environment)
    if not isinstance(place, EnvironmentSnapshot):
        leave(Exit.NOT_FOUND, f"there is no environment {environment}")
    if place.running is None:
        leave(Exit.FAILED, f"{environment} runs nothing: it is {place.status.value}")
    release = newest_release(place.running, (one for one in views.values() if isinstance(one, ReleaseSnapshot)))
    if release is None:
        return _Available(place, place.running)
    package = views.get(release.package)
    own = [one for one in views.values() if isinstance(one, PackageSnapshot) and one.project == place.project]
    known = package if isinstance(package, PackageSnapshot) else None
    return _Available(
        place,
        place.running,
        release,
        known,
        tuple(sorted(_same_file(own, known), key=lambda one: one.package)),
        frozenset(one.package for one in own),
    )


def _same_file(packages: Sequence[PackageSnapshot], other: PackageSnapshot | None) -> list[PackageSnapshot]:
    if other is None:
        return []
    return [one for one in packages if one.artifact.digest == other.artifact.digest and one.status not in _GONE]


def _save(found: _Available, release: ReleaseSnapshot, name: str | None) -> str:
    """Submit the release's file as a package of the project, unless it is one; the package's id."""
    project = found.environment.project
    if found.package is None:
        leave(Exit.NOT_FOUND, f"package {release.package} of release {release.version} is not known here")
    if found.package.status in _GONE:
        leave(Exit.REFUSED, f"package {release.package} of release {release.version} is {found.package.status.value}")
    if found.has and name is None:
        tell(f"{project} has it already")
        return found.has[0].package
    wanted = package_id(project, name or release.package.partition("/")[2])
    if name is None and wanted in found.taken:
        # A customization may have the name: the release's own is not, or it would be among those of the same file.
        wanted = package_id(project, f"release-{release.version}")
    command = SubmitPackage(package=wanted, artifact=found.package.artifact, file_name=found.package.file_name)
    run(lambda there: submit_package(there, command, wait=False, id_=new_id()))
    return wanted


def _print(found: _Available, saved: str | None, output: Form) -> None:
    place, running, release = found.environment, found.running.contents, found.release
    has = [one.package for one in found.has]
    values: dict[str, object] = {
        "environment": place.environment,
        "project": place.project,
        "application_version": running.application_version,
        "platform_version": running.platform_version,
        "base_version": running.base_version,
        "current": release is None,
        "release": release.model_dump(mode="json") if release else None,
        "packages": has,
        "saved": saved,
    }
    rows: list[tuple[str, object]] = [
        ("environment", place.environment),
        ("runs", f"application {running.application_version}, platform {running.platform_version}"),
    ]
    if release is None:
        rows.append(("available", "nothing: it is behind no release"))
    else:
        rows += [
            ("available", f"release {release.version}"),
            ("application", release.application_version),
            ("platform", release.platform_version),
            ("base", _base(running.base_version, release.base_version)),
            ("published", release.published_at),
            ("package", release.package),
            ("project has", ", ".join(f"{one.package} ({one.status.value})" for one in found.has) or "not yet"),
        ]
        if saved:
            rows.append(("saved as", saved))
    print_values(values, output, id_=saved or (release.version if release else ""), rows=rows)


def _base(running: str | None, coming: str | None) -> str:
    """The base that comes with a release: extensions must work with it before the environment gets there."""
    if coming is None:
        return "none: it brings no base for extensions"
    if coming == running:
        return f"{coming}, as now"
    return f"{coming} (now {running or 'none'}): extensions are checked against it"
