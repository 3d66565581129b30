"""What the command line waits for, and how it ends: the test plays the services."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from deploy.embedded import Endpoints
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import Envelope
from shared.contracts.message import Message
from shared.contracts.parts import Downtime, EnvironmentKind, Problem
from shared.contracts.promotion_scheduler import (
    PromotionCheckStarted,
    PromotionRefused,
    PromotionScheduled,
    PromotionStatus,
    SchedulePromotion,
)
from shared.contracts.servicing_executor import (
    EnvironmentRegistered,
    EnvironmentStatus,
    OperationAccepted,
    OperationFinished,
    OperationKind,
    Outcome,
    RegisterEnvironment,
)
from tests.support import warm
from tests.support.played_services import NOON, PlayedServices, ended, environment, operation, promotion, update
from tests.support.services import Client

CANDIDATE = update("November release")


class Typed:
    """A command line that runs, in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ended(self) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        out, err = await self._process.communicate()
        return self._process.returncode or 0, out.decode(), err.decode()

    async def told(self) -> str:
        """The next line that it tells."""
        assert self._process.stderr
        return (await self._process.stderr.readline()).decode()


@dataclass
class Place:
    """Environments of the test's own."""

    engines: Endpoints
    played: PlayedServices
    user: Client
    name: str

    @property
    def production(self) -> str:
        return self.name.replace("-test", "-prod")

    async def type(self, *arguments: str) -> Typed:
        process = await asyncio.create_subprocess_exec(
            *warm.drydock(*arguments),
            env={**os.environ, "DRYDOCK_KAFKA": self.engines.kafka, "DRYDOCK_ACTOR": "ada"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return Typed(process)

    async def schedule(self, *more: str) -> Typed:
        candidate = f"{self.name}/{CANDIDATE.name}"
        where = ("--to", self.production, "--start", "now", "--yes")
        return await self.type("promotion", "schedule", candidate, *where, *more)

    async def sent(self, count: int = 1) -> Envelope[Message]:
        """Wait for so many commands about these environments; the last one."""
        ours = {self.name.encode(), self.production.encode()}
        found = await self.user.wait_for(lambda seen: seen.key in ours and ".commands" in seen.topic, count)
        return found[-1].envelope

    async def check(self, count: int = 1) -> str:
        """Begin the check of the promotion that is asked for; the id of its command."""
        command = await self.sent(count)
        assert isinstance(command.data, SchedulePromotion)
        await self.played.tell(self.checking(command.id), causation=command.id)
        return command.id

    def checking(self, command: str) -> PromotionCheckStarted:
        return PromotionCheckStarted(**self._about(command), start=NOON, set_version=3, base="28.0.1.0/DE")

    def scheduled(self, command: str) -> PromotionScheduled:
        return PromotionScheduled(**self._about(command), downtime=Downtime(start=NOON, end=NOON + timedelta(hours=3)))

    def refused(self, command: str) -> PromotionRefused:
        problem = Problem(reason="EXTENSIONS_INCOMPATIBLE", message="Freight 1.0 does not work")
        return PromotionRefused(**self._about(command), start=NOON, problem=problem)

    def _about(self, command: str) -> dict[str, Any]:
        return {
            "environment": self.production,
            "project": self.name.partition("-")[0],
            "promotion": f"{self.production}/{command}",
            "sandbox": self.name,
            "update": CANDIDATE,
        }


@pytest.fixture
def place(engines: Endpoints, user: Client, played: PlayedServices, name: str) -> Place:
    """Environments of the test's own."""
    return Place(engines, played, user, name)


async def test_a_promotion_is_scheduled_when_its_check_has_ended_whatever_that_was_caused_by(place: Place) -> None:
    typed = await place.schedule("-o", "json")
    command = await place.check()
    told = await typed.told()
    assert told == f"checking the extensions of {place.production} against base 28.0.1.0/DE; waiting for the verdict\n"
    await place.played.tell(place.scheduled(command), causation="the-verdict", correlation=command)
    code, out, _ = await typed.ended()
    assert (code, json.loads(out)["promotion"]) == (0, f"{place.production}/{command}")


async def test_a_promotion_that_its_check_refuses_ends_with_the_reason(place: Place) -> None:
    typed = await place.schedule()
    command = await place.check()
    await typed.told()
    await place.played.tell(place.refused(command), causation="the-verdict", correlation=command)
    assert await typed.ended() == (4, "", "refused (EXTENSIONS_INCOMPATIBLE): Freight 1.0 does not work\n")


async def test_a_promotion_that_somebody_cancels_during_its_check_ends_for_who_asked_for_it(place: Place) -> None:
    typed = await place.schedule()
    command = await place.check()
    await typed.told()
    await place.played.tell(place.refused("another"), causation="cancel-1")
    await place.played.tell(place.refused(command), causation="cancel-1")
    code, _, told = await typed.ended()
    assert (code, told.count("refused")) == (4, 1)


async def test_a_promotion_that_is_asked_for_again_after_its_check_ends_as_it_ended(place: Place) -> None:
    command = f"build-{place.name}"
    view = promotion(place.production, command, update=CANDIDATE)
    await place.played.tell(view)
    typed = await place.schedule("--command-id", command, "-o", "json")
    await place.check()
    code, out, told = await typed.ended()
    assert (code, told) == (0, "")
    assert json.loads(out)["promotion"] == view.promotion


async def test_a_check_that_takes_too_long_ends_the_waiting_alone(place: Place) -> None:
    typed = await place.schedule("--timeout", "8")
    await place.check()
    code, out, told = await typed.ended()
    assert (code, out) == (124, "")
    assert told.endswith("not ended within 8 s; what was started goes on\n")


async def test_an_operation_that_is_asked_for_again_after_its_end_ends_as_it_ended(place: Place) -> None:
    command = f"build-{place.name}"
    problem = Problem(reason="STEP_FAILED", message="no space left")
    await place.played.tell(ended(place.name, command, outcome=Outcome.FAILED, problem=problem))
    register = ("environment", "register", place.name, "--project", "contoso", "--package", "contoso/vendor")
    typed = await place.type(*register, "--command-id", command, "--wait")
    sent = await place.sent()
    assert isinstance(sent.data, RegisterEnvironment)
    registered = EnvironmentRegistered(
        environment=place.name, project="contoso", environment_kind=sent.data.environment_kind, country="W1"
    )
    await place.played.tell(registered, causation=command)
    assert await typed.ended() == (1, f"{command}\n", "failed (STEP_FAILED): no space left\n")


async def test_waiting_says_what_it_waits_for(place: Place) -> None:
    busy = environment(place.name, status=EnvironmentStatus.SERVICING, operation=operation(f"operation-{place.name}"))
    open_ = promotion(place.production, "waits")
    await place.played.tell(busy)
    await place.played.tell(open_)
    first = await place.type("operation", "wait", f"operation-{place.name}", "--timeout", "10")
    second = await place.type("promotion", "wait", open_.promotion, "--timeout", "60")
    assert await first.told() == f"apply on {place.name} is running, migrate-database; waiting for its end\n"
    assert await second.told() == (
        f"promotion {open_.promotion} is scheduled for 2026-11-22 12:00:00 UTC; waiting for its end\n"
    )
    await place.played.tell(open_.model_copy(update={"status": PromotionStatus.COMPLETED}))
    code, _, told = await second.ended()
    assert (code, told) == (0, f"promotion {open_.promotion} is completed\n")
    assert (await first.ended())[0] == 124


async def test_an_operation_is_followed_to_its_end_and_a_refusal_is_one_sentence(place: Place) -> None:
    apply = ("update", "apply", "contoso/contoso-2026.11", "--to", place.name, "--name", "November release")
    typed = await place.type(*apply, "--wait")
    command = await place.sent()
    about: dict[str, Any] = {"environment": place.name, "project": "contoso", "operation": command.id}
    what: dict[str, Any] = {"operation_kind": OperationKind.APPLY, "update_name": "November release"}
    begun = OperationAccepted(
        **about, **what, package=None, image=None, promotion=None, changes=None, steps=("build-image",)
    )
    await place.played.tell(begun, causation=command.id)
    assert await typed.told() == f"apply accepted on {place.name}: build-image\n"
    finished = ended(place.name, command.id, outcome=Outcome.ROLLED_BACK)
    end = OperationFinished(
        **about,
        **what,
        environment_kind=EnvironmentKind.SANDBOX,
        **{
            name: getattr(finished, name)
            for name in ("outcome", "package", "promotion", "running", "accepted_at", "finished_at", "steps", "log")
        },
        downtime_seconds=None,
        problem=Problem(reason="STEP_FAILED", message="no space left"),
    )
    await place.played.tell(end, causation="the-last-step", correlation=command.id)
    code, out, told = await typed.ended()
    assert (code, out) == (5, f"{command.id}\n")
    assert told.splitlines()[-1] == "rolled-back (STEP_FAILED): no space left"

    typed = await place.type(*apply)
    command = await place.sent(2)
    refusal = CommandRejected(
        command_key=place.name,
        command_id=command.id,
        command_type=command.data.type,
        reason="OPERATION_RUNNING",
        message="restart-service runs",
        earliest=NOON,
    )
    await place.played.tell(refusal, causation=command.id, service="servicing-executor")
    words = "refused (OPERATION_RUNNING): restart-service runs. Accepted from 2026-11-21 12:00:00 UTC on.\n"
    assert await typed.ended() == (4, "", words)


@pytest.fixture(scope="module", autouse=True)
def vain(engines: Endpoints) -> Iterator[list[subprocess.Popen[str]]]:
    """Who waits for what does not exist, while the other tests run."""
    lines = (("operation", "wait", "nope"), ("promotion", "wait", "nope/nope"))
    with ExitStack() as running:
        yield [
            running.enter_context(
                subprocess.Popen(
                    warm.drydock(*line),
                    env={**os.environ, "DRYDOCK_KAFKA": engines.kafka},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for line in lines
        ]


def test_what_does_not_exist_is_not_waited_for_for_ever(vain: list[subprocess.Popen[str]]) -> None:
    ends = [(*one.communicate(), one.returncode) for one in vain]
    assert [(code, out, told.splitlines()[-1]) for out, told, code in ends] == [
        (3, "", "there is no operation nope"),
        (3, "", "there is no promotion nope/nope"),
    ]
