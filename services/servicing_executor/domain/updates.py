"""Commands that bring an image: register, apply, promote. There is no queue: what cannot start now is refused."""

from dataclasses import dataclass
from datetime import datetime

from services.servicing_executor.domain.announced import AnnouncedPromotion
from services.servicing_executor.domain.draft import Draft
from services.servicing_executor.domain.extension_sets import change_by_update
from services.servicing_executor.domain.guards import (
    base_to_check,
    check_acknowledged,
    check_announced,
    check_base_known,
    check_candidate,
    check_in_time,
    check_name,
    check_versions,
    compare_modules,
    known,
    module_changes,
    running_update,
    valid_package,
)
from services.servicing_executor.domain.known import KnownImage, KnownPackage, KnownRelease, base_that_comes
from services.servicing_executor.domain.operations import start_operation
from services.servicing_executor.domain.state import Environment
from shared.contracts.envelope import Envelope
from shared.contracts.parts import (
    EnvironmentKind,
    PackageKind,
)
from shared.contracts.servicing_executor import (
    ApplyImage,
    ApplyUpdate,
    EnvironmentRegistered,
    EnvironmentStatus,
    OperationKind,
    Reason,
    RegisterEnvironment,
)
from shared.formats.versions import version_numbers
from shared.kernel import Decision, NotYet, Rejected

FIRST_UPDATE = "Initial deployment"


@dataclass(frozen=True)
class PackageFacts:
    """The package that a command names, and the release that it is the platform of."""

    package: KnownPackage | None
    release: KnownRelease | None


@dataclass(frozen=True)
class ImageFacts:
    """The image that a command names, and what was announced of its promotion."""

    image: KnownImage | None
    promotion: AnnouncedPromotion | None


def register(
    state: Environment | None, message: Envelope[RegisterEnvironment], facts: PackageFacts, now: datetime
) -> Decision[Environment]:
    """A new environment, which is provisioned at once. One whose provisioning failed may be registered again."""
    command = message.data
    if state is not None and (state.operation or state.status is not EnvironmentStatus.FAILED or state.running):
        raise Rejected(Reason.ENVIRONMENT_EXISTS, f"{command.environment} is registered already")
    package, contents = valid_package(command.package, command.project, facts.package, facts.release)
    if contents.kind is PackageKind.CUSTOMIZATION:
        raise Rejected(
            Reason.PLATFORM_NEEDED, f"{command.package} brings no platform; register with a platform or merged package"
        )
    fresh = Environment(
        id=command.environment,
        project=command.project,
        environment_kind=command.environment_kind,
        country=command.country,
        status=EnvironmentStatus.PROVISIONING,
    )
    draft = Draft(fresh, now)
    draft.events.append(
        EnvironmentRegistered(
            environment=command.environment,
            project=command.project,
            environment_kind=command.environment_kind,
            country=command.country,
        )
    )
    start_operation(
        draft,
        message,
        OperationKind.PROVISION,
        update_name=FIRST_UPDATE,
        package=command.package,
        package_artifact=package.artifact,
        package_contents=contents,
        base_version=base_that_comes(package, facts.release),
    )
    return draft.decision()


def apply_update(
    state: Environment | None, message: Envelope[ApplyUpdate], facts: PackageFacts, now: datetime
) -> Decision[Environment]:
    """A package is applied to a sandbox, under a name of its own."""
    command = message.data
    state = known(state, command.environment)
    if state.environment_kind is EnvironmentKind.PRODUCTION:
        raise Rejected(
            Reason.PRODUCTION_NEEDS_PROMOTION,
            f"{command.environment} is production: apply the package to a sandbox and promote the update",
        )
    running = running_update(state)
    package, contents = valid_package(command.package, state.project, facts.package, facts.release)
    check_name(state, command.update_name)
    check_versions(running.contents, contents)
    changes = module_changes(running.contents, contents)
    check_acknowledged(command, changes)
    base_version = base_that_comes(package, facts.release)
    change = change_by_update(state, running.contents.base_version, base_version)
    extensions = change.extensions if change else state.extensions
    if contents.kind is not PackageKind.CUSTOMIZATION:
        check_base_known(
            extensions, running.contents, command.package, base_version, acknowledged=command.acknowledge_unverifiable
        )
    draft = Draft(state, now)
    start_operation(
        draft,
        message,
        OperationKind.APPLY,
        changes=changes,
        update_name=command.update_name,
        package=command.package,
        package_artifact=package.artifact,
        package_contents=contents,
        acknowledged_modules=command.acknowledge_missing_modules,
        acknowledged_extensions=command.acknowledge_unverifiable,
        base_version=base_version,
        base=base_to_check(state.country, running.contents, base_version, extensions),
        extension_change=change,
    )
    return draft.decision()


def apply_image(
    state: Environment | None, message: Envelope[ApplyImage], facts: ImageFacts, now: datetime
) -> Decision[Environment]:
    """A candidate's image goes to production: the guards of the start, decided under the environment's lock.

    The scheduler has judged most of it when it was scheduled, by what it knew then; here it is judged by what this
    service knows itself.
    """
    command = message.data
    state = known(state, command.environment)
    if state.environment_kind is not EnvironmentKind.PRODUCTION:
        raise Rejected(Reason.NOT_PRODUCTION, f"{command.environment} is a sandbox; promotions go to production")
    check_in_time(command.not_after, now)
    running = running_update(state)
    sandbox = check_announced(state, command, facts.promotion, now)
    if facts.image is None:
        raise NotYet(
            f"there is no image {command.image}; apply a package to a sandbox to have one built",
            waits_for=command.image,
            reason=Reason.IMAGE_UNKNOWN,
        )
    check_candidate(state, command.image, facts.image, sandbox)
    if facts.image.project not in (None, state.project):
        raise Rejected(Reason.OTHER_PROJECT, f"the image belongs to {facts.image.project}")
    if running.image == command.image:
        raise Rejected(Reason.SAME_IMAGE, f"{command.environment} runs this image already")
    contents = facts.image.contents
    if version_numbers(contents.application_version) < version_numbers(running.contents.application_version):
        raise Rejected(
            Reason.HIGHER_VERSION,
            f"{command.environment} runs application {running.contents.application_version}, "
            f"the image has {contents.application_version}",
        )
    check_name(state, command.update_name)
    change = change_by_update(state, running.contents.base_version, contents.base_version)
    extensions = change.extensions if change else state.extensions
    check_base_known(
        extensions,
        running.contents,
        contents.platform_package,
        contents.base_version,
        acknowledged=command.acknowledge_unverifiable,
    )
    draft = Draft(state, now)
    draft.change(promotion=command.promotion)
    start_operation(
        draft,
        message,
        OperationKind.PROMOTE,
        changes=compare_modules(running.contents.modules, contents.modules, ()),
        update_name=command.update_name,
        promotion=command.promotion,
        image=command.image,
        contents=contents,
        acknowledged_extensions=command.acknowledge_unverifiable,
        base=base_to_check(state.country, running.contents, contents.base_version, extensions),
        extension_change=change,
    )
    return draft.decision()
