"""The main job on real environments: PostgreSQL, services as processes, six services, mail.

One story is told once; each test looks at another side of it.
"""

import asyncio
import json
import random
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest
from typer.testing import CliRunner

from deploy.commands import app
from deploy.demo.packages import CUSTOMIZATION_V1, CUSTOMIZATION_V2, FAILING, PLATFORM, DemoModule, DemoPackage
from deploy.demo.reference_application.definition import application
from deploy.stack import Stack
from services.servicing_executor.runtimes.local import LocalRuntime
from services.servicing_executor.runtimes.postgres import PostgresCluster
from shared.contracts.extension_compatibility_checker import (
    CompatibilityChecked,
    ExtensionIncompatible,
)
from shared.contracts.notifier import AddRecipient, AudienceChanged, NotificationSent
from shared.contracts.package_validator import PackageValidated
from shared.contracts.parts import EnvironmentKind, Verdict
from shared.contracts.promotion_scheduler import (
    CandidateMarked,
    PromotionCompleted,
    PromotionScheduled,
    PromotionStarted,
)
from shared.contracts.servicing_executor import (
    ApplyUpdate,
    EnvironmentStatus,
    EnvironmentStatusChanged,
    InstallExtension,
    OperationFinished,
    Outcome,
    StepFinished,
    StepStarted,
)
from tests.end_to_end.installation import SETTINGS, Printed, drydock, installation, mails, warm_parts
from tests.end_to_end.world import NEXT_PLATFORM, RELEASE, VENDOR, World, world
from tests.support import al_packages
from tests.support.effort import SEED

pytestmark = pytest.mark.timeout(600)

OCTOBER, PREVIEW, AFTERWARDS = "October release", "December preview", "After the restore"
STARTS_IN = timedelta(seconds=4)


