"""Which modules and licences belong into a package."""

import re
from collections.abc import Sequence

from shared.formats.deployable_package.archive.sources import Bytes
from shared.formats.deployable_package.findings import Findings
from shared.formats.deployable_package.judge.consistency import is_vendors
from shared.formats.deployable_package.read.documents import DocumentError, decode_any_text, parse_xml
from shared.formats.deployable_package.read.module_names import FORM_ADAPTOR_SUFFIX
from shared.formats.deployable_package.read.nuget import VENDOR_MARKS, NugetPackage

_TEST_FRAMEWORK = "testessentials"
_TEST_LIBRARY_PREFIX = "atl"
_FORM_ADAPTOR = "formadaptor"
_WORD, _WORD_WITH_UNDERSCORES = re.compile(r"[^\W_]+"), re.compile(r"\w+")


def judge_module_kinds(
    kind: str, packages: Sequence[NugetPackage], vendors: frozenset[str], findings: Findings
) -> None:
    """Judge whether a customization's modules, or those of a merged package's customization, may be in one.

    DP404, DP408 and DP409. `vendors` are the vendor's modules of a merged package, in lower case.
    """
    names = {package.name for package in packages}
    for package in packages:
        if is_vendors(package.name, kind, vendors):
            continue
        if package.is_meta:
            findings.add("DP409", package.path, "a meta package is part of the vendor's updates only")
        elif package.name.endswith((FORM_ADAPTOR_SUFFIX, _FORM_ADAPTOR)):
            findings.add("DP408", package.path, f"{package.summary or package.name} is a form adaptor module")
        elif is_test_module(package.name, [one for one in package.references if one not in names]):
            findings.add("DP404", package.path, f"{package.summary or package.name} is a test module")
        if not package.is_meta and any(mark in package.description.lower() for mark in VENDOR_MARKS):
            findings.add("DP409", package.nuspec_path, "the description marks a module of the vendor")


def is_test_module(name: str, references: Sequence[str]) -> bool:
    """Whether a module is a test module by its name or by the vendor's test libraries that it refers to."""
    lowered = [reference.lower() for reference in references]
    return (
        name.lower().endswith("tests")
        or _TEST_FRAMEWORK in lowered
        or any(reference.startswith(_TEST_LIBRARY_PREFIX) for reference in lowered)
    )


def judge_licenses(licenses: Sequence[tuple[str, Bytes | None]], modules: Sequence[str], findings: Findings) -> None:
    """Judge licence files, given as path and content, against the package's module names: DP410 and DP411."""
    names = {module.lower() for module in modules}
    for path, content in licenses:
        if content is None:
            continue
        try:
            if path.lower().endswith(".xml"):
                parse_xml(content)
            written = decode_any_text(content)
        except DocumentError as error:
            findings.add("DP203" if error.declares_type else "DP410", path, f"the licence {error.message}")
            continue
        if not written.strip():
            findings.add("DP410", path, "the licence is empty")
            continue
        searched = f"{path.rpartition('/')[2]} {written}".lower()
        words = {*_WORD.findall(searched), *_WORD_WITH_UNDERSCORES.findall(searched)}
        if words.isdisjoint(names):
            findings.add("DP411", path, "the licence names no module of the package")
