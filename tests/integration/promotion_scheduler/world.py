"""A project of its own for each test; the test plays its users, the executor, the checker and the validator."""

from collections import Counter
from datetime import UTC, datetime
from typing import TypeVar

from shared.contracts.cloudevents import encode
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import Envelope, new_id
from shared.contracts.message import Command, Event, Message
from shared.contracts.parts import EnvironmentKind, Extension, Problem, Update
from shared.contracts.promotion_scheduler import MarkCandidate, PromotionSnapshot, SchedulePromotion
from shared.contracts.servicing_executor import (
    ApplyImage,
    EnvironmentRegistered,
    ExtensionSetChanged,
    OperationAccepted,
    OperationFinished,
    OperationKind,
    Outcome,
)
from tests.support.services import Client
from tests.unit.promotion_scheduler.story import update

T = TypeVar("T", bound=Message)

NAME = "November release"


class World:
    """Environments of one project, and what is said about them."""

    def __init__(self, user: Client) -> None:
        self.user = user
        suffix = new_id()[-8:]
        self.project = f"contoso-{suffix}"
        self.production, self.sandbox = f"prod-{suffix}", f"test-{suffix}"
        self._sequences: Counter[tuple[str, str]] = Counter()

    async def tell(self, event: Event, sender: str = "servicing-executor") -> None:
        """Publish an event as its service would."""
        self._sequences[sender, event.key] += 1
        envelope = Envelope(
            id=new_id(),
            source=f"/drydock/{sender}",
            time=datetime.now(UTC),
            data=event,
            sequence=self._sequences[sender, event.key],
        )
        record = encode(envelope)
        topic = self.user.catalogue.topic_of(type(event), sender)
        await self.user.producer.send_and_wait(topic, record.value, key=record.key, headers=record.headers)

    async def seen(self, message: type[T], count: int = 1) -> list[Envelope[T]]:
        """Wait for messages of a type about this project's environments."""
        ours = {self.production.encode(), self.sandbox.encode()}
        found = await self.user.wait_for(
            lambda seen: isinstance(seen.envelope.data, message) and seen.key in ours, count
        )
        return [seen.envelope for seen in found]  # type: ignore[misc]  # the type was looked at

    async def one(self, message: type[T]) -> T:
        """Wait for the one message of a type."""
        [envelope] = await self.seen(message)
        return envelope.data

    async def refusal(self, command: str) -> CommandRejected:
        """Wait for the refusal of a command."""
        [seen] = await self.user.wait_for(
            lambda seen: isinstance(seen.envelope.data, CommandRejected) and seen.envelope.data.command_id == command
        )
        assert isinstance(seen.envelope.data, CommandRejected)
        return seen.envelope.data

    def starts(self) -> list[Envelope[Message]]:
        """The commands to start that the executor was sent until now."""
        return [
            seen.envelope
            for seen in self.user.seen
            if isinstance(seen.envelope.data, ApplyImage) and seen.key == self.production.encode()
        ]

    async def statuses(self, promotion: str, last: str) -> list[str]:
        """Wait until the view of a promotion has a status; all the statuses it had."""

        def of(status: str | None) -> list[str]:
            views = [seen.envelope.data for seen in self.user.seen]
            return [
                view.status.value
                for view in views
                if isinstance(view, PromotionSnapshot) and view.promotion == promotion and status in (None, view.status)
            ]

        await self.user.wait_for(lambda seen: bool(of(last)))
        return of(None)

    async def known(self) -> None:
        """Wait until the scheduler has taken in all that the executor told."""
        await self.user.no_lag("promotion-scheduler", ["drydock.servicing-executor.events"])

    # -- the executor

    async def provision(self, base: str | None = None) -> None:
        """Both environments are there and run their first update."""
        for environment, kind in (
            (self.sandbox, EnvironmentKind.SANDBOX),
            (self.production, EnvironmentKind.PRODUCTION),
        ):
            await self.tell(
                EnvironmentRegistered(
                    environment=environment, project=self.project, environment_kind=kind, country="DE"
                )
            )
            first = update("Initial deployment", digit="0", base=base)
            await self.service(environment, first, OperationKind.PROVISION, downtime=None)

    async def service(
        self,
        environment: str,
        running: Update,
        kind: OperationKind = OperationKind.APPLY,
        *,
        operation: str | None = None,
        promotion: str | None = None,
        outcome: Outcome = Outcome.SUCCEEDED,
        problem: Problem | None = None,
        downtime: float | None = 42.0,
    ) -> None:
        """An operation is accepted and ends."""
        name = operation or new_id()
        await self.accept(environment, running.name, kind, operation=name, promotion=promotion)
        at = datetime.now(UTC)
        production = environment == self.production
        await self.tell(
            OperationFinished(
                environment=environment,
                project=self.project,
                environment_kind=EnvironmentKind.PRODUCTION if production else EnvironmentKind.SANDBOX,
                operation=name,
                operation_kind=kind,
                outcome=outcome,
                update_name=running.name,
                package=None,
                promotion=promotion,
                running=running,
                accepted_at=at,
                finished_at=at,
                downtime_seconds=downtime,
                steps=(),
                log=None,
                problem=problem,
            )
        )

    async def accept(
        self, environment: str, name: str, kind: OperationKind, *, operation: str, promotion: str | None = None
    ) -> None:
        """An operation holds an environment."""
        await self.tell(
            OperationAccepted(
                environment=environment,
                project=self.project,
                operation=operation,
                operation_kind=kind,
                update_name=name,
                package=None,
                image=None,
                promotion=promotion,
                changes=None,
                steps=(),
            )
        )

    async def refuse(self, command: Envelope[Command], reason: str, sender: str = "servicing-executor") -> None:
        """A service refuses a command."""
        await self.tell(
            CommandRejected(
                command_key=command.data.key,
                command_id=command.id,
                command_type=command.data.type,
                reason=reason,
                message="it cannot be done now",
            ),
            sender,
        )

    async def change_extensions(self, set_version: int, *extensions: Extension) -> None:
        """Production has other extensions."""
        await self.tell(
            ExtensionSetChanged(
                environment=self.production,
                project=self.project,
                set_version=set_version,
                extensions=extensions,
                operation=new_id(),
            )
        )

    # -- the user

    async def mark(self, name: str = NAME) -> str:
        """Ask for an update to be marked; the command's id."""
        return await self.user.send(MarkCandidate(environment=self.sandbox, update_name=name))

    async def schedule(self, start: datetime, name: str = NAME) -> str:
        """Ask for a promotion; the command's id."""
        return await self.user.send(
            SchedulePromotion(environment=self.production, sandbox=self.sandbox, update_name=name, start=start)
        )

    async def have_candidate(self, coming: Update | None = None) -> None:
        """The sandbox has an update that is marked."""
        await self.provision(base="26.0.1.0")
        await self.service(self.sandbox, coming or update())
        await self.mark()