@dataclass
class Story:
    """What the users of one project did, and what they saw."""

    world: World
    runtime: LocalRuntime
    """The environments of the machine, as any executor sees them."""
    printed: dict[str, Printed] = field(default_factory=dict)
    operations: dict[str, OperationFinished] = field(default_factory=dict)
    customers: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)
    """What is in the sandbox's database, at the moments that are named."""
    promotion: str = ""

    async def type(self, what: str, *arguments: str) -> Printed:
        """Type a command."""
        printed = await asyncio.to_thread(drydock, self.world.stack, *arguments)
        self.printed[what] = printed
        return printed

    def sql(self, environment: str, query: str) -> list[tuple[str, str]]:
        """The rows of a query, in an environment's database."""
        with psycopg.connect(self.runtime.conninfo(environment)) as connection:
            return connection.execute(query.encode()).fetchall()

    def look(self, moment: str) -> None:
        """Note the customers in the sandbox's database."""
        rows = self.sql(self.world.sandbox, "select account, name from customers order by account")
        self.customers.append((moment, rows))

    async def apply(self, package: DemoPackage, name: str) -> OperationFinished:
        """Apply a package, and wait for its end."""
        self.operations[name] = await self.world.finished(
            await self.world.apply(f"{self.world.project}/{package.name}", name)
        )
        return self.operations[name]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Everything, with real environments."""
    with installation(cold=True) as running:
        yield running


@pytest.fixture(scope="module")
def story(stack: Stack) -> Story:
    """From upload to production, and on to a release of the vendor that an extension does not bear."""
    return asyncio.run(_tell(stack))


async def _tell(stack: Stack) -> Story:
    async with world(stack) as place:
        environments = stack.data / "environments"
        cluster = PostgresCluster(environments / "postgres")
        story = Story(place, LocalRuntime(environments / "installed", place.store, application(), cluster))
        await _upload(story)
        await cluster.start()
        await _update_the_sandbox(story)
        await _promote(story)
        await _take_the_vendors_release(story)
        await place.told_by_mail()
        await story.type("history", "environment", "history", place.sandbox, "-o", "json")
        await story.type("production", "environment", "history", place.production, "-o", "json")
        await story.type("list", "environment", "list")
        return story


async def _upload(story: Story) -> None:
    place = story.world
    await story.type("notify", "notify", "add", place.project, place.mailbox)
    await place.send(
        AddRecipient(project=place.project, address=f"operations@{place.project}.example", environment=place.production)
    )
    await place.wait(AudienceChanged, lambda told: len(told.recipients) == 2)
    platform = PLATFORM.write(place.folder)
    await story.type("submit", "package", "submit", str(platform), "--project", place.project, "--wait")
    wrapped = await place.submit_wrapped(CUSTOMIZATION_V1)
    await story.type(
        "wrapped", "package", "submit", str(place.folder / f"{wrapped.partition('/')[2]}.zip"),
        "--project", place.project, "--name", "again", "--wait",
    )  # fmt: skip
    for package in (CUSTOMIZATION_V1, CUSTOMIZATION_V2, FAILING):
        await place.submit(package)
    await place.wait(PackageValidated, count=4)
    operations = {
        environment: await place.register(environment, kind, f"{place.project}/{PLATFORM.name}")
        for environment, kind in (
            (place.sandbox, EnvironmentKind.SANDBOX),
            (place.production, EnvironmentKind.PRODUCTION),
        )
    }
    for environment, operation in operations.items():
        story.operations[environment] = await place.succeeded(operation)


async def _update_the_sandbox(story: Story) -> None:
    place = story.world
    await story.apply(CUSTOMIZATION_V1, OCTOBER)
    with psycopg.connect(story.runtime.conninfo(place.sandbox)) as connection:
        connection.execute("insert into customers values ('C-100', 'Fabrikam')")
    story.look("before")
    await story.apply(FAILING, PREVIEW)
    story.look("after")
    story.customers.append(("shown", [(one["account"], one["name"]) for one in await _shown(story)]))
    applied = await story.type(
        "apply", "update", "apply", f"{place.project}/{CUSTOMIZATION_V2.name}",
        "--to", place.sandbox, "--name", RELEASE, "--wait",
    )  # fmt: skip
    story.operations[RELEASE] = await place.finished(applied.out.strip())


async def _shown(story: Story) -> list[dict[str, str]]:
    """What the sandbox's own service shows of its customers."""
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{story.runtime.address(story.world.sandbox)}/customers", timeout=30)
    return list(answer.json()["customers"])


async def _promote(story: Story) -> None:
    place = story.world
    update = f"{place.sandbox}/{RELEASE}"
    await story.type("sign-off", "update", "sign-off", update, "--note", "tested by the key users")
    await place.mark()
    await place.wait(CandidateMarked)
    story.promotion = await place.schedule(datetime.now(UTC) + STARTS_IN)
    [completed] = await place.wait(PromotionCompleted)
    story.operations["promotion"] = await place.finished(completed.operation)
    await story.type("promotion", "promotion", "wait", story.promotion)


async def _take_the_vendors_release(story: Story) -> None:
    place = story.world
    extension = await place.extension("codeunit 50000 Freight\n{\n    var C: Record Customer;\n}")
    await place.succeeded(await place.send(InstallExtension(environment=place.sandbox, extension=extension)))
    await place.release(al_packages.base_app(version="26.0.0.0"))
    await story.apply(NEXT_PLATFORM, VENDOR)


def test_a_package_is_validated_and_one_zipped_twice_is_refused_with_the_fix(story: Story) -> None:
    assert story.printed["submit"].code == 0, story.printed["submit"]
    assert "valid" in story.printed["submit"].out
    refused = story.printed["wrapped"]
    assert refused.code == 1, refused
    assert "invalid" in refused.out


