"""Packages are read as tolerantly as the vendor's tools write them."""

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.formats.deployable_package.archive.writer import PlannedEntry, write_archive
from shared.formats.deployable_package.damage.faults import build_sample, sample
from shared.formats.deployable_package.judge.verdict import CheckOutcome
from shared.formats.deployable_package.read.kinds import KIND_BY_TYPE, OTHER_TYPES, TYPE_BY_GUID, WAY_BY_TYPE
from shared.formats.deployable_package.write.build import plan_package

from .contexts import TARGET, broken_rules, check

_MANIFEST = "HotfixInstallationInfo.xml"


def _written(entries: list[PlannedEntry], separator: str = "/") -> bytes:
    file = io.BytesIO()
    write_archive(entries, file, separator)
    return file.getvalue()


def _sample_with(change: Callable[[list[PlannedEntry]], None]) -> bytes:
    chosen = sample()
    entries = plan_package(chosen.modules, chosen.options)
    change(entries)
    return _written(entries)


def _edit_manifest(old: bytes, new: bytes) -> bytes:
    def change(entries: list[PlannedEntry]) -> None:
        manifest = next(entry for entry in entries if entry.path == _MANIFEST)
        assert isinstance(manifest.content, bytes)
        assert old in manifest.content
        manifest.content = manifest.content.replace(old, new)

    return _sample_with(change)


def test_a_verdict_tells_kind_versions_modules_references_and_hashes() -> None:
    verdict = check(build_sample())
    assert (verdict.kind, verdict.publisher) == ("customization", "Non-Microsoft")
    assert (verdict.platform_version, verdict.application_version) == ("7.0.7606.108", "10.0.2345.10")
    assert [(one.name, one.version, one.references) for one in verdict.modules] == [
        ("ContosoCore", "1.2.3.0", ("applicationplatform",)),
        ("ContosoSales", "1.2.3.0", ("applicationplatform", "contosocore")),
    ]
    assert all(len(one.content_sha256) == 64 for one in verdict.modules)


def test_backslashes_explicit_folders_and_other_case_read_like_the_plain_form() -> None:
    chosen = sample()
    entries = plan_package(chosen.modules, chosen.options)
    for entry in entries:
        entry.path = entry.path.replace("AOSService/Packages", "AosService/packages")
    folders = [
        PlannedEntry("AosService/", b"", stored=True),
        PlannedEntry("AosService/packages/", b"", stored=True),
    ]
    verdict = check(_written([*folders, *entries], "\\"))
    assert verdict.findings == ()
    assert verdict.modules == check(build_sample()).modules


def test_byte_order_marks_may_be_there_or_not() -> None:
    chosen = sample()
    plain = _written(plan_package(chosen.modules, replace(chosen.options, bom=False)))
    assert plain != build_sample()
    assert check(plain).findings == ()


