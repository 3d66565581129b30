"""What a payload must hold, and what it must not."""

import re
from collections.abc import Iterable

from shared.formats.deployable_package.archive.entry import inside
from shared.formats.deployable_package.findings import Findings
from shared.formats.deployable_package.read.module_names import is_module_name
from shared.formats.deployable_package.read.payload import Payload
from shared.formats.versions import parse_version

_SOURCE_FOLDERS = ("descriptor/", "xppmetadata/")
# A model's folder holds one folder per element kind: MyModel/AxClass/MyClass.xml.
_MODEL_FOLDER = re.compile(r"(?!bin/|resources/|reports/|additionalfiles/)[^/]+/ax[a-z]+/")
_NETMODULE = re.compile(r"(?P<assembly>bin/.+)\.(?P<number>[0-9]{1,6})\.netmodule")
# Windows takes 260 characters with the zero at the end.
_LONGEST_PATH = 259
_INSTALLED = len("K:\\AosService\\PackagesLocalDirectory\\")
_ARCHIVES = (".zip", ".nupkg", ".7z", ".rar", ".tar", ".gz", ".cab")


def judge_file_names(payload: Payload, findings: Findings, *, by_vendor: bool) -> None:
    """Judge a payload by the names of its files: DP116, DP401 to DP403, DP405 and DP414.

    Only modules hold X++ binaries: the vendor's other payloads (framework, parts for development) need none, and
    what the vendor puts into its own modules beside them is not for a customer to correct.
    """
    place = payload.entry.path
    keys = {entry.key for entry in payload.entries if not entry.is_folder}
    is_module = is_module_name(payload.name)
    if is_module and not any(key.startswith("bin/") and key.endswith(".md") for key in keys):
        findings.add("DP401", inside(place, "bin"), _hint_for_wrapped(keys, f"bin of {payload.name} has no .md file"))
    assembly = f"bin/dynamics.ax.{payload.name}."
    if is_module and not any(key.startswith(assembly) and key.endswith(".dll") for key in keys):
        findings.add("DP402", inside(place, f"bin/Dynamics.AX.{payload.name}.dll"), "the module's assembly is missing")
    _judge_netmodules(keys, place, findings)
    longest = _LONGEST_PATH - _INSTALLED - len(payload.name) - 1
    for entry in () if by_vendor else payload.entries:
        key = entry.key
        if entry.is_folder:
            continue
        if key.startswith(_SOURCE_FOLDERS) or key.endswith(".delete") or _MODEL_FOLDER.match(key):
            findings.add("DP405", inside(place, entry.path), "source does not belong into a payload")
        elif key.endswith(_ARCHIVES):
            findings.add("DP116", inside(place, entry.path), "an archive inside a payload is not checked")
        if len(entry.path) > longest:
            told = f"installed, its path has {_INSTALLED + len(payload.name) + 1 + len(entry.path)} characters"
            findings.add("DP414", inside(place, entry.path), told)


def _hint_for_wrapped(keys: Iterable[str], message: str) -> str:
    wrapped = any("/bin/" in key and key.endswith(".md") for key in keys)
    return f"{message}; it lies one folder too deep" if wrapped else message


def _judge_netmodules(keys: set[str], place: str, findings: Findings) -> None:
    """Judge the numbered parts of assemblies (DP403).

    Compilers split a module by kind as well: `Dynamics.AX.<Module>.Queries.0.netmodule` stands beside
    `Dynamics.AX.<Module>.0.netmodule`, and both belong to `Dynamics.AX.<Module>.dll`. One kind may have fewer numbers,
    and one that the module's own parts lack is left over from another compilation.
    """
    numbers: dict[str, set[int]] = {}
    for key in keys:
        match = _NETMODULE.fullmatch(key)
        if match is not None:
            numbers.setdefault(match["assembly"], set()).add(int(match["number"]))
    for assembly, found in sorted(numbers.items()):
        whole = assembly.rpartition(".")[0]
        if f"{assembly}.dll" not in keys and f"{whole}.dll" in keys:
            for number in sorted(found - numbers.get(whole, set())):
                told = f"{whole.rpartition('/')[2]}.{number}.netmodule, which it goes with, is missing"
                findings.add("DP403", inside(place, f"{assembly}.{number}.netmodule"), told)
            continue
        first = min(found)
        # Compilers have numbered from 0 and from 1.
        expected = set(range(min(first, 1), min(first, 1) + len(found)))
        if found != expected:
            gap = min(expected - found)
            findings.add(
                "DP403",
                inside(place, f"{assembly}.{gap}.netmodule"),
                f"netmodule {gap} of {len(found)} is missing",
            )
        elif f"{assembly}.dll" not in keys:
            findings.add("DP403", inside(place, f"{assembly}.dll"), "there are netmodules without their assembly")


def judge_file_contents(payload: Payload, findings: Findings, *, by_vendor: bool) -> None:
    """Judge a payload by what is in its files: DP406, DP407, and of customers DP203, DP214 and DP413."""
    place = payload.entry.path
    main = f"bin/dynamics.ax.{payload.name}.dll"
    version = parse_version(payload.version)
    for file in payload.files:
        for rule, message in () if by_vendor else file.complaints:
            findings.add(rule, inside(place, file.path), message)
        if not file.is_image:
            findings.add("DP406", inside(place, file.path), "the file is no executable image")
        stated = parse_version(file.file_version)
        if file.path.lower() == main and stated and version and stated != version:
            differing = f"the assembly's version is {file.file_version}, the module's {payload.version}"
            findings.add("DP407", inside(place, file.path), differing)
