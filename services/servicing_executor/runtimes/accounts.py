"""Whom a program runs as that refuses to run as root, and how that user reaches what only root may enter."""

import asyncio
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.servicing_executor.runtimes.port import RuntimeUnavailableError

_NAMES = ("postgres", "nobody")
_DESCRIPTORS = Path("/proc/self/fd")


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged user of this machine."""

    name: str
    uid: int
    gid: int

    def give(self, path: Path) -> None:
        """Make the file or folder the account's own."""
        os.chown(path, self.uid, self.gid)


def account_for(data: Path) -> Account | None:
    """Whom a program runs as that works on the folder `data`; None for this process's own user, who is not root.

    Who owns the folder keeps it: users come and go on a machine. RuntimeUnavailableError where nobody is fit.
    """
    if os.geteuid() != 0:
        return None
    owner = data.stat().st_uid if data.exists() else 0
    for found in (_named(owner), *map(_named, _NAMES)):
        if found is not None and found.pw_uid != 0:
            return Account(found.pw_name, found.pw_uid, found.pw_gid)
    raise RuntimeUnavailableError(f"no user {' or '.join(_NAMES)} exists")


def _named(user: str | int) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(user) if isinstance(user, str) else pwd.getpwuid(user)
    except KeyError:
        return None


@contextmanager
def entrance(account: Account | None, path: Path) -> Iterator[tuple[Path, int | None]]:
    """A path under which a program of the account reaches `path`, and the descriptor that it has to inherit.

    The account's user need not be able to enter the folders above: an open descriptor leads there without
    them (proc_pid_fd(5)). So nothing has to be opened to other users. Without /proc, the path itself.
    """
    if account is None or not _DESCRIPTORS.exists():
        yield path, None
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield _DESCRIPTORS / str(descriptor), descriptor
    finally:
        os.close(descriptor)


async def run(account: Account | None, *command: str | Path, inherit: tuple[int | None, ...] = ()) -> tuple[int, str]:
    """Run a program as the account; exit status and output. Status 127: it could not be started, and why."""
    identity = {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}
    try:
        process = await asyncio.create_subprocess_exec(
            *map(str, command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            pass_fds=[descriptor for descriptor in inherit if descriptor is not None],
            **identity,  # type: ignore[arg-type]  # a mapping of differing types
        )
    except OSError as error:
        return 127, str(error)
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode(errors="replace")
