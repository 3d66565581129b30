"""Keys and their files, and whose word counts."""

import base64
import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from shared.attestations.envelope import payload_of, read_envelope, sign_envelope
from shared.attestations.errors import EnvelopeError, KeyFileError, UntrustedError
from shared.attestations.keyring import create_key, ensure_keys, read_public_key, retire_keys, rotate_key, trust_key
from shared.attestations.keys import PublicKey, SigningKey, private_file, public_file, read_signing_key
from shared.attestations.statement import PAYLOAD_TYPE, StatementKind, encode_statement
from shared.attestations.trust import SIGNERS, TRUST, read_trust, statement_digest

DIGEST = "sha256:" + "a" * 64


def said(key: SigningKey, kind: StatementKind = StatementKind.SBOM, digest: str = DIGEST) -> bytes:
    return sign_envelope(encode_statement(kind, digest, "", {}), PAYLOAD_TYPE, key)


def believed(folder: Path, envelope: bytes) -> str:
    """By whose word. Raise UntrustedError."""
    return read_trust(folder).signer(read_envelope(envelope))[0].name


def digest_of(envelope: bytes) -> str:
    return statement_digest(payload_of(read_envelope(envelope)))


def test_the_first_start_makes_a_key_for_each_service_that_states_something(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    assert set(ensure_keys(folder)) == set(SIGNERS)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name, may in SIGNERS.items():
        assert stat.S_IMODE(private_file(folder, name).stat().st_mode) == 0o600
        key = read_signing_key(folder, name)
        assert read_public_key(folder, name) == key.public
        for kind in StatementKind:
            if kind in may:
                assert believed(folder, said(key, kind)) == name
            else:
                with pytest.raises(UntrustedError, match=f"not trusted for statements of {kind}"):
                    believed(folder, said(key, kind))


def test_a_second_start_makes_nothing_and_one_after_a_kill_goes_on(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert ensure_keys(tmp_path) == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    (tmp_path / TRUST).unlink()  # killed before anybody was trusted
    assert ensure_keys(tmp_path) == []
    assert believed(tmp_path, said(read_signing_key(tmp_path, "image-builder"))) == "image-builder"


def test_a_private_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    private_file(tmp_path, "image-builder").chmod(0o640)
    with pytest.raises(KeyFileError, match="drydock keys rotate image-builder"):
        read_signing_key(tmp_path, "image-builder")
    rotate_key(tmp_path, "image-builder")
    read_signing_key(tmp_path, "image-builder")


def test_a_private_key_is_never_shown() -> None:
    key = SigningKey.generate()
    assert base64.b64encode(key.pem).decode() not in repr(key)
    assert repr(key) == f"SigningKey({key.public.id[:12]})"


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", "a" * 64])
def test_no_key_has_a_name_that_leads_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(KeyFileError, match="is no name of a key"):
        create_key(tmp_path, name, [StatementKind.SBOM])


def test_files_that_are_no_ed25519_keys_are_refused_with_a_sentence(tmp_path: Path) -> None:
    other = generate_private_key(SECP256R1())
    with pytest.raises(KeyFileError, match="another kind"):
        PublicKey.from_pem(other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    path = private_file(tmp_path, "one")
    for content, words in (
        (other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "another kind"),
        (b"nothing", "no private key"),
    ):
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(KeyFileError, match=words):
            read_signing_key(tmp_path, "one")
    with pytest.raises(KeyFileError, match="there is no key"):
        read_signing_key(tmp_path, "two")
    public_file(tmp_path, "three").write_bytes(b"nothing")
    with pytest.raises(KeyFileError, match="no public key"):
        read_public_key(tmp_path, "three")


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"form":2,"keys":[]}', b'{"keys":[{"name":"a","public":"AAAA","may":[]}]}', b'{"keys":[{"may":1}]}'],
)
def test_a_trust_file_that_is_none_trusts_nobody_and_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / TRUST).write_bytes(content)
    with pytest.raises(KeyFileError, match=TRUST):
        read_trust(tmp_path)


def test_without_a_trust_file_nobody_is_trusted(tmp_path: Path) -> None:
    with pytest.raises(UntrustedError, match="no key that is trusted has signed it"):
        believed(tmp_path, said(SigningKey.generate()))


def test_of_a_rotated_key_only_what_was_known_is_believed(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    old = read_signing_key(tmp_path, "image-builder")
    known, unknown = said(old), said(old, digest="sha256:" + "b" * 64)
    _, earlier = rotate_key(tmp_path, "image-builder")
    assert earlier == (old.public.id,)
    new = read_signing_key(tmp_path, "image-builder")
    for envelope in (known, unknown, said(new)):  # whoever signs meanwhile is believed
        assert believed(tmp_path, envelope) == "image-builder"
    retire_keys(tmp_path, earlier, {digest_of(known)})
    assert believed(tmp_path, known) == "image-builder"
    assert believed(tmp_path, said(new)) == "image-builder"
    with pytest.raises(UntrustedError, match="retired"):
        believed(tmp_path, unknown)
    retire_keys(tmp_path, earlier, {digest_of(unknown)})  # what was not known once does not become known
    with pytest.raises(UntrustedError, match="no key that is trusted"):
        believed(tmp_path, unknown)


def test_a_key_that_is_trusted_no_more_is_not_believed(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    old = read_signing_key(tmp_path, "image-builder")
    _, earlier = rotate_key(tmp_path, "image-builder")
    retire_keys(tmp_path, earlier, ())
    with pytest.raises(UntrustedError, match="no key that is trusted"):
        believed(tmp_path, said(old))
    assert old.public.id not in {one.id for one in read_trust(tmp_path).keys}


def test_a_key_of_somebody_else_is_believed_for_what_was_said_of_it(tmp_path: Path) -> None:
    theirs = SigningKey.generate()
    trust_key(tmp_path, "vendor", PublicKey.from_pem(theirs.public.pem), [StatementKind.VALIDATION_REPORT])
    assert believed(tmp_path, said(theirs, StatementKind.VALIDATION_REPORT)) == "vendor"
    with pytest.raises(UntrustedError, match="not trusted for statements of sbom"):
        believed(tmp_path, said(theirs))


def test_a_statement_that_was_changed_is_told_from_one_of_a_stranger(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    values = json.loads(said(read_signing_key(tmp_path, "image-builder")))
    values["payload"] = base64.b64encode(encode_statement(StatementKind.SBOM, "sha256:" + "c" * 64, "", {})).decode()
    with pytest.raises(UntrustedError, match="somebody has changed it"):
        believed(tmp_path, json.dumps(values).encode())


def test_what_a_trusted_key_signed_and_is_no_statement_is_refused(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    key = read_signing_key(tmp_path, "image-builder")
    for payload, kind in ((b"{}", PAYLOAD_TYPE), (said(key), PAYLOAD_TYPE), (b"x", "text/plain")):
        with pytest.raises(EnvelopeError):
            believed(tmp_path, sign_envelope(payload, kind, key))
