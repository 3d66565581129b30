"""ModuleToRemove.txt: modules that the installer deletes before it installs the package's own."""

import re
from collections.abc import Sequence

from .documents import DocumentError, decode_text
from .findings import Findings
from .nuget import NugetPackage
from .release import Release
from .sources import Bytes

# Not str.splitlines, which breaks lines at signs that end none in the installer's eyes.
_LINE_END = re.compile(r"\r\n|\r|\n")
_MODULE_NAME = re.compile(r"[a-z0-9_.\-]+")
# What every release has had so far: enough to refuse the worst without knowing the release.
_ALWAYS_VENDORS = frozenset(
    {"applicationplatform", "applicationfoundation", "applicationcommon", "applicationsuite", "directory",
     "applicationworkspaces", "generalledger", "ledger", "dimensions", "currency", "tax", "testessentials"}
)  # fmt: skip


def read_removal_file(content: Bytes, path: str, most_lines: int, findings: Findings) -> tuple[str, ...]:
    """Return the removed modules in lower case and file order (DP604, DP605).

    As the installer reads it: lines are trimmed, blank ones ignored, and whatever is not exactly the name of
    a module folder matches nothing.
    """
    try:
        lines = _LINE_END.split(decode_text(content))
    except DocumentError as error:
        findings.add("DP605", path, f"the file {error.message}")
        return ()
    if len(lines) > most_lines:
        findings.add("DP605", path, f"the file has {len(lines)} lines")
        return ()
    removed = []
    for line in lines:
        name = line.strip().lower()
        if not name:
            continue
        if _MODULE_NAME.fullmatch(name):
            removed.append(name)
        else:
            findings.add("DP604", path, f"{line.strip()[:200]!r} cannot be a module's name")
    return tuple(dict.fromkeys(removed))


def judge_removal(
    removed: Sequence[str],
    path: str,
    packages: Sequence[NugetPackage],
    names: set[str],
    release: Release | None,
    platform_modules: frozenset[str],
    findings: Findings,
) -> None:
    """Judge the removed modules against the package, the release and the image's platform: DP601 to DP603.

    `names` are the package's modules, `platform_modules` those of the running image's platform, in lower case.
    """
    vendors = _ALWAYS_VENDORS | platform_modules | (release.names if release is not None else frozenset())
    for name in removed:
        if name in vendors:
            findings.add("DP601", path, f"{name} is a module of the vendor")
        elif name in names:
            findings.add("DP602", path, f"{name} is a module of this package")
    gone = set(removed) - names
    for package in packages:
        for name in sorted(gone.intersection(package.references)):
            findings.add("DP603", package.nuspec_path, f"{package.summary or package.name} refers to {name}")
