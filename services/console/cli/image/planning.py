"""`drydock image plan`: what building an image would do, before anything is built."""

from typing import Annotated

import typer

from services.console.cli.image.finding import find_image, running_image
from services.console.cli.options import Timeout
from services.console.cli.printing import Form, Output, print_list
from services.console.cli.running import Exit, Stopped, leave, run, tell
from services.console.installation import Installation
from services.image_builder.domain.composition import CompositionRefusedError, package_to_apply
from services.image_builder.domain.image_plan import ImagePlan, plan_image
from shared.artifacts.folder import FolderStore
from shared.contracts.message import Part
from shared.contracts.package_validator import PackageSnapshot


class PlannedLayer(Part):
    """What becomes of a layer. `size` in bytes; None: it is not built."""

    deed: str
    part: str
    module: str | None
    words: str
    digest: str | None
    size: int | None


def plan(
    package: Annotated[str, typer.Argument(metavar="PROJECT/NAME", help="The package.", show_default=False)],
    to: Annotated[str | None, typer.Option("--to", metavar="ENVIRONMENT", help="On the image that it runs.")] = None,
    base: Annotated[str | None, typer.Option(metavar="DIGEST", help="On this image. Neither: a first image.")] = None,
    acknowledge: Annotated[
        list[str] | None,
        typer.Option("--acknowledge-missing", metavar="MODULE", help="May be missing; give it once for each."),
    ] = None,
    timeout: Timeout = None,
    output: Output = Form.TABLE,
) -> None:
    """Show which layers would stay, go and come if a package was put onto an image. Nothing is built.

    Exit code 4: the image would not be built; a sentence says why.
    """
    if to is not None and base is not None:
        leave(Exit.USAGE, "--to and --base name one image each: give one of them")
    try:
        found = run(lambda there: _plan(there, package, to, base, tuple(acknowledge or ())), timeout=timeout)
    except CompositionRefusedError as error:
        leave(Exit.REFUSED, f"refused ({error.reason.value}): {error}")
    steps = [
        PlannedLayer(
            deed=one.deed,
            part=one.part,
            module=one.module,
            words=one.words,
            digest=one.layer.digest if one.layer else None,
            size=one.layer.size if one.layer else None,
        )
        for one in found.layers
    ]
    columns = [("DEED", lambda one: one.deed), ("PART", lambda one: one.part), ("WHAT", lambda one: one.words)]
    print_list(steps, output, columns)
    contents = found.composition.contents
    tell(f"application {contents.application_version}, platform {contents.platform_version}")
    tell("promotable" if contents.is_promotable else f"not promotable: {', '.join(contents.dropped)} is dropped")


async def _plan(
    installation: Installation, package: str, to: str | None, base: str | None, acknowledged: tuple[str, ...]
) -> ImagePlan:
    view = await installation.client.view(PackageSnapshot, package)
    if view is None:
        raise Stopped(Exit.NOT_FOUND, f"there is no package {package}; `drydock package list` shows those that are")
    if view.contents is None:
        raise Stopped(Exit.REFUSED, f"package {package} is {view.status.value}: what is in it is not known")
    digest = base if to is None else await running_image(installation, to)
    image = None if digest is None else await find_image(FolderStore(installation.artifacts), digest)
    brought = package_to_apply(package, view.artifact.digest, view.contents)
    return plan_image(image, brought, update_name="", acknowledged=acknowledged)
