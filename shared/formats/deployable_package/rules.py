"""Every rule a deployable package is judged by.

The rules come from the vendor's portal and installer as far as those demonstrably check, and from what breaks
in practice where they do not; each says what it rests on, and one that rests on nothing but our own packages or
conclusions is no error. Identities are stable: a rule may be retired, its id is never given to another.
"""

from dataclasses import dataclass
from enum import StrEnum

from shared.formats.deployable_package import evidence
from shared.formats.deployable_package.evidence import Evidence


class RuleSeverity(StrEnum):
    """`error` makes a package invalid; `warning` and `info` do not."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        return list(RuleSeverity).index(self)


GROUPS = {
    "DP1": "container",
    "DP2": "manifest",
    "DP3": "consistency",
    "DP4": "content",
    "DP5": "dependencies",
    "DP6": "removal",
    "DP7": "against a target image or release",
}


@dataclass(frozen=True)
class PackageRule:
    """One rule: what it demands (`title`), why (`meaning`) and the way out (`fix`), and what it rests on."""

    id: str
    severity: RuleSeverity
    evidence: Evidence
    title: str
    meaning: str
    fix: str

    @property
    def group(self) -> str:
        return GROUPS[self.id[:3]]


_E, _W, _I = RuleSeverity.ERROR, RuleSeverity.WARNING, RuleSeverity.INFO

# Each row: the rule and what it demands, then why, then the way out.
_TABLE = (
    # container
    PackageRule("DP101", _E, evidence.ZIP, "The file is a zip archive",
         "The file has no zip directory, so it is something else, or empty.",
         "Upload the .zip that the build produced, not its folder listing, log or error page."),
    PackageRule("DP102", _E, evidence.ZIP, "The archive's directory is whole",
         "The directory at the end of the archive is cut off or does not fit the file: an upload was interrupted.",
         "Upload or build the package again and compare its SHA-256 with the original."),
    PackageRule("DP103", _E, evidence.WINDOWS_NAMES, "Entry names stay inside the package",
         "A name with '..', a drive, a leading slash or control characters could write outside its folder; one that "
         "Windows reads as another name (a colon, a device, a dot or blank at the end) hides what it is.",
         "Build the package with names relative to its root."),
    PackageRule("DP104", _E, evidence.ONE_READING, "Every entry name occurs once",
         "Tools disagree on which of two entries of one name counts, so what was checked may not be what runs.",
         "Remove the second entry; build the package into an empty file instead of appending."),
    PackageRule("DP105", _E, evidence.WINDOWS_NAMES, "Names differ in more than case",
         "The package is unpacked on a file system that ignores case: one entry would overwrite the other, or a file "
         "would stand where a folder must be.",
         "Rename one of the entries."),
    PackageRule("DP106", _E, evidence.ONE_READING, "No entry is encrypted",
         "The installer has no password, and nothing inside can be checked.",
         "Build the package without a password."),
    PackageRule("DP107", _E, evidence.METHODS, "Entries are stored or deflated",
         "The vendor's installer, a .NET program, reads stored, deflated and Deflate64 entries and no others.",
         "Build the package with the ordinary zip compression (deflate)."),
    PackageRule("DP108", _E, evidence.ONE_READING, "Entries are plain files and folders",
         "Links and devices can point outside the package.",
         "Replace the link by the file it points to."),
    PackageRule("DP109", _E, evidence.LIMITS, "The number of entries is within the limit",
         "More entries than any real package has are an attack or a mistake.",
         "Leave out what is not part of the modules, or have the limit raised."),
    PackageRule("DP110", _E, evidence.LIMITS, "Unpacked sizes are within the limits",
         "The package would take more room than any real package when it is unpacked.",
         "Leave out what is not part of the modules, or have the limit raised."),
    PackageRule("DP111", _E, evidence.BOMBS, "Compression ratios are plausible",
         "An entry that unpacks to hundreds of times its size is a decompression bomb.",
         "Remove the entry; real binaries compress to a third."),
    PackageRule("DP112", _E, evidence.BOMBS, "Entries do not overlap",
         "Entries that share bytes are the mark of a decompression bomb.",
         "Build the package with an ordinary zip tool."),
    PackageRule("DP113", _E, evidence.ZIP, "Every entry unpacks to what the directory says",
         "The content does not fit its checksum or size: the package was damaged after it was built.",
         "Upload or build the package again and compare its SHA-256 with the original."),
    PackageRule("DP114", _E, evidence.WRAPPED, "The package is not wrapped in another zip",
         "Download pages of build servers often wrap an artifact into one more zip.",
         "Unpack the outer zip and upload the package that lies inside."),
    PackageRule("DP115", _E, evidence.APPLY_REPORTED, "The package's content lies at its root",
         "The installer looks for HotfixInstallationInfo.xml at the root and finds a folder.",
         "Zip the content of the folder, not the folder itself."),
    PackageRule("DP116", _W, evidence.UNVERIFIED, "Module payloads hold no archives",
         "An archive inside a payload is not opened, so its content is not checked.",
         "Put the files themselves into the module, or make sure that the archive is meant."),
    PackageRule("DP117", _E, evidence.ONE_READING, "An entry's own header agrees with the directory",
         "Tools that read headers instead of the directory would unpack something else than what was checked.",
         "Build the package with an ordinary zip tool."),
    PackageRule("DP118", _E, evidence.ONE_READING, "Every byte belongs to an entry or to the directory",
         "Bytes before the first entry or between entries are seen by no unpacking tool: a program or a second "
         "archive can hide there.",
         "Build the package with an ordinary zip tool, into an empty file."),
    # manifest
    PackageRule("DP201", _E, evidence.APPLY_REPORTED, "The manifest is present",
         "HotfixInstallationInfo.xml tells what the package is; without it nothing can be installed.",
         "Submit the deployable package that Visual Studio, the build pipeline or `drydock package build` made."),
    PackageRule("DP202", _E, evidence.APPLY_REPORTED, "The manifest can be read",
         "HotfixInstallationInfo.xml must be well-formed XML with the root HotfixInstallationInfo.",
         "Restore the manifest that the build wrote."),
    PackageRule("DP203", _E, evidence.XML_ENTITIES, "XML files declare no document type",
         "A DOCTYPE can declare entities that read files or fill the memory; no file of the format has one.",
         "Remove the DOCTYPE."),
    PackageRule("DP204", _E, evidence.TYPES, "The package's type can be told",
         "The manifest has no Type, and the Guid of DefaultServiceModelData.xml does not decide it.",
         "Set Type in the manifest: ApplicationPackage, PlatAppBinaryHotfixPackage or MergedPackage."),
    PackageRule("DP205", _E, evidence.TYPES, "The package's type exists",
         "The manifest's Type is none of the vendor's.",
         "Set Type in the manifest: ApplicationPackage, PlatAppBinaryHotfixPackage or MergedPackage."),
    PackageRule("DP206", _E, evidence.APPLY, "The package is of a type that images are made of",
         "Packages of this type exist but are not applied to environments through images.",
         "Submit a customization (AOT), platform or merged package; licences go into one: build it with --license."),
    PackageRule("DP207", _E, evidence.APPLY, "The platform version is stated",
         "Without PlatformVersion (four numbers) nobody can tell which environments the package fits.",
         "Build the package against a platform whose version the build knows."),
    PackageRule("DP208", _W, evidence.MANIFEST, "Publisher and type go together",
         "Platform packages come from Microsoft Corporation, customization packages do not.",
         "Correct Publisher or Type in the manifest; do not repack the vendor's files as your own."),
    PackageRule("DP209", _E, evidence.MANIFEST, "Modules are listed as name and four-part version",
         "The installer splits `<module>.<a>.<b>.<c>.<d>` at the first dot before the numbers.",
         "Write each entry of MetadataModuleList as lower-case module name, dot, four-part version."),
    PackageRule("DP210", _E, evidence.ONE_READING, "A module is listed once",
         "Two entries for one module leave open which version is installed.",
         "Remove the outdated entry from MetadataModuleList."),
    PackageRule("DP211", _W, evidence.LAST_MODULE, "The package lists modules",
         "ModuleToRemove.txt removes modules and none is left: the environment runs without any customization.",
         "Nothing needs to be done if that is meant; else add the modules that are to stay."),
    PackageRule("DP212", _I, evidence.MANIFEST, "The manifest tells no paths of its author",
         "InstallationInfoFilePath holds a path on the machine that built the package, often with a person's name.",
         "Empty InstallationInfoFilePath; nothing reads it."),
    PackageRule("DP213", _W, evidence.PACKAGING, "The package says that it fits sealed releases",
         "Since 8.1 the application is sealed; a package that overlays it cannot be applied to a cloud environment.",
         "Turn overlayered models into extensions and build again."),
    PackageRule("DP214", _E, evidence.LIMITS, "Descriptive files have a plausible size",
         "Manifests and lists are some kilobytes; a huge one is an attack or a mistake.",
         "Restore the file that the build wrote."),
    PackageRule("DP215", _E, evidence.UPDATES, "The package brings or removes modules",
         "A package replaces the whole customization, so one without modules would take all of it away unsaid.",
         "Build the package with a module, or name the last ones in AOSService/Scripts/ModuleToRemove.txt; licences go "
         "into the package of their modules: `drydock package build --license FILE`."),
    # consistency
    PackageRule("DP301", _E, evidence.INSTALL, "Every listed module has its NuGet package",
         "The installer takes each module of the manifest from AOSService/Packages/*.nupkg.",
         "Build the package again; do not delete or rename single files."),
    PackageRule("DP302", _E, evidence.INSTALL, "Every NuGet package is of a listed module",
         "The vendor's installer installs every .nupkg, so a module that the manifest does not list would come unsaid.",
         "Add the module to the manifest or remove its files."),
    PackageRule("DP303", _E, evidence.INSTALL, "Every listed module has its payload",
         "The installer takes the binaries from AOSService/Packages/files/*.zip.",
         "Build the package again; do not delete or rename single files."),
    PackageRule("DP304", _E, evidence.ONE_READING, "Every payload is of a listed module",
         "Binaries that no module claims are not installed.",
         "Add the module to the manifest or remove its files."),
    PackageRule("DP305", _E, evidence.PACKAGING, "File names carry the version that the manifest lists",
         "The installer looks for `dynamicsax-<module>.<version>` and finds another version.",
         "Build the package again; versions are not edited by hand."),
    PackageRule("DP306", _W, evidence.LISTS, "AllComponentList mirrors MetadataModuleList",
         "The portal shows one list and the installer follows the other.",
         "Make both lists name the same modules and versions."),
    PackageRule("DP307", _W, evidence.LISTS, "AllComponentList is present",
         "The portal shows the package's content from AllComponentList.",
         "Build the package with the vendor's or Drydock's tools."),
    PackageRule("DP308", _E, evidence.PACKAGING, "Each NuGet package holds a readable nuspec",
         "Name and dependencies of the module stand in the nuspec.",
         "Build the package again."),
    PackageRule("DP309", _E, evidence.PACKAGING, "The nuspec's id is the module's",
         "The installer records the module under the nuspec's id, `dynamicsax-<module>`.",
         "Build the package again; do not rename .nupkg files."),
    PackageRule("DP310", _E, evidence.PACKAGING, "The nuspec's version is the module's",
         "The nuspec, the file name and the manifest must name one version.",
         "Build the package again; versions are not edited by hand."),
    PackageRule("DP311", _E, evidence.NUGET, "Versions are not shortened by NuGet",
         "NuGet 3.4 and later drop a trailing `.0`, so the name no longer matches the manifest's version.",
         "Pack with NuGet 3.3 or earlier, or with Drydock."),
    PackageRule("DP312", _W, evidence.PACKAGING, "The nuspec's summary is the module's name",
         "The summary is the only place that keeps the name's case; it must equal the id in any case.",
         "Set summary to the module's name."),
    PackageRule("DP313", _E, evidence.PACKAGING, "InstallConfig.json names the module's files",
         "The module's install script unpacks the zip that tools/InstallConfig.json names.",
         "Build the package again."),
    PackageRule("DP314", _E, evidence.INSTALLER, "The service model files are present",
         "DefaultServiceModelData.xml, DefaultTopologyData.xml and ReleasedPackages.xml tell the installer what to do.",
         "Build the package from the complete skeleton."),
    PackageRule("DP315", _E, evidence.INSTALLER, "The service model files can be read",
         "The installer cannot make a runbook from a damaged file.",
         "Restore the file from the skeleton."),
    PackageRule("DP316", _W, evidence.TYPES, "The Guid of the service model is known",
         "ReleasedPackages.xml maps the Guid of DefaultServiceModelData.xml to a package type; this one is in neither.",
         "Restore DefaultServiceModelData.xml and ReleasedPackages.xml from the skeleton."),
    PackageRule("DP317", _W, evidence.UNVERIFIED, "The topology names known service models",
         "A machine of DefaultTopologyData.xml has a service model that DefaultServiceModelData.xml lacks.",
         "Restore both files from one skeleton."),
    PackageRule("DP318", _W, evidence.UNVERIFIED, "Service models do not depend on each other in a circle",
         "The installer refuses a circle: no service could be first.",
         "Restore DefaultServiceModelData.xml from the skeleton."),
    PackageRule("DP319", _E, evidence.ONE_READING, "A module has one NuGet package and one payload",
         "Two files for one module leave open which is installed.",
         "Remove the outdated file."),
    PackageRule("DP320", _E, evidence.META_PACKAGES, "A platform package brings its meta packages",
         "The vendor's modules are installed by dynamicsax-meta-platform-runtime and -meta-application-runtime alone; "
         "those that neither names would be left out.",
         "Use the vendor's complete package; merge with Drydock or the vendor's tool."),
    PackageRule("DP321", _E, evidence.META_PACKAGES, "Modules that a meta package names are in the package",
         "A release without one of its modules cannot be installed.",
         "Use the vendor's complete package."),
    PackageRule("DP322", _W, evidence.PACKAGING, "InstallConfig.json is present",
         "Without tools/InstallConfig.json the module's install script does not know which zip to unpack.",
         "Build the package again."),
    # content
    PackageRule("DP401", _E, evidence.PIPELINE, "Each payload holds X++ metadata",
         "A folder counts as an X++ binary only if bin holds at least one .md file.",
         "Compile the module before packaging; zip the module's folder content, with bin at the root of the payload."),
    PackageRule("DP402", _E, evidence.NETMODULES, "Each payload holds the module's assembly",
         "bin/Dynamics.AX.<Module>.dll is what the application loads.",
         "Compile the module before packaging."),
    PackageRule("DP403", _E, evidence.NETMODULES, "The netmodule parts of an assembly are complete",
         "An assembly whose numbered .netmodule parts have a gap cannot be loaded; nor can parts without their "
         "assembly, or parts of a kind (`Dynamics.AX.<Module>.Queries.1.netmodule`) without the module's own part 1.",
         "Delete the module's bin folder and compile it completely."),
    PackageRule("DP404", _W, evidence.DESCRIPTORS, "No test modules are shipped",
         "Test modules need the vendor's test framework, which production does not have.",
         "Leave test modules out of the package."),
    PackageRule("DP405", _W, evidence.PACKAGING, "Payloads hold no source",
         "Packages for environments carry binaries only; source and descriptors are given away. The vendor's script "
         "leaves out the folders of models where they are named like the descriptor, in the same case.",
         "Leave out Descriptor, XppMetadata, folders named like a model, and *.delete."),
    PackageRule("DP406", _W, evidence.PORTABLE_EXECUTABLE, "Assemblies are executable images",
         "The file does not start like an assembly: often a pointer of a large-file store that was not fetched.",
         "Fetch the real binaries and build the package again."),
    PackageRule("DP407", _W, evidence.COMPILED_VERSIONS, "The assembly's file version is the module's",
         "The module was packaged under another version than it was compiled with.",
         "Compile and package in one build."),
    PackageRule("DP408", _E, evidence.CUSTOMIZATION_CHECK, "A customization brings no form adaptors",
         "Servicing stops at form adaptor modules; they belong to test automation on developer machines.",
         "Leave the form adaptor module out of the package."),
    PackageRule("DP409", _E, evidence.META_PACKAGES, "A customization brings no platform modules",
         "Servicing stops at a module that is marked as the vendor's, or skips it; meta packages belong to the "
         "vendor's updates.",
         "Leave the vendor's modules out of the package."),
    PackageRule("DP410", _E, evidence.LICENSES, "Licence files can be read",
         "A licence that cannot be read stops the import of all licences after the modules were installed.",
         "Ask the module's publisher for the licence file again; keep it as it was sent."),
    PackageRule("DP411", _I, evidence.UNVERIFIED, "Licence files belong to a module of the package",
         "Neither the licence's name nor its text names a module of the package.",
         "Check that the licence is still needed."),
    PackageRule("DP412", _E, evidence.PACKAGING, "Module names have no spaces",
         "The vendor's tools cannot build or install a module whose name has a space.",
         "Rename the module."),
    PackageRule("DP413", _W, evidence.INSTALL, "Additional files stay where they belong",
         "FileLocations.xml tells the installer where to copy files to: it appends RelativePath to the folder of "
         "AOSWeb or PackageDir. A path out of there, or a file that cannot be read, would overwrite others or stop it.",
         "Write RelativePath relative to the destination, without '..' and drives."),
    PackageRule("DP414", _W, evidence.LONG_PATHS, "Paths are short enough for Windows",
         "Below K:\\AosService\\PackagesLocalDirectory, where modules are installed, the path has more than 259 "
         "characters; most programs of Windows cannot open such a file.",
         "Shorten the names of the file and of the folders that it lies in."),
    # dependencies
    PackageRule("DP501", _E, evidence.PRECHECK, "Every dependency can be satisfied",
         "A module refers to one that neither the package nor the release or image has; it would not load.",
         "Add the missing module to the package, or remove the reference and compile."),
    PackageRule("DP502", _W, evidence.DESCRIPTORS, "Dependencies are in the release's module list",
         "The release's own modules refer to this module but its list lacks it, so the list has a hole there and the "
         "dependency cannot be decided.",
         "Import the release again with the module's descriptor."),
    PackageRule("DP503", _E, evidence.NUGET_CYCLES, "Modules do not depend on each other in a circle",
         "No order of installation and compilation exists.",
         "Move what both need into a third module."),
    PackageRule("DP504", _E, evidence.PRECHECK, "Dependencies exist in the target release already",
         "The module is part of a newer release only.",
         "Update the environment to that release first, or build against the environment's release."),
    PackageRule("DP505", _W, evidence.UNVERIFIED, "Dependencies exist in the next releases too",
         "The vendor has removed the module from a newer release: the environment cannot be updated to it with this "
         "package.",
         "Remove the reference before that update; the release's notes name the successor."),
    # removal
    PackageRule("DP601", _E, evidence.REMOVAL, "No module of the vendor is removed",
         "ModuleToRemove.txt must not name a module of the vendor; the environment would not start.",
         "Delete the line; what the vendor no longer needs, its own updates remove."),
    PackageRule("DP602", _E, evidence.REMOVAL, "No module is removed and installed at once",
         "Removal runs before installation: the module would be there again.",
         "Delete the line, or leave the module out of the package."),
    PackageRule("DP603", _E, evidence.REMOVAL, "Nothing refers to a removed module",
         "A module of the package refers to a module that ModuleToRemove.txt removes; it would not load.",
         "Remove the reference and compile, or keep the module."),
    PackageRule("DP604", _W, evidence.REMOVAL_SCRIPT, "Lines of ModuleToRemove.txt are module names",
         "A line is compared with folder names as it stands: wildcards, paths and comments match nothing.",
         "Write one module name per line."),
    PackageRule("DP605", _E, evidence.REMOVAL_SCRIPT, "ModuleToRemove.txt is text",
         "The file is no text, or has far too many lines: nothing would be removed.",
         "Save it as UTF-8 with one module name per line."),
    PackageRule("DP606", _W, evidence.REMOVAL_NAMES, "The removal file is AOSService/Scripts/ModuleToRemove.txt",
         "The installer reads the file of this name in this folder only; under another name, with a second ending or "
         "elsewhere it removes nothing.",
         "Name the file ModuleToRemove.txt and put it into AOSService/Scripts; Windows hides endings, so look for a "
         "second .txt."),
    PackageRule("DP607", _I, evidence.REMOVAL_SCRIPT, "Removed modules are installed",
         "The running image has no such module; the installer logs it and goes on.",
         "Delete the line if it is a misspelling."),
    PackageRule("DP608", _W, evidence.REMOVAL, "Removed modules were stripped first",
         "The module in the running image still refers to other modules than ApplicationPlatform, so its tables and "
         "classes still hang together with others.",
         "First deploy the module with one stub class and a reference to ApplicationPlatform only."),
    # against a target image or release
    PackageRule("DP701", _E, evidence.APPLY, "The customization was built for this platform or an earlier one",
         "Binaries compiled against a newer platform use what the target does not have.",
         "Update the environment's platform first, or build against its version."),
    PackageRule("DP702", _E, evidence.UPDATES, "The application version does not go back",
         "A database that was upgraded cannot be used by an older application.",
         "Use a package of the target's application version or later."),
    PackageRule("DP703", _E, evidence.UPDATES, "The platform version does not go back",
         "A platform package older than the running platform would be a downgrade.",
         "Use a platform package of the running version or later."),
    PackageRule("DP704", _W, evidence.UPDATES, "No module of the image is missing",
         "The package replaces the whole customization: a module that it lacks is removed, and such an image cannot "
         "be promoted.",
         "Add the module, name it in ModuleToRemove.txt, or acknowledge the list of missing modules."),
    PackageRule("DP705", _W, evidence.REGRESSIONS, "No module goes back to a lower version",
         "The running image has a higher version of the module.",
         "Build from the branch that the running version came from."),
    PackageRule("DP706", _I, evidence.UPDATES, "Modules are added",
         "The running image does not have the module.",
         "Nothing needs to be done."),
    PackageRule("DP707", _I, evidence.UPDATES, "Modules change to a higher version",
         "The running image has a lower version of the module.",
         "Nothing needs to be done."),
    PackageRule("DP708", _I, evidence.UNVERIFIED, "The package changes something",
         "All modules are byte for byte what already runs: applying the package costs downtime for nothing.",
         "Do not apply it."),
    PackageRule("DP709", _E, evidence.CUSTOMIZATION_CHECK, "A customization brings no module of the vendor's",
         "The module's name is taken by a module of the vendor's release; one would overwrite the other.",
         "Rename the module, or leave the vendor's module out of the package."),
)  # fmt: skip

RULES: dict[str, PackageRule] = {rule.id: rule for rule in _TABLE}


def rules_as_markdown() -> str:
    """Return the registry as a page of documentation: one section per group, one table row per rule."""
    lines = ["# Rules for deployable packages", ""]
    for prefix, group in GROUPS.items():
        lines += [
            f"## {prefix}xx {group}",
            "",
            "| Rule | Severity | Demands | Why | Way out | Evidence |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {rule.id} | {rule.severity} | {rule.title} | {rule.meaning} | {rule.fix} | {rule.evidence} |"
            for rule in _TABLE
            if rule.id.startswith(prefix)
        ]
        lines.append("")
    return "\n".join(lines)
