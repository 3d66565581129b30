"""What is done with the keys of an installation: made, replaced, trusted and no longer trusted."""

from collections.abc import Collection, Iterable
from pathlib import Path

from shared.attestations.errors import KeyFileError
from shared.attestations.keys import (
    PublicKey,
    SigningKey,
    changing_keys,
    check_key_name,
    private_file,
    public_file,
    read_signing_key,
    write_signing_key,
)
from shared.attestations.statement import StatementKind
from shared.attestations.trust import SIGNERS, TrustedKey, read_trust, trusted, write_trust


def ensure_keys(folder: Path) -> list[str]:
    """Make the keys of all services that state something, where they have none; the names of those that were made.

    A process that was killed in between has left a key that nobody trusts: now it is trusted.
    """
    made = []
    with changing_keys(folder):
        for name, may in SIGNERS.items():
            if not private_file(folder, name).exists():
                write_signing_key(folder, name, SigningKey.generate())
                made.append(name)
            key = read_signing_key(folder, name).public
            trust = read_trust(folder)
            if not trust.find(key.id):
                write_trust(folder, trust.with_key(trusted(name, key, may)))
    return made


def create_key(folder: Path, name: str, may: Iterable[StatementKind]) -> TrustedKey:
    """Make a key that is trusted for such statements. Raise KeyFileError where there is one of this name."""
    with changing_keys(folder):
        if private_file(folder, name).exists():
            raise KeyFileError(f"there is a key {name} in {folder}: `drydock keys rotate {name}` replaces it")
        return _make(folder, name, may)


def rotate_key(folder: Path, name: str) -> tuple[TrustedKey, tuple[str, ...]]:
    """Make another key of the same name; that one, and the ids of the earlier ones, which stay trusted.

    So whoever signs meanwhile is believed; `retire_keys` ends the earlier ones. Raise KeyFileError.
    """
    with changing_keys(folder):
        # A key that others may read is one that must be replaced: it is not asked for its mode.
        if not private_file(folder, name).exists():
            raise KeyFileError(f"there is no key {name} in {folder}: `drydock keys create {name}` makes one")
        earlier = [one for one in read_trust(folder).keys if one.name == name]
        may = earlier[-1].may if earlier else SIGNERS.get(name, ())
        return _make(folder, name, may), tuple(one.id for one in earlier)


def retire_keys(folder: Path, ids: Collection[str], kept: Collection[str]) -> None:
    """Trust these keys for the statements with the digests in `kept` alone, and those without any not at all."""
    with changing_keys(folder):
        trust = read_trust(folder)
        for one in trust.keys:
            if one.id not in ids:
                continue
            before = set(kept) if one.only is None else set(kept).intersection(one.only)
            retired = TrustedKey(name=one.name, public=one.public, may=one.may, only=tuple(sorted(before)))
            trust = trust.with_key(retired) if before else trust.without([one.id])
        write_trust(folder, trust)


def trust_key(folder: Path, name: str, key: PublicKey, may: Iterable[StatementKind]) -> TrustedKey:
    """Trust a key of somebody else. What was said of the same key before is replaced."""
    check_key_name(name)
    with changing_keys(folder):
        added = trusted(name, key, may)
        write_trust(folder, read_trust(folder).with_key(added))
    return added


def read_public_key(folder: Path, name: str) -> PublicKey:
    """The public key of this name. Raise KeyFileError."""
    path = public_file(folder, name)
    try:
        return PublicKey.from_pem(path.read_bytes())
    except FileNotFoundError:
        raise KeyFileError(f"there is no key {path}: `drydock keys list` shows what there is") from None
    except OSError as error:
        raise KeyFileError(f"key {path} cannot be read: {error.strerror}") from error


def _make(folder: Path, name: str, may: Iterable[StatementKind]) -> TrustedKey:
    key = SigningKey.generate()
    added = trusted(name, key.public, may)
    # Trusted first: a service may sign with it as soon as it is there.
    write_trust(folder, read_trust(folder).with_key(added))
    write_signing_key(folder, name, key)
    return added
