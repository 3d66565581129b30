"""`drydock image unpack`, `export`, `import`, `push` and `pull`: an image to and from other places."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from services.console.cli.image.finding import ImageWord, find_image, resolve
from services.console.cli.image.work import on_store
from services.console.cli.paths import shown
from services.console.cli.printing import Form, Output, print_values
from services.console.cli.running import Exit, leave, tell
from services.console.words import counted
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import Image
from shared.artifacts.image_files import export_image, import_image, unpack_image
from shared.artifacts.space import size_text

if TYPE_CHECKING:
    from shared.artifacts.registry import RegistryPlace

Place = Annotated[
    str,
    typer.Argument(
        metavar="HOST/NAME[:TAG]",
        help="Place in an OCI registry. On this machine it is spoken to without TLS. DRYDOCK_REGISTRY_USER and "
        "DRYDOCK_REGISTRY_PASSWORD are used where it asks for them.",
        show_default=False,
    ),
]


def unpack(
    image: ImageWord, folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Is made.", show_default=False)]
) -> None:
    """Write all files of an image to a new folder, every byte checked."""
    word = resolve(image)

    async def work(store: FolderStore) -> int:
        return await unpack_image(store, await find_image(store, word), folder)

    tell(f"{counted(on_store(work), 'file')} in {shown(folder)}")


def export(
    image: ImageWord, file: Annotated[Path, typer.Argument(metavar="FILE", help="Is made.", show_default=False)]
) -> None:
    """Write an image to one file: a tar archive with an OCI layout, which skopeo and others read as `oci-archive`."""
    word = resolve(image)

    async def work(store: FolderStore) -> int:
        return await export_image(store, await find_image(store, word), file)

    tell(f"{size_text(on_store(work))} in {shown(file)}")


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `image export` wrote.", show_default=False)],
    output: Output = Form.ID,
) -> None:
    """Store the image of such a file, every byte checked."""
    _print(on_store(lambda store: import_image(store, file)), output)


def push(image: ImageWord, place: Place) -> None:
    """Bring an image to an OCI registry, with what refers to it. What is there already is not sent again."""
    from shared.artifacts.registry import Registry  # an HTTP client: only for who needs it

    word, there = resolve(image), _place(place)

    async def work(store: FolderStore) -> tuple[Image, int]:
        found = await find_image(store, word)
        async with Registry(there, **_login()) as registry:
            return found, await registry.push(store, found, there.reference)

    found, sent = on_store(work)
    tell(f"{size_text(sent)} sent")
    typer.echo(f"{there}@{found.digest}")


def pull(place: Place, output: Output = Form.ID) -> None:
    """Store the image that a tag or digest means in an OCI registry, every byte checked."""
    from shared.artifacts.registry import Registry  # as above

    there = _place(place)
    if there.reference is None:
        leave(Exit.USAGE, f"say which image of {there}: add :TAG or @DIGEST")
    reference = there.reference

    async def work(store: FolderStore) -> Image:
        async with Registry(there, **_login()) as registry:
            return await registry.pull(store, reference)

    _print(on_store(work), output)


def _place(text: str) -> "RegistryPlace":
    from shared.artifacts.registry import RegistryPlace

    try:
        return RegistryPlace.parse(text)
    except ValueError as error:
        leave(Exit.USAGE, str(error))


class _Login(TypedDict):
    user: str
    password: str


def _login() -> _Login:
    return _Login(
        user=os.environ.get("DRYDOCK_REGISTRY_USER", ""), password=os.environ.get("DRYDOCK_REGISTRY_PASSWORD", "")
    )


def _print(image: Image, output: Form) -> None:
    contents = image.contents
    rows: list[tuple[str, object]] = [("image", image.digest), ("update", contents.update_name)]
    values = {"image": image.digest, "update_name": contents.update_name}
    print_values(values, output, id_=image.digest, rows=rows)
