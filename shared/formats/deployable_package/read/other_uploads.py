"""What people upload instead of a deployable package, and the way from there to one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.formats.deployable_package.archive.entry import Entry
from shared.formats.deployable_package.findings import Findings
from shared.formats.deployable_package.read.manifest import MANIFEST_NAME

_MANAGED = "_managed.zip"
# What desktops add to archives: nobody's content.
_DESKTOP_FILES = ("__macosx/", ".ds_store", "thumbs.db")


@dataclass(frozen=True)
class _OtherUpload:
    """`is_part` says by a file's path, in lower case, that the upload is this."""

    what: str
    way: str
    is_part: Callable[[str], bool]


# The first that fits is told; formats as in the public documentation of the tools that are named.
_OTHER_UPLOADS = (
    _OtherUpload(
        "a unified (Power Platform) package, which `pac package deploy` applies",
        "build a deployable package of the same modules in Visual Studio, in the pipeline, or with "
        "`drydock package build`",
        lambda key: "packageassets/" in key,
    ),
    _OtherUpload(
        "a managed zip of one model, from `pac package compile --package-type erp` and for `pac package deploy`",
        "build a deployable package of the same modules with `drydock package build`",
        lambda key: key.endswith((_MANAGED, "fnomoduledefinition.json")),
    ),
    _OtherUpload("a Power Platform solution", "it holds no modules", lambda key: key == "solution.xml"),
    _OtherUpload(
        "the NuGet package of a single module",
        "submit the deployable package that it is from",
        lambda key: key.endswith(".nuspec") and "/" not in key,
    ),
    _OtherUpload(
        "the payload of a single module",
        "submit the deployable package that it is from",
        lambda key: key.startswith("bin/") and key.endswith(".md"),
    ),
    _OtherUpload(
        "a module's source",
        "compile it, and build a package of it with `drydock package build`",
        lambda key: "/descriptor/" in f"/{key}" and key.endswith(".xml"),
    ),
    _OtherUpload(
        "a folder with compiled modules",
        "build a package of them, each with its Descriptor folder, with `drydock package build`",
        lambda key: "/bin/" in key and key.endswith(".md"),
    ),
    _OtherUpload(
        "a model file",
        "import it into a development environment, compile it, and build a package there",
        lambda key: key.endswith(".axmodel"),
    ),
)


def explain_missing_manifest(files: Mapping[str, Entry], findings: Findings) -> None:
    """Say what an upload without a manifest is: a package in another zip (DP114), or something else (DP201).

    `files` are its entries by path in lower case.
    """
    content = {key: entry for key, entry in files.items() if not any(one in key for one in _DESKTOP_FILES)}
    inner = [entry for key, entry in content.items() if key.endswith(".zip") and not key.endswith(_MANAGED)]
    has_content = any("aosservice/" in key or "packageassets/" in key for key in content)
    if len(inner) == 1 and not has_content:
        findings.add("DP114", inner[0].path, "the upload holds a zip instead of a package's content")
    else:
        what = _what_it_is(content, len(inner))
        findings.add("DP201", MANIFEST_NAME, f"the manifest could not be found at the package's root{what}")


def _what_it_is(files: Mapping[str, Entry], archives: int) -> str:
    other = next((one for one in _OTHER_UPLOADS if any(one.is_part(key) for key in files)), None)
    if other is not None:
        return f"; this is {other.what}: {other.way}"
    if archives > 1:
        return f"; the upload holds {archives} zips: submit each by itself or merge them"
    return ""
