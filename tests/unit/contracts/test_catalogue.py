"""Which messages there are, and where they travel."""

import pytest

from shared.contracts.catalogue import Catalogue
from shared.contracts.common import CommandRejected, WorkLogged
from shared.contracts.message import Command, Event, Message, Snapshot

HERE = "test-catalogue"


class OrderBerth(Command, key="dock"):
    dock: str


class BerthOrdered(Event, key="dock"):
    dock: str


class Unkeyed(Event):
    dock: str


class Inherited(BerthOrdered):
    pass


def test_a_message_stands_on_the_topic_of_its_owner_and_kind() -> None:
    catalogue = Catalogue([HERE], [OrderBerth, BerthOrdered])
    assert catalogue.topic_of(OrderBerth, HERE) == "drydock.test-catalogue.commands"
    assert catalogue.topic_of(BerthOrdered, HERE) == "drydock.test-catalogue.events"
    assert catalogue.on_topic("drydock.test-catalogue.commands")[OrderBerth.type] is OrderBerth
    assert OrderBerth.type not in catalogue.on_topic("drydock.test-catalogue.events")
    assert catalogue.on_topic("somebody.elses") == {}


def test_common_messages_stand_on_the_topics_of_every_service() -> None:
    catalogue = Catalogue([HERE, "other"], [])
    for service in (HERE, "other"):
        assert catalogue.topic_of(CommandRejected, service) == f"drydock.{service}.events"
        assert catalogue.on_topic(f"drydock.{service}.progress")[WorkLogged.type] is WorkLogged


def test_the_topic_of_what_is_not_in_the_catalogue_is_an_error() -> None:
    catalogue = Catalogue([HERE], [OrderBerth])
    with pytest.raises(KeyError, match="BerthOrdered is not a message of this catalogue"):
        catalogue.topic_of(BerthOrdered, HERE)
    with pytest.raises(KeyError, match=r"drydock\.nobody\.events"):
        catalogue.topic_of(CommandRejected, "nobody")


def test_two_messages_of_one_type_are_refused() -> None:
    twin = type("OrderBerth", (Snapshot,), {"__module__": __name__, "__annotations__": {"dock": str}}, key="dock")
    with pytest.raises(ValueError, match=r"OrderBerth and OrderBerth are both test-catalogue\.order-berth\.v1"):
        Catalogue([HERE], [OrderBerth, twin])


def test_a_message_of_a_service_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="OrderBerth belongs to test-catalogue, which is no service"):
        Catalogue(["other"], [OrderBerth])


def test_a_command_that_nobody_there_is_to_send_is_refused() -> None:
    class MoveBerth(Command, key="dock", senders=("pilot", HERE)):
        dock: str

    assert Catalogue([HERE, "pilot"], [MoveBerth]).messages[MoveBerth.type] is MoveBerth
    with pytest.raises(ValueError, match="MoveBerth is to be sent by pilot, no service of this catalogue"):
        Catalogue([HERE], [MoveBerth])


@pytest.mark.parametrize("message", [Unkeyed, Inherited])
def test_a_message_without_key_is_refused(message: type[Message]) -> None:
    with pytest.raises(ValueError, match=f"{message.__name__} names no key"):
        Catalogue([HERE], [BerthOrdered, message])
