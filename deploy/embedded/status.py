"""What runs on a data folder, as seen from another process."""

import re
from dataclasses import asdict, dataclass

import psutil

from deploy.embedded import state
from deploy.embedded.data_folder import DataFolder, EngineRecord
from deploy.embedded.kafka import any_broker

_PATIENCE = 2.0


@dataclass(frozen=True)
class EngineStatus:
    """One engine. `pid` and `memory_bytes` (resident) are None when it does not run or runs elsewhere."""

    name: str
    url: str
    answers: bool
    pid: int | None
    memory_bytes: int | None

    def as_json(self) -> dict[str, str | bool | int | None]:
        return asdict(self)


def engine_status(folder: DataFolder) -> list[EngineStatus]:
    """The engines that the program on `folder` runs or uses; empty when there was never one."""
    record = folder.read()
    if record is None:
        return []
    lives = record.supervisor_lives()
    return [_status(name, entry, lives) for name, entry in sorted(record.engines.items())]


def _status(name: str, entry: EngineRecord, supervised: bool) -> EngineStatus:
    pid = entry.pid if supervised else None
    # The port of an engine that ended may be somebody else's now.
    ours_or_elsewhere = supervised and (pid is not None or entry.port is None)
    memory: int | None = None
    if pid is not None:
        try:
            memory = psutil.Process(pid).memory_info().rss
        except psutil.NoSuchProcess:
            pid = None
    answers = ours_or_elsewhere and _answers(name, entry.url)
    return EngineStatus(name, _without_password(entry.url), answers, pid, memory)


def _without_password(url: str) -> str:
    return re.sub(r"//[^@/]*@", "//***@", url)


def _answers(name: str, url: str) -> bool:
    try:
        if name == "kafka":
            any_broker(url, _PATIENCE)
        else:
            state.check(url, _PATIENCE, write=False)
    except OSError:
        return False
    return True
