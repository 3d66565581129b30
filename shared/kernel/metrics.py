"""What the kernel measures of itself, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """The figures of one service process."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        self._service = service
        self.messages = Counter("drydock_messages", "Messages by how they ended.", ["outcome"], registry=self.registry)
        self.slowed = Gauge(
            "drydock_slowed_partitions", "Partitions from which only dead letters come.", registry=self.registry
        )
        self.lost = Counter(
            "drydock_lost_records", "Records gone from topics before they were read.", ["topic"], registry=self.registry
        )
        self.undecided = Counter(
            "drydock_undecided",
            "Attempts to decide what follows from a timer, or from the end of work, that failed.",
            ["aggregate"],
            registry=self.registry,
        )
        self.unreadable = Counter(
            "drydock_unreadable_documents",
            "Meetings with a stored document that this version cannot read.",
            ["aggregate"],
            registry=self.registry,
        )
        self.clock_off = Gauge(
            "drydock_clock_off_seconds",
            "By how much the machine's clock is ahead of the time that is gone by; 0 but after a step.",
            registry=self.registry,
        )
        self.lag = Gauge("drydock_consumer_lag_records", "Records not yet processed.", registry=self.registry)
        self.oldest = Gauge(
            "drydock_oldest_unprocessed_seconds", "Age of the oldest record at hand.", registry=self.registry
        )
        self.outbox = Gauge("drydock_outbox_entries", "Outbox entries that wait to be sent.", registry=self.registry)
        self.outbox_age = Gauge(
            "drydock_outbox_age_seconds", "How long the oldest of them has waited.", registry=self.registry
        )
        self.timers = Histogram(
            "drydock_timer_lateness_seconds",
            "By how much timers were late.",
            registry=self.registry,
            buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30, 300),
        )
        self.work = Gauge("drydock_work_running", "Pieces of work being done.", registry=self.registry)
