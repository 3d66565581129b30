"""Where things lie in a deployable package."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.formats.deployable_package.archive.entry import Entry
from shared.formats.deployable_package.findings import Findings
from shared.formats.deployable_package.read.manifest import MANIFEST_NAME
from shared.formats.deployable_package.read.module_names import PREFIX, split_versioned_name

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
# What desktops add to archives: nobody's content.
_DESKTOP_FILES = ("__macosx/", ".ds_store", "thumbs.db")


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
            _explain_missing_manifest(files, findings)
            return None
        manifest = files[wrapper + MANIFEST_NAME.lower()]
        findings.add(
            "DP115", manifest.path, f"the package's content lies in the folder {manifest.path[: len(wrapper)]}"
        )
    layout = Layout({key.removeprefix(wrapper): entry for key, entry in files.items()})
    for key, entry in layout.files.items():
        _place(layout, key, entry)
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


def _explain_missing_manifest(files: dict[str, Entry], findings: Findings) -> None:
    content = {key: entry for key, entry in files.items() if not any(one in key for one in _DESKTOP_FILES)}
    inner = [entry for key, entry in content.items() if key.endswith(".zip")]
    has_content = any("aosservice/" in key or "packageassets/" in key for key in content)
    if len(inner) == 1 and not has_content:
        findings.add("DP114", inner[0].path, "the upload holds a zip instead of a package's content")
    else:
        what = _what_it_is(content, len(inner))
        findings.add("DP201", MANIFEST_NAME, f"the manifest could not be found at the package's root{what}")


def _what_it_is(files: dict[str, Entry], archives: int) -> str:
    """Return what else an upload without a manifest seems to be, as the end of a sentence."""
    if any(key.rpartition("packageassets/")[1] for key in files):
        return "; this is a unified (Power Platform) package, which is deployed with other tools"
    if "solution.xml" in files:
        return "; this is a Power Platform solution"
    if any(key.endswith(".nuspec") and "/" not in key for key in files):
        return "; this is the NuGet package of a single module"
    if any(key.startswith("bin/") and key.endswith(".md") for key in files):
        return "; this is the payload of a single module"
    if any("/descriptor/" in f"/{key}" and key.endswith(".xml") for key in files):
        return "; this is a module's source: build a package of it"
    if archives > 1:
        return f"; the upload holds {archives} zips: submit each by itself or merge them"
    return ""


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
