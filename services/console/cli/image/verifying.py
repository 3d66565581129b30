"""`drydock image verify`: whether an image is what it says, and went through what it must."""

from typing import Annotated

import msgspec
import typer

from services.console.cli.image.finding import ImageWord, find_digest, resolve
from services.console.cli.image.work import on_store
from services.console.cli.printing import Form, Output, print_list, print_values
from services.console.cli.running import Exit, leave, tell
from services.console.installation import keys_folder
from shared.artifacts.folder import FolderStore
from shared.attestations.errors import KeyFileError
from shared.attestations.trust import read_trust
from shared.attestations.verification import ImagePolicy, ImageVerdict, judge_image
from shared.contracts.message import Part


class JudgedPart(Part):
    """What a policy says of a part of what is stated of an image."""

    part: str
    ok: bool
    message: str
    way_out: str


def verify(
    image: ImageWord,
    policy: Annotated[
        ImagePolicy,
        typer.Option(
            help="built: bytes, SBOM and provenance; production: also valid packages, a sandbox, a candidate's mark; "
            "production-signed-off: also the customer's sign-off. The services state what is built; what the others "
            "want is not stated by them yet, so that they refuse."
        ),
    ] = ImagePolicy.BUILT,
    output: Output = Form.TABLE,
) -> None:
    """Check that an image is what it says and went through what it must, by its bytes and by whose word counts.

    Nothing has to run; the trust file in DRYDOCK_KEYS says whose word counts. Exit code 1: refused.
    """
    word = resolve(image)
    try:
        trust = read_trust(keys_folder())
    except KeyFileError as error:
        leave(Exit.FAILED, str(error))

    async def work(store: FolderStore) -> ImageVerdict:
        return await judge_image(store, await find_digest(store, word), policy, trust)

    verdict = on_store(work)
    _print(verdict, output)
    if not verdict.ok:
        if not trust.keys:
            tell(f"nobody's word counts: there is no trust file in {keys_folder()}; DRYDOCK_KEYS names the folder")
        for one in verdict.refusals:
            tell(f"{one.part.value}: {one.message}. Way out: {one.way_out}")
        leave(Exit.FAILED, f"refused: {verdict.image} does not meet policy {policy.value}")
    tell(f"{verdict.image} meets policy {policy.value}")


def _print(verdict: ImageVerdict, output: Form) -> None:
    parts = [
        JudgedPart(part=one.part.value, ok=one.ok, message=one.message, way_out=one.way_out) for one in verdict.parts
    ]
    if output is Form.TABLE:
        print_list(
            parts,
            output,
            [
                ("PART", lambda one: one.part),
                ("VERDICT", lambda one: "fine" if one.ok else "refused"),
                ("WHY", lambda one: one.message),
            ],
        )
    else:
        print_values({"ok": verdict.ok, **msgspec.to_builtins(verdict)}, output, id_=verdict.image, rows=())
