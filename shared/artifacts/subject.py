"""Of what a manifest says that it belongs to it, and what it is called in the index of a store accordingly."""

import json
from typing import Any

from shared.artifacts.image import image_reference
from shared.artifacts.port import digest_hex

REFERRERS = "referrers/"
"""How the names of manifests that refer to something begin in the index of a store."""
ABOUT = "dev.drydock.about"
"""The annotation that names the artifact a manifest belongs to, where that is no manifest."""


def referrer_reference(subject: str, digest: str) -> str:
    """What a manifest that refers to `subject` is called in the index."""
    return f"{REFERRERS}{digest_hex(subject)}/{digest_hex(digest)}"


def subject_of(manifest: Any) -> str | None:
    """The digest of what a manifest, as JSON values, belongs to; None: to nothing, as an image."""
    try:
        found = (manifest.get("subject") or {}).get("digest") or (manifest.get("annotations") or {}).get(ABOUT)
        digest_hex(found or "")
    except (AttributeError, TypeError, ValueError):
        return None
    return str(found)


def subject_in(content: bytes) -> str | None:
    """The same of a manifest's bytes; None also where they are no manifest."""
    try:
        return subject_of(json.loads(content))
    except ValueError:
        return None


def manifest_reference(digest: str, content: bytes) -> str:
    """What a manifest is called in the index: after its subject, or as an image."""
    subject = subject_in(content)
    return image_reference(digest) if subject is None else referrer_reference(subject, digest)
