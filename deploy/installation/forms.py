"""Which version was run on a data folder last, and what starting this one changes there."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from deploy.embedded import EnginesError
from shared.files import write_atomically
from shared.version import this_version

RECORD = "installation.json"

Forms = Mapping[str, Mapping[str, int]]
"""By service and aggregate the form of its states."""


@dataclass(frozen=True)
class RunBy:
    """The version that was run on a folder last, and the forms that it writes."""

    version: str
    forms: Forms


@cache
def forms() -> Forms:
    """The forms that this version writes."""
    from deploy.installation.tables import service_tables  # all services come with it
    from shared.kernel.forms import forms_of

    with tempfile.TemporaryDirectory() as folder:
        return {name: forms_of(service) for name, service in sorted(service_tables(Path(folder)).items())}


def run_by(data: Path) -> RunBy | None:
    """Which version was run on a folder last; None on a new one, and on one of a version that kept no record."""
    try:
        raw = json.loads((data / RECORD).read_text(encoding="utf-8"))
        return RunBy(raw["version"], raw["forms"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EnginesError(f"{data / RECORD} cannot be read ({error}); put back that of the backup") from error


def claim(data: Path) -> None:
    """Note that this version is run on a folder. Raise EnginesError, and change nothing, if a later one was."""
    from shared.kernel.forms import NewerForms, check_forms

    before = run_by(data)
    if before:
        try:
            for service, known in forms().items():
                check_forms(known, before.forms.get(service, {}), str(data), before.version)
        except NewerForms as error:
            raise EnginesError(f"{error}.") from error
    now = RunBy(this_version(), forms())
    if now != before:
        text = json.dumps({"version": now.version, "forms": now.forms}, indent=1)
        write_atomically(data / RECORD, text.encode())


def changes(data: Path) -> list[str]:
    """What starting this version on a folder changes for good, a sentence each; none where it was run there last."""
    if not (data / "state").exists():
        return []
    before = run_by(data)
    if before == RunBy(this_version(), forms()):
        return []
    sentences = [
        f"{service}: {aggregate} are brought from form {then} to {form}, while the services run"
        for service, known in forms().items()
        for aggregate, form in known.items()
        if (then := (before.forms.get(service, {}) if before else {}).get(aggregate, 1)) < form
    ]
    was = f"Drydock {before.version}" if before else "a version of Drydock that kept no record of itself"
    last = (
        "afterwards earlier versions are refused: take a backup first" if sentences else "its states stay as they are"
    )
    return [f"{was} was run on {data}, and this is {this_version()}: {last}", *sentences]
