"""The AsyncAPI documents say what services really read, and which commands they give to each other."""

from importlib import import_module
from importlib.util import find_spec
from inspect import getmembers, isclass
from pkgutil import walk_packages

import pytest

from shared.contracts.flows import COMMANDS, TAKES
from shared.contracts.message import Command, MessageKind
from shared.contracts.topics import SERVICES
from shared.kernel.app import Settings

MODULES = {service: f"services.{service.replace('-', '_')}.app" for service in SERVICES}
WITH_TABLE = [
    service for service, module in MODULES.items() if find_spec(module.rpartition(".")[0]) and find_spec(module)
]


@pytest.mark.parametrize("service", WITH_TABLE)
def test_the_events_that_a_service_is_said_to_take_are_those_of_its_table(service: str) -> None:
    app = import_module(MODULES[service])
    own = [each for _, each in getmembers(app, isclass) if issubclass(each, Settings) and each is not Settings]
    table = app.make((own or [Settings])[0]()).table
    taken = {
        (line.sender or line.message.owner, line.message.type)
        for line in table
        if hasattr(line, "message") and line.message.kind is MessageKind.EVENT
    }
    assert taken == {(owner, message.type) for owner, message in TAKES.get(service, ())}


@pytest.mark.parametrize("service", WITH_TABLE)
def test_a_service_has_to_do_with_no_command_of_another_whose_contract_does_not_name_it(service: str) -> None:
    package = import_module(MODULES[service].rpartition(".")[0])
    modules = [import_module(found.name) for found in walk_packages(package.__path__, f"{package.__name__}.")]
    foreign = {
        each
        for module in modules
        for _, each in getmembers(module, isclass)
        if issubclass(each, Command) and each is not Command and each.owner not in (service, "drydock")
    }
    assert foreign == {message for _, message in COMMANDS.get(service, ())}
