"""What sample packages are checked against: a release, a newer one, and a running image."""

import io
from dataclasses import replace
from typing import Any

from shared.formats.deployable_package.damage.faults import Context
from shared.formats.deployable_package.judge.check import check_package
from shared.formats.deployable_package.judge.target import TargetImage, TargetModule
from shared.formats.deployable_package.judge.verdict import PackageVerdict
from shared.formats.deployable_package.read.release import Release, ReleaseModule

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
        TargetModule("ContosoCore", "1.2.3.0"),
        TargetModule("ContosoSales", "1.2.3.0"),
    ),
    platform_modules=frozenset({"applicationplatform", "applicationsuite"}),
)
_OLD = TargetModule("ContosoOld", "1.0.0.0", references=("ApplicationPlatform", "Ledger"))
_CONTEXTS: dict[Context, dict[str, Any]] = {
    "alone": {},
    "release": {"release": RELEASE, "newer_releases": (NEWER,)},
    "target": {"target": TARGET},
    "target with ContosoOld": {"target": replace(TARGET, modules=(*TARGET.modules, _OLD))},
}


def check(content: bytes, context: Context = "alone", **more: Any) -> PackageVerdict:
    return check_package(io.BytesIO(content), **{**_CONTEXTS[context], **more})


def broken_rules(verdict: PackageVerdict) -> list[tuple[str, str]]:
    """Return the findings as rule and path."""
    return [(finding.rule, finding.path) for finding in verdict.findings]
