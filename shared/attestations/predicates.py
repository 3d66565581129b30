"""The predicates of statements that are Drydock's own: times as RFC 3339 in UTC, digests as in-toto writes them."""

from datetime import UTC, datetime
from typing import Any

import msgspec


class ValidationReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the check of a package found; the subject is the package's file. `report` is the digest of the whole."""

    package: str
    verdict: str
    errors: int
    warnings: int
    rules: str
    report: str


class SandboxApply(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An operation has deployed the image on a sandbox, with success."""

    environment: str
    project: str
    operation: str
    operation_kind: str
    update_name: str
    finished_at: str


class SignedOff(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody has tried the update on the sandbox and says so; `operation` is the one that brought it there."""

    environment: str
    project: str
    operation: str
    update_name: str
    sign_off: str
    signed_off_by: str


class CandidateMark(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The update of the sandbox may be promoted."""

    environment: str
    project: str
    update_name: str
    marked_at: str
    marked_by: str


Predicate = ValidationReport | SandboxApply | SignedOff | CandidateMark

VALID = "valid"
"""The verdict of a package that may be applied."""


def predicate_values(predicate: Predicate) -> dict[str, Any]:
    """As it stands in JSON."""
    values: dict[str, Any] = msgspec.to_builtins(predicate)
    return values


def moment_text(moment: datetime) -> str:
    """An aware moment to the second: 2026-11-21T22:00:00Z."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
