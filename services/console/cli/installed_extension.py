"""`drydock extension install|uninstall|list`: the extensions of an environment."""

from pathlib import Path
from typing import Annotated

import typer

from services.console.cli.environment import Environment, Timeout, Wait
from services.console.cli.following import end, start_operation
from services.console.cli.printing import Form, Output, print_id, print_list
from services.console.cli.running import Exit, leave, run
from services.console.installation import Installation
from services.extension_compatibility_checker.al.container import PackageError, read_package
from services.extension_compatibility_checker.al.manifest import Manifest
from shared.artifacts.folder import FolderStore
from shared.contracts.envelope import new_id
from shared.contracts.message import Message
from shared.contracts.parts import ArtifactRef, Dependency, Extension, ExtensionScope
from shared.contracts.servicing_executor import EnvironmentSnapshot, InstallExtension, UninstallExtension

APP_TYPE = "application/vnd.drydock.app"
_VENDOR = "microsoft"
"""Publisher of the base: what it publishes is the base's, and no extension of the environment."""


def install(
    environment: Environment,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The extension, an .app file.")],
    scope: Annotated[ExtensionScope, typer.Option(help="Where it comes from.")] = ExtensionScope.TENANT,
    wait: Wait = False,
    timeout: Timeout = None,
    output: Output = Form.TABLE,
) -> None:
    """Install an extension, or a higher version of one."""
    try:
        manifest = read_package(file).manifest
    except OSError as error:
        leave(Exit.NOT_FOUND, f"{file}: {error.strerror or error}")
    except PackageError as error:
        leave(Exit.FAILED, f"{file}: {error}")
    if manifest is None:
        leave(Exit.FAILED, f"{file} has no manifest that can be read; `drydock extension show` says more")
    id_ = new_id()

    async def work(installation: Installation) -> Message:
        stored = await FolderStore(installation.artifacts).put_file(file, APP_TYPE)
        artifact = ArtifactRef(digest=stored.digest, size=stored.size, media_type=stored.media_type)
        command = InstallExtension(environment=environment, extension=_extension(manifest, scope, artifact))
        return await start_operation(installation, command, wait=wait, id_=id_)

    finished = run(work, timeout=timeout)
    print_id(id_, output, environment=environment)
    end(finished)


def uninstall(
    environment: Environment,
    app_id: Annotated[str, typer.Argument(metavar="APP_ID", help="Id of the extension.")],
    wait: Wait = False,
    timeout: Timeout = None,
    output: Output = Form.TABLE,
) -> None:
    """Remove an extension; its data stays."""
    id_ = new_id()
    command = UninstallExtension(environment=environment, app_id=app_id.lower())
    finished = run(lambda there: start_operation(there, command, wait=wait, id_=id_), timeout=timeout)
    print_id(id_, output, environment=environment)
    end(finished)


def list_(environment: Environment, output: Output = Form.TABLE) -> None:
    """List the extensions of an environment."""

    async def read(installation: Installation) -> EnvironmentSnapshot:
        found = (await installation.session.views(EnvironmentSnapshot)).get(environment)
        if not isinstance(found, EnvironmentSnapshot):
            leave(Exit.NOT_FOUND, f"there is no environment {environment}")
        return found

    print_list(
        run(read).extensions,
        output,
        [
            ("NAME", lambda one: one.name),
            ("PUBLISHER", lambda one: one.publisher),
            ("VERSION", lambda one: one.version),
            ("SCOPE", lambda one: one.scope.value),
            ("APP_ID", lambda one: one.app_id),
        ],
    )


def _extension(manifest: Manifest, scope: ExtensionScope, artifact: ArtifactRef) -> Extension:
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
