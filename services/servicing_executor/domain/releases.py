"""A release of the vendor comes to an environment, and extensions that cannot come along leave it.

The environment keeps its own customization. Everything is decided under its lock: who sends the command judged the
extensions at a version of the set that may be out of date.
"""

from datetime import datetime

from services.servicing_executor.domain.bases import base_to_check
from services.servicing_executor.domain.environment_change import EnvironmentChange
from services.servicing_executor.domain.extension_sets import (
    change_by_update,
    dependents,
    names,
    removal_order,
    unmet_staged,
)
from services.servicing_executor.domain.facts import RolloutFacts
from services.servicing_executor.domain.guards import (
    check_base_known,
    check_in_time,
    check_name,
    check_rollout,
    check_versions,
    running_update,
    valid_package,
)
from services.servicing_executor.domain.modules import module_changes
from services.servicing_executor.domain.operations import new_operation, start_operation
from services.servicing_executor.domain.projections.platforms import PlatformReleaseProjection
from services.servicing_executor.domain.state import Environment, ExtensionChange
from shared.contracts.envelope import Envelope
from shared.contracts.parts import PackageContents, PackageKind
from shared.contracts.scalars import sentence
from shared.contracts.servicing_executor import ApplyRelease, OperationKind, Reason
from shared.kernel import Decision, NotYet, Rejected


def apply_release(
    state: Environment, message: Envelope[ApplyRelease], facts: RolloutFacts, now: datetime
) -> Decision[Environment]:
    """The release's platform takes the place of the one that runs; named extensions go, staged ones come."""
    command = message.data
    check_in_time(command.not_after, now)
    running = running_update(state)
    check_rollout(state, command, facts.rollout, now)
    package, contents = valid_package(command.package, state.project, facts.package, facts.release)
    release = _published(command, contents, facts.release)
    check_name(state, command.update_name)
    versions = (contents.platform_version, contents.application_version)
    if versions == (running.contents.platform_version, running.contents.application_version):
        # It came here another way since this was planned: there is nothing to bring, and no reason for a downtime.
        raise Rejected(Reason.SAME_IMAGE, f"{state.id} runs the platform of release {command.release} already")
    check_versions(running.contents, contents)
    _check_judged(state, command)
    base_version = release.base_version
    set_change = change_by_update(state, running.contents.base_version, base_version, command.remove_extensions)
    extensions = set_change.extensions if set_change else state.extensions
    if set_change:
        _check_whole(set_change)
    check_base_known(
        extensions, running.contents, command.package, base_version, acknowledged=command.acknowledge_unverifiable
    )
    wanted = new_operation(message, OperationKind.ROLL_OUT, now).replace(
        update_name=command.update_name,
        package=command.package,
        package_artifact=package.artifact,
        package_contents=contents,
        acknowledged_extensions=command.acknowledge_unverifiable,
        base_version=base_version,
        base=base_to_check(state.country, running.contents, base_version, extensions),
        extension_change=set_change,
    )
    return start_operation(EnvironmentChange(state, now), wanted, module_changes(running.contents, contents))


def _published(
    command: ApplyRelease, contents: PackageContents, release: PlatformReleaseProjection | None
) -> PlatformReleaseProjection:
    """The release that the package is the platform of. Raise NotYet while nobody has published it."""
    if contents.kind is not PackageKind.PLATFORM:
        raise Rejected(
            Reason.NOT_A_RELEASE,
            f"{command.package} is a {contents.kind.value} package; a release brings a platform package, and the "
            "environment keeps its own customization",
        )
    if release is None or release.version != command.release:
        what = f"the platform package of release {release.version}" if release else "no release's platform package"
        raise NotYet(
            f"{command.package} is {what}; publish release {command.release} with it first",
            waits_for=command.package,
            reason=Reason.NOT_A_RELEASE,
        )
    return release


def _check_judged(state: Environment, command: ApplyRelease) -> None:
    """Refuse if the set is another one than was judged, or if what is to be removed is not in it."""
    facts = {"set_version": state.set_version}
    if command.set_version is None and command.remove_extensions:
        raise Rejected(
            Reason.EXTENSION_SET_CHANGED,
            "name the set version at which the extensions to be removed were judged; it is "
            f"{state.set_version} in {state.id}",
            facts=facts,
        )
    if command.set_version not in (None, state.set_version):
        raise Rejected(
            Reason.EXTENSION_SET_CHANGED,
            f"the extensions of {state.id} were judged at set version {command.set_version}, it is "
            f"{state.set_version} now; check them again",
            facts=facts,
        )
    installed = {one.app_id for one in state.extensions}
    if unknown := [app_id for app_id in command.remove_extensions if app_id not in installed]:
        raise Rejected(
            Reason.EXTENSION_NOT_INSTALLED,
            sentence(f"{state.id} has no extension {', '.join(unknown)} to remove"),
            facts={"app_ids": unknown},
        )


def _check_whole(set_change: ExtensionChange) -> None:
    """Refuse to remove what others need that stay or come; `facts` name all of them, dependents first."""
    if needing := dependents(set_change.removed, set_change.extensions):
        order = removal_order([one.app_id for one in needing], needing)
        by_id = {one.app_id: one for one in needing}
        ordered = [by_id[app_id] for app_id in order]
        raise Rejected(
            Reason.EXTENSION_NEEDED,
            sentence(f"others depend on what is to be removed; remove these too, or none: {names(ordered)}"),
            facts={"dependents": [one.name for one in ordered], "app_ids": list(order)},
        )
    broken = unmet_staged(set_change.extensions, set_change.staged)
    if left := [one.extension for one in set_change.staged if one.extension.app_id in broken]:
        raise Rejected(
            Reason.EXTENSION_NEEDED,
            sentence(f"staged versions depend on what is to be removed; unstage them first: {names(left)}"),
            facts={"dependents": [one.name for one in left], "app_ids": [one.app_id for one in left]},
        )
