"""What must hold before a promotion is scheduled. Each guard raises its refusal."""

from dataclasses import dataclass

from services.promotion_scheduler.domain.candidate_marking import Candidate
from services.promotion_scheduler.domain.projections import KnownEnvironment
from services.promotion_scheduler.domain.state import Check
from shared.contracts.parts import EnvironmentKind, Update
from shared.contracts.promotion_scheduler import Reason, SchedulePromotion
from shared.contracts.scalars import update_id
from shared.formats.versions import version_numbers
from shared.kernel import NotYet, Rejected


@dataclass(frozen=True)
class ScheduleFacts:
    """What a promotion is about."""

    production: KnownEnvironment | None
    sandbox: KnownEnvironment | None
    candidate: Candidate | None


def candidate_meant(command: SchedulePromotion) -> str:
    """The id of the candidate that is to be promoted."""
    return update_id(command.sandbox, command.update_name)


def promotable(command: SchedulePromotion, facts: ScheduleFacts) -> tuple[KnownEnvironment, Candidate]:
    """Production and the candidate that may go there. Raise NotYet for what is not known, Rejected otherwise."""
    production, sandbox = _environments(command, facts)
    if production.project != sandbox.project:
        raise Rejected(
            Reason.OTHER_PROJECT,
            f"{command.environment} belongs to {production.project}, {command.sandbox} to {sandbox.project}",
        )
    if production.running is None:
        raise NotYet(
            f"{command.environment} runs nothing yet", waits_for=command.environment, reason=Reason.NOT_PROVISIONED
        )
    candidate = facts.candidate
    if candidate is None:
        raise NotYet(
            f"update {command.update_name!r} of {command.sandbox} is not marked as release candidate",
            waits_for=candidate_meant(command),
            reason=Reason.NOT_A_CANDIDATE,
        )
    _check_image(candidate.update, production.running)
    return production, candidate


def _environments(command: SchedulePromotion, facts: ScheduleFacts) -> tuple[KnownEnvironment, KnownEnvironment]:
    found = []
    for name, environment, kind, reason in (
        (command.environment, facts.production, EnvironmentKind.PRODUCTION, Reason.NOT_PRODUCTION),
        (command.sandbox, facts.sandbox, EnvironmentKind.SANDBOX, Reason.NOT_SANDBOX),
    ):
        if environment is None:
            raise NotYet(f"there is no environment {name}", waits_for=name)
        if environment.kind is not kind:
            raise Rejected(reason, f"{name} is a {environment.kind.value} environment, not {kind.value}")
        found.append(environment)
    return found[0], found[1]


def _check_image(coming: Update, running: Update) -> None:
    dropped = coming.contents.dropped
    if dropped:
        raise Rejected(
            Reason.NOT_PROMOTABLE,
            f"the image left out {', '.join(dropped)} without a removal file; "
            "apply a package that has these modules, or that names them in ModuleToRemove.txt",
            facts={"dropped": list(dropped)},
        )
    has, brings = running.contents.application_version, coming.contents.application_version
    if version_numbers(brings) < version_numbers(has):
        raise Rejected(
            Reason.LOWER_VERSION,
            f"production runs application {has}, the candidate has {brings}",
            facts={"running": has, "candidate": brings},
        )


def check_needed(coming: Update, production: KnownEnvironment) -> Check | None:
    """The check that must be passed first: if the update brings another base, and production has extensions."""
    base = coming.contents.base_version
    running = production.running.contents.base_version if production.running else None
    if base is None or base == running or not production.extensions:
        return None
    return Check(set_version=production.set_version, base=f"{base}/{production.country}")
