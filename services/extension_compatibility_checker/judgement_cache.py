"""Judgements that were made before: a pair of extension and target set is judged once.

A folder holds them, like the indexes of bases: it may be lost, and may be shared. A judgement is filed under a key of
all that it rests on: the package, what of the other extensions it can see or clash with, the bases, and the code that
judges. Another of any of these is another key, so nothing is ever out of date.
"""

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from services.extension_compatibility_checker import child
from services.extension_compatibility_checker.requests import Sight
from shared.files import write_atomically
from shared.formats import al
from shared.formats.al.check.needs import namesakes, provider
from shared.formats.al.finding import Report
from shared.formats.al.symbols.index import FORMAT, AppIndex

LARGEST = 4 * 1024 * 1024
"""A judgement of more bytes than that is not kept."""
_PRUNED_EVERY = 500
_PRUNED_TO = 0.9
T = TypeVar("T", Report, Sight)


def code_digest(library: Path, *files: Path) -> str:
    """A digest of the code that judges, the rooms of the library included: who changes a rule need remember nothing."""
    content = [(path.relative_to(library).as_posix(), path.read_bytes()) for path in sorted(library.rglob("*.py"))]
    content += [(path.name, path.read_bytes()) for path in files]
    return hashlib.sha256(repr(content).encode()).hexdigest()


CODE = code_digest(Path(al.__path__[0]), Path(child.__file__))


class JudgementCache:
    """Judgements and sights of packages, at most `most` of both; those that were not used for long make room."""

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._most = most
        self._written = 0

    def report(self, key: str) -> Report | None:
        """The judgement under a key."""
        return self._read(f"{key}.judgement", Report)

    def sight(self, digest: str) -> Sight | None:
        """What the package with a digest shows to others."""
        return self._read(f"{_key(CODE, digest)}.sight", Sight)

    def keep_report(self, key: str, report: Report) -> None:
        """File a judgement."""
        self._write(f"{key}.judgement", report)

    def keep_sight(self, digest: str, sight: Sight) -> None:
        """File what a package shows."""
        self._write(f"{_key(CODE, digest)}.sight", sight)

    def _read(self, name: str, model: type[T]) -> T | None:
        path = self._path(name)
        try:
            found = msgspec.msgpack.decode(path.read_bytes(), type=model)
            os.utime(path)
        except (OSError, msgspec.DecodeError):
            return None
        return found

    def _write(self, name: str, value: Report | Sight) -> None:
        """What cannot be written is judged again: the folder is a cache."""
        content = msgspec.msgpack.encode(value)
        if len(content) > LARGEST:
            return
        path = self._path(name)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)
        self._written += 1
        if self._written % _PRUNED_EVERY == 1:
            self._prune()

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name

    def _prune(self) -> None:
        """Remove what was not used for longest, where there are too many."""
        found = []
        for path in self._folder.glob("*/*"):
            with suppress(OSError):
                found.append((path.stat().st_mtime, path))
        if len(found) <= self._most:
            return
        for _, path in sorted(found)[: len(found) - int(self._most * _PRUNED_TO)]:
            path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Surroundings:
    """A set of packages, by label, as far as they matter to each other."""

    context: Mapping[str, tuple[str, ...]]
    """For each readable package those that its judgement rests on, itself among them, in the order of labels."""
    unread: tuple[str, ...]
    """Those that cannot be read."""


def surroundings(sights: Mapping[str, Sight]) -> Surroundings:
    """What each package's judgement rests on: all that it depends on, and whatever may clash with one of these."""
    unread = tuple(sorted(label for label, sight in sights.items() if sight.app is None or sight.problem))
    readable = {label: sight for label, sight in sorted(sights.items()) if label not in unread}
    needs = _needs(readable)
    clashes = _clashes(readable)
    context = {}
    for label in readable:
        reached = _reached(label, needs)
        beside = {other for one in reached for other in clashes[one]}
        context[label] = tuple(sorted(reached | beside))
    return Surroundings(context, unread)


def _needs(sights: Mapping[str, Sight]) -> dict[str, set[str]]:
    indexes = {label: AppIndex(sight.app, []) for label, sight in sights.items() if sight.app}
    return {
        label: {
            other
            for wanted in index.app.dependencies
            for other, candidate in indexes.items()
            if other != label and (provider(wanted, [candidate]) is not None or namesakes(wanted, [candidate]))
        }
        for label, index in indexes.items()
    }


def _clashes(sights: Mapping[str, Sight]) -> dict[str, set[str]]:
    owners: defaultdict[int, list[str]] = defaultdict(list)
    for label, sight in sights.items():
        for mark in sight.marks:
            owners[mark].append(label)
    clashes: dict[str, set[str]] = {label: set() for label in sights}
    for labels in owners.values():
        if len(labels) > 1:
            for label in labels:
                clashes[label].update(one for one in labels if one != label)
    return clashes


def _reached(label: str, needs: Mapping[str, set[str]]) -> set[str]:
    reached = {label}
    pending = [label]
    while pending:
        for other in needs[pending.pop()] - reached:
            reached.add(other)
            pending.append(other)
    return reached


def judgement_key(
    label: str,
    context: Iterable[str],
    digests: Mapping[str, str],
    replaced: Mapping[str, str],
    bases: Sequence[str],
    old: Sequence[str],
    *,
    has_unread: bool,
) -> str:
    """The key of a judgement. `digests` are those of the packages, `replaced` those of the versions in their place.

    `bases` and `old` name the indexes of the target and of the base in use: package, country and format of each.
    """
    seen = [(one, digests[one], replaced.get(one, "")) for one in context]
    return _key(CODE, FORMAT, label, seen, list(bases), list(old), has_unread)


def clusters(wanted: Iterable[str], context: Mapping[str, tuple[str, ...]]) -> list[set[str]]:
    """Those that are to be judged, in groups that have nothing to do with each other."""
    groups: list[tuple[set[str], set[str]]] = []
    for label in wanted:
        members, sees = {label}, set(context[label])
        apart = []
        for group in groups:
            if group[1] & sees:
                members |= group[0]
                sees |= group[1]
            else:
                apart.append(group)
        groups = [*apart, (members, sees)]
    return [members for members, _ in groups]


def shares(groups: Sequence[set[str]], sizes: Mapping[str, int], most: int) -> list[set[str]]:
    """The groups in at most `most` shares of about the same size, in bytes; the largest first."""
    parts: list[tuple[int, set[str]]] = [(0, set()) for _ in range(min(most, len(groups)))]
    for group in sorted(groups, key=lambda group: -sum(sizes[one] for one in group)):
        at = min(range(len(parts)), key=lambda index: parts[index][0])
        parts[at] = (parts[at][0] + sum(sizes[one] for one in group), parts[at][1] | group)
    return [labels for _, labels in parts]


def _key(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
