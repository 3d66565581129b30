"""The files of `schemas/`: what they should hold, whether they do, and the frozen copy of a release."""

import json
import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from shared.contracts.catalogue import Catalogue
from shared.contracts.lifecycle import Lifecycle
from shared.contracts.schemas.asyncapi import document_of
from shared.contracts.schemas.examples import record_of
from shared.contracts.schemas.json_schema import Schema, file_name, schema_of
from shared.contracts.schemas.page import page_of

RELEASED = "released"
_VERSION = "VERSION"


def files_of(
    catalogue: Catalogue, lifecycles: Mapping[str, Sequence[Lifecycle[Any]]] = MappingProxyType({})
) -> Mapping[PurePosixPath, str]:
    """Every generated file by its path in `schemas/`, the same for the same messages and lifecycles (by service)."""
    return {PurePosixPath("README.md"): page_of(catalogue, lifecycles), **_files_of_messages(catalogue)}


@cache
def _files_of_messages(catalogue: Catalogue) -> Mapping[PurePosixPath, str]:
    files: dict[PurePosixPath, str] = {}
    for message in catalogue.messages.values():
        folder, name = PurePosixPath(message.owner), file_name(message)
        files[folder / f"{name}.schema.json"] = _text(schema_of(message))
        files[folder / "examples" / f"{name}.json"] = _text(record_of(message))
    for service in catalogue.services:
        files[PurePosixPath(service) / "asyncapi.json"] = _text(document_of(catalogue, service))
    return files


def stale(folder: Path, files: Mapping[PurePosixPath, str]) -> list[str]:
    """What in `folder` is missing, differs from `files`, or is no longer made: one line each."""
    found = [
        f"{path}: {'differs' if (folder / path).exists() else 'is missing'}"
        for path, text in files.items()
        if not (folder / path).is_file() or (folder / path).read_text(encoding="utf-8") != text
    ]
    return found + [f"{path}: is no longer made" for path in _left_over(folder, files)]


def write(folder: Path, files: Mapping[PurePosixPath, str]) -> None:
    """Bring `folder` up to date; the released schemas stay."""
    for path in _left_over(folder, files):
        (folder / path).unlink()
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def freeze(folder: Path, catalogue: Catalogue, version: str) -> None:
    """Keep the schemas of `catalogue` as those of release `version`, in place of the release before."""
    released = folder / RELEASED
    shutil.rmtree(released, ignore_errors=True)
    for path, text in files_of(catalogue).items():
        if path.name.endswith(".schema.json"):
            (released / path).parent.mkdir(parents=True, exist_ok=True)
            (released / path).write_text(text, encoding="utf-8")
    (released / _VERSION).write_text(f"{version}\n", encoding="utf-8")


def last_release(folder: Path) -> tuple[str, Mapping[str, Schema]] | None:
    """The version and the schemas by message type of the last release; None if nothing was released yet."""
    released = folder / RELEASED
    if not (released / _VERSION).is_file():
        return None
    schemas: dict[str, Schema] = {}
    for path in sorted(released.rglob("*.schema.json")):
        schema: Schema = json.loads(path.read_text(encoding="utf-8"))
        schemas[schema["$id"].removeprefix("urn:drydock:")] = schema
    return (released / _VERSION).read_text(encoding="utf-8").strip(), schemas


def _left_over(folder: Path, files: Mapping[PurePosixPath, str]) -> list[PurePosixPath]:
    there = (PurePosixPath(path.relative_to(folder).as_posix()) for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in there if path.parts[0] != RELEASED and path not in files)


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
