"""Statements in an artifact store: each a signed envelope that refers to the image or package that it is about."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.artifacts.errors import ArtifactUnusableError
from shared.artifacts.port import ArtifactStore
from shared.artifacts.referrers import Referrer, attach, referrers_of
from shared.artifacts.subject import REFERRERS
from shared.attestations.envelope import LIMIT, DsseEnvelope, payload_of, read_envelope, sign_envelope, signers_of
from shared.attestations.errors import EnvelopeError
from shared.attestations.keys import PublicKey, read_signing_key
from shared.attestations.statement import ARTIFACT_TYPES, PAYLOAD_TYPE, PREDICATE_TYPES, StatementKind, encode_statement
from shared.attestations.trust import statement_digest

_ANNOTATION = "in-toto.io/predicate-type"
_KINDS = {type_: kind for kind, type_ in ARTIFACT_TYPES.items()}


@dataclass(frozen=True, slots=True)
class StoredStatement:
    """A statement as it is found in a store, believed or not. `digest` is its envelope's, `kind` what it is stored as.

    Without an `envelope` it cannot be read; `problem` says why.
    """

    digest: str
    kind: StatementKind
    envelope: DsseEnvelope | None
    problem: str = ""


class Witness:
    """States things under the name and with the key of one service. `keys`: the folder of keys; None: there is none."""

    def __init__(self, store: ArtifactStore, keys: Path | None, name: str) -> None:
        self._store = store
        self._keys = keys
        self._name = name

    @property
    def is_silent(self) -> bool:
        """Whether nothing is stated: the installation has no folder of keys."""
        return self._keys is None

    async def state(
        self, kind: StatementKind, digest: str, predicate: Mapping[str, Any], *, name: str = ""
    ) -> str | None:
        """Sign and store a statement about an artifact that is stored; its envelope's digest, None where silent.

        The same once more changes nothing. Raise KeyFileError where there is no key, ArtifactStoreError.
        """
        if self._keys is None:
            return None
        # Read each time: a key that was replaced is used no more, without a start of the service.
        key = read_signing_key(self._keys, self._name)
        envelope = sign_envelope(encode_statement(kind, digest, name, dict(predicate)), PAYLOAD_TYPE, key)
        await store_statement(self._store, kind, digest, envelope)
        return f"sha256:{hashlib.sha256(envelope).hexdigest()}"


async def store_statement(store: ArtifactStore, kind: StatementKind, digest: str, envelope: bytes) -> None:
    """Let an envelope refer to an artifact. Nobody checks here what it says."""
    await attach(store, digest, ARTIFACT_TYPES[kind], envelope, {_ANNOTATION: PREDICATE_TYPES[kind]})


async def statements_about(store: ArtifactStore, digest: str) -> list[StoredStatement]:
    """All that refers to an artifact as a statement of ours. What cannot be read is among them, with its problem."""
    found, _ = await referrers_of(store, digest)
    return [await _stored(store, one, _KINDS[one.artifact_type]) for one in found if one.artifact_type in _KINDS]


async def _stored(store: ArtifactStore, one: Referrer, kind: StatementKind) -> StoredStatement:
    try:
        content = await store.read(one.content.digest, limit=LIMIT)
        return StoredStatement(one.content.digest, kind, read_envelope(content))
    except (ArtifactUnusableError, EnvelopeError, ValueError) as error:
        return StoredStatement(one.content.digest, kind, None, str(error))


async def copy_statements(store: ArtifactStore, kind: StatementKind, source: str, target: str) -> int:
    """Let the statements of a kind about one artifact refer to another as well; how many. What each says stays."""
    count = 0
    for one in await statements_about(store, source):
        if one.kind is kind and one.envelope is not None:
            await store_statement(store, kind, target, await store.read(one.digest, limit=LIMIT))
            count += 1
    return count


async def stated_with(store: ArtifactStore, keys: Mapping[str, PublicKey]) -> dict[str, set[str]]:
    """By the ids of these keys: the digests of all statements in the store that they have signed."""
    found: dict[str, set[str]] = {id_: set() for id_ in keys}
    subjects = {
        f"sha256:{name.removeprefix(REFERRERS).partition('/')[0]}"
        for name in await store.references()
        if name.startswith(REFERRERS)
    }
    for subject in sorted(subjects):
        for one in await statements_about(store, subject):
            if one.envelope is None:
                continue
            try:
                signers = signers_of(one.envelope, keys.values())
                digest = statement_digest(payload_of(one.envelope))
            except EnvelopeError:
                continue
            for key in signers:
                found[key.id].add(digest)
    return found
