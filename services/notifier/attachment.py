"""The findings about an extension as a file for programs."""

import json
import unicodedata

from services.notifier.domain.mail_content import JudgedExtension

MEDIA_TYPE = "application/json"
NAME_LIMIT = 80
"""Characters that the extension's name has in the file's name, at most."""


def file_name(judged: JudgedExtension) -> str:
    """`<extension>-<build>.json`: letters, digits, dots, hyphens and underscores of any script, and nothing else."""
    name = unicodedata.normalize("NFC", judged.extension.name)
    kept = "".join(character if character.isalnum() or character in "._-" else "-" for character in name)
    short = "-".join(part for part in kept.split("-") if part)[:NAME_LIMIT].strip(".-") or judged.extension.app_id
    return f"{short}-{judged.base.partition('/')[0]}.json"


def content(judged: JudgedExtension) -> bytes:
    """One object: `project`, `environment`, `extension` (app_id, name, publisher, version), `base`, `report` (digest),
    `findings` (the fields of ExtensionFinding), all that the event had; UTF-8, indented.
    """
    text = json.dumps(judged.model_dump(mode="json"), ensure_ascii=False, indent=2)
    return f"{text}\n".encode("utf-8", errors="replace")
