"""Bases, checks, policies and remediations as others see them."""

from services.extension_compatibility_checker.domain.state import (
    Base,
    CompatibilityCheck,
    ExtensionRemediation,
    ProjectPolicy,
    Remediations,
)
from shared.contracts import extension_compatibility_checker as contract
from shared.contracts.parts import MOST_EXTENSIONS

_VIEW_BYTES = 240 * 1024
"""What a snapshot may take for remediations: a message has 256 KiB at most."""


def base_view(base: str, state: Base) -> contract.BaseSnapshot:
    """A base with its packages."""
    return contract.BaseSnapshot(
        base=base,
        status=state.status,
        packages=state.packages,
        problem=state.problem,
        indexes=tuple(one.index for one in state.indexed),
    )


def check_view(check: str, state: CompatibilityCheck) -> contract.CheckSnapshot:
    """A check with its verdicts."""
    asked = state.request
    return contract.CheckSnapshot(
        check=check,
        environment=asked.environment,
        project=asked.project,
        set_version=asked.set_version,
        base=asked.base,
        status=state.status,
        verdict=state.verdict,
        extensions=state.extensions,
        report=state.report,
        checked_at=state.checked_at,
        problem=state.problem,
    )


def policy_view(project: str, state: ProjectPolicy) -> contract.RemediationPolicySnapshot:
    """The policy that was set for a project."""
    return contract.RemediationPolicySnapshot(project=project, policy=state.policy)


def remediations_view(environment: str, state: Remediations) -> contract.RemediationsSnapshot | None:
    """Those that are open, then the latest that ended; as many as fit."""
    if not state.items and not state.ended:
        return None
    shown: list[contract.Remediation] = []
    room = _VIEW_BYTES
    for item in (*state.items, *reversed(state.ended)):
        view = _remediation_view(item)
        room -= len(view.model_dump_json()) + 1
        if room < 0 or len(shown) == 2 * MOST_EXTENSIONS:
            break
        shown.append(view)
    return contract.RemediationsSnapshot(environment=environment, project=state.project, remediations=tuple(shown))


def _remediation_view(item: ExtensionRemediation) -> contract.Remediation:
    return contract.Remediation(
        extension=item.extension,
        base=item.base,
        target_major=item.target_major,
        status=item.status,
        dates=item.dates,
        reminders=item.reminders,
        unreachable=item.unreachable,
        set_version=item.set_version,
        report=item.report,
        ending=item.ending,
    )
