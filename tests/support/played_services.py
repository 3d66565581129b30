"""Plays the services towards the console: publishes what they would, in the order they would."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contracts.cloudevents import encode
from shared.contracts.envelope import Envelope, new_id
from shared.contracts.message import Message, MessageKind
from shared.contracts.parts import (
    ArtifactRef,
    Downtime,
    EnvironmentKind,
    ImageContents,
    Module,
    Problem,
    Update,
)
from shared.contracts.promotion_scheduler import PromotionSnapshot, PromotionStatus
from shared.contracts.servicing_executor import (
    EnvironmentSnapshot,
    EnvironmentStatus,
    OperationKind,
    OperationSnapshot,
    OperationStatus,
    Outcome,
    RunningOperation,
    StepRecord,
    StepStatus,
)
from tests.support.services import Client

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
STEPS = (
    "build-image",
    "prepare-release",
    "stop-services",
    "snapshot-database",
    "switch-release",
    "migrate-database",
    "start-services",
    "verify",
)


class PlayedServices:
    """Sends snapshots and events with the sequence numbers that the services would give them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._sequences: Counter[str] = Counter()

    async def tell(
        self,
        message: Message,
        *,
        causation: str | None = None,
        correlation: str | None = None,
        sequence: int | None = None,
        service: str = "",
    ) -> str:
        """Publish a message as its service would; its id."""
        if sequence is None and message.kind in (MessageKind.SNAPSHOT, MessageKind.EVENT):
            counted = f"{message.kind} {message.key}"
            self._sequences[counted] += 1
            sequence = self._sequences[counted]
        envelope: Envelope[Message] = Envelope(
            id=new_id(),
            source=f"drydock/{service or message.owner}",
            time=datetime.now(UTC),
            data=message,
            causation=causation,
            correlation=correlation or causation,
            sequence=sequence,
        )
        record = encode(envelope)
        topic = self._client.catalogue.topic_of(type(message), service)
        await self._client.producer.send_and_wait(topic, record.value, key=record.key, headers=record.headers)
        return envelope.id


def update(name: str = "October release", version: str = "10.0.2177.37") -> Update:
    """What an environment runs."""
    return Update(
        name=name,
        image="sha256:" + (name.encode().hex() * 8)[:64],
        contents=ImageContents(
            platform_package="contoso/platform-10.0.44",
            customization_package="contoso/contoso-2026.10",
            platform_version="7.0.7690.21",
            application_version=version,
            base_version="27.0.38460.0",
            modules=(
                Module(name="ContosoSales", version="1.4.0.0"),
                Module(name="ContosoWarehouse", version="2.0.1.0"),
            ),
            dropped=(),
        ),
    )


def steps(done: int, *, running: bool = True, failed: str | None = None, began: datetime = NOON) -> tuple[Any, ...]:
    """The steps of an update of which so many are done; the next one runs, or has failed."""
    records = []
    for number, name in enumerate(STEPS):
        status = StepStatus.SUCCEEDED if number < done else StepStatus.PENDING
        if number == done:
            status = StepStatus.FAILED if failed else StepStatus.RUNNING if running else StepStatus.PENDING
        started = began + timedelta(seconds=20 * number)
        begun, ended = status is not StepStatus.PENDING, status in (StepStatus.SUCCEEDED, StepStatus.FAILED)
        records.append(
            StepRecord(
                name=name,
                status=status,
                attempt=1 if begun else 0,
                started_at=started if begun else None,
                finished_at=started + timedelta(seconds=14.3) if ended else None,
                problem=Problem(reason="STEP_FAILED", message=failed) if failed and number == done else None,
            )
        )
    return tuple(records)


def environment(name: str, **changes: Any) -> EnvironmentSnapshot:
    """An environment that runs and that nothing is done to, but for `changes`."""
    production = name.endswith("-prod")
    return EnvironmentSnapshot(
        **{
            "environment": name,
            "project": name.rpartition("-")[0],
            "environment_kind": EnvironmentKind.PRODUCTION if production else EnvironmentKind.SANDBOX,
            "country": "DE",
            "status": EnvironmentStatus.DEPLOYED,
            "running": update(),
            "operation": None,
            "set_version": 0,
            "extensions": (),
            **changes,
        }
    )


def operation(id_: str, **changes: Any) -> RunningOperation:
    """An update that is being applied."""
    return RunningOperation(
        **{
            "operation": id_,
            "operation_kind": OperationKind.APPLY,
            "status": OperationStatus.RUNNING,
            "update_name": "November release",
            "package": "contoso/contoso-2026.11",
            "promotion": None,
            "actor": "mona",
            "accepted_at": NOON,
            "steps": steps(5),
            "problem": None,
            "deadline": None,
            **changes,
        }
    )


def ended(environment_name: str, id_: str, **changes: Any) -> OperationSnapshot:
    """An entry of the history: an update that has succeeded, but for `changes`."""
    return OperationSnapshot(
        **{
            "entry": f"{environment_name}/{id_}",
            "environment": environment_name,
            "project": environment_name.rpartition("-")[0],
            "operation": id_,
            "operation_kind": OperationKind.APPLY,
            "outcome": Outcome.SUCCEEDED,
            "update_name": "November release",
            "package": "contoso/contoso-2026.11",
            "promotion": None,
            "actor": "mona",
            "running": update("November release"),
            "accepted_at": NOON,
            "finished_at": NOON + timedelta(minutes=3),
            "steps": steps(len(STEPS)),
            "log": None,
            "problem": None,
            "sign_off": None,
            "sign_off_note": "",
            "signed_off_by": None,
            **changes,
        }
    )


def promotion(environment_name: str, id_: str, **changes: Any) -> PromotionSnapshot:
    """A promotion that waits for its start."""
    start = NOON + timedelta(days=1)
    return PromotionSnapshot(
        **{
            "promotion": f"{environment_name}/{id_}",
            "environment": environment_name,
            "project": environment_name.rpartition("-")[0],
            "sandbox": environment_name.replace("-prod", "-test"),
            "update": update("November release"),
            "status": PromotionStatus.SCHEDULED,
            "downtime": Downtime(start=start, end=start + timedelta(hours=3)),
            "operation": None,
            "problem": None,
            "actor": "mona",
            **changes,
        }
    )


def log_ref(digest: str, size: int) -> ArtifactRef:
    """A log in the artifact store."""
    return ArtifactRef(digest=digest, size=size, media_type="text/plain; charset=utf-8")
