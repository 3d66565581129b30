"""What the services share: one way of being a service.

Everything that happens to an aggregate is a message, a timer or the result of work. Each goes through one pure
function and one commit.

This is the face for what decides: a `domain` imports it and gets no I/O with it. There are three more, and nothing
else of the kernel is imported from outside: `shared.kernel.app` for a service's `app.py` and `steps.py`,
`shared.kernel.client` for programs that publish commands and read topics, as the console does, and `shared.kernel.web`
for one that serves pages.

Inside, in the order of a record's way: `kafka.consumer` receives it, `inbox` makes an input of it (`inputs`), `commit`
applies that to the aggregate's document in a `unit_of_work`, and `store` writes the document (`document`, `stored`);
what the decision says is written into its outbox (`outbox`), and sent by the `relay` through `kafka.publisher`. What
has become due is known to `due` and done by the `sweeper`; `worker` does leased work; the `dead_letter_sink` keeps what
could not be processed. A service is a `table` (`signatures` checks its functions, `service` the whole); `engine` puts
the parts together, and `process` runs them.
"""

from shared.kernel.decision import UNCHANGED, Decision, DecisionBuilder, Failure, Send, TimerDue, WorkEnded
from shared.kernel.outcomes import KernelReason, NotYet, Permanent, Rejected, Transient
from shared.kernel.state import State

__all__ = [
    "UNCHANGED",
    "Decision",
    "DecisionBuilder",
    "Failure",
    "KernelReason",
    "NotYet",
    "Permanent",
    "Rejected",
    "Send",
    "State",
    "TimerDue",
    "Transient",
    "WorkEnded",
]
