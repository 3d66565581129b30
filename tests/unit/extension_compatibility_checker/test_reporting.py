"""How findings become messages that always fit."""

import json

import pytest
from msgspec.structs import replace

from services.extension_compatibility_checker.domain.work import CompatibilityCheckInput, IndexedPackage
from services.extension_compatibility_checker.reporting import (
    MOST_BYTES,
    MOST_BYTES_IN_ALL,
    judged,
    report_file,
    verdict_on,
)
from shared.contracts.extension_compatibility_checker import FindingSeverity
from shared.contracts.parts import ArtifactRef, Extension, ExtensionName, ExtensionScope, Verdict
from shared.formats.al.finding import (
    BreakFinding,
    BreakSeverity,
    CodePart,
    Compatibility,
    PlaceLevel,
    Report,
    with_parts,
)

FILE = ArtifactRef(digest="sha256:" + "a" * 64, size=10, media_type="application/octet-stream")


def extension(number: int) -> Extension:
    return Extension(
        app_id=f"{number:08d}-0000-0000-0000-000000000000",
        name=f"App {number}",
        publisher="Contoso",
        version="1.0.0.0",
        scope=ExtensionScope.TENANT,
        artifact=FILE,
        dependencies=(),
    )


def finding(severity: BreakSeverity, message: str = "It is gone.", file: str = "", line: int = 0) -> BreakFinding:
    return BreakFinding("AL0185", severity, PlaceLevel.SYMBOLS, "Vendor", message, file, line, line)


def report(verdict: Compatibility, *findings: BreakFinding, undecided: tuple[str, ...] = ()) -> Report:
    return Report("id", "App", "Contoso", "1.0.0.0", verdict, findings, undecided)


def with_tests(found: Report, *undecided: str) -> Report:
    return with_parts(found, found.findings, found.undecided, undecided)


@pytest.mark.parametrize(
    ("found", "verdict", "blocking", "summary"),
    [
        (report(Compatibility.COMPATIBLE), Verdict.COMPATIBLE, 0, ""),
        (
            report(
                Compatibility.WARNINGS, finding(BreakSeverity.FORECAST), finding(BreakSeverity.WARNS, "It shrinks.")
            ),
            Verdict.COMPATIBLE_WITH_WARNINGS,
            0,
            "AL0185 It shrinks.",
        ),
        (report(Compatibility.UNVERIFIABLE, undecided=("no source", "more")), Verdict.UNVERIFIABLE, 0, "no source"),
        (
            report(
                Compatibility.INCOMPATIBLE,
                finding(BreakSeverity.WARNS),
                finding(BreakSeverity.BLOCKS, "Gone.", "src/A.al", 3),
            ),
            Verdict.INCOMPATIBLE,
            1,
            "src/A.al(3,3): AL0185 Gone.",
        ),
        (
            with_tests(report(Compatibility.COMPATIBLE), "no libraries"),
            Verdict.COMPATIBLE,
            0,
            "in code that only tests it: no libraries",
        ),
        (
            with_tests(
                report(
                    Compatibility.COMPATIBLE,
                    replace(finding(BreakSeverity.BLOCKS, "Gone.", "src/A.al", 3), part=CodePart.TESTS),
                ),
                "no libraries",
            ),
            Verdict.INCOMPATIBLE,
            1,
            "in code that only tests it: src/A.al(3,3): AL0185 Gone.",
        ),
    ],
)
def test_a_report_becomes_a_verdict_with_its_first_reason(
    found: Report, verdict: Verdict, blocking: int, summary: str
) -> None:
    told = verdict_on(extension(1), found)
    assert (told.verdict, told.blocking, told.summary) == (verdict, blocking, summary)
    assert told.name == "App 1"


