"""Which image a word on the command line means: a digest, the beginning of one, or an environment that runs it."""

from typing import Annotated

import typer

from services.console.cli.running import Exit, Stopped, attempt, leave
from services.console.installation import Installation, NoInstallation, artifacts_folder
from shared.artifacts.errors import ArtifactCorruptError, ArtifactMissingError
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import IMAGES, Image, load_image

ImageWord = Annotated[
    str,
    typer.Argument(
        metavar="IMAGE",
        help="Digest of the image or its first digits, or an environment: the image that it runs.",
        show_default=False,
    ),
]
_PREFIX = "sha256:"
_SHORTEST = 6


def open_store() -> FolderStore:
    """The artifact store that the environment names; nothing has to run. End with a sentence if there is none."""
    try:
        place = artifacts_folder()
    except NoInstallation as error:
        leave(Exit.NOT_FOUND, str(error))
    if not place.is_dir():
        leave(Exit.NOT_FOUND, f"there is no artifact store at {place}; DRYDOCK_ARTIFACTS names the installation's")
    return FolderStore(place)


async def find_digest(store: FolderStore, word: str) -> str:
    """The digest of the image that a digest or its beginning means. Raise Stopped, ArtifactStoreError."""
    digits = word.removeprefix(_PREFIX)
    named = [name.removeprefix(IMAGES) for name in await store.references() if name.startswith(IMAGES)]
    found = [one for one in named if one.startswith(digits)]
    if len(digits) < _SHORTEST or len(found) != 1:
        what = f"{len(found)} images begin so; give more digits" if found else "no image of the store begins so"
        short = f"; give at least {_SHORTEST} digits of a digest, or an environment" if len(digits) < _SHORTEST else ""
        raise Stopped(Exit.NOT_FOUND, f"{word}: {what}{short}")
    return f"{_PREFIX}{found[0]}"


async def find_image(store: FolderStore, word: str) -> Image:
    """The image of a digest or of its beginning. Raise Stopped, ArtifactStoreError."""
    digest = await find_digest(store, word)
    try:
        return await load_image(store, digest)
    except (ArtifactMissingError, ArtifactCorruptError) as error:
        raise Stopped(Exit.FAILED, f"the image cannot be read: {error}") from error


def resolve(word: str) -> str:
    """The digest, or its beginning, that a word means. An environment is asked for where Drydock runs."""
    if word.startswith(_PREFIX) or (len(word) >= _SHORTEST and all(one in "0123456789abcdef" for one in word)):
        return word
    try:
        return attempt(lambda there: running_image(there, word))
    except Stopped as stopped:
        leave(stopped.code, f"{word} is no digest, so an environment is looked for: {stopped}")


async def running_image(installation: Installation, environment: str) -> str:
    """The digest of the image that an environment runs. Raise Stopped."""
    from shared.contracts.servicing_executor import EnvironmentSnapshot  # many messages: only for who needs it

    view = await installation.client.view(EnvironmentSnapshot, environment)
    if view is None:
        raise Stopped(Exit.NOT_FOUND, f"there is no environment {environment}")
    if view.running is None:
        raise Stopped(Exit.FAILED, f"{environment} runs nothing: it is {view.status.value}")
    return view.running.image
