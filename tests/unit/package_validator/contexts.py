"""What sample packages are checked against: a release, a newer one, and a running image."""

import io
from dataclasses import replace
from typing import Any

from services.package_validator.deployable_package.checking import check_package
from services.package_validator.deployable_package.faults import Context
from services.package_validator.deployable_package.release import Release, ReleaseModule
from services.package_validator.deployable_package.target import ImageModule, TargetImage
from services.package_validator.deployable_package.verdict import Verdict

RELEASE = Release(
    version="10.0.45",
    platform_version="7.0.7606.108",
    application_version="10.0.2345.10",
    modules=(
        ReleaseModule(name="ApplicationPlatform"),
        ReleaseModule(name="ApplicationSuite", references=("ApplicationPlatform", "Hole")),
        ReleaseModule(name="Veteran"),
    ),
)
NEWER = Release(
    version="10.0.46", modules=(*RELEASE.modules[:2], ReleaseModule(name="Novelty", references=("Cavity",)))
)
TARGET = TargetImage(
    platform_version="7.0.7606.108",
    application_version="10.0.2345.10",
    modules=(
        ImageModule("ContosoCore", "1.2.3.0"),
        ImageModule("ContosoSales", "1.2.3.0"),
    ),
    platform_modules=frozenset({"applicationplatform", "applicationsuite"}),
)
_OLD = ImageModule("ContosoOld", "1.0.0.0", references=("ApplicationPlatform", "Ledger"))
_CONTEXTS: dict[Context, dict[str, Any]] = {
    "alone": {},
    "release": {"release": RELEASE, "newer_releases": (NEWER,)},
    "target": {"target": TARGET},
    "target with ContosoOld": {"target": replace(TARGET, modules=(*TARGET.modules, _OLD))},
}


def check(content: bytes, context: Context = "alone", **more: Any) -> Verdict:
    return check_package(io.BytesIO(content), **{**_CONTEXTS[context], **more})


def broken_rules(verdict: Verdict) -> list[tuple[str, str]]:
    """Return the findings as rule and path."""
    return [(finding.rule, finding.path) for finding in verdict.findings]
