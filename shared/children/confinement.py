"""How a process gives up, for good, what it does not need: memory without end, the network, other people's files.

Linux offers all of it; elsewhere, and in containers that forbid it, what is offered is taken.
Sources: landlock(7), user_namespaces(7), prctl(2), getrlimit(2).
"""

import ctypes
import os
import resource
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

from shared.children.frames import Files, TaskLimits

_NICENESS = 5
"""The service that asks sends heartbeats: it comes first where cores are few."""

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_SIGKILL = 9

# One number on every architecture since Linux 5.13.
_CREATE_RULESET = 444
_ADD_RULE = 445
_RESTRICT_SELF = 446
_RULESET_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE = 1 << 0
_WRITE_FILE = 1 << 1
_READ_FILE = 1 << 2
_READ_DIR = 1 << 3
_REMOVE_FILE = 1 << 5
_MAKE_REG = 1 << 8
_REFER = 1 << 13  # since version 2
_TRUNCATE = 1 << 14  # since version 3
_IOCTL_DEV = 1 << 15  # since version 5
_VERSION_1 = (1 << 13) - 1
_BIND_AND_CONNECT_TCP = 0b11  # since version 4
_SCOPE_SOCKETS_AND_SIGNALS = 0b11  # since version 6

_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
"""Rights that a single file can have; the others belong to folders."""

_SYSTEM = ("/usr", "/lib", "/lib64", "/etc/localtime", "/etc/ld.so.cache", "/dev/null", "/dev/urandom")


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("descriptor", ctypes.c_int32))


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


@cache
def landlock_version() -> int:
    """The version of landlock that this kernel offers; 0: none."""
    if sys.platform != "linux":
        return 0
    version: int = _libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_RULESET_VERSION))
    return max(version, 0)


def leave_the_network() -> bool:
    """Go into a network of one's own, in which there is nothing. Whether that was allowed. For a single thread only."""
    if sys.platform != "linux":
        return False
    libc = _libc()
    return any(libc.unshare(flags) == 0 for flags in (_CLONE_NEWNET, _CLONE_NEWUSER | _CLONE_NEWNET))


def end_with_the_parent() -> None:
    """Be killed when the process that forked this one ends, however it does. Linux only."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def confine(limits: TaskLimits, files: Files) -> None:
    """Take away what a task does not need, for good. Raise OSError if what the kernel offers cannot be had."""
    with suppress(OSError):  # where memory is used up this process ends and not the service; Linux only
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    with suppress(OSError):
        os.nice(_NICENESS)
    _restrict_files(files)
    for which, limit in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_FSIZE, limits.file_size),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_CORE, -1),
    ):
        _limit(which, limit)


def _limit(which: int, limit: int) -> None:
    """Lower a limit; -1 is none of it at all, 0 leaves it alone."""
    if not limit:
        return
    wanted = max(limit, 0)
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    with suppress(ValueError, OSError):  # a system that knows this limit by name only
        resource.setrlimit(which, (wanted, wanted))


def _restrict_files(files: Files) -> None:
    version = landlock_version()
    if not version:
        return
    handled = _VERSION_1
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV)):
        handled |= right if version >= since else 0
    ruleset = _Ruleset(
        handled, _BIND_AND_CONNECT_TCP if version >= 4 else 0, _SCOPE_SOCKETS_AND_SIGNALS if version >= 6 else 0
    )
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    libc = _libc()
    rules = libc.syscall(_CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), ctypes.c_uint32(0))
    _raise_if_negative(rules, "landlock")
    try:
        # No right to execute: nothing is ever started from here.
        for path in (*code_in_use(), *files.read):
            _allow(libc, rules, path, (_READ_FILE | _READ_DIR) & handled)
        for path in files.write:
            rights = _READ_FILE | _READ_DIR | _WRITE_FILE | _MAKE_REG | _REMOVE_FILE | _TRUNCATE | _REFER
            _allow(libc, rules, path, rights & handled)
        _raise_if_negative(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
        _raise_if_negative(libc.syscall(_RESTRICT_SELF, rules, ctypes.c_uint32(0)), "landlock")
    finally:
        os.close(rules)


@cache
def code_in_use() -> frozenset[str]:
    """Where modules are that may be imported only now, and what their libraries look at.

    Of folders outside of the interpreter's own only the packages that are in use: data may lie beside them. Found once:
    the warm process asks first.
    """
    installed = {*_SYSTEM, sys.prefix, sys.base_prefix, sys.exec_prefix}
    used = {
        path
        for name, module in list(sys.modules.items())
        if "." not in name
        for path in (*getattr(module, "__path__", ()), getattr(module, "__file__", None))
        if path and not path.startswith(tuple(f"{one}{os.sep}" for one in installed))
    }
    return frozenset(installed | used)


def _allow(libc: ctypes.CDLL, rules: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no right
    try:
        allowed = rights if Path(path).is_dir() else rights & _OF_FILES
        rule = _PathBeneath(allowed, descriptor)
        added = libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(rule), ctypes.c_uint32(0))
        _raise_if_negative(added, f"landlock for {path}")
    finally:
        os.close(descriptor)


def _raise_if_negative(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
