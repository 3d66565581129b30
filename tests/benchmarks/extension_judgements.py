"""How right checks of extensions are on real packages: false alarms, and lines found that name what a base lost.

    .venv/bin/python -m tests.benchmarks.extension_judgements FOLDER [SEED]

FOLDER holds `.app` files, extensions and bases among each other. A pair is a package and a base that is new enough for
it; of several the one with the fewest breaks counts, for with one of them it was built. Then everything that a package
with source names of its base is taken away, in rounds drawn by SEED: each line that names any of it must block, and no
other line may. Names that the package gives something of its own, and words of the language and of the platform, are
left alone, as far as they can be told: what is missed is printed. Lines are counted under what the base calls by that
name.
"""

import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import starmap
from pathlib import Path

from shared.formats.al.check.extension import TargetSet, check_extension
from shared.formats.al.package.container import Package, PackageError
from shared.formats.al.source.opening import OpenedExtension, open_extension
from shared.formats.al.source.parser import OBJECT_KINDS as OBJECTS
from shared.formats.al.symbols.index import AppIndex
from tests.support.al_mutations import Bases, Line, blocked_lines, named_lines
from tests.support.al_pairs import real_pairs

ROUNDS = {"object": 1, "member": 3, "both": 10}
"""In how many rounds what an extension names is taken away."""


@dataclass
class Judged:
    """Lines by what they name, those of them that blocked, and lines that blocked and name nothing that is gone."""

    named: Counter[str] = field(default_factory=Counter)
    blocked: Counter[str] = field(default_factory=Counter)
    missed: list[tuple[str, Line]] = field(default_factory=list)
    false: list[Line] = field(default_factory=list)

    def add(self, other: "Judged") -> None:
        self.named += other.named
        self.blocked += other.blocked
        self.missed += other.missed
        self.false += other.false


@cache
def _bases(indexes: tuple[AppIndex, ...]) -> Bases:
    return Bases(indexes)


def best_set(extension: OpenedExtension, sets: Iterator[list[AppIndex]]) -> tuple[list[AppIndex], set[Line]] | None:
    """The base with the fewest breaks, and where they are; None where there is no base."""
    best: tuple[list[AppIndex], set[Line]] | None = None
    for apps in sets:
        found = blocked_lines(check_extension(extension, TargetSet(apps)))
        if best is None or len(found) < len(best[1]):
            best = apps, found
        if not found:
            break
    return best


def mutated(extension: OpenedExtension, apps: Sequence[AppIndex], draw: random.Random) -> Judged:
    """Everything that an extension names taken away.

    Where an object is gone nothing is known of its members: objects go apart, and what is also a member few at a time.
    """
    bases = _bases(tuple(apps))
    named, judged = named_lines(extension, bases), Judged()
    names_of: dict[str, list[str]] = defaultdict(list)
    for name in sorted(named):
        kinds = bases.kinds[name]
        names_of["object" if kinds <= OBJECTS else "both" if kinds & OBJECTS else "member"].append(name)
    rounds: list[list[str]] = []
    for what, number in ROUNDS.items():
        draw.shuffle(names_of[what])
        rounds += (names_of[what][at::number] for at in range(number))
    for names in filter(None, rounds):
        found = blocked_lines(check_extension(extension, TargetSet(bases.without(names), apps)))
        judged.false += sorted(found - set().union(*(named[n] for n in names)))
        for name in names:
            kind = " or ".join(sorted(bases.kinds[name]))
            judged.named[kind] += len(named[name])
            judged.blocked[kind] += len(named[name] & found)
            judged.missed += [(name, line) for line in sorted(named[name] - found)]
    return judged


def open_pairs(folder: Path) -> Iterator[tuple[Package, OpenedExtension, list[AppIndex], set[Line]]]:
    """Each extension of a folder that has a base there, with the best of its bases and where it breaks with that."""
    for package, sets in real_pairs(folder):
        try:
            extension = open_extension(package)
        except PackageError:
            continue
        best = best_set(extension, sets)
        if best is not None:
            yield package, extension, *best


def main(folder: Path, seed: int) -> None:
    """Judge and print."""
    pairs, broken, total = 0, 0, Judged()
    places: dict[str, Judged] = defaultdict(Judged)
    for package, extension, apps, breaks in open_pairs(folder):
        pairs += 1
        broken += bool(breaks)
        if extension.files:
            judged = mutated(extension, apps, random.Random(seed))
            places[package.path] = judged
            total.add(judged)
    print(f"self-consistent pairs: {pairs} checked, {broken} with a break")
    print(f"extensions with source: {len(places)}; lines that name what was taken away (seed {seed}):")
    print("\n".join(starmap("{:>8} named {:>7} blocked  {}".format, _rows(total))))
    print(f"lines that block and name nothing of it: {len(total.false)}")
    for path, judged in places.items():
        for name, (file, line) in judged.missed[:5]:
            print(f"missed {name}: {path.rpartition('/')[2]} {file}:{line}")
        for file, line in judged.false[:5]:
            print(f"false {path.rpartition('/')[2]} {file}:{line}")


def _rows(total: Judged) -> Iterator[tuple[int, int, str]]:
    yield total.named.total(), total.blocked.total(), "in all"
    yield from ((number, total.blocked[kind], kind) for kind, number in total.named.most_common())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
