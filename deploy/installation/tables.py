"""The tables of all services, made as their processes make them, with nothing running."""

from collections.abc import Callable
from pathlib import Path

from services.extension_compatibility_checker import app as checker
from services.image_builder import app as builder
from services.notifier import app as notifier
from services.package_validator import app as validator
from services.promotion_scheduler import app as scheduler
from services.servicing_executor import app as executor
from shared.kernel.app import Service, Settings


def service_tables(folder: Path) -> dict[str, Service]:
    """Every service by its name; `folder` is where they would keep files."""
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
