"""What to write instead: the obsolete reason, a moved object, the nearest name."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from shared.formats.al.package.version import Version
from shared.formats.al.source.syntax import VarDecl
from shared.formats.al.symbols.symbols import Element, Method, Obsolete, Parameter, fold

from .evidence import quoted

# devenv-deprecation-timeline: what was marked in 24.0 may be removed from 27.0 on.
MAJORS_UNTIL_REMOVAL = 3


def nearest(name: str, candidates: Iterable[str]) -> str:
    """`Did you mean "X"?` for the closest candidate, or nothing."""
    by_fold = {fold(c): c for c in candidates if c}
    wanted = fold(name)
    close = get_close_matches(wanted, by_fold, n=1, cutoff=0.72)
    if close:
        return f'Did you mean "{by_fold[close[0]]}"?'
    if len(wanted) > 3:
        inside = sorted((c for c in by_fold if wanted in c), key=len)
        if inside:
            return f'Did you mean "{by_fold[inside[0]]}"?'
    return ""


def predicted_removal(obsolete: Obsolete) -> int | None:
    """The first major version that may lack the symbol, by the version of its tag; None without one."""
    found = re.match(r"\d+(\.\d+)*", obsolete.tag.strip())
    if not found:
        return None
    return Version.parse(".".join(found[0].split(".")[:4])).major + MAJORS_UNTIL_REMOVAL


def replacement(obsolete: Obsolete) -> str:
    """The author's own words on what to use instead."""
    return obsolete.reason.strip()


def nearest_control(anchor: str, verb: str, old: Element | None, now: dict[str, Element]) -> str:
    """The control in the anchor's place: that of its id, of its source field, the only one of its kind, the nearest."""
    if old is not None:
        alike = [e for e in now.values() if e.kind == old.kind]
        tried = (
            [e for e in alike if old.id and e.id == old.id],
            [e for e in alike if old.subject and fold(e.subject) == fold(old.subject)],
            alike,
        )
        found = next((group[0] for group in tried if len(group) == 1), None)
        if found is not None:
            return f"Use {quoted(found.name)}: it is the {old.kind} that {old.name} was."
    close = nearest(anchor, (e.name for e in now.values()))
    containers = [e for e in now.values() if e.kind == "repeater"]
    if verb in ("addfirst", "addlast") and len(containers) == 1:
        return f"Use {quoted(containers[0].name)}, the page's repeater."
    return close


def same_parameters(wanted: Sequence[Parameter | VarDecl], events: Iterable[Method]) -> list[Method]:
    """Events whose parameters have the names and types of `wanted`; none for an event without parameters."""
    shape = [(fold(p.name), p.type.name.lower(), p.by_reference) for p in wanted]
    if not shape:
        return []
    return [e for e in events if [(fold(p.name), p.type.name.lower(), p.by_reference) for p in e.parameters] == shape]
