"""ModuleToRemove.txt: modules that the installer deletes before it installs the package's own."""

import re
from difflib import SequenceMatcher

from shared.formats.deployable_package.archive.sources import Bytes
from shared.formats.deployable_package.findings import Findings
from shared.formats.deployable_package.read.documents import DocumentError, decode_any_text

# Not str.splitlines, which breaks lines at signs that end none in the installer's eyes.
_LINE_END = re.compile(r"\r\n|\r|\n")
_MODULE_NAME = re.compile(r"[a-z0-9_.\-]+")

# How files are named that were meant to be ModuleToRemove.txt.
_REMOVES_MODULES = re.compile(r"modul.*(?:remov|delet|uninst)|(?:remov|delet|uninst).*modul")
_TEXT_ENDINGS = frozenset({"", "txt", "text", "csv", "lst", "md", "doc", "docx", "rtf", "xml", "json"})
_CLOSE = 0.85


def is_meant_to_remove(name: str) -> bool:
    """Whether a file of this name, in lower case, is or comes close to ModuleToRemove.txt.

    The vendor's documentation itself once had it in the plural; Windows hides a second `.txt`.
    """
    if "modul" not in name and "remov" not in name:
        return False
    stem, _, endings = name.partition(".")
    if not _TEXT_ENDINGS.issuperset(endings.split(".")):
        return False
    letters = re.sub(r"[^a-z]", "", stem)
    return bool(_REMOVES_MODULES.search(letters)) or SequenceMatcher(None, letters, "moduletoremove").ratio() >= _CLOSE


def read_removal_file(content: Bytes, path: str, most_lines: int, findings: Findings) -> tuple[str, ...]:
    """Return the removed modules in lower case and file order (DP604, DP605).

    As the installer reads it: lines are trimmed, blank ones ignored, and whatever is not exactly the name of
    a module folder matches nothing.
    """
    try:
        lines = _LINE_END.split(decode_any_text(content))
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
