"""`drydock image list` and `show`."""

import msgspec

from services.console.cli.image.finding import ImageWord, find_image, resolve
from services.console.cli.image.work import on_store
from services.console.cli.lists import list_command
from services.console.cli.printing import Form, Output, print_values
from services.console.nouns import IMAGES
from shared.artifacts.image import Image
from shared.artifacts.space import size_text

list_ = list_command(IMAGES)


def show(image: ImageWord, output: Output = Form.TABLE) -> None:
    """Show what an image is, where it came from, what it lost and how, and its layers. Nothing has to run."""
    digest = resolve(image)
    found = on_store(lambda store: find_image(store, digest))
    values = msgspec.to_builtins(found)
    values["promotable"] = found.contents.is_promotable
    print_values(values, output, id_=found.digest, rows=_rows(found))


def _rows(image: Image) -> list[tuple[str, object]]:
    contents = image.contents
    rows: list[tuple[str, object]] = [
        ("image", image.digest),
        ("update", contents.update_name),
        ("platform", contents.platform_version),
        ("application", contents.application_version),
        ("built on", contents.base or "nothing: it is a first image"),
    ]
    rows += [(f"{part} from", package) for part, package in contents.packages.items()]
    for removal in contents.removals:
        how = "removed by ModuleToRemove.txt of" if removal.how == "removal-file" else "dropped: not in the package"
        rows.append(("lost", f"{removal.name}, {how} {removal.package}" if removal.package else removal.name))
    lacking = f"no: {', '.join(contents.dropped)} went without a removal file"
    rows.append(("promotable", "yes" if contents.is_promotable else lacking))
    versions = {one.name: one.version for one in contents.modules}
    for layer in image.layers:
        what = f"{layer.module} {versions.get(layer.module, '')}" if layer.module else f"{layer.part} part"
        rows.append(("layer", f"{what}, {size_text(layer.size)}, {layer.digest}"))
    return rows