def test_an_update_goes_through_its_steps_one_after_the_other(story: Story) -> None:
    finished = story.operations[RELEASE]
    assert finished.outcome is Outcome.SUCCEEDED
    assert [step.name for step in finished.steps] == [
        "build-image",
        "prepare-release",
        "stop-services",
        "snapshot-database",
        "switch-release",
        "migrate-database",
        "start-services",
        "verify",
    ]
    assert finished.downtime_seconds
    assert story.printed["apply"].code == 0
    assert "apply succeeded" in story.printed["apply"].err


def test_every_step_is_told_once_and_every_operation_ends_once(story: Story) -> None:
    place = story.world
    begun = Counter((one.data.operation, one.data.step) for one in place.seen(StepStarted))
    ended = Counter((one.data.operation, one.data.record.name) for one in place.seen(StepFinished))
    assert begun == ended
    assert set(begun.values()) == {1}
    ends = Counter(one.data.operation for one in place.seen(OperationFinished))
    assert set(ends.values()) == {1}
    assert len(ends) == 8


def test_a_failing_update_rolls_back_image_and_data(story: Story) -> None:
    failed = story.operations[PREVIEW]
    assert failed.outcome is Outcome.ROLLED_BACK
    assert failed.problem
    assert failed.problem.reason == "STEP_FAILED"
    assert "004_first_customers.sql" in failed.problem.message
    assert failed.running == story.operations[OCTOBER].running
    rows = [("C-100", "Fabrikam")]
    assert story.customers == [("before", rows), ("after", rows), ("shown", rows)]


def test_production_runs_the_very_image_of_the_candidate(story: Story) -> None:
    place = story.world
    candidate = story.operations[RELEASE].running
    promoted = story.operations["promotion"]
    assert promoted.running == candidate
    assert candidate
    runtime = story.runtime
    for environment in (place.sandbox, place.production):
        assert asyncio.run(runtime.current_image(environment)) == candidate.image
    answer = httpx.get(f"{runtime.address(place.production)}/modules", timeout=30, trust_env=False).json()
    assert answer["release"] == answer["database"]
    assert {"ContosoLoyalty": "1.1.0.0", "ContosoReports": "1.0.0.0"}.items() <= answer["database"].items()
    migrations = story.sql(place.production, "select module, file_name from schema_migrations order by applied_at")
    assert migrations[-2:] == [("ContosoLoyalty", "001_loyalty_cards.sql"), ("ContosoLoyalty", "002_tiers.sql")]


def test_a_promotion_starts_in_its_downtime_and_is_completed(story: Story) -> None:
    place = story.world
    [scheduled], [started] = place.seen(PromotionScheduled), place.seen(PromotionStarted)
    downtime = scheduled.data.downtime
    assert downtime.end - downtime.start == timedelta(hours=3)
    assert downtime.start <= started.time < downtime.end
    assert [one.data.promotion for one in place.seen(PromotionCompleted)] == [story.promotion]
    assert story.printed["promotion"].code == 0, story.printed["promotion"]
    assert "completed" in story.printed["promotion"].out
    changes = place.seen(EnvironmentStatusChanged, lambda told: told.environment == place.production)
    assert [one.data.status for one in changes] == [
        EnvironmentStatus.DEPLOYED,
        EnvironmentStatus.QUEUED,
        EnvironmentStatus.SERVICING,
        EnvironmentStatus.DEPLOYED,
    ]


def test_the_histories_hold_every_attempt_with_its_outcome_and_sign_off(story: Story) -> None:
    def told(what: str) -> list[tuple[object, ...]]:
        entries = json.loads(story.printed[what].out)
        return [(one["operation_kind"], one["update_name"], one["outcome"], one["sign_off"]) for one in entries]

    assert told("history") == [
        ("provision", "Initial deployment", "succeeded", None),
        ("apply", OCTOBER, "succeeded", None),
        ("apply", PREVIEW, "rolled-back", None),
        ("apply", RELEASE, "succeeded", "clean"),
        ("install-extension", None, "succeeded", None),
        ("apply", VENDOR, "failed", None),
    ]
    assert told("production") == [
        ("provision", "Initial deployment", "succeeded", None),
        ("promote", RELEASE, "succeeded", None),
    ]
    listed = story.printed["list"]
    assert listed.code == 0
    rows = [line.split() for line in listed.out.splitlines()]
    assert [story.world.production, story.world.project, "production", "Deployed"] in [row[:4] for row in rows]


