"""Which events a service takes, and which commands it gives to others. Tests compare with the services' code."""

from collections.abc import Mapping
from types import MappingProxyType

from shared.contracts import extension_compatibility_checker as checker
from shared.contracts import image_builder, notifier, package_validator, promotion_scheduler, servicing_executor
from shared.contracts.common import CommandRejected
from shared.contracts.message import Message

Flow = tuple[str, type[Message]]
"""The service whose topic it is, and the message."""

_CHECKED: tuple[Flow, ...] = (
    ("package-validator", package_validator.PackageValidated),
    ("package-validator", package_validator.PackageRejected),
    ("package-validator", package_validator.PackageCheckFailed),
    ("package-validator", package_validator.PackageQuarantined),
    ("package-validator", package_validator.PackageRetired),
)
_JUDGED: Flow = ("extension-compatibility-checker", checker.CompatibilityChecked)

TAKES: Mapping[str, tuple[Flow, ...]] = MappingProxyType(
    {
        "package-validator": (("promotion-scheduler", promotion_scheduler.ReleasePublished),),
        "image-builder": (("image-builder", image_builder.ImageBuilt),),
        "servicing-executor": (
            ("package-validator", package_validator.PackageSubmitted),
            *_CHECKED,
            ("image-builder", image_builder.ImageBuilt),
            ("image-builder", image_builder.ImageBuildFailed),
            ("image-builder", CommandRejected),
            _JUDGED,
            ("extension-compatibility-checker", CommandRejected),
            ("promotion-scheduler", promotion_scheduler.ReleasePublished),
            ("promotion-scheduler", promotion_scheduler.CandidateMarked),
            ("promotion-scheduler", promotion_scheduler.PromotionScheduled),
            ("promotion-scheduler", promotion_scheduler.PromotionStarted),
            ("promotion-scheduler", promotion_scheduler.PromotionCompleted),
            ("promotion-scheduler", promotion_scheduler.PromotionFailed),
            ("promotion-scheduler", promotion_scheduler.PromotionCancelled),
            ("promotion-scheduler", promotion_scheduler.PromotionRefused),
            ("promotion-scheduler", promotion_scheduler.RolloutPlanned),
            ("promotion-scheduler", promotion_scheduler.RolloutStarted),
            ("promotion-scheduler", promotion_scheduler.RolloutFinished),
            ("promotion-scheduler", promotion_scheduler.RolloutSkipped),
        ),
        "promotion-scheduler": (
            ("package-validator", package_validator.PackageSubmitted),
            *_CHECKED,
            ("servicing-executor", servicing_executor.EnvironmentRegistered),
            ("servicing-executor", servicing_executor.OperationAccepted),
            ("servicing-executor", servicing_executor.OperationFinished),
            ("servicing-executor", servicing_executor.ExtensionSetChanged),
            ("servicing-executor", CommandRejected),
            _JUDGED,
            ("extension-compatibility-checker", CommandRejected),
            ("extension-compatibility-checker", checker.RemovalDue),
            ("extension-compatibility-checker", checker.RemediationEnded),
            ("promotion-scheduler", promotion_scheduler.ReleasePublished),
        ),
        "extension-compatibility-checker": (
            ("extension-compatibility-checker", checker.BaseIndexed),
            ("extension-compatibility-checker", checker.ExtensionChecked),
            _JUDGED,
            ("servicing-executor", servicing_executor.EnvironmentRegistered),
            ("servicing-executor", servicing_executor.ExtensionSetChanged),
            ("servicing-executor", servicing_executor.OperationFinished),
            ("promotion-scheduler", promotion_scheduler.ReleasePublished),
            ("notifier", notifier.NotificationSent),
            ("notifier", notifier.NobodyTold),
        ),
        "notifier": (
            ("servicing-executor", servicing_executor.OperationAccepted),
            ("servicing-executor", servicing_executor.EnvironmentStatusChanged),
            ("servicing-executor", servicing_executor.OperationHeld),
            ("servicing-executor", servicing_executor.OperationFinished),
            ("promotion-scheduler", promotion_scheduler.PromotionScheduled),
            ("promotion-scheduler", promotion_scheduler.PromotionCancelled),
            ("promotion-scheduler", promotion_scheduler.PromotionRefused),
            ("promotion-scheduler", promotion_scheduler.RolloutPlanned),
            ("promotion-scheduler", promotion_scheduler.RolloutSkipped),
            ("promotion-scheduler", promotion_scheduler.RolloutFinished),
            ("extension-compatibility-checker", checker.ExtensionIncompatible),
            ("extension-compatibility-checker", checker.RemediationStarted),
            ("extension-compatibility-checker", checker.RemediationReminded),
            ("extension-compatibility-checker", checker.RemovalDue),
            ("extension-compatibility-checker", checker.RemediationEnded),
        ),
    }
)

_SENT = tuple(
    message
    for contracts in (
        package_validator,
        image_builder,
        servicing_executor,
        promotion_scheduler,
        checker,
        notifier,
    )
    for message in contracts.MESSAGES
    if message.senders
)
COMMANDS: Mapping[str, tuple[Flow, ...]] = MappingProxyType(
    {
        service: tuple((each.owner, each) for each in _SENT if service in each.senders and service != each.owner)
        for service in TAKES
        if any(service in each.senders and service != each.owner for each in _SENT)
    }
)
