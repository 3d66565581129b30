"""The extensions that the application runs: what is installed, as each file says of itself."""

import json
from functools import lru_cache
from pathlib import Path

from shared.formats.al.package.container import read_package


def running_extensions(folder: Path) -> dict[str, str]:
    """Versions by app id, from the manifests of the installed files.

    A file that is gone or that cannot be read is named by the app id of its record, with the reason in the place of
    the version.
    """
    try:
        installed = json.loads((folder / "installed.json").read_bytes())["extensions"]
    except FileNotFoundError:
        return {}
    running: dict[str, str] = {}
    for record in installed:
        path = folder / f"{record['digest'].removeprefix('sha256:')}.app"
        app_id, version = _read(path) if path.exists() else (None, "gone")
        running[app_id or record["app_id"]] = version
    return running


@lru_cache(maxsize=1000)
def _read(path: Path) -> tuple[str | None, str]:
    """App id and version of a file. Its name is that of its content, so that it is read once."""
    package = read_package(path)
    if package.manifest is None:
        return None, f"not readable: {package.problem}"
    return package.manifest.id.lower(), str(package.manifest.version)
