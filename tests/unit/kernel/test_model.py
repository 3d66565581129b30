"""Whatever befalls the service: one effect for each message, every event, no event without a commit, in order."""

import os

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.unit.kernel.machine import ServiceModel

EXAMPLES = int(os.environ.get("DRYDOCK_MODEL_EXAMPLES", "300"))


def test_the_service_keeps_its_promises_whatever_befalls_it() -> None:
    run_state_machine_as_test(
        ServiceModel,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
