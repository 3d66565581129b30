"""A module's NuGet package: name, version and dependencies of the module."""

import json
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from shared.formats.deployable_package.archive.directory import Allowance, DirectoryError, read_directory
from shared.formats.deployable_package.archive.entry import Entry, inside
from shared.formats.deployable_package.archive.sources import Bytes, MemorySource
from shared.formats.deployable_package.archive.unpacking import EntryError, damaged_entries, read_whole
from shared.formats.deployable_package.findings import Findings
from shared.formats.deployable_package.read.documents import (
    DocumentError,
    child,
    decode_text,
    local_name,
    parse_xml,
    text,
)
from shared.formats.deployable_package.read.module_names import META_PREFIX, PREFIX, is_module_name

VENDOR_MARKS = ("[platform package]", "[application package]")


@dataclass(frozen=True)
class NugetPackage:
    """One .nupkg: `name` and `version` come from its file name, the rest from what it holds.

    Names are lower case and without the prefix `dynamicsax-`. `references` are the modules it depends on.
    """

    path: str
    name: str
    version: str
    nuspec_path: str = ""
    nuspec_id: str = ""
    nuspec_version: str = ""
    summary: str = ""
    description: str = ""
    references: tuple[str, ...] = ()
    install_config: tuple[str, str] | None = None
    install_config_path: str = ""

    @property
    def is_meta(self) -> bool:
        return self.name.startswith(META_PREFIX)


def read_nuget(
    content: Bytes, path: str, name: str, version: str, allowance: Allowance, findings: Findings
) -> NugetPackage | None:
    """Read a module's .nupkg, judging its archive and that nuspec (DP308) and InstallConfig (DP322) exist.

    Everything in it is unpacked and compared with the directory. Returns None where no nuspec can be read.
    """
    source = MemorySource(content)
    try:
        entries = read_directory(source, path, allowance, findings)
    except DirectoryError:
        return None
    for entry, damage in damaged_entries(source, entries):
        findings.add(damage.rule, inside(path, entry.path), damage.message)
    nuspecs = [entry for entry in entries if entry.key.endswith(".nuspec") and "/" not in entry.path]
    if len(nuspecs) != 1:
        findings.add("DP308", path, f"holds {len(nuspecs)} nuspec files instead of one")
        return None
    at = inside(path, nuspecs[0].path)
    document = _read(source, nuspecs[0], at, allowance, findings)
    if document is None:
        return None
    metadata = _read_metadata(document, at, findings)
    if metadata is None:
        return None
    config_entry = next((entry for entry in entries if entry.key == "tools/installconfig.json"), None)
    config_path = inside(path, config_entry.path) if config_entry else inside(path, "tools/InstallConfig.json")
    config = None
    if config_entry is None and not is_module_name(name):
        pass
    elif config_entry is None:
        findings.add("DP322", config_path, "tools/InstallConfig.json is missing")
    elif (config_content := _read(source, config_entry, config_path, allowance, findings)) is not None:
        config = _read_install_config(config_content)
        if config is None:
            findings.add("DP313", config_path, "is not a JSON object with PackageName and ZipName")
    dependencies = child(metadata, "dependencies")
    names = (
        [
            element.get("id", "").strip().lower().removeprefix(PREFIX)
            for element in dependencies.iter()
            if local_name(element) == "dependency"
        ]
        if dependencies is not None
        else []
    )
    return NugetPackage(
        path=path,
        name=name,
        version=version,
        nuspec_path=at,
        nuspec_id=text(metadata, "id"),
        nuspec_version=text(metadata, "version"),
        summary=text(metadata, "summary"),
        description=text(metadata, "description"),
        references=tuple(dict.fromkeys(name for name in names if name and is_module_name(name))),
        install_config=config,
        install_config_path=config_path,
    )


def _read_metadata(document: Bytes, at: str, findings: Findings) -> Element | None:
    try:
        metadata = child(parse_xml(document), "metadata")
    except DocumentError as error:
        findings.add("DP203" if error.declares_type else "DP308", at, f"the nuspec {error.message}")
        return None
    if metadata is None:
        findings.add("DP308", at, "the nuspec has no metadata element")
    return metadata


def _read(source: MemorySource, entry: Entry, at: str, allowance: Allowance, findings: Findings) -> Bytes | None:
    if entry.size > allowance.limits.document:
        findings.add("DP214", at, f"has {entry.size} bytes, at most {allowance.limits.document} are allowed")
        return None
    try:
        return read_whole(source, entry)
    except EntryError:
        # What is wrong with it was told when everything was unpacked.
        return None


def _read_install_config(content: Bytes) -> tuple[str, str] | None:
    """Return PackageName and ZipName; None where it is no object with both.

    The vendor's script writes it by ConvertTo-Json and out-file, whose encoding depends on the PowerShell: UTF-16 with
    a byte order mark up to 5.1, UTF-8 without one later. PowerShell reads keys in any case.
    """
    try:
        document = json.loads(decode_text(content))
    except (DocumentError, ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    by_key = {key.lower(): value for key, value in document.items()}
    values = (by_key.get("packagename"), by_key.get("zipname"))
    return (values[0], values[1]) if isinstance(values[0], str) and isinstance(values[1], str) else None
