"""An extension is installed only where what it depends on is there, in a version high enough."""

from dataclasses import replace

import pytest

from services.servicing_executor.domain.extensions import install_extension
from shared.contracts.envelope import Envelope
from shared.contracts.parts import Dependency
from shared.contracts.servicing_executor import InstallExtension, Reason
from shared.kernel import Rejected
from tests.unit.servicing_executor.test_bases import APP, FREIGHT, NOW, sandbox

NEEDY = FREIGHT.replace(
    app_id="0d1f6b7c-3a0f-4c7e-9a63-5f0c2a578e21",
    name="Freight rates",
    dependencies=(Dependency(app_id=APP, minimum_version="1.10"),),
)
COMMAND = Envelope(
    id="install", source="test", time=NOW, data=InstallExtension(environment="contoso-test", extension=NEEDY)
)


@pytest.mark.parametrize("installed", [(), ("1.9",)], ids=["absent", "too old, compared by number"])
def test_an_extension_without_what_it_needs_is_refused(installed: tuple[str, ...]) -> None:
    there = [FREIGHT.replace(version=version) for version in installed]
    with pytest.raises(Rejected) as refused:
        install_extension(sandbox(*there), COMMAND, None, NOW)
    assert refused.value.reason is Reason.EXTENSION_DEPENDENCY_MISSING
    assert refused.value.facts == {"missing": [f"{APP} 1.10"]}


def test_an_extension_with_what_it_needs_is_installed() -> None:
    there = FREIGHT.replace(version="1.10")
    decision = install_extension(sandbox(there), replace(COMMAND, id="again"), None, NOW)
    assert decision.state
    assert decision.state.operation
    assert decision.state.operation.extension_change
    assert decision.state.operation.extension_change.extensions == (there, NEEDY)
