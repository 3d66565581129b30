"""Ed25519 keys (RFC 8032), and the files in which they are kept.

`NAME.key` is the private key (PKCS #8 in PEM), which only its owner may read; `NAME.pub` is the public key
(SubjectPublicKeyInfo in PEM, as openssl reads it). A key's id is the SHA-256 of the public key's DER, in hexadecimal.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from shared.attestations.errors import KeyFileError
from shared.files import draft_of

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_OF_OTHERS = 0o077
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The 32 bytes with which signatures are checked."""

    raw: bytes

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Raise KeyFileError where it is no Ed25519 public key."""
        try:
            found = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise KeyFileError(f"this is no public key in PEM: {error}") from error
        if not isinstance(found, Ed25519PublicKey):
            raise KeyFileError("this is a public key of another kind: Ed25519 is needed")
        return cls(found.public_bytes_raw())

    @property
    def id(self) -> str:
        """64 hexadecimal digits."""
        return hashlib.sha256(self._key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()

    @property
    def pem(self) -> bytes:
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def _key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.raw)

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature over exactly this message is of this key."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key; its text never shows it."""

    _key: Ed25519PrivateKey

    @classmethod
    def generate(cls) -> Self:
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_raw(cls, raw: bytes) -> Self:
        """Of the 32 bytes of RFC 8032's secret key."""
        return cls(Ed25519PrivateKey.from_private_bytes(raw))

    @property
    def public(self) -> PublicKey:
        return PublicKey(self._key.public_key().public_bytes_raw())

    @property
    def pem(self) -> bytes:
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def sign(self, message: bytes) -> bytes:
        """64 bytes, the same each time."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"SigningKey({short_id(self.public.id)})"


def short_id(key_id: str) -> str:
    """As much of a key's id as stands in a table or a sentence."""
    return key_id[:_SHOWN]


def check_key_name(name: str) -> str:
    """The name itself, if a key may be called so. Raise KeyFileError."""
    if not _NAME.fullmatch(name):
        raise KeyFileError(f"{name!r} is no name of a key: use small letters, digits and -, 63 at most")
    return name


def private_file(folder: Path, name: str) -> Path:
    return folder / f"{check_key_name(name)}.key"


def public_file(folder: Path, name: str) -> Path:
    return folder / f"{check_key_name(name)}.pub"


def read_signing_key(folder: Path, name: str) -> SigningKey:
    """The private key of this name. Raise KeyFileError where it is not there, or others may read it."""
    path = private_file(folder, name)
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read()
    except FileNotFoundError:
        raise KeyFileError(f"there is no key {path}: make one with `drydock keys create {name}`") from None
    except OSError as error:
        raise KeyFileError(f"key {path} cannot be read: {error.strerror}") from error
    if mode & _OF_OTHERS:
        raise KeyFileError(
            f"others may read the private key {path}, so it may be known to them: make another with "
            f"`drydock keys rotate {name}`; if nobody has read it, `chmod 600 {path}`"
        )
    try:
        found = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{path} is no private key in PEM, without a password: {error}") from error
    if not isinstance(found, Ed25519PrivateKey):
        raise KeyFileError(f"{path} is a private key of another kind: Ed25519 is needed")
    return SigningKey(found)


def write_signing_key(folder: Path, name: str, key: SigningKey) -> None:
    """Write both files of a key; one of the same name is replaced. Each appears whole, the private one first."""
    _write(private_file(folder, name), key.pem, 0o600)
    _write(public_file(folder, name), key.public.pem, 0o644)


def make_keys_folder(folder: Path) -> None:
    """Make the folder where there is none; only its owner may enter it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


@contextmanager
def changing_keys(folder: Path) -> Iterator[None]:
    """While keys and the trust file are read and replaced: one at a time."""
    make_keys_folder(folder)
    with (folder / "keys.lock").open("a") as lock:
        flock(lock, LOCK_EX)
        yield


def _write(path: Path, content: bytes, mode: int) -> None:
    with draft_of(path) as draft:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(mode)
