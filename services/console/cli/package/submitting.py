"""Submits packages: into the artifact store, and to the validator."""

import re
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from services.console.cli.running import Exit, leave, tell
from services.console.installation import Installation
from shared.artifacts.folder import FolderStore
from shared.contracts.message import Message
from shared.contracts.package_validator import (
    PackageCheckFailed,
    PackageQuarantined,
    PackageRejected,
    PackageSubmitted,
    PackageValidated,
    SubmitPackage,
)
from shared.contracts.parts import ArtifactRef
from shared.contracts.scalars import PackageId, ProjectId

VERDICTS = (PackageValidated, PackageRejected, PackageCheckFailed, PackageQuarantined)
"""The events that end a check."""
WORDS = {
    PackageValidated: "valid",
    PackageRejected: "invalid",
    PackageCheckFailed: "check-failed",
    PackageQuarantined: "quarantined",
}


def package_id(project: str, name: str) -> str:
    """`<project>/<name>`. A name that packages cannot have ends the command, with one that they can."""
    try:
        TypeAdapter(ProjectId).validate_python(project)
    except ValidationError:
        leave(Exit.USAGE, f"{project!r} is no project: a project has lower case letters, digits and inner hyphens")
    if not is_package_id(f"{project}/{name}"):
        usable = re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip("._-")[:100] or "package"
        leave(
            Exit.USAGE,
            f"{name!r} cannot be the name of a package, which has 1 to 100 letters, digits, dots, hyphens and "
            f"underscores; choose one, for instance --name {usable}",
        )
    return f"{project}/{name}"


def is_package_id(word: str) -> bool:
    """Whether a word can be `<project>/<name>`."""
    try:
        TypeAdapter(PackageId).validate_python(word)
    except ValidationError:
        return False
    return True


async def put_package(installation: Installation, file: Path) -> ArtifactRef:
    """Put a package's file into the artifact store."""
    stored = await FolderStore(installation.artifacts).put_file(file, "application/zip")
    return ArtifactRef.of(stored)


async def submit_package(installation: Installation, command: SubmitPackage, *, wait: bool, id_: str) -> Message:
    """Have a package checked that is in the artifact store. Its submission, or with `wait` its verdict.

    A file that was submitted before is answered with what is known of it. Refused: end with one sentence.
    """
    wanted = VERDICTS if wait else (PackageSubmitted, *VERDICTS)
    client = installation.client
    with client.waiting_for(f"{command.owner} to answer") as reminder:
        async with client.sending(command, id_=id_) as events:
            async for envelope in events:
                event = envelope.data
                if event.key != command.package or getattr(event, "artifact", None) != command.artifact:
                    continue
                if isinstance(event, wanted):
                    return event
                reminder.cancel()
                if isinstance(event, PackageSubmitted):
                    tell(f"{event.package} is being checked; waiting for the verdict")
    raise AssertionError("a reader reads for ever")