def test_a_package_written_by_another_zip_tool_as_a_stream_is_valid() -> None:
    class Unseekable(io.RawIOBase):
        def __init__(self) -> None:
            self.written = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]  # bytes is what zipfile passes
            self.written += data
            return len(data)

    out = Unseekable()
    with (
        zipfile.ZipFile(io.BytesIO(build_sample())) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
    verdict = check(bytes(out.written))
    assert (verdict.findings, verdict.modules) == ((), check(build_sample()).modules)


def test_the_content_hash_does_not_depend_on_order_and_compression() -> None:
    def turn_around(entries: list[PlannedEntry]) -> None:
        for entry in entries:
            if entry.path.endswith(".zip") and isinstance(entry.content, list):
                entry.content.reverse()
                for file in entry.content:
                    file.stored = True

    other = _sample_with(turn_around)
    assert other != build_sample()
    assert check(other).modules == check(build_sample()).modules


@pytest.mark.parametrize("name", OTHER_TYPES)
def test_every_other_package_type_is_refused_by_its_name(name: str) -> None:
    def change(entries: list[PlannedEntry]) -> None:
        manifest, *_ = entries
        assert isinstance(manifest.content, bytes)
        manifest.content = manifest.content.replace(b">ApplicationPackage<", f">{name}<".encode())
        # Other types have neither a platform version nor, some of them, a topology: nothing of ours to miss.
        manifest.content = manifest.content.replace(b"<PlatformVersion>7.0.7606.108</PlatformVersion>", b"")
        entries[:] = [entry for entry in entries if entry.path != "DefaultTopologyData.xml"]

    verdict = check(_sample_with(change))
    assert (verdict.verdict, verdict.kind, broken_rules(verdict)) == (
        CheckOutcome.INVALID,
        name,
        [("DP206", _MANIFEST)],
    )
    way = WAY_BY_TYPE.get(name, "it is not applied through images")
    assert f"of type {name} is {OTHER_TYPES[name]}; {way}" in verdict.findings[0].message


@pytest.mark.parametrize("name", KIND_BY_TYPE)
def test_package_types_are_known_in_any_case(name: str) -> None:
    assert check(_edit_manifest(b">ApplicationPackage<", f">{name.upper()}<".encode())).kind == KIND_BY_TYPE[name]


@pytest.mark.parametrize(("guid", "name"), TYPE_BY_GUID.items())
def test_without_a_type_the_guid_tells_everything_but_binary_packages(guid: str, name: str) -> None:
    def change(entries: list[PlannedEntry]) -> None:
        for entry in entries:
            if isinstance(entry.content, bytes):
                entry.content = entry.content.replace(b"<Type>ApplicationPackage</Type>", b"")
                if entry.path == "DefaultServiceModelData.xml":
                    entry.content = entry.content.replace(
                        b"76f46b4f-1849-4927-9da2-6c349430f349", guid.upper().encode()
                    )

    verdict = check(_sample_with(change))
    if name in ("BinaryHotfixPackage", "Unknown"):
        assert (verdict.kind, broken_rules(verdict)) == (None, [("DP204", _MANIFEST)])
    else:
        assert (verdict.kind, broken_rules(verdict)) == (name, [("DP206", _MANIFEST)])


def test_a_package_without_application_version_is_valid() -> None:
    verdict = check(_edit_manifest(b"<ApplicationVersion>10.0.2345.10</ApplicationVersion>", b""))
    assert (verdict.verdict, verdict.application_version) == (CheckOutcome.VALID, "")


@pytest.mark.parametrize(
    "content",
    [b"ContosoOld", b"\xef\xbb\xbfContosoOld\r\n\r\n", b"  contosoold \n", "ContosoOld\r\n".encode("utf-16")],
    ids=["no newline", "BOM and CRLF", "blanks", "UTF-16"],
)
def test_a_removal_file_is_read_in_every_form_that_occurs(content: bytes) -> None:
    verdict = check(
        _sample_with(lambda entries: entries.append(PlannedEntry("AOSService/Scripts/ModuleToRemove.txt", content)))
    )
    assert (verdict.removed_modules, verdict.findings) == (("contosoold",), ())


def test_a_package_in_a_folder_is_checked_all_the_same() -> None:
    def change(entries: list[PlannedEntry]) -> None:
        entries[:] = [entry for entry in entries if entry.path != "DefaultTopologyData.xml"]
        for entry in entries:
            entry.path = f"drop/{entry.path}"

    assert [rule for rule, _ in broken_rules(check(_sample_with(change)))] == ["DP115", "DP314"]


def test_documents_may_end_their_lines_as_windows_does() -> None:
    chosen = sample()
    content = _written(plan_package(chosen.modules, replace(chosen.options, line_end="\r\n")))
    assert content != build_sample()
    verdict = check(content)
    assert (verdict.findings, verdict.modules) == ((), check(build_sample()).modules)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        manifest = archive.read(_MANIFEST)
    assert manifest.count(b"\r\n") == manifest.count(b"\n") > 20


def test_the_manifest_has_the_elements_that_the_vendors_has_in_their_order() -> None:
    with zipfile.ZipFile(io.BytesIO(build_sample())) as archive:
        manifest = archive.read(_MANIFEST).decode("utf-8-sig")
    assert re.findall(r"^  <(\w+)", manifest, re.MULTILINE) == [
        "Name", "Description", "InstallationDateTime", "InstallationInfoFilePath", "Version", "Publisher",
        "GeneratedFromAXMetadata", "Type", "IncludedDeployablePackages", "ServiceModelList", "OtherComponentList",
        "MetadataModuleRelease", "MetadataModuleList", "MetadataModelList", "PlatformReleaseDisplayName",
        "PlatformVersion", "ApplicationVersion", "IsCompatibleWithSealedRelease", "IsCompatibleWithApp81PlusRelease",
        "AllComponentList",
    ]  # fmt: skip
    assert 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"' in manifest


@pytest.mark.parametrize(
    ("content", "removed"),
    [
        (b"", ()),
        (b"\r\n \r\n\t\n", ()),
        (b"A\rB\nC\r\nD", ("a", "b", "c", "d")),
        (b"ContosoOld\nCONTOSOOLD\n contosoold", ("contosoold",)),
        ("ContosoOld\u0085\n\u00a0Other\u3000".encode(), ("contosoold", "other")),
    ],
    ids=["empty", "blank lines", "all line ends", "repeated", "odd blanks"],
)
def test_lines_of_a_removal_file_are_trimmed_and_lowered_as_the_installer_does(
    content: bytes, removed: tuple[str, ...]
) -> None:
    verdict = check(
        _sample_with(lambda entries: entries.append(PlannedEntry("AOSService/Scripts/ModuleToRemove.txt", content)))
    )
    assert (verdict.removed_modules, verdict.findings) == (removed, ())


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"<Files><File><Source>a</Source><RelativePath>C:\\Windows</RelativePath></File></Files>", "DP413"),
        (b'<F xmlns="urn:any"><File RelativePath="/etc" /></F>', "DP413"),
        (rb'<F><File Destination="ModuleBin" RelativePath="..\x" /></F>', None),
        (rb'<AdditionalFiles><File Source="K:\AosService\..\a.dll" RelativePath="bin" /></AdditionalFiles>', None),
        (b'<Files><File RelativePath="a/../b" /></Files>', "DP413"),
        (b"<Files>", "DP413"),
        (b"<!DOCTYPE a><Files />", "DP203"),
        (b"<Files>" + b" " * (1 << 20) + b"</Files>", "DP214"),
        (b'<Files><File Source="a" Destination="ModuleBin" RelativePath="" /></Files>', None),
    ],
    ids=["a drive", "absolute", "unused", "any source", "upwards", "damaged", "document type", "huge", "sound"],
)
@pytest.mark.parametrize("path", ["FileLocations.xml", "AdditionalFiles/filelocations.XML"])
def test_places_of_additional_files_are_judged_in_every_form(path: str, content: bytes, rule: str | None) -> None:
    def change(entries: list[PlannedEntry]) -> None:
        payload = entries[-1].content
        assert isinstance(payload, list)
        payload.append(PlannedEntry(path, content, stored=True))

    full = f"AOSService/Packages/files/dynamicsax-contososales.1.2.3.0.zip!{path}"
    assert broken_rules(check(_sample_with(change))) == ([(rule, full)] if rule else [])


