"""Signatures and envelopes, held against the vectors that their specifications publish."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.attestations.envelope import (
    payload_of,
    pre_authentication_encoding,
    read_envelope,
    sign_envelope,
    signers_of,
)
from shared.attestations.errors import EnvelopeError
from shared.attestations.keys import PublicKey, SigningKey

# RFC 8032, 7.1: secret key, public key, message, signature
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]
# The example of DSSE's protocol.md, which is signed with ECDSA over P-256 (r and s, 32 bytes each).
DSSE_PAE = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
DSSE_ENVELOPE = b"""{"payload": "aGVsbG8gd29ybGQ=",
 "payloadType": "http://example.com/HelloWorld",
 "signatures": [{"sig":
 "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="}]}"""
DSSE_X = 46950820868899156662930047687818585632848591499744589407958293238635476079160
DSSE_Y = 5640078356564379163099075877009565129882514886557779369047442380624545832820

KEY = SigningKey.from_raw(bytes(range(32)))
OTHER = SigningKey.from_raw(bytes(range(1, 33)))


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC_8032)
def test_signatures_are_those_of_rfc_8032(secret: str, public: str, message: str, signature: str) -> None:
    key = SigningKey.from_raw(bytes.fromhex(secret))
    assert key.public.raw.hex() == public
    assert key.sign(bytes.fromhex(message)).hex() == signature
    assert PublicKey(bytes.fromhex(public)).has_signed(bytes.fromhex(message), bytes.fromhex(signature))


def test_the_published_envelope_is_read_and_what_it_signs_is_the_published_encoding() -> None:
    envelope = read_envelope(DSSE_ENVELOPE)
    payload = payload_of(envelope)
    assert payload == b"hello world"
    encoded = pre_authentication_encoding(envelope.payload_type, payload)
    assert encoded == DSSE_PAE
    raw = base64.b64decode(envelope.signatures[0].sig)
    signature = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    EllipticCurvePublicNumbers(DSSE_X, DSSE_Y, SECP256R1()).public_key().verify(signature, encoded, ECDSA(SHA256()))


@pytest.mark.parametrize(
    ("kind", "length"), [("tybé", b"5"), ("", b"0"), ("\N{LOCK}", b"4")], ids=["two bytes", "empty", "four bytes"]
)
def test_lengths_are_counted_in_bytes(kind: str, length: bytes) -> None:
    assert pre_authentication_encoding(kind, b"x").startswith(b"DSSEv1 " + length + b" ")


@given(kinds=st.tuples(st.text(), st.text()), payloads=st.tuples(st.binary(), st.binary()))
def test_no_two_payloads_or_types_are_signed_alike(kinds: tuple[str, str], payloads: tuple[bytes, bytes]) -> None:
    assume((kinds[0], payloads[0]) != (kinds[1], payloads[1]))
    assert pre_authentication_encoding(kinds[0], payloads[0]) != pre_authentication_encoding(kinds[1], payloads[1])


@given(kind=st.text(), payload=st.binary())
def test_what_was_signed_is_known_to_be_of_that_key_and_of_no_other(kind: str, payload: bytes) -> None:
    content = sign_envelope(payload, kind, KEY)
    envelope = read_envelope(content)
    assert payload_of(envelope) == payload
    assert signers_of(envelope, [OTHER.public, KEY.public]) == (KEY.public,)
    assert sign_envelope(payload, kind, KEY) == content


@given(payload=st.binary(min_size=1), place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_payload_with_one_bit_changed_is_of_nobody(payload: bytes, place: int, bit: int) -> None:
    values = json.loads(sign_envelope(payload, "text/plain", KEY))
    changed = bytearray(payload)
    changed[place % len(payload)] ^= 1 << bit
    values["payload"] = base64.b64encode(changed).decode()
    assert signers_of(read_envelope(json.dumps(values).encode()), [KEY.public]) == ()


def test_the_type_and_the_hint_count_as_they_should() -> None:
    values = json.loads(sign_envelope(b"x", "text/plain", KEY))
    other_type = read_envelope(json.dumps({**values, "payloadType": "text/html"}).encode())
    assert signers_of(other_type, [KEY.public]) == ()
    lying = [{**values["signatures"][0], "keyid": OTHER.public.id}]
    hinted = read_envelope(json.dumps({**values, "signatures": lying}).encode())
    assert signers_of(hinted, [KEY.public, OTHER.public]) == (KEY.public,)


@given(payload=st.binary())
def test_base64_of_either_alphabet_is_read(payload: bytes) -> None:
    values = json.loads(sign_envelope(payload, "text/plain", KEY))
    signature = values["signatures"][0]["sig"]
    values["payload"] = base64.urlsafe_b64encode(payload).decode()
    values["signatures"][0]["sig"] = base64.urlsafe_b64encode(base64.b64decode(signature)).decode()
    envelope = read_envelope(json.dumps(values).encode())
    assert payload_of(envelope) == payload
    assert signers_of(envelope, [KEY.public]) == (KEY.public,)


@given(content=st.one_of(st.binary(), st.text().map(str.encode)))
def test_whatever_is_no_envelope_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(EnvelopeError):
        read_envelope(content)


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b'{"payload":"","payloadType":"x","signatures":[]}', b'{"payload":1}', b"\xff"],
    ids=["deep", "unsigned", "no text", "no UTF-8"],
)
def test_an_envelope_that_nobody_signed_or_can_read_is_refused(content: bytes) -> None:
    with pytest.raises(EnvelopeError):
        read_envelope(content)
