"""What to write instead: the obsolete reason, a moved object, the nearest name."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from .symbols import Element, Method, Obsolete, fold
from .version import Version

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
    """The control in the anchor's place: the same id, else the only one of its kind, else the nearest."""
    if old is not None:
        same_id = [e for e in now.values() if old.id and e.id == old.id and e.kind == old.kind]
        same_kind = [e for e in now.values() if e.kind == old.kind]
        found = same_id or (same_kind if len(same_kind) == 1 else [])
        if found:
            return f"Use {found[0].name}: it is the {old.kind} that {old.name} was."
    close = nearest(anchor, (e.name for e in now.values()))
    containers = [e for e in now.values() if e.kind == "repeater"]
    if verb in ("addfirst", "addlast") and len(containers) == 1:
        return f"Use {containers[0].name}, the page's repeater."
    return close


def signature(method: Method) -> str:
    """`OnX(var A: Record "B"; C: Code[20])`: the form in which AL declares it."""
    parameters = "; ".join(f"{'var ' if p.by_reference else ''}{p.name}: {p.type}" for p in method.parameters)
    return f"{method.name}({parameters})" + (f": {method.returns}" if method.returns else "")
