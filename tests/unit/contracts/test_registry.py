"""All messages of Drydock."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from enum import StrEnum
from types import ModuleType

import pytest
from pydantic import BaseModel

import shared.contracts
from shared.contracts import flows, package_validator, promotion_scheduler, servicing_executor
from shared.contracts.message import Command, Event, Message, MessageKind, Part, Progress, Snapshot
from shared.contracts.registry import CATALOGUE
from shared.contracts.scalars import project_of, update_id
from shared.contracts.topics import SERVICES, TOPICS
from shared.contracts.value import Value

MESSAGES = list(CATALOGUE.messages.values())
OWNERS = [importlib.import_module(f"shared.contracts.{service.replace('-', '_')}") for service in SERVICES]


def classes() -> Iterator[type[object]]:
    for found in pkgutil.walk_packages(shared.contracts.__path__, "shared.contracts."):
        module = importlib.import_module(found.name)
        yield from (each for _, each in inspect.getmembers(module, inspect.isclass) if each.__module__ == found.name)


def test_no_message_class_is_missing_in_the_catalogue() -> None:
    kinds = {Message, Command, Event, Snapshot, Progress}
    defined = {each for each in classes() if issubclass(each, Message)} - kinds
    assert defined == set(MESSAGES)


@pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: str(owner.__name__))
def test_what_an_owner_defines_is_found_in_its_package(owner: ModuleType) -> None:
    defined = {each.__name__ for each in classes() if each.__module__.startswith(f"{owner.__name__}.")}
    assert {name for name in defined if not name.startswith("_")} <= set(owner.__all__)
    assert all(hasattr(owner, name) for name in owner.__all__)


def test_every_service_takes_commands_tells_events_and_shows_snapshots() -> None:
    for service in SERVICES:
        owned = {message.kind for message in MESSAGES if message.owner == service}
        assert owned == {MessageKind.COMMAND, MessageKind.EVENT, MessageKind.SNAPSHOT}


def test_every_topic_belongs_to_the_table_from_which_topics_are_created() -> None:
    assert CATALOGUE.topics == TOPICS


@pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: str(owner.__name__))
def test_reason_codes_are_upper_case_and_each_says_what_it_means(owner: object) -> None:
    reasons = owner.Reason  # type: ignore[attr-defined]  # every owner has one: that is tested here
    assert issubclass(reasons, StrEnum)
    source = inspect.getsource(reasons)
    for reason in reasons:
        assert re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", reason.value)
        assert reason.value == reason.name
        assert re.search(rf'{reason.name} = "{reason.value}"\n    """[A-Z]', source), f"{reason.name} has no words"


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: str(message.type))
def test_every_message_says_what_it_is_and_is_keyed_by_text(message: type[Message]) -> None:
    assert message.__doc__
    schema = message.model_json_schema()
    field = schema["properties"][message.key_field]
    assert (
        schema["$defs"][field["$ref"].rpartition("/")[2]]["type"] == "string"
        if "$ref" in field
        else field["type"] == "string"
    )
    assert message.key_field in schema["required"]


def test_what_concerns_an_environment_is_keyed_by_it_so_that_its_order_holds() -> None:
    others = {"package", "project", "version", "base"}  # aggregates that belong to no environment
    for message in MESSAGES:
        if message.kind in (MessageKind.COMMAND, MessageKind.EVENT) and message.owner != "drydock":
            assert message.key_field == "environment" or message.key_field in others
            assert (
                message.owner == "notifier"
                or "environment" not in message.model_fields
                or message.key_field == "environment"
            )


def test_no_two_kinds_of_snapshot_share_a_key_on_a_topic() -> None:
    # A compacted topic keeps one record per key: the keys must differ in shape, whatever ids people choose.
    keys = {
        "servicing-executor": ["contoso-test", "contoso-test/op-1"],
        "promotion-scheduler": ["10.0.44", "contoso-prod/cmd-1"],
        "extension-compatibility-checker": ["27.0/DE", "contoso-prod/3/27.0/DE"],
        "notifier": ["contoso", "contoso/event-1"],
    }
    for service, examples in keys.items():
        snapshots = [each for each in MESSAGES if each.owner == service and each.kind is MessageKind.SNAPSHOT]
        for key in examples:
            fitting = [each.__name__ for each in snapshots if fits(each, key)]
            allowed = {
                "PromotionSnapshot",
                "CandidateSnapshot",
            }  # of production and of sandboxes: never one environment
            assert len(fitting) == 1 or set(fitting) == allowed, (key, fitting)


def fits(message: type[Message], key: str) -> bool:
    schema = message.model_json_schema()
    pattern = schema["$defs"][schema["properties"][message.key_field]["$ref"].rpartition("/")[2]]["pattern"]
    return re.search(pattern, key) is not None


def test_what_services_take_and_command_is_in_the_catalogue() -> None:
    for table, kind in ((flows.TAKES, MessageKind.EVENT), (flows.COMMANDS, MessageKind.COMMAND)):
        for service, taken in table.items():
            assert service in SERVICES
            for owner, message in taken:
                assert owner != service or kind is MessageKind.EVENT
                assert message.kind is kind
                assert message.type in CATALOGUE.on_topic(CATALOGUE.topic_of(message, owner))


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        (
            servicing_executor.EnvironmentStatus,
            (
                "Provisioning, Deployed, Queued, Servicing, PostServicing, RestartingService, Validating, "
                "InMaintenance, RollingBack, Failed, Decommissioned"
            ),
        ),
        (servicing_executor.OperationStatus, "queued, preparing, running, held, rolling-back, finished"),
        (servicing_executor.Outcome, "succeeded, failed, rolled-back, cancelled"),
        (
            promotion_scheduler.PromotionStatus,
            "checking, scheduled, starting, started, completed, failed, cancelled, refused",
        ),
        (
            package_validator.PackageStatus,
            "submitted, checking, valid, invalid, check-failed, quarantined, retired",
        ),
    ],
)
def test_statuses_are_the_words_of_the_domain(statuses: type[StrEnum], words: str) -> None:
    assert ", ".join(statuses) == words


def test_every_value_inside_a_message_is_a_part_of_the_same_tolerance() -> None:
    models = [each for each in classes() if issubclass(each, BaseModel) and each is not Value]
    assert models
    for model in models:
        assert issubclass(model, Part)
        assert (model.model_config["frozen"], model.model_config["extra"], model.model_config["strict"]) == (
            True,
            "ignore",
            True,
        )


def test_an_update_is_the_same_whatever_the_case_of_its_name() -> None:
    assert update_id("contoso-test", " November Release ") == update_id("contoso-test", "NOVEMBER release")
    assert update_id("contoso-test", "Straße") == update_id("contoso-test", "STRASSE")
    assert update_id("contoso-test", "a") != update_id("contoso-prod", "a")
    assert project_of("contoso/contoso-2026.11") == "contoso"
