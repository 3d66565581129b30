"""Where things lie in a deployable package."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .archive import Entry
from .findings import Findings
from .manifest import MANIFEST_NAME
from .nuget import PREFIX
from .versions import split_versioned_name

PACKAGES = "AOSService/Packages"
PAYLOADS = "AOSService/Packages/files"
SCRIPTS = "AOSService/Scripts"
LICENSES = "AOSService/Scripts/License"
REMOVAL_FILE = "ModuleToRemove.txt"
SERVICE_MODEL, TOPOLOGY, RELEASED = (
    "DefaultServiceModelData.xml",
    "DefaultTopologyData.xml",
    "ReleasedPackages.xml",
)
_LICENSE_PLACEHOLDER = "place your license file here.txt"
_REFERENCE_METADATA = ("metadatareferenceapp.zip", "metadatareferenceplat.zip")
# Kinds of a module's NuGet package that the vendor ships next to the runtime and no manifest lists.
_DEVELOPER_PARTS = re.compile(r"-(?:compile|develop)$")


@dataclass
class Layout:
    """The entries of a package by what they are for."""

    files: dict[str, Entry] = field(default_factory=dict)
    nuget: list[Entry] = field(default_factory=list)
    payloads: list[Entry] = field(default_factory=list)
    licenses: list[Entry] = field(default_factory=list)
    removal: Entry | None = None
    misplaced_removal: list[Entry] = field(default_factory=list)
    others: list[Entry] = field(default_factory=list)

    def at_root(self, name: str) -> Entry | None:
        return self.files.get(name.lower())

    @property
    def manifest(self) -> Entry | None:
        return self.at_root(MANIFEST_NAME)


def lay_out(entries: Sequence[Entry], findings: Findings) -> Layout | None:
    """Sort a package's entries by purpose; a package that is wrapped is reported (DP114, DP115, DP201).

    A package in a single top folder is read all the same; None where there is no manifest to go on with.
    """
    files = {entry.key: entry for entry in entries if not entry.is_folder}
    wrapper = ""
    if MANIFEST_NAME.lower() not in files:
        tops = {key.partition("/")[0] for key in files}
        wrapper = f"{next(iter(tops))}/" if len(tops) == 1 else ""
        if not wrapper or wrapper + MANIFEST_NAME.lower() not in files:
            _explain_missing_manifest(files, findings)
            return None
        manifest = files[wrapper + MANIFEST_NAME.lower()]
        findings.add("DP115", manifest.path, "the package's content lies in a folder")
    layout = Layout({key.removeprefix(wrapper): entry for key, entry in files.items()})
    for key, entry in layout.files.items():
        _place(layout, key, entry)
    return layout


def _explain_missing_manifest(files: dict[str, Entry], findings: Findings) -> None:
    inner = [entry for entry in files.values() if entry.key.endswith(".zip")]
    has_content = any("aosservice/" in key for key in files)
    if len(inner) == 1 and not has_content:
        findings.add("DP114", inner[0].path, "the upload holds a zip instead of a package's content")
    else:
        findings.add("DP201", MANIFEST_NAME, "the manifest could not be found at the package's root")


def _place(layout: Layout, key: str, entry: Entry) -> None:
    folder, _, name = key.rpartition("/")
    if folder == PACKAGES.lower() and name.endswith(".nupkg"):
        layout.nuget.append(entry)
    elif folder == PAYLOADS.lower() and name.endswith(".zip") and name not in _REFERENCE_METADATA:
        layout.payloads.append(entry)
    elif name == REMOVAL_FILE.lower():
        if folder == SCRIPTS.lower():
            layout.removal = entry
        else:
            layout.misplaced_removal.append(entry)
            layout.others.append(entry)
    elif folder == LICENSES.lower() and name.endswith((".txt", ".xml")) and name != _LICENSE_PLACEHOLDER:
        layout.licenses.append(entry)
    else:
        layout.others.append(entry)


def file_module(entry: Entry) -> tuple[str, str]:
    """Return a module's name and version by the file name of its .nupkg or payload.

    The name is in lower case and without `dynamicsax-`; the version is empty where the file name has none.
    """
    stem = entry.key.rpartition("/")[2].rpartition(".")[0]
    parts = split_versioned_name(stem)
    name, version = parts if parts is not None else (stem, "")
    return name.removeprefix(PREFIX), version


def is_developer_part(name: str) -> bool:
    """Whether a .nupkg of this module name is one of the vendor's compile or development parts."""
    return _DEVELOPER_PARTS.search(name) is not None
