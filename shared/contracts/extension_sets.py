"""What an update makes of an environment's extensions: the one rule that executor, scheduler and checker go by."""

from collections.abc import Sequence

from shared.contracts.parts import Extension
from shared.contracts.servicing_executor import StagedExtension, StageFor
from shared.formats.versions import version_numbers


def brings(stage_for: StageFor, current: str | None, coming: str | None) -> bool:
    """Whether an update from one base version to another installs what is staged for it.

    A base that nobody named (None) counts as lower than every other: what comes with the update is checked against
    the base that comes.
    """
    if coming is None or coming == current:
        return False
    if stage_for is StageFor.NEXT_MINOR or current is None:
        return True
    return version_numbers(coming)[0] > version_numbers(current)[0]


def on_base(
    extensions: Sequence[Extension], staged: Sequence[StagedExtension], current: str | None, coming: str | None
) -> tuple[Extension, ...]:
    """The extensions as they will be: staged versions that the update brings in the place of those installed."""
    coming_in = {one.extension.app_id: one.extension for one in staged if brings(one.stage_for, current, coming)}
    return tuple(coming_in.get(one.app_id, one) for one in extensions)


def replaced(before: Sequence[Extension], after: Sequence[Extension]) -> tuple[Extension, ...]:
    """The installed versions that go because another version of them comes."""
    coming = {one.app_id: one for one in after}
    return tuple(one for one in before if coming.get(one.app_id, one) != one)
