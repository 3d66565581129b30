"""Remediations by messages on real engines, and what the command line says of them."""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime

from deploy.embedded import Endpoints
from shared.contracts.cloudevents import encode
from shared.contracts.envelope import Envelope, new_id
from shared.contracts.extension_compatibility_checker import (
    CompatibilityChecked,
    ExtensionIncompatible,
    RemediationEnded,
    RemediationEnding,
    RemediationsSnapshot,
    RemediationStarted,
    RemediationStatus,
)
from shared.contracts.message import Message
from shared.contracts.notifier import NotificationSent, Occasion
from shared.contracts.parts import EnvironmentKind, Extension, Verdict
from shared.contracts.servicing_executor import (
    EnvironmentRegistered,
    EnvironmentSnapshot,
    EnvironmentStatus,
    ExtensionSetChanged,
)
from tests.integration.extension_compatibility_checker.conftest import Asker, SmallBase
from tests.support import warm
from tests.support.al_packages import EXTENSION_ID, extension
from tests.support.services import ServiceProcess

Checker = Callable[[], ServiceProcess]
BROKEN = "codeunit 50000 Mine { var V: Record Vendor; }"
WORKS = "codeunit 50000 Mine { var C: Record Customer; }"


class Others:
    """The other services, played for one environment."""

    def __init__(self, asker: Asker, environment: str) -> None:
        self._asker = asker
        self._environment = environment
        self._sequence = 0

    async def send(self, message: Message) -> None:
        self._sequence += 1
        user = self._asker.user
        envelope = Envelope(id=new_id(), source="test", time=datetime.now(UTC), data=message, sequence=self._sequence)
        record = encode(envelope)
        topic = user.catalogue.topic_of(type(message), message.owner)
        await user.producer.send_and_wait(topic, record.value, key=record.key, headers=record.headers)

    async def register(self) -> None:
        await self.send(
            EnvironmentRegistered(
                environment=self._environment,
                project="contoso",
                environment_kind=EnvironmentKind.PRODUCTION,
                country="W1",
            )
        )

    async def set(self, version: int, *extensions: Extension) -> None:
        await self.send(
            ExtensionSetChanged(
                environment=self._environment,
                project="contoso",
                set_version=version,
                extensions=extensions,
                operation=f"operation-{version}",
            )
        )

    async def tell(self, base: str) -> None:
        await self.send(
            NotificationSent(
                project="contoso",
                environment=self._environment,
                notification=f"contoso/{new_id()}",
                occasion=Occasion.EXTENSION_INCOMPATIBLE,
                address="ada@contoso.example",
                message_id=new_id(),
                sent_at=datetime.now(UTC),
                app_id=EXTENSION_ID,
                base=base,
            )
        )


