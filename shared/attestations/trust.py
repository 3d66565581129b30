"""Whose word counts for what: `trust.json` beside the keys.

A key that was retired is still trusted for exactly the statements that were known when it was: they stand in the file
by the digest of what was signed. Nobody who finds the key later can add one, whatever time he writes into it.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from shared.attestations.envelope import DsseEnvelope, payload_of, signers_of
from shared.attestations.errors import KeyFileError, UntrustedError
from shared.attestations.keys import PublicKey, short_id
from shared.attestations.statement import PREDICATE_TYPES, Statement, StatementKind, read_statement
from shared.files import draft_of

TRUST = "trust.json"
FORM = 1
"""Of the file; another one is not read."""

SIGNERS: Mapping[str, tuple[StatementKind, ...]] = {
    "image-builder": (StatementKind.SBOM, StatementKind.PROVENANCE),
    "package-validator": (StatementKind.VALIDATION_REPORT,),
    "promotion-scheduler": (StatementKind.CANDIDATE,),
    "servicing-executor": (StatementKind.SANDBOX_APPLY, StatementKind.SIGN_OFF),
}
"""The services that state something, and what: each has a key of its own name."""


class TrustedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key, and what its word counts for. `public` is its 32 bytes in base64.

    `only`: the digests of the statements for which it still counts, once it is retired; None: for all that it signs.
    """

    name: str
    public: str
    may: tuple[StatementKind, ...]
    only: tuple[str, ...] | None = None

    @property
    def key(self) -> PublicKey:
        return PublicKey(base64.b64decode(self.public))

    @property
    def id(self) -> str:
        return self.key.id

    @property
    def words(self) -> str:
        """Which key it is, for a person."""
        return f"{self.name} ({short_id(self.id)})"


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """The keys that are trusted, the latest one last."""

    form: int = FORM
    keys: tuple[TrustedKey, ...] = ()

    def signer(self, envelope: DsseEnvelope) -> tuple[TrustedKey, Statement]:
        """Whose statement it is, and the statement. Raise EnvelopeError, UntrustedError.

        Nothing of the payload is read before a key that is trusted for anything has been found to have signed it.
        """
        signed = {one.raw for one in signers_of(envelope, [one.key for one in self.keys])}
        signers = [one for one in self.keys if one.key.raw in signed]
        if not signers:
            named = sorted({short_id(one.keyid) for one in envelope.signatures if one.keyid.isalnum()})
            known = {short_id(one.id) for one in self.keys}
            if known.intersection(named):
                raise UntrustedError("its signature is not over what it says: somebody has changed it")
            hint = f" (it says key {', '.join(named)})" if named else ""
            raise UntrustedError(f"no key that is trusted has signed it{hint}")
        payload = payload_of(envelope)
        statement = read_statement(payload, envelope.payload_type)
        digest = statement_digest(payload)
        refusals = []
        for one in signers:
            if statement.kind not in one.may:
                what = statement.kind or statement.predicate_type
                refusals.append(f"key {one.words} signed it, and is not trusted for statements of {what}")
            elif one.only is not None and digest not in one.only:
                refusals.append(f"key {one.words} signed it, which is retired, and it was not known when that was done")
            else:
                return one, statement
        raise UntrustedError("; ".join(refusals))

    def with_key(self, new: TrustedKey) -> "Trust":
        """With one key more; the same key once more replaces what was said of it."""
        return Trust(keys=(*(one for one in self.keys if one.id != new.id), new))

    def without(self, ids: Iterable[str]) -> "Trust":
        gone = set(ids)
        return Trust(keys=tuple(one for one in self.keys if one.id not in gone))

    def find(self, word: str) -> tuple[TrustedKey, ...]:
        """The keys of a name, or whose id begins so."""
        return tuple(one for one in self.keys if one.name == word or (len(word) >= 6 and one.id.startswith(word)))


def statement_digest(payload: bytes) -> str:
    """By which a trust file names a statement: of what was signed, not of the envelope around it."""
    return f"sha256:{hashlib.sha256(payload).hexdigest()}"


def trusted(name: str, key: PublicKey, may: Iterable[StatementKind]) -> TrustedKey:
    """A key whose word counts for all that it signs of these kinds."""
    return TrustedKey(name=name, public=base64.b64encode(key.raw).decode(), may=tuple(sorted(set(may))))


def read_trust(folder: Path) -> Trust:
    """The trust file of a folder of keys; without one nobody is trusted. Raise KeyFileError."""
    path = folder / TRUST
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Trust)
        if found.form != FORM:
            raise KeyFileError(f"{path} is of form {found.form}, this version of Drydock reads form {FORM}")
        for one in found.keys:
            if len(base64.b64decode(one.public, validate=True)) != 32:
                raise KeyFileError(f"{path}: the public key of {one.name} has not 32 bytes")
    except FileNotFoundError:
        return Trust()
    except (msgspec.MsgspecError, binascii.Error, UnicodeDecodeError) as error:
        raise KeyFileError(f"{path} is no trust file: {error}") from error
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}") from error
    return found


def write_trust(folder: Path, trust: Trust) -> None:
    """Replace the trust file."""
    with draft_of(folder / TRUST) as draft:
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(trust), indent=2) + b"\n")
        draft.chmod(0o644)


def all_kinds() -> tuple[StatementKind, ...]:
    """Every kind of statement there is."""
    return tuple(PREDICATE_TYPES)
