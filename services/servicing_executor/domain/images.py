"""A candidate's image goes to production."""

from datetime import datetime

from services.servicing_executor.domain.bases import base_to_check
from services.servicing_executor.domain.environment_change import EnvironmentChange
from services.servicing_executor.domain.extension_sets import change_by_update
from services.servicing_executor.domain.facts import ImageFacts
from services.servicing_executor.domain.guards import (
    check_announced,
    check_base_known,
    check_candidate,
    check_in_time,
    check_name,
    check_not_below,
    check_production,
    running_update,
)
from services.servicing_executor.domain.modules import compare_modules
from services.servicing_executor.domain.operations import new_operation, start_operation
from services.servicing_executor.domain.state import Environment
from shared.contracts.envelope import Envelope
from shared.contracts.servicing_executor import ApplyImage, OperationKind
from shared.kernel import Decision


def apply_image(
    state: Environment, message: Envelope[ApplyImage], facts: ImageFacts, now: datetime
) -> Decision[Environment]:
    """A candidate's image goes to production: the guards of the start, decided under the environment's lock.

    The scheduler has judged most of it when it was scheduled, by what it knew then; here it is judged by what this
    service knows itself.
    """
    command = message.data
    check_production(state)
    check_in_time(command.not_after, now)
    running = running_update(state)
    sandbox = check_announced(state, command, facts.promotion, now)
    contents = check_candidate(state, command.image, facts.image, sandbox)
    check_not_below(state, running, command.image, contents)
    check_name(state, command.update_name)
    set_change = change_by_update(state, running.contents.base_version, contents.base_version)
    extensions = set_change.extensions if set_change else state.extensions
    check_base_known(
        extensions,
        running.contents,
        contents.platform_package,
        contents.base_version,
        acknowledged=command.acknowledge_unverifiable,
    )
    change = EnvironmentChange(state, now)
    change.replace(promotion=command.promotion)
    wanted = new_operation(message, OperationKind.PROMOTE, now).replace(
        update_name=command.update_name,
        promotion=command.promotion,
        image=command.image,
        contents=contents,
        acknowledged_extensions=command.acknowledge_unverifiable,
        base=base_to_check(state.country, running.contents, contents.base_version, extensions),
        extension_change=set_change,
    )
    return start_operation(change, wanted, compare_modules(running.contents.modules, contents.modules, ()))
