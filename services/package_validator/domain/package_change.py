"""A decision about a package in the making."""

from datetime import datetime

from services.package_validator.domain.announcements import announcement, check_failed, submitted
from services.package_validator.domain.projections import ReleasesProjection, candidates
from services.package_validator.domain.state import Basis, DeployablePackage, Retirement
from services.package_validator.domain.work import Checked, PackageCheckInput
from shared.contracts.package_validator import Judged, PackageStatus
from shared.contracts.parts import ArtifactRef, Problem
from shared.kernel import DecisionBuilder


class PackageChange(DecisionBuilder[DeployablePackage]):
    """A decision about a package."""

    def announce(self) -> None:
        """Say where it stands."""
        self.say(announcement(self.state))

    def announce_submitted(self) -> None:
        """Say that it waits for its check."""
        self.say(submitted(self.state))

    def begin_check(self, releases: ReleasesProjection | None) -> None:
        """Check its file. A verdict that it has stands until there is another."""
        if self.state.standing:
            self.replace(rechecking=True)
        else:
            self.move(PackageStatus.CHECKING, problem=None)
        given = PackageCheckInput(package=self.state.id, artifact=self.state.file, releases=candidates(releases))
        self.start("check", given)
        self.cancel("look")

    def merged(self, artifact: ArtifactRef) -> None:
        """There is a file that was made of others."""
        self.move(PackageStatus.CHECKING, artifact=artifact)

    def judged(self, result: Checked, report: ArtifactRef) -> None:
        """There is a verdict."""
        release = result.release
        judged = Judged(
            report=report,
            errors=result.errors,
            warnings=result.warnings,
            rules=result.rules,
            release=release.version if release else None,
            checked_at=self.now,
        )
        basis = Basis(
            platform_version=result.platform_version,
            rules=result.rules,
            release=judged.release,
            modules=release.modules.digest if release and release.modules else None,
        )
        self.move(
            PackageStatus.VALID if result.contents else PackageStatus.INVALID,
            contents=result.contents or self.state.contents,
            findings=result.findings,
            problem=None,
            judged=judged,
            basis=basis,
            rechecking=False,
        )
        self.announce()

    def undecided(self, problem: Problem, *, crashed: bool) -> None:
        """The check came to no verdict. One that stands goes on standing."""
        if self.state.standing:
            self.replace(rechecking=False)
            self.say(check_failed(self.state, problem))
        else:
            self.move(PackageStatus.QUARANTINED if crashed else PackageStatus.CHECK_FAILED, problem=problem)
            self.announce()

    def retired(self, actor: str | None, note: str) -> None:
        """It is offered no longer; a check that runs again is called off."""
        self.move(
            PackageStatus.RETIRED,
            problem=None,
            rechecking=False,
            retired=Retirement(actor=actor, at=self.now, note=note),
        )
        self.announce()
        self.cancel("look")
        self.call_off("check")

    def look_at(self, moment: datetime) -> None:
        """Look then whether its verdict still rests on what there is."""
        self.at("look", moment)
