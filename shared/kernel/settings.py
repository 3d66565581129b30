"""What an installation sets: environment variables `DRYDOCK_<NAME>`, or files of that name in a secrets folder."""

import os
import socket
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

_SECRETS = Path("/run/secrets")


class Settings(BaseSettings):
    """The settings that every service has."""

    model_config = SettingsConfigDict(
        env_prefix="DRYDOCK_",
        frozen=True,
        extra="ignore",
        secrets_dir=_SECRETS if _SECRETS.is_dir() else None,
        use_attribute_docstrings=True,
    )

    kafka: str = "127.0.0.1:9092"
    """Bootstrap servers, separated by commas."""
    mongo: SecretStr = SecretStr("mongodb://127.0.0.1:27017")
    """URL of the state; it may hold a password."""
    instance: str = Field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}")
    """What this process is called in leases and logs."""
    host: str = "127.0.0.1"
    port: int = 0
    """Where `/livez`, `/readyz` and `/metrics` are served; 0: a free port, which is logged."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "human"] = "json"

    session_timeout: timedelta = timedelta(seconds=30)
    """After this time without a heartbeat the broker gives a process's partitions to others."""
    batch: int = Field(default=500, ge=1, le=2000)
    """Records taken at once, at most."""
    attempts: int = Field(default=5, ge=1)
    """How often a message is tried that fails for an unknown reason, before it is a dead letter."""
    dead_in_a_row: int = Field(default=500, ge=1)
    """Dead letters without a success in between after which a partition is read slowly: its producer is at fault."""
    patience: timedelta = timedelta(seconds=10)
    """How long a message waits for what it refers to."""
    work_slots: int = Field(default=4, ge=0)
    lease: timedelta = timedelta(seconds=30)
    clock_ahead: timedelta = Field(default=timedelta(0), ge=timedelta(0))
    """How far the clock is put forward, to rehearse what is months away. The same for all services, and never less
    than before on the same state; not for production: every date is that much too late.
    """
    stop_within: timedelta = timedelta(seconds=20)
    """How long a stop may take before the process is ended hard."""
    topics_checked_every: timedelta = timedelta(seconds=30)
    """How often a service looks whether its topics are still there."""
    restored_at: datetime | None = None
    """When the installation was restored from a backup; its services say so when they start."""
    create_topics: bool = True
