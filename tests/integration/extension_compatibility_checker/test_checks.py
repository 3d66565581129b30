"""Checks of environments' extensions, asked for and answered by messages on real engines."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.contracts.extension_compatibility_checker import (
    CheckSnapshot,
    CompatibilityChecked,
    CompatibilityCheckStarted,
    ExtensionChecked,
    ExtensionIncompatible,
    FindingSeverity,
)
from shared.contracts.parts import ArtifactRef, Verdict
from tests.integration.extension_compatibility_checker.conftest import Asker, SmallBase, extension_of
from tests.support.al_packages import EXTENSION_ID, container, extension
from tests.support.services import ServiceProcess

CORPUS = Path(os.environ.get("DRYDOCK_CORPUS", Path(__file__).parents[4] / "shared" / "corpus")) / "bc"
Checker = Callable[[], ServiceProcess]

GOOD, BROKEN, NEEDY, RUNTIME, OTHER = (f"{digit * 8}-0000-0000-0000-000000000000" for digit in "12345")
USES_CUSTOMER = "codeunit 50000 Good { var C: Record Customer; }"
ONBOARDING, ONBOARDING_ID = "ebf2f681_hougaard.com_OnBoarding_1.0.0.0.app", "7afe78e7-5bc0-4652-814f-348be24ed6ba"
ITEM_LIST = """pageextension 50000 "My Items" extends "Item List"
{
    layout
    {
        addlast(Item)
        {
            field("My Field"; "No.") { ApplicationArea = All; }
        }
    }
}
"""
USES_VENDOR = "codeunit 50001 Broken { var V: Record Vendor; }"


def verdicts(answer: CompatibilityChecked) -> dict[str, Verdict]:
    return {one.app_id: one.verdict for one in answer.extensions}


async def test_every_extension_gets_a_verdict_and_what_breaks_is_told_once(
    asker: Asker, checker: Checker, small_base: SmallBase, environment: str
) -> None:
    await checker().start().ready()
    on_good = [(GOOD, "Good", "Contoso", "1.0.0.0")]
    on_broken = [(BROKEN, "Broken", "Contoso", "1.0.0.0")]
    extensions = (
        await asker.extension(
            extension("codeunit 50002 Needy { }", app_id=NEEDY, name="Needy", dependencies=on_broken), NEEDY, "Needy"
        ),
        await asker.extension(
            extension(USES_CUSTOMER, app_id=GOOD, name="Good", version="1.2.0.0"), GOOD, "Good", "1.2.0.0"
        ),
        await asker.extension(
            extension(USES_VENDOR, app_id=BROKEN, name="Broken", dependencies=on_good), BROKEN, "Broken"
        ),
        await asker.extension(container(b".NEA" + bytes(100), declared=96), RUNTIME, "Runtime"),
        await asker.extension(extension("codeunit 50003 X { }", app_id=GOOD, name="Good"), OTHER, "Other"),
    )
    await asker.publish(small_base.id, await asker.put(small_base.package))
    [indexed] = await asker.indexed(small_base.id)
    assert [(one.name, one.version) for one in indexed.packages] == [("Base Application", small_base.version)]

    await asker.ask(environment, small_base.id, *extensions, operation="operation-1")
    [answer] = await asker.answers(environment)
    assert answer.verdict is Verdict.INCOMPATIBLE
    assert answer.operation == "operation-1"
    assert answer.problem is None
    assert [one.app_id for one in answer.extensions] == [one.app_id for one in extensions]
    assert verdicts(answer) == {
        GOOD: Verdict.COMPATIBLE,
        BROKEN: Verdict.INCOMPATIBLE,
        NEEDY: Verdict.INCOMPATIBLE,
        RUNTIME: Verdict.UNVERIFIABLE,
        OTHER: Verdict.UNVERIFIABLE,
    }
    summaries = {one.app_id: one.summary for one in answer.extensions}
    assert summaries[GOOD] == ""
    assert "AL0185" in summaries[BROKEN]
    assert "runtime package" in summaries[RUNTIME]
    assert f"the file is Good 1.0.0.0 ({GOOD}), not Other 1.0.0.0 ({OTHER})" in summaries[OTHER]

    started = await asker.told(CompatibilityCheckStarted, environment)
    assert [(one.extensions, one.operation) for one in started] == [(5, "operation-1")]
    each = {one.extension.app_id: one for one in await asker.told(ExtensionChecked, environment)}
    assert {app_id: one.extension.verdict for app_id, one in each.items()} == verdicts(answer)
    assert [finding.code for finding in each[BROKEN].findings] == ["AL0185"]
    assert each[GOOD].report == answer.report
    assert not any(one.reused for one in each.values())
    told = {one.extension.app_id: one for one in await asker.told(ExtensionIncompatible, environment)}
    assert set(told) == {BROKEN, NEEDY}
    assert {one.removal_days for one in told.values()} == {90}
    [finding] = told[BROKEN].findings
    assert (finding.code, finding.severity, finding.file, finding.line) == (
        "AL0185",
        FindingSeverity.BLOCKS,
        "src/Code.al",
        1,
    )
    assert answer.report
    report = json.loads(await asker.store.read(answer.report.digest, limit=100_000))
    assert report["verdict"] == "incompatible"
    assert [(one["id"], one["name"], one["verdict"]) for one in report["extensions"]] == [
        (one.app_id, one.name, one.verdict) for one in answer.extensions
    ]

    # The same set and base for another operation: the recorded answer, and nobody is told again.
    await asker.ask(environment, small_base.id, *extensions, operation="operation-2")
    first, second = await asker.answers(environment, 2)
    assert second == first.model_copy(update={"operation": "operation-2"})
    assert len(await asker.told(ExtensionIncompatible, environment)) == 2
    check = f"{environment}/1/{small_base.id}/".encode()
    views = [seen.envelope.data for seen in asker.user.seen if (seen.key or b"").startswith(check)]
    assert isinstance(views[-1], CheckSnapshot)
    assert (views[-1].verdict, views[-1].report) == (Verdict.INCOMPATIBLE, answer.report)


async def test_all_who_ask_before_the_base_is_published_are_answered_once_it_is(
    asker: Asker, checker: Checker, small_base: SmallBase, environment: str
) -> None:
    await checker().start().ready()
    one = await asker.extension(extension(USES_CUSTOMER, app_id=GOOD, name="Good"), GOOD, "Good")
    promotion = f"{environment}/promotion-1"
    await asker.ask(environment, small_base.id, one, operation="operation-1")
    await asker.ask(environment, small_base.id, one, promotion=promotion)
    await asker.ask(environment, small_base.id, one, operation="operation-1")
    check = f"{environment}/1/{small_base.id}/".encode()
    await asker.user.wait_for(lambda seen: (seen.key or b"").startswith(check))
    await asker.publish(small_base.id, await asker.put(small_base.package))
    answers = await asker.answers(environment, 2)
    assert [(one.operation, one.promotion, one.verdict) for one in answers] == [
        ("operation-1", None, Verdict.COMPATIBLE),
        (None, promotion, Verdict.COMPATIBLE),
    ]
    # The third asked for what the first waits for: one answer. A fourth comes when all is known.
    await asker.ask(environment, small_base.id, one, operation="operation-4")
    assert [one.operation for one in await asker.answers(environment, 3)] == ["operation-1", None, "operation-4"]


async def test_faults_of_ours_end_as_check_failed_and_are_checked_again_when_asked_again(
    asker: Asker, checker: Checker, small_base: SmallBase, environment: str
) -> None:
    await checker().start().ready()
    content = extension(USES_CUSTOMER, app_id=GOOD, name="Good")
    there = await asker.extension(content, GOOD, "Good")
    await asker.ask(environment, small_base.id, there, operation="operation-1")
    [unknown] = await asker.answers(environment)
    assert unknown.verdict is Verdict.CHECK_FAILED
    assert unknown.problem
    assert unknown.problem.reason == "BASE_UNKNOWN"
    assert verdicts(unknown) == {GOOD: Verdict.CHECK_FAILED}

    late = extension("codeunit 50009 Late { }", app_id=BROKEN, name="Late")
    missing = ArtifactRef(digest=_digest(late), size=len(late), media_type="application/octet-stream")
    both = (there, extension_of(missing, BROKEN, "Late"))
    await asker.publish(small_base.id, await asker.put(small_base.package))
    await asker.ask(environment, small_base.id, *both, operation="operation-2")
    _, failed = await asker.answers(environment, 2)
    assert failed.verdict is Verdict.CHECK_FAILED
    assert failed.problem
    assert failed.problem.reason == "ARTIFACT_MISSING"
    assert verdicts(failed) == {GOOD: Verdict.CHECK_FAILED, BROKEN: Verdict.CHECK_FAILED}
    assert failed.report is None

    await asker.put(late)
    await asker.ask(environment, small_base.id, *both, operation="operation-3")
    *_, checked = await asker.answers(environment, 3)
    assert (checked.operation, checked.verdict, checked.problem) == ("operation-3", Verdict.COMPATIBLE, None)
    assert await asker.told(ExtensionIncompatible, environment) == []


async def test_an_environment_without_extensions_is_compatible_with_whatever_comes(
    asker: Asker, checker: Checker, small_base: SmallBase, environment: str
) -> None:
    await checker().start().ready()
    await asker.ask(environment, small_base.id, operation="operation-1")
    [answer] = await asker.answers(environment, seconds=5)
    assert (answer.verdict, answer.extensions, answer.report) == (Verdict.COMPATIBLE, (), None)


async def test_real_apps_are_judged_against_application_14(asker: Asker, checker: Checker, environment: str) -> None:
    if not CORPUS.is_dir():
        pytest.skip("the corpus of real packages is not on this machine")
    await checker().start().ready()
    base = "14.0.29537.0/DK"
    packages = [
        await asker.put(next(CORPUS.rglob(name)).read_bytes())
        for name in ("Microsoft_Application_14.0.29537.0_DK.app", "a71814d3_Microsoft_System_14.0.29530.0.app")
    ]
    await asker.publish(base, *packages)
    [indexed] = await asker.indexed(base)
    assert [one.name for one in indexed.packages] == ["Application", "System"]
    lost_item = extension(ITEM_LIST, application="13.0.0.0", platform="13.0.0.0", runtime="2.0")
    files = {path.name: path.read_bytes() for path in CORPUS.rglob("*.app")}
    set_ = (
        await asker.extension(lost_item, EXTENSION_ID, "Contoso Extension"),
        await asker.extension(files[ONBOARDING], ONBOARDING_ID, "OnBoarding"),
        await asker.extension(files["AlRuntimePackage_18.3.24557.0_runtime.app"], RUNTIME, "Runtime"),
        await asker.extension(files["3f174506_Netcompany_SECDatacom_1.1.1.66.app"], OTHER, "Empty"),
    )
    await asker.ask(environment, base, *set_)
    [answer] = await asker.answers(environment)
    assert verdicts(answer) == {
        EXTENSION_ID: Verdict.INCOMPATIBLE,
        ONBOARDING_ID: Verdict.COMPATIBLE,
        RUNTIME: Verdict.UNVERIFIABLE,
        OTHER: Verdict.UNVERIFIABLE,
    }
    [told] = await asker.told(ExtensionIncompatible, environment)
    assert [(one.code, one.symbol, one.line, one.column) for one in told.findings] == [("AL0270", "Item", 5, 17)]


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
