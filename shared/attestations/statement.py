"""in-toto statements, version 1: of which artifacts, by their digests, what is said (github.com/in-toto/attestation).

The kinds of statements that Drydock makes are a closed list. SBOM and provenance have the predicate types of their own
specifications; the others are ours, as the functions of `predicates` write them.
"""

from enum import StrEnum
from typing import Any

import msgspec
import rfc8785

from shared.attestations.errors import EnvelopeError

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"


class StatementKind(StrEnum):
    """What is stated of an image, or of a package."""

    SBOM = "sbom"
    """What is in the image."""
    PROVENANCE = "provenance"
    """What the image was built from, and by whom."""
    VALIDATION_REPORT = "validation-report"
    """What the check of a package has found."""
    SANDBOX_APPLY = "sandbox-apply"
    """The image was deployed on a sandbox with success."""
    SIGN_OFF = "sign-off"
    """The customer has tried the update on a sandbox."""
    CANDIDATE = "candidate"
    """The update is a release candidate."""


PREDICATE_TYPES = {
    StatementKind.SBOM: "https://cyclonedx.org/bom",
    StatementKind.PROVENANCE: "https://slsa.dev/provenance/v1",
    StatementKind.VALIDATION_REPORT: "urn:drydock:attestation:validation-report:v1",
    StatementKind.SANDBOX_APPLY: "urn:drydock:attestation:sandbox-apply:v1",
    StatementKind.SIGN_OFF: "urn:drydock:attestation:sign-off:v1",
    StatementKind.CANDIDATE: "urn:drydock:attestation:candidate:v1",
}
_KINDS = {type_: kind for kind, type_ in PREDICATE_TYPES.items()}

ARTIFACT_TYPES = {
    StatementKind.SBOM: "application/vnd.in-toto.cyclonedx+dsse",
    StatementKind.PROVENANCE: "application/vnd.in-toto.provenance+dsse",
    StatementKind.VALIDATION_REPORT: "application/vnd.drydock.validation-report+dsse",
    StatementKind.SANDBOX_APPLY: "application/vnd.drydock.sandbox-apply+dsse",
    StatementKind.SIGN_OFF: "application/vnd.drydock.sign-off+dsse",
    StatementKind.CANDIDATE: "application/vnd.drydock.candidate+dsse",
}
"""The media type of an envelope that is stored, by what it states."""


class StatementSubject(msgspec.Struct, frozen=True):
    """An artifact that a statement is about: `digest` has the hexadecimal digits by the name of the algorithm."""

    digest: dict[str, str]
    name: str = ""


class Statement(msgspec.Struct, frozen=True, rename="camel"):
    """A statement as it stands in JSON; further fields mean nothing here, as its specification wants it."""

    type_: str = msgspec.field(name="_type")
    subject: tuple[StatementSubject, ...]
    predicate_type: str
    predicate: dict[str, Any]

    @property
    def kind(self) -> StatementKind | None:
        """None: of a kind that is none of ours."""
        return _KINDS.get(self.predicate_type)

    def is_about(self, digest: str) -> bool:
        """Whether the artifact with this digest (`sha256:<hex>`) is among its subjects."""
        algorithm, _, digits = digest.partition(":")
        return any(one.digest.get(algorithm) == digits for one in self.subject)


def encode_statement(kind: StatementKind, digest: str, name: str, predicate: dict[str, Any]) -> bytes:
    """A statement about one artifact as canonical JSON (RFC 8785)."""
    algorithm, _, digits = digest.partition(":")
    return rfc8785.dumps(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": name, "digest": {algorithm: digits}}],
            "predicateType": PREDICATE_TYPES[kind],
            "predicate": predicate,
        }
    )


def read_statement(payload: bytes, payload_type: str) -> Statement:
    """Raise EnvelopeError where it is no in-toto statement of version 1."""
    if payload_type != PAYLOAD_TYPE:
        raise EnvelopeError(f"the envelope holds {payload_type!r}, not an in-toto statement")
    try:
        found = msgspec.json.decode(payload, type=Statement)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EnvelopeError(f"the envelope holds no in-toto statement: {error}") from error
    if found.type_ != STATEMENT_TYPE:
        raise EnvelopeError(f"the statement is of type {found.type_!r}; {STATEMENT_TYPE} is read")
    return found