def drydock(engines: Endpoints, *words: str, code: int = 0) -> str:
    done = subprocess.run(
        warm.drydock(*words),
        env={"DRYDOCK_KAFKA": engines.kafka, "PATH": "", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


async def test_from_the_mail_over_a_broken_upload_to_a_version_that_works(
    engines: Endpoints, asker: Asker, checker: Checker, small_base: SmallBase, environment: str
) -> None:
    service = checker()
    await service.start().ready()
    others = Others(asker, environment)
    await asker.publish(small_base.id, await asker.put(small_base.package))
    first = await asker.extension(extension(BROKEN), EXTENSION_ID, "Contoso Extension")
    await others.register()
    await others.set(1, first)
    await asker.ask(environment, small_base.id, first)
    await asker._wait(ExtensionIncompatible, environment, 1)
    await others.tell(small_base.id)
    [started] = await asker._wait(RemediationStarted, environment, 1)
    due = started.dates.removal_due_at
    told = started.dates.first_notified_at
    assert due
    assert told
    assert (due - told).days == 90

    listed = json.loads(drydock(engines, "remediation", "list", "--environment", environment, "-o", "json"))
    assert [(one["status"], one["extension"]["app_id"], one["target_major"]) for one in listed] == [
        ("running", EXTENSION_ID, 25)
    ]
    assert "Contoso Extension 1.0.0.0" in drydock(engines, "remediation", "list", "--environment", environment)
    assert drydock(engines, "remediation", "list", "--environment", "another", "-o", "id") == ""

    # Broken again: the service asks itself, and the clock goes on. Killed and started anew, it still knows.
    service.kill()
    await service.ended()
    await service.start().ready()
    again = await asker.extension(extension(BROKEN, version="1.1.0.0"), EXTENSION_ID, "Contoso Extension", "1.1.0.0")
    await others.set(2, again)
    *_, answer = await asker._wait(CompatibilityChecked, environment, 2)
    assert (answer.set_version, answer.verdict, answer.operation) == (2, Verdict.INCOMPATIBLE, None)
    fixed = await asker.extension(extension(WORKS, version="2.0.0.0"), EXTENSION_ID, "Contoso Extension", "2.0.0.0")
    await others.set(3, fixed)
    [ended] = await asker._wait(RemediationEnded, environment, 1)
    assert (ended.ending, ended.dates.first_notified_at, ended.extension.version) == (
        RemediationEnding.FIXED,
        told,
        "1.1.0.0",
    )
    assert len(await asker.told(RemediationStarted, environment)) == 1
    *_, view = await asker.told(RemediationsSnapshot, environment)
    assert [one.status for one in view.remediations] == [RemediationStatus.ENDED]


async def test_the_policy_of_a_project_is_shown_changed_and_followed(
    engines: Endpoints, asker: Asker, checker: Checker, small_base: SmallBase, environment: str
) -> None:
    await checker().start().ready()
    project = f"p{environment[-12:]}"
    shown = json.loads(drydock(engines, "remediation", "policy", project, "-o", "json"))
    assert (shown["policy"]["regime"], shown["policy"]["removal_days"]) == ("after-notification", 90)
    refused = drydock(engines, "remediation", "policy", project, "--removal-days", "30", code=2)
    assert "add --yes" in refused
    wrong = drydock(engines, "remediation", "policy", project, "--removal-days", "0", "--yes", code=2)
    assert wrong.startswith("removal_days: ")
    drydock(engines, "remediation", "policy", project, "--removal-days", "30", "--reminder-days", "7", "--yes")
    table = drydock(engines, "remediation", "policy", project, "--without-recipient", "from-detection", "--yes")
    assert "removed 30 days after somebody was told, or found where nobody can be told" in table
    shown = json.loads(drydock(engines, "remediation", "policy", project, "-o", "json"))["policy"]
    assert (shown["removal_days"], shown["reminder_days"], shown["without_recipient"]) == (30, [7], "from-detection")


async def test_a_check_as_telemetry(
    engines: Endpoints, asker: Asker, checker: Checker, small_base: SmallBase, environment: str
) -> None:
    await checker().start().ready()
    await Others(asker, environment).send(
        EnvironmentSnapshot(
            environment=environment,
            project="contoso",
            environment_kind=EnvironmentKind.SANDBOX,
            country="W1",
            status=EnvironmentStatus.DEPLOYED,
            running=None,
            operation=None,
            set_version=1,
            extensions=(),
        )
    )
    await asker.publish(small_base.id, await asker.put(small_base.package))
    one = await asker.extension(extension(BROKEN), EXTENSION_ID, "Contoso Extension")
    await asker.ask(environment, small_base.id, one)
    await asker.answers(environment)
    lines = drydock(engines, "extension", "telemetry", environment, "--from-start", "--no-follow").splitlines()
    records = [json.loads(line)["customDimensions"] for line in lines]
    assert [one["eventId"] for one in records] == ["LC0220", "LC0224", "LC0210", "LC0226", "LC0223"]
    assert len({one["submissionOperationId"] for one in records}) == 1
    assert records[2]["diagnosticCode"] == "AL0185"
    assert records[2]["environmentType"] == "Sandbox"
    assert "there is no environment nowhere" in drydock(engines, "extension", "telemetry", "nowhere", code=3)
