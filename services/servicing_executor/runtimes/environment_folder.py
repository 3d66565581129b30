"""The folder of one environment on this machine: where its parts are, and what it keeps to itself.

<root>/<environment>/
    releases/<hex>/  current          unpacked images, and the one that services start from
    extensions/                       files of extensions, and which are installed: see extensions.py
    services/                         what runs: see processes.py
    data/inbox  data/reports          the services' own files
    port  database-password  administrator-token
"""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from services.servicing_executor.runtimes.extensions import Extensions
from services.servicing_executor.runtimes.files import remove_folder, write_private
from services.servicing_executor.runtimes.port import StepFailedError
from services.servicing_executor.runtimes.processes import ServiceProcesses
from services.servicing_executor.runtimes.releases import Releases
from shared.ports import free_port, is_free

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_FOLDERS = ("releases", "extensions", "services", "data/inbox", "data/reports")
_DATABASE_PASSWORD, _ADMINISTRATOR_TOKEN, _PORT = "database-password", "administrator-token", "port"


@dataclass(frozen=True, slots=True)
class EnvironmentFolder:
    """The folder of `environment`, which need not be there yet."""

    environment: str
    folder: Path

    @classmethod
    def below(cls, root: Path, environment: str) -> Self:
        """StepFailedError where that is no environment's name."""
        if not _SLUG.fullmatch(environment):
            raise StepFailedError(f"{environment!r} is no environment: use lower-case letters, digits and -")
        return cls(environment, root / environment)

    @property
    def releases(self) -> Releases:
        return Releases(self.folder)

    @property
    def extensions(self) -> Extensions:
        return Extensions(self.folder / "extensions")

    @property
    def processes(self) -> ServiceProcesses:
        return ServiceProcesses(self.folder / "services")

    @property
    def data(self) -> Path:
        """The services' own files: `inbox` for imports, `reports`."""
        return self.folder / "data"

    @property
    def database_password(self) -> str:
        """Of the environment's own role. Like the other secrets: StepFailedError before `make`."""
        return self._secret(_DATABASE_PASSWORD)

    @property
    def administrator_token(self) -> str:
        return self._secret(_ADMINISTRATOR_TOKEN)

    @property
    def port(self) -> int:
        """Where the environment serves HTTP, on loopback."""
        return int(self._secret(_PORT))

    def make(self) -> None:
        """Have the folder with all that is kept in it; what is there stays."""
        for part in _FOLDERS:
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        for name in (_DATABASE_PASSWORD, _ADMINISTRATOR_TOKEN):
            if not (self.folder / name).exists():
                write_private(self.folder / name, secrets.token_urlsafe(32))
        if not (self.folder / _PORT).exists():
            write_private(self.folder / _PORT, str(free_port()))

    def have_free_port(self) -> None:
        """Choose another port where somebody else has taken this one."""
        if not is_free(self.port):
            write_private(self.folder / _PORT, str(free_port()))

    def remove(self) -> None:
        remove_folder(self.folder)

    def _secret(self, name: str) -> str:
        try:
            return (self.folder / name).read_text()
        except FileNotFoundError:
            raise StepFailedError(f"environment {self.environment} was not provisioned on this machine") from None
