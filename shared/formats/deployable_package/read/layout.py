"""Where things lie in a deployable package."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.formats.deployable_package.archive.entry import Entry
from shared.formats.deployable_package.findings import Findings
from shared.formats.deployable_package.read.manifest import MANIFEST_NAME
from shared.formats.deployable_package.read.module_names import PREFIX, split_versioned_name
from shared.formats.deployable_package.read.other_uploads import explain_missing_manifest
from shared.formats.deployable_package.read.removal_file import is_meant_to_remove

PACKAGES = "AOSService/Packages"
PAYLOADS = "AOSService/Packages/files"
SCRIPTS = "AOSService/Scripts"
LICENSES = "AOSService/Scripts/License"
REMOVAL_FILE = "ModuleToRemove.txt"
DEVELOPER_SERVICE_MODEL = "DevInstallServiceModelData.xml"
SERVICE_MODEL, TOPOLOGY, RELEASED = (
    "DefaultServiceModelData.xml",
    "DefaultTopologyData.xml",
    "ReleasedPackages.xml",
)
_LICENSE_PLACEHOLDER = "place your license file here.txt"
_REFERENCE_METADATA = ("metadatareferenceapp.zip", "metadatareferenceplat.zip")


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

    A package in a folder is read all the same; None where there is no manifest to go on with.
    """
    files = {entry.key: entry for entry in entries if not entry.is_folder}
    wrapper = ""
    if MANIFEST_NAME.lower() not in files:
        wrapper = _wrapping_folder(files)
        if not wrapper:
            explain_missing_manifest(files, findings)
            return None
        manifest = files[wrapper + MANIFEST_NAME.lower()]
        findings.add(
            "DP115", manifest.path, f"the package's content lies in the folder {manifest.path[: len(wrapper)]}"
        )
    layout = Layout({key.removeprefix(wrapper): entry for key, entry in files.items()})
    for key, entry in layout.files.items():
        _place(layout, key, entry)
        if entry is not layout.removal and is_meant_to_remove(key.rpartition("/")[2]):
            layout.misplaced_removal.append(entry)
    return layout


def _wrapping_folder(files: dict[str, Entry]) -> str:
    """Return the folder, with a slash at its end, that holds a whole package; empty where there is no one such."""
    name = "/" + MANIFEST_NAME.lower()
    folders = [key.removesuffix(name) + "/" for key in files if key.endswith(name)]
    if len(folders) != 1:
        return ""
    (wrapper,) = folders
    beside = (key.removeprefix(wrapper) for key in files if key.startswith(wrapper))
    return wrapper if any(key == SERVICE_MODEL.lower() or key.startswith("aosservice/") for key in beside) else ""


def _place(layout: Layout, key: str, entry: Entry) -> None:
    folder, _, name = key.rpartition("/")
    if folder == PACKAGES.lower() and name.endswith(".nupkg"):
        layout.nuget.append(entry)
    elif folder == PAYLOADS.lower() and name.endswith(".zip") and name not in _REFERENCE_METADATA:
        layout.payloads.append(entry)
    elif name == REMOVAL_FILE.lower() and folder == SCRIPTS.lower():
        layout.removal = entry
    elif folder == LICENSES.lower() and name.endswith((".txt", ".xml")) and name != _LICENSE_PLACEHOLDER:
        layout.licenses.append(entry)
    else:
        layout.others.append(entry)


def nuget_path(module: str, version: str) -> str:
    """Return where a module's .nupkg lies; the name in any case, without `dynamicsax-`."""
    return f"{PACKAGES}/{PREFIX}{module.lower()}.{version}.nupkg"


def payload_path(module: str, version: str) -> str:
    """Return where a module's payload lies."""
    return f"{PAYLOADS}/{PREFIX}{module.lower()}.{version}.zip"


def file_module(entry: Entry) -> tuple[str, str]:
    """Return a module's name and version by the file name of its .nupkg or payload.

    The name is in lower case and without `dynamicsax-`; the version is empty where the file name has none.
    """
    stem = entry.key.rpartition("/")[2].rpartition(".")[0]
    parts = split_versioned_name(stem)
    name, version = parts if parts is not None else (stem, "")
    return name.removeprefix(PREFIX), version
