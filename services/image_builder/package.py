"""Where the modules of a valid package stand in it: payload zips, and what each module refers to.

The package was judged before; here its files are only found. Format: design reference on servicing, section 3.
"""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

from defusedxml import ElementTree

_PACKAGES = "aosservice/packages/"
_PREFIX = "dynamicsax-"
_NUSPEC_LIMIT = 1 << 20
_NUPKG_LIMIT = 16 << 20


class PackageUnreadableError(Exception):
    """A file that the package was said to have is not there, or cannot be read."""


class PackageDirectory:
    """The directory of a package's zip, by path with slashes in lower case."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise PackageUnreadableError(f"{path.name} is no zip file that can be read: {error}") from error
        self._entries = {info.filename.replace("\\", "/").lower(): info for info in self._zip.infolist()}

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()

    def payload(self, module: str, version: str) -> str:
        """The entry path, as it is written in the zip, of a module's payload."""
        wanted = f"{_PACKAGES}files/{_PREFIX}{module.lower()}.{version}.zip"
        if wanted not in self._entries:
            raise PackageUnreadableError(f"the package has no payload {wanted}")
        # zipfile shows names with slashes; what the directory holds is what others look entries up by.
        return self._entries[wanted].orig_filename

    def references(self, module: str, version: str) -> tuple[str, ...]:
        """The modules that a module refers to, in lower case, from its nuspec."""
        wanted = f"{_PACKAGES}{_PREFIX}{module.lower()}.{version}.nupkg"
        info = self._entries.get(wanted)
        if info is None or info.file_size > _NUPKG_LIMIT:
            raise PackageUnreadableError(f"the package has no module package {wanted} that can be read")
        try:
            with zipfile.ZipFile(io.BytesIO(self._zip.read(info))) as nupkg:
                nuspecs = [one for one in nupkg.infolist() if one.filename.lower().endswith(".nuspec")]
                if len(nuspecs) != 1 or nuspecs[0].file_size > _NUSPEC_LIMIT:
                    raise PackageUnreadableError(f"{wanted} has {len(nuspecs)} nuspec files, or one too large")
                document = ElementTree.fromstring(nupkg.read(nuspecs[0]))
        except (zipfile.BadZipFile, ElementTree.ParseError, ValueError) as error:
            raise PackageUnreadableError(f"{wanted} cannot be read: {error}") from error
        return _dependencies(element.get("id", "") for element in document.iter() if _is_dependency(element.tag))


def _is_dependency(tag: object) -> bool:
    return isinstance(tag, str) and tag.rpartition("}")[2] == "dependency"


def _dependencies(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(one.lower().removeprefix(_PREFIX) for one in ids if one.lower().startswith(_PREFIX))
