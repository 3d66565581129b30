"""A package is applied to a sandbox. There is no queue: what cannot start now is refused."""

from datetime import datetime

from services.servicing_executor.domain.bases import base_that_comes, base_to_check
from services.servicing_executor.domain.environment_change import EnvironmentChange
from services.servicing_executor.domain.extension_sets import change_by_update
from services.servicing_executor.domain.facts import PackageFacts
from services.servicing_executor.domain.guards import (
    check_acknowledged,
    check_base_known,
    check_name,
    check_sandbox,
    check_versions,
    running_update,
    valid_package,
)
from services.servicing_executor.domain.modules import module_changes
from services.servicing_executor.domain.operations import new_operation, start_operation
from services.servicing_executor.domain.state import Environment
from shared.contracts.envelope import Envelope
from shared.contracts.parts import PackageKind
from shared.contracts.servicing_executor import ApplyUpdate, OperationKind
from shared.kernel import Decision


def apply_update(
    state: Environment, message: Envelope[ApplyUpdate], facts: PackageFacts, now: datetime
) -> Decision[Environment]:
    """A package is applied to a sandbox, under a name of its own."""
    command = message.data
    check_sandbox(state)
    running = running_update(state)
    package, contents = valid_package(command.package, state.project, facts.package, facts.release)
    check_name(state, command.update_name)
    check_versions(running.contents, contents)
    changes = module_changes(running.contents, contents)
    check_acknowledged(command, changes)
    base_version = base_that_comes(package, facts.release)
    set_change = change_by_update(state, running.contents.base_version, base_version)
    extensions = set_change.extensions if set_change else state.extensions
    if contents.kind is not PackageKind.CUSTOMIZATION:
        check_base_known(
            extensions, running.contents, command.package, base_version, acknowledged=command.acknowledge_unverifiable
        )
    wanted = new_operation(message, OperationKind.APPLY, now).replace(
        update_name=command.update_name,
        package=command.package,
        package_artifact=package.artifact,
        package_contents=contents,
        acknowledged_modules=command.acknowledge_missing_modules,
        acknowledged_extensions=command.acknowledge_unverifiable,
        base_version=base_version,
        base=base_to_check(state.country, running.contents, base_version, extensions),
        extension_change=set_change,
    )
    return start_operation(EnvironmentChange(state, now), wanted, changes)
