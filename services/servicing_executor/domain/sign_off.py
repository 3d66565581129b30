"""Signing off an update that has succeeded: a mark on the history; nothing depends on it."""

from datetime import datetime

from services.servicing_executor.domain.environment_change import EnvironmentChange
from services.servicing_executor.domain.state import Environment
from shared.contracts.envelope import Envelope
from shared.contracts.servicing_executor import Reason, SignOffUpdate, UpdateSignedOff
from shared.kernel import Decision, Rejected


def sign_off_update(
    state: Environment, message: Envelope[SignOffUpdate], facts: None, now: datetime
) -> Decision[Environment]:
    """The latest update of a name is marked, in the place of a mark that it had."""
    command = message.data
    wanted = command.update_name.casefold()
    entry = next((one for one in reversed(state.updates) if (one.update_name or "").casefold() == wanted), None)
    if entry is None:
        raise Rejected(Reason.NO_SUCH_UPDATE, f"no update {command.update_name!r} has succeeded in {state.id}")
    signed = entry.replace(sign_off=command.sign_off, sign_off_note=command.note, signed_off_by=message.actor)
    change = EnvironmentChange(state, now)
    change.replace(updates=tuple(signed if one is entry else one for one in state.updates))
    change.show(signed)
    change.say(
        UpdateSignedOff(
            environment=state.id,
            project=state.project,
            update_name=entry.update_name or "",
            operation=entry.operation,
            sign_off=command.sign_off,
            note=command.note,
            actor=message.actor,
        )
    )
    return change