def test_the_verdict_on_tests_is_told_beside_the_one_of_the_whole() -> None:
    assert verdict_on(extension(1), report(Compatibility.COMPATIBLE)).tests is None
    told = verdict_on(extension(1), with_tests(report(Compatibility.COMPATIBLE), "no libraries"))
    assert (told.verdict, told.tests) == (Verdict.COMPATIBLE, Verdict.UNVERIFIABLE)


def test_what_blocks_is_told_first_and_long_texts_are_cut() -> None:
    found = report(
        Compatibility.INCOMPATIBLE,
        finding(BreakSeverity.WARNS),
        finding(BreakSeverity.BLOCKS, "x" * 2000, "f" * 2000, 7),
    )
    [told] = judged([extension(1)], [found])
    first, second = told.findings
    assert (first.severity, first.line, len(first.message), len(first.file)) == (FindingSeverity.BLOCKS, 7, 500, 500)
    assert (second.severity, second.line, second.column) == (FindingSeverity.WARNS, None, None)
    assert len(told.verdict.summary) == 500


def test_findings_are_counted_by_what_follows_from_them() -> None:
    found = [finding(BreakSeverity.BLOCKS)] + [finding(BreakSeverity.WARNS)] * 2 + [finding(BreakSeverity.FORECAST)] * 3
    told = verdict_on(extension(1), report(Compatibility.INCOMPATIBLE, *found))
    assert (told.blocking, told.warnings, told.forecasts) == (1, 2, 3)


@pytest.mark.parametrize(
    ("current", "known", "said"),
    [
        (None, False, None),
        ("26.0.1.0/W1", False, {"base": "26.0.1.0/W1", "known": False}),
        ("26.0.1.0/W1", True, {"base": "26.0.1.0/W1", "known": True}),
    ],
)
def test_the_report_says_whether_the_base_in_use_was_known(
    current: str | None, known: bool, said: dict[str, object] | None
) -> None:
    app = ExtensionName(app_id=extension(1).app_id, name="Base", publisher="Vendor", version="26.0.1.0")
    given = CompatibilityCheckInput(
        environment="contoso-test",
        set_version=3,
        base="27.0.1.0/W1",
        extensions=(extension(1),),
        packages=(),
        current_base=current,
        current_packages=(IndexedPackage(package=FILE, app=app, index=FILE),) if known else (),
    )
    told = json.loads(report_file(given, [report(Compatibility.INCOMPATIBLE, finding(BreakSeverity.BLOCKS))]))
    assert told["current_base"] == said
    assert (told["verdict"], told["extensions"][0]["findings"][0]["code"]) == ("incompatible", "AL0185")


def test_what_was_judged_before_says_so() -> None:
    set_ = [extension(1), extension(2)]
    told = judged(set_, [report(Compatibility.COMPATIBLE)] * 2, {set_[1].app_id})
    assert [one.reused for one in told] == [False, True]


@pytest.mark.parametrize("letter", ["x", "\N{GRINNING FACE}"])
@pytest.mark.parametrize("extensions", [1, 40, 200])
def test_the_findings_of_a_check_stay_within_what_one_commit_and_one_message_can_hold(
    extensions: int, letter: str
) -> None:
    large = BreakFinding(
        "AL0185", BreakSeverity.BLOCKS, PlaceLevel.SYMBOLS, letter * 900, letter * 900, letter * 900, 7, 7
    )
    many = report(Compatibility.INCOMPATIBLE, *[large] * 80)
    told = judged([extension(number) for number in range(extensions)], [many] * extensions)
    sizes = [sum(len(finding.model_dump_json()) for finding in one.findings) for one in told]
    assert all(1 <= len(one.findings) <= 50 for one in told)
    assert max(sizes) <= MOST_BYTES
    assert sum(sizes) <= MOST_BYTES_IN_ALL


def test_small_findings_are_told_up_to_fifty() -> None:
    [told] = judged([extension(1)], [report(Compatibility.INCOMPATIBLE, *[finding(BreakSeverity.BLOCKS)] * 80)])
    assert len(told.findings) == 50
