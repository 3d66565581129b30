"""What an earlier version of a service has stored can be read by this one: states of aggregates, and inputs of work.

`stored/<day>.json` holds what the services of that day wrote, by service and by collection or kind of work.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from services.extension_compatibility_checker import app as checker
from services.image_builder import app as builder
from services.notifier import app as notifier
from services.package_validator import app as validator
from services.promotion_scheduler import app as scheduler
from services.servicing_executor import app as executor
from shared.kernel.app import Service, Settings

STORED = sorted((Path(__file__).parent / "stored").glob("*.json"))


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Service]:
    folder = tmp_path_factory.mktemp("services")
    makers: list[tuple[Callable[[Settings], Service], Settings]] = [
        (validator.make, validator.ValidatorSettings(artifacts=folder)),
        (builder.make, builder.BuilderSettings(artifacts=folder)),
        (executor.make, executor.ExecutorSettings(artifacts=folder, environments=folder, runtime="instant")),
        (scheduler.make, scheduler.SchedulerSettings()),
        (checker.make, checker.CheckerSettings(artifacts=folder, bases=folder)),
        (notifier.make, notifier.NotifierSettings()),
    ]
    made = [make(settings) for make, settings in makers]
    return {service.name: service for service in made}


def documents(what: str) -> Iterator[Any]:
    for path in STORED:
        for service, kinds in json.loads(path.read_text(encoding="utf-8")).items():
            for name, found in kinds.get(what, {}).items():
                yield pytest.param(service, name, found, id=f"{path.stem}-{service}-{name}")


def test_there_are_documents_of_earlier_versions() -> None:
    assert STORED


@pytest.mark.parametrize(("service", "collection", "found"), list(documents("states")))
def test_states_are_read(
    services: dict[str, Service], service: str, collection: str, found: list[dict[str, Any]]
) -> None:
    model = services[service].aggregates[collection].state
    for document in found:
        read = model.model_validate(document, strict=False)
        assert still_there(document, read)


@pytest.mark.parametrize(("service", "kind", "found"), list(documents("work")))
def test_inputs_of_work_are_read(
    services: dict[str, Service], service: str, kind: str, found: list[dict[str, Any]]
) -> None:
    [line] = [line for (_, name), line in services[service].work.items() if name == kind]
    for document in found:
        read = line.input.model_validate(document, strict=False)
        assert still_there(document, read)


def still_there(document: dict[str, Any], read: BaseModel) -> bool:
    """Whether nothing that was stored is lost when it is stored again, under whatever name."""
    return set(leaves(document)) <= set(leaves(read.model_dump(mode="json")))


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one)
    elif value is not None:
        yield json.dumps(value)
