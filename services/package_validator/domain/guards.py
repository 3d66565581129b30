"""What refuses a command about a package, or lets it wait."""

from services.package_validator.domain.state import DeployablePackage
from shared.contracts.package_validator import MergePackages, PackageStatus, Reason, SubmitPackage
from shared.contracts.scalars import project_of
from shared.kernel import NotYet, Rejected


def check_is_same_file(state: DeployablePackage, command: SubmitPackage) -> None:
    """A name stays with its file."""
    if state.artifact is None:
        made_of = ", ".join(state.merged_from)
        raise Rejected(Reason.NAME_TAKEN, f"{state.id} is being merged from {made_of}; choose another name")
    if state.artifact.digest != command.artifact.digest:
        raise Rejected(
            Reason.NAME_TAKEN, f"{command.package} is another file, {state.artifact.digest}; choose another name"
        )


def check_is_not_retired(state: DeployablePackage, consequence: str) -> None:
    """What is retired is offered and checked no longer; `consequence` says what follows from that."""
    if state.retired:
        actor = state.retired.actor or "an unknown user"
        raise Rejected(
            Reason.PACKAGE_RETIRED, f"{state.id} was retired by {actor} on {state.retired.at:%Y-%m-%d}; {consequence}"
        )


def check_is_merged(state: DeployablePackage) -> None:
    """There is a file to check."""
    if state.artifact is None:
        raise Rejected(Reason.NOT_CHECKED_YET, f"{state.id} is still being merged, and checked after that")


def check_has_ended(state: DeployablePackage) -> None:
    """Its merge and its first check have ended."""
    if state.artifact is None or state.status is PackageStatus.CHECKING:
        doing = "merged" if state.artifact is None else "checked"
        raise Rejected(Reason.NOT_CHECKED_YET, f"{state.id} is still being {doing}; retire it when that has ended")


def check_is_same_merge(state: DeployablePackage, command: MergePackages) -> None:
    """A name stays with the packages that it is made of."""
    if state.merged_from != command.sources or set(state.taken) != set(command.take):
        raise Rejected(Reason.NAME_TAKEN, f"{command.package} is another package; choose another name")


def check_sources(command: MergePackages) -> None:
    """Packages of one project are merged, each once."""
    if len(set(command.sources)) < len(command.sources):
        raise Rejected(Reason.MERGE_REFUSED, "a package is named twice; name each once")
    for name in command.sources:
        if project_of(name) != project_of(command.package):
            raise Rejected(
                Reason.OTHER_PROJECT,
                f"{name} belongs to another project than {command.package}",
                facts={"source": name},
            )
    if len({one.module.lower() for one in command.take}) < len(command.take):
        raise Rejected(Reason.MERGE_REFUSED, "a module is taken from two packages; name one for each")
    for one in command.take:
        if one.package not in command.sources:
            raise Rejected(
                Reason.MERGE_REFUSED,
                f"{one.module} is to be taken from {one.package}, which is not among those that are merged",
                facts={"source": one.package},
            )


def valid_source(name: str, source: DeployablePackage | None) -> DeployablePackage:
    """The package that is to be merged. Raise NotYet until it is checked, Rejected if it is not valid."""
    if source is None:
        raise NotYet(f"there is no package {name}", waits_for=name)
    if source.artifact is None or source.status is PackageStatus.CHECKING:
        raise NotYet(f"package {name} is still being checked", waits_for=name, reason=Reason.NOT_CHECKED_YET)
    if source.status is not PackageStatus.VALID:
        raise Rejected(
            Reason.SOURCE_NOT_VALID,
            f"package {name} is {source.status.value}; only valid packages can be merged",
            facts={"source": name, "status": source.status.value},
        )
    return source
