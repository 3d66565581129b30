"""The example service, as a table."""

import os
from datetime import timedelta

from shared.kernel import due
from shared.kernel.app import Aggregate, Fact, Load, On, OnTimer, OnWork, Service, Settings, make_service, run
from tests.support.example import domain, example, neighbour, steps

COUNTERS = Aggregate("counters", domain.Counter, view=domain.view)


def make(settings: Settings) -> Service:
    """The table of the example."""
    return make_service(
        "example",
        example.CATALOGUE,
        On(example.AddToCounter, COUNTERS, domain.add),
        On(
            example.AddAsMuchAs,
            COUNTERS,
            domain.add_as_much,
            facts=Load(domain.Other, counter=Fact(COUNTERS, lambda message, state: message.other)),
        ),
        On(neighbour.SomethingHappened, COUNTERS, domain.count_event),
        On(example.Recount, COUNTERS, domain.recount),
        On(example.SetAlarm, COUNTERS, domain.set_alarm),
        OnTimer("alarm", COUNTERS, domain.ring),
        On(example.StartErrand, COUNTERS, domain.start_errand),
        OnWork("errand", COUNTERS, steps.run_errand, domain.errand_ended, attempts=20),
        # The release that mends the fault: what became a dead letter before can be redriven.
        On(example.Stumble, COUNTERS, domain.walk if "EXAMPLE_MENDED" in os.environ else domain.stumble),
    )


if __name__ == "__main__":
    # Tests of what becomes of an outbox need not wait for the trim that nothing else brings on.
    due.TRIM_AFTER = timedelta(seconds=float(os.environ.get("EXAMPLE_TRIM_AFTER", due.TRIM_AFTER.total_seconds())))
    run(make)
