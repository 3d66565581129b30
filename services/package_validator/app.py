"""package-validator: a package is submitted or merged, checked, told about, and one day retired."""

import tempfile
from datetime import timedelta
from pathlib import Path

from services.package_validator.domain import merges, projections, retiring, state, views
from services.package_validator.domain.checks import CheckFacts, Checks
from services.package_validator.domain.work import ATTEMPTS
from services.package_validator.reporting import rules_fingerprint
from services.package_validator.steps import Steps
from shared.artifacts.folder import FolderStore
from shared.children import Pool
from shared.contracts.package_validator import MergePackages, RetirePackage, RevalidatePackage, SubmitPackage
from shared.contracts.promotion_scheduler import ReleasePublished
from shared.contracts.registry import CATALOGUE
from shared.kernel.app import Aggregate, Fact, Load, On, OnTimer, OnWork, Service, Settings, make_service, run

PACKAGES = Aggregate("packages", state.DeployablePackage, view=views.package_view, called="package")
RELEASES = Aggregate("releases", projections.ReleasesProjection)
CHECK_FACTS = Load(CheckFacts, releases=Fact(RELEASES, lambda happening, package: projections.ALL))
MERGE_FACTS = Load(merges.MergeFacts, sources=Fact(PACKAGES, lambda command, package: command.sources))

CHILD = "services.package_validator.child"
"""The module whose processes open packages."""
GRACE = timedelta(minutes=20)
"""How long work may take beyond a check's own limit, at which it ends itself and says why."""


class ValidatorSettings(Settings):
    """What the validator needs to know beside what every service does."""

    artifacts: Path = Path(".drydock/artifacts")
    merging: Path | None = None
    """Folder where merged packages are written before they are stored; None: one for temporary files."""
    package_check_within: timedelta = timedelta(minutes=10)
    """How long a check may take; then it is tried again, and in the end undecided."""
    recheck_every: timedelta = timedelta(days=1)
    """How often a package with a verdict looks whether the rules or its release are others than they were."""


def make(settings: Settings) -> Service:
    """The table of package-validator."""
    assert isinstance(settings, ValidatorSettings)
    merging = settings.merging or Path(tempfile.gettempdir()) / "drydock-merging"
    children = Pool(CHILD, settings.work_slots)
    steps = Steps(FolderStore(settings.artifacts), children, merging, settings.package_check_within)
    checks = Checks(rules=rules_fingerprint(), look_every=settings.recheck_every)
    limit = settings.package_check_within + GRACE
    return make_service(
        "package-validator",
        CATALOGUE,
        On(SubmitPackage, PACKAGES, checks.submit, facts=CHECK_FACTS),
        On(RevalidatePackage, PACKAGES, checks.revalidate, facts=CHECK_FACTS, needs_state=True),
        On(RetirePackage, PACKAGES, retiring.retire, needs_state=True),
        On(MergePackages, PACKAGES, merges.merge, facts=MERGE_FACTS),
        OnWork(
            "merge",
            PACKAGES,
            steps.merge,
            merges.merged,
            facts=CHECK_FACTS,
            limit=limit,
            attempts=ATTEMPTS,
            needs_state=True,
        ),
        OnWork(
            "check",
            PACKAGES,
            steps.check,
            checks.checked,
            facts=CHECK_FACTS,
            limit=limit,
            attempts=ATTEMPTS,
            needs_state=True,
        ),
        OnTimer("look", PACKAGES, checks.look, facts=CHECK_FACTS, needs_state=True),
        On(ReleasePublished, RELEASES, projections.release_published, key=lambda event: projections.ALL),
    )


if __name__ == "__main__":
    run(make, ValidatorSettings())
