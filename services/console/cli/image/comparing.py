"""`drydock image diff`: what two images differ in, by modules and versions, and by files."""

from typing import Annotated

import typer

from services.console.cli.image.finding import ImageWord, find_image, resolve
from services.console.cli.image.work import on_store
from services.console.cli.printing import Form, Output, print_list
from services.console.cli.running import tell
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import Image
from shared.artifacts.image_files import ImageFile, files_of_layer
from shared.artifacts.port import ArtifactStore
from shared.contracts.message import Part


class Difference(Part):
    """What one image has and the other has not, or has otherwise: versions of modules, digests of files."""

    what: str
    name: str
    change: str
    before: str | None
    after: str | None


def diff(
    first: ImageWord,
    second: ImageWord,
    files: Annotated[bool, typer.Option("--files", help="Compare the files of modules that differ, too.")] = False,
    output: Output = Form.TABLE,
) -> None:
    """Show what changes from one image to another. An environment stands for the image that it runs.

    Nothing has to run for two digests. Layers that both have are not read.
    """
    words = resolve(first), resolve(second)
    found = on_store(lambda store: _differences(store, *words, files=files))
    if found or output is not Form.TABLE:
        print_list(
            found,
            output,
            [
                ("WHAT", lambda one: one.what),
                ("NAME", lambda one: one.name),
                ("CHANGE", lambda one: one.change),
                ("BEFORE", lambda one: (one.before or "")[:_SHOWN]),
                ("AFTER", lambda one: (one.after or "")[:_SHOWN]),
            ],
        )
    if not found:
        tell("no difference")


_SHOWN = 23
"""As much of a version or a digest as stands in a table."""


async def _differences(store: FolderStore, first: str, second: str, *, files: bool) -> list[Difference]:
    before, after = [await find_image(store, word) for word in (first, second)]
    found = _compared("version", _versions(before), _versions(after))
    found += _compared("module", _modules(before), _modules(after))
    contents = [await _contents(store, one, other) for one, other in ((before, after), (after, before))]
    if files:
        found += _compared("file", *contents)
    changed = {one.split("/")[1] for one in _changed_paths(*contents)}
    named = {one.name.lower() for one in found if one.what == "module"}
    same = {one.name.lower(): one for one in after.contents.modules}
    for name in sorted(changed - named):
        if (module := same.get(name)) is not None:
            found.append(
                Difference(
                    what="module", name=module.name, change="rebuilt", before=module.version, after=module.version
                )
            )
    return found


def _versions(image: Image) -> dict[str, str]:
    contents = image.contents
    return {
        "application": contents.application_version,
        "platform": contents.platform_version,
        "update": contents.update_name,
    }


def _modules(image: Image) -> dict[str, str]:
    return {one.name: one.version for one in image.contents.modules}


async def _contents(store: ArtifactStore, image: Image, other: Image) -> dict[str, str]:
    """The digests of the files in the layers that the other image has not."""
    shared = {one.digest for one in other.layers}
    found: list[ImageFile] = []
    for layer in image.layers:
        if layer.digest not in shared:
            found += await files_of_layer(store, layer)
    return {one.path: f"sha256:{one.digest}" for one in found}


def _changed_paths(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def _compared(what: str, before: dict[str, str], after: dict[str, str]) -> list[Difference]:
    """What differs of two mappings; names mean the same in any case."""
    old = {name.casefold(): (name, value) for name, value in before.items()}
    new = {name.casefold(): (name, value) for name, value in after.items()}
    found = []
    for key in sorted(old.keys() | new.keys()):
        was, is_ = old.get(key), new.get(key)
        if was and is_ and was[1] == is_[1]:
            continue
        change = "added" if was is None else "removed" if is_ is None else "changed"
        name = (is_ or was or ("", ""))[0]
        found.append(Difference(what=what, name=name, change=change, before=was and was[1], after=is_ and is_[1]))
    return found
