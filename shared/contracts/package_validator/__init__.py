"""Messages of package-validator: packages are submitted, checked, and found valid or not."""

from shared.contracts.package_validator.messages import (
    MESSAGES,
    MergePackages,
    PackageCheckFailed,
    PackageMergeFailed,
    PackageQuarantined,
    PackageRejected,
    PackageRetired,
    PackageSnapshot,
    PackageSubmitted,
    PackageValidated,
    RetirePackage,
    RevalidatePackage,
    SubmitPackage,
)
from shared.contracts.package_validator.parts import MOST_FINDINGS, FileName, Findings, Judged, TakenModule
from shared.contracts.package_validator.reasons import Reason
from shared.contracts.package_validator.states import PACKAGE_LIFECYCLE, PackageStatus

LIFECYCLES = (PACKAGE_LIFECYCLE,)

__all__ = [
    "LIFECYCLES",
    "MESSAGES",
    "MOST_FINDINGS",
    "PACKAGE_LIFECYCLE",
    "FileName",
    "Findings",
    "Judged",
    "MergePackages",
    "PackageCheckFailed",
    "PackageMergeFailed",
    "PackageQuarantined",
    "PackageRejected",
    "PackageRetired",
    "PackageSnapshot",
    "PackageStatus",
    "PackageSubmitted",
    "PackageValidated",
    "Reason",
    "RetirePackage",
    "RevalidatePackage",
    "SubmitPackage",
    "TakenModule",
]
