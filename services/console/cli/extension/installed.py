"""`drydock extension install|uninstall|stage|unstage|list`: the extensions of an environment."""

from pathlib import Path
from typing import Annotated

import typer

from services.console.cli.following import end, operate, start_operation
from services.console.cli.lists import list_command
from services.console.cli.options import Environment, Timeout, Wait
from services.console.cli.printing import Form, Output, print_id
from services.console.cli.running import Exit, leave, run
from services.console.installation import Installation
from services.console.nouns import EXTENSIONS
from shared.artifacts.folder import FolderStore
from shared.contracts.envelope import new_id
from shared.contracts.message import Message
from shared.contracts.parts import ArtifactRef, Dependency, Extension, ExtensionScope
from shared.contracts.servicing_executor import (
    InstallExtension,
    StageExtension,
    StageFor,
    UninstallExtension,
    UnstageExtension,
)
from shared.formats.al.package.archive import PackageError
from shared.formats.al.package.container import read_package
from shared.formats.al.package.manifest import AppManifest

APP_TYPE = "application/vnd.drydock.app"
_VENDOR = "microsoft"
"""Publisher of the base: what it publishes is the base's, and no extension of the environment."""


File = Annotated[Path, typer.Argument(metavar="FILE", help="The extension, an .app file.")]
AppId = Annotated[str, typer.Argument(metavar="APP_ID", help="Id of the extension.")]
Scope = Annotated[ExtensionScope, typer.Option(help="Where it comes from.")]


def install(
    environment: Environment,
    file: File,
    scope: Scope = ExtensionScope.TENANT,
    wait: Wait = False,
    timeout: Timeout = None,
    output: Output = Form.TABLE,
) -> None:
    """Install an extension, or a higher version of one."""
    manifest = _manifest(file)
    id_ = new_id()

    async def work(installation: Installation) -> Message:
        extension = await _stored(installation, file, manifest, scope)
        command = InstallExtension(environment=environment, extension=extension)
        return await start_operation(installation, command, wait=wait, id_=id_)

    finished = run(work, timeout=timeout)
    print_id(id_, output, environment=environment)
    end(finished)


def stage(
    environment: Environment,
    file: File,
    stage_for: Annotated[
        StageFor, typer.Option("--for", help="The update that installs it: the next that brings such a base.")
    ] = StageFor.NEXT_MAJOR,
    scope: Scope = ExtensionScope.TENANT,
    timeout: Timeout = None,
    output: Output = Form.TABLE,
) -> None:
    """Keep a higher version of an installed extension ready: an update that brings its base installs it."""
    manifest = _manifest(file)
    id_ = new_id()

    async def work(installation: Installation) -> Message:
        extension = await _stored(installation, file, manifest, scope)
        command = StageExtension(environment=environment, extension=extension, stage_for=stage_for)
        return await start_operation(installation, command, wait=True, id_=id_)

    finished = run(work, timeout=timeout)
    print_id(id_, output, environment=environment)
    end(finished)


def unstage(environment: Environment, app_id: AppId, timeout: Timeout = None, output: Output = Form.TABLE) -> None:
    """Keep a staged version ready no longer."""
    command = UnstageExtension(environment=environment, app_id=app_id.lower())
    operate(command, output=output, wait=True, timeout=timeout)


def uninstall(
    environment: Environment,
    app_id: AppId,
    wait: Wait = False,
    timeout: Timeout = None,
    output: Output = Form.TABLE,
) -> None:
    """Remove an extension; its data stays."""
    command = UninstallExtension(environment=environment, app_id=app_id.lower())
    operate(command, output=output, wait=wait, timeout=timeout)


list_ = list_command(EXTENSIONS, say="List the extensions of an environment, and the versions that wait for an update.")


def _manifest(file: Path) -> AppManifest:
    """What the package says of itself. End with a sentence if it cannot be read."""
    if not file.is_file():
        leave(Exit.NOT_FOUND, f"there is no file {file}")
    try:
        package = read_package(file)
    except PackageError as error:
        leave(Exit.FAILED, f"{file}: {error}")
    if package.manifest is None:
        leave(Exit.FAILED, f"{file} has no manifest that can be read; `drydock extension show` says more")
    return package.manifest


async def _stored(installation: Installation, file: Path, manifest: AppManifest, scope: ExtensionScope) -> Extension:
    """The extension, with its file in the artifact store."""
    stored = await FolderStore(installation.artifacts).put_file(file, APP_TYPE)
    artifact = ArtifactRef.of(stored)
    return _extension(manifest, scope, artifact)


def _extension(manifest: AppManifest, scope: ExtensionScope, artifact: ArtifactRef) -> Extension:
    return Extension(
        app_id=manifest.id.lower(),
        name=manifest.name,
        publisher=manifest.publisher,
        version=str(manifest.version),
        scope=scope,
        artifact=artifact,
        dependencies=tuple(
            Dependency(app_id=one.id.lower(), minimum_version=str(one.min_version))
            for one in manifest.dependencies
            if one.publisher.casefold() != _VENDOR
        ),
    )
