"""A new environment is registered, and provisioned at once."""

from datetime import datetime

from services.servicing_executor.domain.bases import base_that_comes
from services.servicing_executor.domain.environment_change import EnvironmentChange
from services.servicing_executor.domain.facts import PackageFacts
from services.servicing_executor.domain.guards import check_unregistered, valid_package
from services.servicing_executor.domain.operations import new_operation, start_operation
from services.servicing_executor.domain.state import Environment
from shared.contracts.envelope import Envelope
from shared.contracts.parts import PackageKind
from shared.contracts.servicing_executor import (
    EnvironmentRegistered,
    EnvironmentStatus,
    OperationKind,
    Reason,
    RegisterEnvironment,
)
from shared.kernel import Decision, Rejected

FIRST_UPDATE = "Initial deployment"


def register_environment(
    state: Environment | None, message: Envelope[RegisterEnvironment], facts: PackageFacts, now: datetime
) -> Decision[Environment]:
    """An environment begins. One whose provisioning failed may be registered again."""
    command = message.data
    check_unregistered(state, command.environment)
    package, contents = valid_package(command.package, command.project, facts.package, facts.release)
    if contents.kind is PackageKind.CUSTOMIZATION:
        raise Rejected(
            Reason.PLATFORM_NEEDED, f"{command.package} brings no platform; register with a platform or merged package"
        )
    fresh = Environment(
        id=command.environment,
        project=command.project,
        environment_kind=command.environment_kind,
        country=command.country,
        status=EnvironmentStatus.PROVISIONING,
    )
    change = EnvironmentChange(fresh, now)
    change.say(
        EnvironmentRegistered(
            environment=command.environment,
            project=command.project,
            environment_kind=command.environment_kind,
            country=command.country,
        )
    )
    wanted = new_operation(message, OperationKind.PROVISION, now).replace(
        update_name=FIRST_UPDATE,
        package=command.package,
        package_artifact=package.artifact,
        package_contents=contents,
        base_version=base_that_comes(package, facts.release),
    )
    return start_operation(change, wanted)