def test_a_vendor_update_is_refused_for_an_extension_that_does_not_bear_it(story: Story) -> None:
    place = story.world
    finished = story.operations[VENDOR]
    assert finished.outcome is Outcome.FAILED
    assert finished.problem
    assert finished.problem.reason == "EXTENSIONS_INCOMPATIBLE"
    assert [step.name for step in finished.steps if step.started_at] == ["check-extensions"]
    assert finished.downtime_seconds is None
    assert finished.running == story.operations[RELEASE].running
    [checked], [told] = place.seen(CompatibilityChecked), place.seen(ExtensionIncompatible)
    assert checked.data.verdict is Verdict.INCOMPATIBLE
    finding = told.data.findings[0]
    assert "Customer" in finding.message
    [mail] = [one for one in mails(place.stack, place.project) if "not compatible with version 26" in one["Subject"]]
    text = mail.get_body(("plain",))
    assert text
    assert finding.code in text.get_content()


def test_each_recipient_has_one_mail_for_each_transition(story: Story) -> None:
    place = story.world
    sent = mails(place.stack, place.project)
    heads = Counter((str(mail["To"]), _head(str(mail["Subject"]))) for mail in sent)
    sandbox = [
        f"{place.sandbox}: {what}: {name}"
        for name, end in ((OCTOBER, "succeeded"), (PREVIEW, "rolled back"), (RELEASE, "succeeded"))
        for what in ("update queued", "update started", f"update {end}")
    ]
    vendor = [
        f"{place.sandbox}: update queued: {VENDOR}",
        f"{place.sandbox}: extension not compatible with version 26: Contoso Extension 1.0.0.0",
        f"{place.sandbox}: update failed: {VENDOR}",
    ]
    production = [
        f"{place.production}: {what}: {RELEASE}"
        for what in ("promotion scheduled", "update queued", "update started", "update succeeded")
    ]
    everybody = [(place.mailbox, head) for head in (*sandbox, *vendor, *production)]
    operations = [(f"operations@{place.project}.example", head) for head in production]
    assert heads == Counter([*everybody, *operations])
    assert len({str(mail["Message-ID"]) for mail in sent}) == len(sent)
    assert len(place.seen(NotificationSent)) == len(sent)


def test_mails_name_commands_that_the_command_line_has(story: Story) -> None:
    place = story.world
    named = set()
    for mail in mails(place.stack, place.project):
        text = mail.get_body(("plain",))
        assert text
        named |= set(re.findall(r"drydock ([a-z][a-z-]* .*)$", text.get_content(), re.M))
    assert {" ".join(line.split()[:2]) for line in named} == {
        "extension check",
        "extension install",
        "extension stage",
        "extension uninstall",
        "operation cancel",
        "operation logs",
        "operation wait",
        "promotion cancel",
        "remediation list",
        "update sign-off",
    }
    for line in named:
        understood = CliRunner().invoke(app, [*shlex.split(line), "--help"])
        assert understood.exit_code == 0, (line, understood.output)


def _head(subject: str) -> str:
    """Environment, transition and name of a subject, without the time of a downtime."""
    environment, what, name = subject.partition(" / ")[2].split(": ")
    return f"{environment}: {what.partition(' for ')[0]}: {name}"


def test_an_executor_killed_during_an_update_goes_on_where_it_was(story: Story, stack: Stack) -> None:
    before = story.operations[RELEASE]
    took = (before.finished_at - before.accepted_at).total_seconds()
    after = random.Random(SEED).uniform(0, took)
    print(f"DRYDOCK_TEST_SEED={SEED}: servicing-executor is killed {after:.2f} s after its command")
    asyncio.run(_kill_while_updating(stack, story, after))


