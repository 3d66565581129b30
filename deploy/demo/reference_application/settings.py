"""What a service is told when it starts, and how it says that it serves."""

import json
import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ApplicationSettings:
    """`database` is a connection string; `release` the folder of the image that runs; `extensions` holds
    `installed.json`, whose `extensions` have `app_id`, `version` and `digest`, and files `<hex of the digest>.app`."""

    environment: str
    service: str
    release: Path
    extensions: Path
    database: str
    data: Path
    port: int
    administrator_token: str
    ready_file: Path

    @classmethod
    def read(cls) -> "ApplicationSettings":
        """From the file that the environment variable DRYDOCK_SERVICE_SETTINGS names."""
        told = json.loads(Path(os.environ["DRYDOCK_SERVICE_SETTINGS"]).read_text())
        return cls(
            environment=told["environment"],
            service=told["service"],
            release=Path(told["release"]),
            extensions=Path(told["extensions"]),
            database=told["database"],
            data=Path(told["data"]),
            port=told["port"],
            administrator_token=told["administrator_token"],
            ready_file=Path(told["ready_file"]),
        )

    def say_ready(self) -> None:
        draft = self.ready_file.with_name(f".{self.ready_file.name}.{os.getpid()}")
        draft.write_text(str(os.getpid()))
        draft.rename(self.ready_file)


def stop_on_signal() -> threading.Event:
    """An event that SIGTERM sets."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stopping.set())
    return stopping