def test_only_line_ends_end_a_line_of_a_removal_file() -> None:
    path = "AOSService/Scripts/ModuleToRemove.txt"
    verdict = check(_sample_with(lambda entries: entries.append(PlannedEntry(path, b"Contoso\x0bOld"))))
    assert (verdict.removed_modules, broken_rules(verdict)) == ((), [("DP604", path)])


def test_a_module_of_the_running_platform_cannot_be_removed_even_without_its_release() -> None:
    target = replace(TARGET, platform_modules=frozenset({"vendornovelty"}))
    path = "AOSService/Scripts/ModuleToRemove.txt"
    content = _sample_with(lambda entries: entries.append(PlannedEntry(path, b"VendorNovelty")))
    assert ("DP601", path) in broken_rules(check(content, target=target))
    assert "DP601" not in dict(broken_rules(check(content, target=TARGET)))


def test_the_path_on_the_authors_machine_is_never_repeated() -> None:
    verdict = check(
        _edit_manifest(
            b"<InstallationInfoFilePath />",
            rb"<InstallationInfoFilePath>C:\Users\jo.doe\Temp</InstallationInfoFilePath>",
        )
    )
    assert broken_rules(verdict) == [("DP212", _MANIFEST)]
    assert "jo.doe" not in str(verdict)


def test_a_version_that_nuget_shortened_in_a_files_name_alone_is_told_once() -> None:
    def change(entries: list[PlannedEntry]) -> None:
        for entry in entries:
            if entry.path.endswith("contososales.1.2.3.0.nupkg"):
                entry.path = entry.path.replace("1.2.3.0", "1.2.3")

    path = "AOSService/Packages/dynamicsax-contososales.1.2.3.nupkg"
    assert broken_rules(check(_sample_with(change))) == [("DP311", path)]


def test_versions_that_nuget_shortened_are_explained_in_every_place() -> None:
    """What NuGet 3.4 makes of 1.2.3.0: file names and nuspec say 1.2.3, the manifest says 1.2.3.0."""

    def change(entries: list[PlannedEntry]) -> None:
        for entry in entries:
            if "contososales" in entry.path:
                entry.path = entry.path.replace("1.2.3.0", "1.2.3")
                assert isinstance(entry.content, list)
                for file in entry.content:
                    if isinstance(file.content, bytes):
                        file.content = file.content.replace(b"1.2.3.0", b"1.2.3")

    verdict = check(_sample_with(change))
    stem = "AOSService/Packages/{}dynamicsax-contososales.1.2.3"
    assert broken_rules(verdict) == [("DP311", stem.format("") + ".nupkg"), ("DP311", stem.format("files/") + ".zip")]
    assert all("1.2.3, listed is 1.2.3.0" in finding.message for finding in verdict.findings)


def test_the_placeholder_in_the_licence_folder_is_no_licence() -> None:
    path = "AOSService/Scripts/License/place your license file here.txt"
    assert check(_sample_with(lambda entries: entries.append(PlannedEntry(path, b"")))).findings == ()
