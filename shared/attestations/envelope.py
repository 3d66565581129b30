"""DSSE envelopes, version 1: a payload, its type, and signatures over both (github.com/secure-systems-lab/dsse).

What is signed is the payload's bytes as they are, never a document that was read and written again. An envelope's
`keyid` is a hint that nobody has signed: whose signature it is, is found out with the keys themselves.
"""

import base64
import binascii
from collections.abc import Iterable

import msgspec
import rfc8785

from shared.attestations.errors import EnvelopeError
from shared.attestations.keys import PublicKey, SigningKey

LIMIT = 16 << 20
"""Bytes of an envelope, at most."""


class EnvelopeSignature(msgspec.Struct, frozen=True):
    """A signature, with the id of the key that its maker says it is of."""

    sig: str
    keyid: str = ""


class DsseEnvelope(msgspec.Struct, frozen=True, rename="camel"):
    """An envelope as it stands in JSON; further fields mean nothing here."""

    payload: str
    payload_type: str
    signatures: tuple[EnvelopeSignature, ...]


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """What is signed: PAE of the DSSE protocol. Lengths are in bytes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign_envelope(payload: bytes, payload_type: str, key: SigningKey) -> bytes:
    """The envelope as canonical JSON; the same payload and key give the same bytes."""
    signature = key.sign(pre_authentication_encoding(payload_type, payload))
    return rfc8785.dumps(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": payload_type,
            "signatures": [{"keyid": key.public.id, "sig": base64.b64encode(signature).decode()}],
        }
    )


def read_envelope(content: bytes) -> DsseEnvelope:
    """Raise EnvelopeError where it is none; nothing of it is believed yet."""
    if len(content) > LIMIT:
        raise EnvelopeError(f"an envelope of {len(content)} bytes is not read; {LIMIT} are the limit")
    try:
        found = msgspec.json.decode(content, type=DsseEnvelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EnvelopeError(f"this is no DSSE envelope: {error}") from error
    if not found.signatures:
        raise EnvelopeError("the envelope has no signature")
    return found


def payload_of(envelope: DsseEnvelope) -> bytes:
    """The payload's bytes, whoever signed them. Raise EnvelopeError."""
    return _decoded(envelope.payload, "payload")


def signers_of(envelope: DsseEnvelope, keys: Iterable[PublicKey]) -> tuple[PublicKey, ...]:
    """Those of the keys that have signed it. Raise EnvelopeError where its payload is unreadable."""
    message = pre_authentication_encoding(envelope.payload_type, payload_of(envelope))
    signatures = []
    for one in envelope.signatures:
        try:
            signatures.append(_decoded(one.sig, "signature"))
        except EnvelopeError:
            continue  # the envelope may have others beside it
    return tuple(key for key in keys if any(key.has_signed(message, signature) for signature in signatures))


def _decoded(text: str, what: str) -> bytes:
    """Base64 in either alphabet, which the protocol leaves to the signer."""
    try:
        return base64.b64decode(text.translate(str.maketrans("-_", "+/")), validate=True)
    except (binascii.Error, ValueError) as error:
        raise EnvelopeError(f"the envelope's {what} is no base64: {error}") from error
