"""What the checker asks of the processes that open packages, and what they answer."""

import msgspec

from shared.formats.al.finding import Report
from shared.formats.al.symbols.index import App


class ExtensionPackage(msgspec.Struct, frozen=True):
    """An extension's package. `label` names it in reports; `problem` says why it is not to be opened, else empty."""

    label: str
    digest: str
    path: str
    problem: str = ""


class MakeIndex(msgspec.Struct, frozen=True, tag=True):
    """Index a package of a base; the index is written to `target`. Answered by Indexed."""

    package: str
    label: str
    country: str
    target: str


class LoadIndex(msgspec.Struct, frozen=True, tag=True):
    """Is there a whole index of today's format? Answered by Indexed, or it failed with DAMAGED_INDEX."""

    path: str


class LookInto(msgspec.Struct, frozen=True, tag=True):
    """What do packages show to others? Answered by Seen."""

    packages: tuple[ExtensionPackage, ...]


class Judge(msgspec.Struct, frozen=True, tag=True):
    """Judge packages together against a target set; `bases` and `old` are index files. Answered by ExtensionsJudged."""

    packages: tuple[ExtensionPackage, ...]
    replaced: tuple[ExtensionPackage, ...]
    """Installed versions of some of them."""
    bases: tuple[str, ...]
    old: tuple[str, ...]


Request = MakeIndex | LoadIndex | LookInto | Judge


class Indexed(msgspec.Struct, frozen=True, tag=True):
    """An index: whose, and of how many objects."""

    app: App
    objects: int


class Sight(msgspec.Struct, frozen=True):
    """What a package shows to others. `app` is None and `problem` set if it cannot be read.

    `marks` are 64 bits each for what may clash with another extension: objects, and members added to others' objects.
    Two packages without a common mark do not clash.
    """

    app: App | None
    problem: str = ""
    marks: frozenset[int] = frozenset()


class Seen(msgspec.Struct, frozen=True, tag=True):
    """What packages show, by their labels."""

    sights: dict[str, Sight]


class ExtensionsJudged(msgspec.Struct, frozen=True, tag=True):
    """What is said of packages, by their labels."""

    reports: dict[str, Report]


UNREADABLE_PACKAGE = "unreadable-package"
"""Kind of failure: the package of a base is none."""
DAMAGED_INDEX = "damaged-index"
"""Kind of failure: an index file is missing, damaged, or of another version's format; it is the subject."""
