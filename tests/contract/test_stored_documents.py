"""What an earlier version of a service has stored can be read by this one: states of aggregates, and inputs of work.

`stored/<day>.json` holds what the services of that day wrote, by service and by collection or kind of work.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from deploy.installation.tables import service_tables
from shared.kernel.app import Service
from tests.contract.forms import FORMS, forms

STORED = sorted((Path(__file__).parent / "stored").glob("2*.json"))


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Service]:
    return service_tables(tmp_path_factory.mktemp("services"))


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
    aggregate = services[service].aggregates[collection]
    for document in found:
        read = aggregate.read(1, document)
        assert read is not None
        assert still_there(document, read)


@pytest.mark.parametrize(("service", "kind", "found"), list(documents("work")))
def test_inputs_of_work_are_read(
    services: dict[str, Service], service: str, kind: str, found: list[dict[str, Any]]
) -> None:
    [line] = [line for (_, name), line in services[service].work.items() if name == kind]
    for document in found:
        read = line.input.model_validate(document, strict=False)
        assert still_there(document, read)


def test_a_model_that_changes_has_a_version_of_its_own() -> None:
    kept, now = json.loads(FORMS.read_text(encoding="utf-8")), forms()
    changed = {
        f"{service}/{aggregate}"
        for service, aggregates in now.items()
        for aggregate, form in aggregates.items()
        if form != kept.get(service, {}).get(aggregate, form)
    }
    same_version = {name for name in changed if _version(now, name) == _version(kept, name)}
    assert same_version == set(), "raise `version` of these aggregates by one, then `python -m tests.contract.forms`"
    assert now == kept, "their forms are not recorded yet: `python -m tests.contract.forms`"


def _version(kept: dict[str, Any], name: str) -> int:
    service, _, aggregate = name.partition("/")
    version: int = kept[service][aggregate]["version"]
    return version


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
