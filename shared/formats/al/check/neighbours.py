"""Which extensions of a set may clash with each other: found once, so that 200 of them are not compared in pairs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from shared.formats.al.source.opening import OpenedExtension
from shared.formats.al.symbols.symbols import fold

Mark = tuple[str, str | int]


class Neighbours:
    """Extensions by what they claim: object ids, object names, tables that they extend."""

    def __init__(self, extensions: Sequence[OpenedExtension]) -> None:
        self._marks = {id(e): set(_marks(e)) for e in extensions}
        self._claimed: dict[Mark, list[OpenedExtension]] = defaultdict(list)
        for extension in extensions:
            for mark in self._marks[id(extension)]:
                self._claimed[mark].append(extension)

    def of(self, extension: OpenedExtension) -> list[OpenedExtension]:
        """Other extensions that claim something that this one claims too."""
        found: dict[int, OpenedExtension] = {}
        for mark in self._marks[id(extension)]:
            found.update((id(e), e) for e in self._claimed[mark] if e is not extension)
        return list(found.values())


def _marks(extension: OpenedExtension) -> Iterable[Mark]:
    for entry in extension.index.entries:
        if entry.id:
            yield entry.kind, entry.id
        if entry.name:
            yield entry.kind, fold(entry.name)
        if entry.kind == "tableextension":
            yield "extends", fold(entry.target)
