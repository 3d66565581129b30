"""What an environment consists of, and its services as running processes."""

from dataclasses import dataclass
from importlib import import_module

from services.servicing_executor.runtimes.environment_folder import EnvironmentFolder
from services.servicing_executor.runtimes.port import Step, StepFailedError
from services.servicing_executor.runtimes.processes import ServiceDefinition

REFERENCE_APPLICATION = "deploy.demo.reference_application.definition:application"


@dataclass(frozen=True, slots=True)
class Application:
    """What an environment consists of: its services in the order in which they start.

    `front` is the one that serves HTTP on the environment's port: GET /health, GET /modules, which answers
    {"database": {name: version}, "release": {name: version}}, and GET /extensions: {"extensions": {app id: version}}.
    It learns of a change of `installed.json` in the folder of extensions while it runs.
    """

    services: tuple[ServiceDefinition, ...]
    front: str

    def service(self, name: str) -> ServiceDefinition:
        """StepFailedError, with the names that there are, where there is none of this name."""
        for service in self.services:
            if service.name == name:
                return service
        known = ", ".join(service.name for service in self.services)
        raise StepFailedError(f"there is no service {name!r}: choose one of {known}")


def load_application(name: str) -> Application:
    """The application that `DRYDOCK_APPLICATION` names as `module:function`; ValueError where there is none."""
    module, _, function = name.partition(":")
    try:
        application: Application = getattr(import_module(module), function)()
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"DRYDOCK_APPLICATION is {name!r}, which names no function of a module that is installed here, as "
            f"module:function: {error}"
        ) from error
    return application


class RunningServices:
    """The application's services in one environment. `database` is how they reach it, with the password."""

    def __init__(self, application: Application, place: EnvironmentFolder) -> None:
        self._application = application
        self._place = place
        self._processes = place.processes

    async def start(self, step: Step, database: str) -> None:
        """Have all of them running from the current image, and wait until each is ready."""
        for service in self._application.services:
            await self._launch(step, service, database)
        for service in self._application.services:
            await self._wait_ready(step, service)

    async def restart(self, step: Step, name: str, database: str) -> None:
        """End one and start it again, once for each step."""
        definition = self._application.service(name)
        running = self._processes.running(name)
        if running is not None and running.tag != step.key:
            step.log(f"stopping {name}")
            await self._processes.stop(name)
            step.log(f"{name} is stopped")
        await self._launch(step, definition, database)
        await self._wait_ready(step, definition)

    async def stop(self, step: Step | None = None) -> None:
        """End all of them, last started first."""
        for service in reversed(self._application.services):
            if step is not None:
                step.log(f"stopping {service.name}")
            await self._processes.stop(service.name)

    def tell_last_words(self, step: Step) -> None:
        """Put the ends of the services' own logs into the step's."""
        for service in self._application.services:
            for line in self._processes.last_lines(service.name):
                step.log(f"{service.name} said: {line}")

    def check_stopped(self) -> None:
        """StepFailedError where one runs."""
        services = self._application.services
        if running := [one.name for one in services if self._processes.running(one.name) is not None]:
            raise StepFailedError(f"services run ({', '.join(running)}): stop them before copying the database")

    def check_release(self, image: str) -> None:
        """StepFailedError where one does not run, or runs from another image."""
        for service in self._application.services:
            process = self._processes.running(service.name)
            if process is None or process.release != image:
                raise StepFailedError(f"service {service.name} does not run from image {image}")

    async def _launch(self, step: Step, service: ServiceDefinition, database: str) -> None:
        image = self._place.releases.current()
        if image is None:
            raise StepFailedError("the environment has no current image: switch to a prepared one first")
        running = self._processes.running(service.name)
        if running is not None and running.release != image:
            step.log(f"{service.name} runs from another image: stopping it")
            await self._processes.stop(service.name)
            running = None
        if running is None:
            step.log(f"starting {service.name}")
            settings = self._settings(service, image, database)
            running = await self._processes.start(service, settings, image, step.key)
            step.log(f"{service.name} runs as process {running.pid}")
        else:
            step.log(f"{service.name} runs already as process {running.pid}")

    async def _wait_ready(self, step: Step, service: ServiceDefinition) -> None:
        await self._processes.wait_ready(service.name)
        step.log(f"{service.name} is ready")

    def _settings(self, service: ServiceDefinition, image: str, database: str) -> dict[str, object]:
        place = self._place
        if service.name == self._application.front:
            place.have_free_port()
        return {
            "environment": place.environment,
            "service": service.name,
            "release": str(place.releases.path(image)),
            "extensions": str(place.folder / "extensions"),
            "database": database,
            "data": str(place.data),
            "port": place.port,
            "administrator_token": place.administrator_token,
        }
