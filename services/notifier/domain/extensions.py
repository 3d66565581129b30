"""Extensions that do not work with the base that an update would bring."""

from datetime import datetime

from services.notifier.domain.letters import FINDINGS_LIMIT, FindingRow, Letter, moment, rows, subject
from services.notifier.domain.notifications import Recipients, tell
from services.notifier.domain.state import Notification
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import ExtensionFinding, ExtensionIncompatible, FindingSeverity
from shared.contracts.notifier import Occasion
from shared.kernel.decision import Decision

MESSAGE_LIMIT = 400
"""Characters of a finding that a mail shows; the report has all."""


def incompatible(
    state: Notification | None, message: Envelope[ExtensionIncompatible], facts: Recipients, now: datetime
) -> Decision[Notification]:
    """An extension must be changed before the environment can be updated: which, why, and how to go on.

    The version is said as the major that people know, and as the build that was checked.
    """
    told = message.data
    if state is not None:
        return Decision(state)
    extension = told.extension
    build, _, country = told.base.partition("/")
    major = build.partition(".")[0]
    removal = f"drydock extension uninstall {told.environment} {extension.app_id}"
    blocking = [one for one in told.findings if one.severity is FindingSeverity.BLOCKS]
    letter = Letter(
        subject=subject(
            told.project,
            told.environment,
            f"extension not compatible with version {major}",
            f"{extension.name} {extension.version}",
        ),
        headline=f"The extension {extension.name} {extension.version} by {extension.publisher} does not work with "
        f"version {major}. Until that is resolved, {told.environment} cannot be updated to version {major}; "
        "it goes on running as it is.",
        facts=rows(
            (
                ("Project", told.project),
                ("Environment", told.environment),
                ("Extension", extension.name),
                ("Extension version", extension.version),
                ("Publisher", extension.publisher),
                ("Extension id", extension.app_id),
                ("Target version", f"{major} (checked build {build}, country {country})"),
                ("Checked", moment(message.time)),
                ("Report", told.report.digest),
            )
        ),
        findings=tuple(_row(one) for one in blocking[:FINDINGS_LIMIT]),
        more_findings=max(len(blocking) - FINDINGS_LIMIT, 0),
        next_steps=(
            f"Change its source as the findings say, raise its version, and build it against version {major}.",
            "Check the new file against the base before it is installed: drydock extension check FILE --base BASE",
            "Install it in a sandbox and try it there.",
            f"Install it, and the next update checks it again: drydock extension install {told.environment} FILE",
            f"If nobody needs it, remove it (its data stays): {removal}",
            "If a finding looks wrong: the report names the place in the base that it was judged by.",
        ),
    )
    return tell(message, Occasion.EXTENSION_INCOMPATIBLE, letter, facts, now, app_id=extension.app_id, base=told.base)


def _row(finding: ExtensionFinding) -> FindingRow:
    place = finding.file
    if place and finding.line:
        place = f"{place} ({finding.line},{finding.column or 1})"
    return FindingRow(
        code=finding.code,
        place=place,
        message=_shortened(finding.message),
        suggestion=_shortened(finding.suggestion),
    )


def _shortened(text: str) -> str:
    return text if len(text) <= MESSAGE_LIMIT else f"{text[: MESSAGE_LIMIT - 1]}…"