async def _kill_while_updating(stack: Stack, story: Story, after: float) -> None:
    loyalty, reports = CUSTOMIZATION_V2.modules
    notes = "create table notes (line text); insert into notes values ('1');"
    migrations = {**loyalty.migrations, "003_notes.sql": notes}
    package = DemoPackage(
        "contoso-2027.01", "customization", (DemoModule("ContosoLoyalty", "1.3.0.0", (), migrations), reports)
    )
    async with world(stack) as place:
        place.project = story.world.project
        await place.submit(package)
        await place.wait(PackageValidated)
        operation = await place.send(
            ApplyUpdate(
                environment=place.sandbox, package=f"{place.project}/{package.name}", update_name="January release"
            )
        )
        await asyncio.sleep(after)
        await asyncio.to_thread(stack.processes["servicing-executor"].kill)
        finished = await place.succeeded(operation)
        await place.told_by_mail()
        assert story.sql(place.sandbox, "select line, line from notes") == [("1", "1")]
        steps = [one.data.record.name for one in place.seen(StepFinished)]
        assert steps == [step.name for step in finished.steps]
        assert [one.data.step for one in place.seen(StepStarted)] == steps
        assert len(place.seen(OperationFinished)) == 1
        assert len({one.data.message_id for one in place.seen(NotificationSent)}) == 3
        assert len(place.seen(NotificationSent)) == 3


def test_an_installation_that_was_backed_up_and_restored_goes_on_where_it_was(
    story: Story, stack: Stack, tmp_path: Path
) -> None:
    """The last of the story: the first installation has ended then."""
    place = story.world
    lists = (
        ("environment", "list", "--project", place.project),
        ("environment", "history", place.sandbox, "-o", "json"),
        ("environment", "history", place.production, "-o", "json"),
        ("promotion", "list", "--project", place.project, "-o", "json"),
        ("package", "list", "--project", place.project, "-o", "json"),
    )
    before = [drydock(stack, *words) for words in lists]
    sent = mails(stack, place.project)
    customers = story.sql(place.sandbox, "select account, name from customers")
    stack.stop()
    backup, data = tmp_path / "backup.tar", tmp_path / "restored"
    for words in (["backup", str(backup)], ["verify", str(backup)], ["restore", str(backup), str(data)]):
        done = drydock(stack, "installation", *words)
        assert done.code == 0, done
    said: list[str] = []
    with warm_parts(), Stack(data, say=said.append, settings=SETTINGS) as restored:
        assert any("made of" in line and str(backup) in line for line in said)
        assert [drydock(restored, *words) for words in lists] == before
        asyncio.run(_update_once_more(restored, place))
        environments = data / "environments"
        cluster = PostgresCluster(environments / "postgres")
        asyncio.run(cluster.start())
        runtime = LocalRuntime(environments / "installed", place.store, application(), cluster)
        with psycopg.connect(runtime.conninfo(place.sandbox)) as connection:
            assert connection.execute("select account, name from customers").fetchall() == customers
        later = mails(restored, place.project)
        known = {str(mail["Message-ID"]) for mail in sent}
        new = [mail for mail in later if str(mail["Message-ID"]) not in known]
        assert len(later) == len(sent) + len(new)
        assert [_head(str(mail["Subject"])).partition(": ")[2] for mail in new] == [
            f"update {what}: {AFTERWARDS}" for what in ("queued", "started", "succeeded")
        ]


async def _update_once_more(restored: Stack, place: World) -> None:
    async with world(restored) as there:
        there.project = place.project
        package = f"{place.project}/{CUSTOMIZATION_V2.name}"
        words = ("update", "apply", package, "--to", place.sandbox, "--name", AFTERWARDS, "--wait")
        applied = await asyncio.to_thread(drydock, restored, *words)
        assert applied.code == 0, applied
        await there.told_by_mail()
