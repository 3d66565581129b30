"""Structured logs: one JSON object a line on stderr, ids as fields, secrets left out."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.typing import Processor

_SECRET = re.compile(r"password|secret|token|credential|authorization|private.?key", re.IGNORECASE)
_IN_URL = re.compile(r"(?<=://)[^/\s@]*:[^/\s]*(?=@)")


def get_logger(name: str) -> Any:
    """The logger of a module; it takes an event name in the past tense and fields."""
    return structlog.get_logger(name)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Leave out what stands under a secret's name, at any depth, and user and password in URLs."""
    for name, value in event.items():
        event[name] = _redacted(name, value)
    return event


def _redacted(name: Any, value: Any) -> Any:
    if isinstance(name, str) and _SECRET.search(name):
        return "[redacted]"
    match value:
        case str():
            return _IN_URL.sub("[redacted]", value)
        case dict():
            return {inner: _redacted(inner, one) for inner, one in value.items()}
        case list() | tuple():
            return [_redacted(None, one) for one in value]
    return value


def configure_logs(*, service: str, instance: str, level: str, human: bool) -> None:
    """Send all logs, those of libraries too, to stderr: JSON, or lines for a person if `human`."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: Any = structlog.dev.ConsoleRenderer(colors=False) if human else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(service=service, instance=instance)
