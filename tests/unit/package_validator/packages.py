"""A package on its way through the validator's decisions."""

from datetime import UTC, datetime, timedelta

from services.package_validator.domain.checks import CheckFacts, Checks
from services.package_validator.domain.projections import CheckableRelease, ReleasesProjection
from services.package_validator.domain.state import DeployablePackage
from services.package_validator.domain.work import Checked
from shared.contracts.envelope import Envelope
from shared.contracts.message import Event
from shared.contracts.package_validator import Reason, SubmitPackage
from shared.contracts.parts import ArtifactRef, Finding, PackageContents, PackageKind, Problem, Severity
from shared.contracts.promotion_scheduler import ReleasePublished
from shared.kernel import Decision, Failure, WorkEnded

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
DAY = timedelta(days=1)
NAME = "contoso/november"
RULES = "1" * 64
PLATFORM = "7.0.7606.108"
CHECKS = Checks(rules=RULES, look_every=DAY)
NEWER_CHECKS = Checks(rules="2" * 64, look_every=DAY)
OURS = Problem(reason=Reason.ARTIFACT_MISSING, message="it is not there")
ERROR = Finding(rule="DP303", severity=Severity.ERROR, path="a", message="b", fix="c")
CONTENTS = PackageContents(
    kind=PackageKind.CUSTOMIZATION,
    modules=(),
    platform_modules=(),
    removed_modules=(),
    platform_version=PLATFORM,
    application_version=None,
)
NO_RELEASES = CheckFacts(None)


def file(digit: str = "a") -> ArtifactRef:
    return ArtifactRef(digest=f"sha256:{digit * 64}", size=10, media_type="application/zip")


MODULES = file("e")


def release(
    version: str = "10.0.45", platform: str = PLATFORM, modules: ArtifactRef | None = MODULES
) -> CheckableRelease:
    return CheckableRelease(version=version, platform_version=platform, modules=modules, sequence=1)


def releases(*known: CheckableRelease) -> CheckFacts:
    return CheckFacts(ReleasesProjection(known=known))


def published(version: str, sequence: int, modules: ArtifactRef | None = None) -> Envelope[ReleasePublished]:
    told = ReleasePublished(
        version=version,
        package="contoso/platform",
        platform_version=PLATFORM,
        application_version="10.0.1",
        base_version=None,
        modules=modules,
    )
    return Envelope(id=f"{version}-{sequence}", source="test", time=NOW, data=told, sequence=sequence)


def submit(
    state: DeployablePackage | None = None, digit: str = "a", facts: CheckFacts = NO_RELEASES
) -> Decision[DeployablePackage]:
    command = SubmitPackage(package=NAME, artifact=file(digit), file_name="november.zip")
    return CHECKS.submit(state, Envelope(id="1", source="test", time=NOW, data=command), facts, NOW)


def ended(result: Checked | None, failure: Failure | None = None) -> WorkEnded[Checked]:
    return WorkEnded("check", "", result, failure)


VALID = Checked(contents=CONTENTS, report=file("f"), warnings=1, rules=RULES, platform_version=PLATFORM)
INVALID = Checked(findings=(ERROR,), report=file("f"), errors=1, rules=RULES, platform_version=PLATFORM)
FAULT = Checked(problem=OURS)
KILLED_IT = Checked(problem=Problem(reason=Reason.CHECK_CRASHED, message="it died"), crashed=True)
EXHAUSTED = Failure("exhausted", "TimeoutError: not finished within 0:30:00", 4)
CRASHED = Failure("crashed", "the process ended in the middle, every time", 4)


def after(*results: Checked | Failure, checks: Checks = CHECKS) -> DeployablePackage:
    """A package whose checks ended so, the first one after it was submitted, the others after they were asked for."""
    state = kept(submit())
    for number, result in enumerate(results):
        if number:
            state = kept(checks.begin(state, NO_RELEASES, NOW))
        outcome = ended(None, result) if isinstance(result, Failure) else ended(result)
        state = kept(checks.checked(state, outcome, NO_RELEASES, NOW))
    return state


def kept(decision: Decision[DeployablePackage]) -> DeployablePackage:
    """The package after a decision."""
    assert decision.state
    return decision.state


def only(decision: Decision[DeployablePackage]) -> Event:
    [event] = decision.events
    return event
